// `node --test figures/page/tests`: what the script of a timeline that moves makes of its data. The browser's tests move real ones.

import assert from "node:assert/strict";
import test from "node:test";
import { clock, human, instants, laneWords, lockWords, placeAt, queueWords, read, speedFor, stateAt, ticks } from "../trace.js";

const data = () => read({
    title: "T", range: [0, 100], view: [0, 100], zero: 0, clock: "c", caption: "", gutter: 80,
    presences: ["", "not there yet", "gone home", "panicked", "ended from outside"], locks: ["", "waits for the lock", "has the lock"],
    lasts: ["", "has taken a pill"], kinds: [], signs: [],
    runs: [{
        name: "", flag: [30], whole: true, lock: true, lines: [[30, "flag set"]],
        lanes: [
            { name: "worker 0", states: [[0, 1], [10], [5, 0, 8], [5, 0, 8, 2], [20, 0, 0, 0, 1], [10, 2, 0, 0, 1]], marks: [[41, 6]], shade: null },
            { name: "worker 1", states: [[0], [7, 0, -10], [83, 4, -10]], marks: [], shade: null },
        ],
        queue: [[7, 1, null, 15, 15], [9, 2, null, 6, 7], [-1, 3, 50, null, null], [11, 4, null, 20, null]],
    }],
});

test("a lane is read at any instant", () => {
    const { runs: [{ lanes: [one, two] }] } = data();
    assert.deepEqual(one.states.map((/** @type {{ at: number }} */ state) => state.at), [0, 10, 15, 20, 40, 50]);
    const said = (/** @type {number} */ time) => laneWords(data(), one, time);
    assert.deepEqual([0, 9.9, 10, 15, 20, 40, 50, 1000].map(said), [
        "not there yet", "not there yet", "no task in its hand", "task 7 in its hand", "task 7 in its hand, has the lock",
        "no task in its hand, has taken a pill", "gone home, has taken a pill", "gone home, has taken a pill",
    ]);
    assert.equal(laneWords(data(), two, 95), "ended from outside, task 9 in its hand");
    assert.equal(stateAt(two, 89.9).task, -10);
});

test("a message waits, is on its way, is in doubt and is gone", () => {
    const { runs: [run] } = data();
    const places = (/** @type {number} */ time) => run.queue.map((/** @type {object} */ message) => placeAt(message, time));
    assert.deepEqual(places(0), ["not put", "not put", "not put", "not put"]);
    assert.deepEqual(places(6), ["waits", "on its way", "waits", "waits"]);
    assert.deepEqual(places(60), ["taken", "taken", "in doubt", "on its way"]);
    assert.equal(queueWords(run, 0), "empty");
    assert.equal(queueWords(run, 6), "2 tasks and 1 pill; 1 taken and not noted");
    assert.equal(queueWords(run, 60), "nothing certain; 1 taken and not noted; 1 here or taken by a worker that was ended: unknown");
    assert.equal(queueWords({ ...run, queue: null }, 6), "");
    assert.equal(queueWords({ ...run, queue: "unknown" }, 6), "unknown: notes are missing");
    assert.deepEqual([19, 20, 40].map((time) => lockWords(run, time)), ["free, as far as noted", "worker 0 has it", "free, as far as noted"]);
});

test("every change is an instant, once and in order", () => {
    assert.deepEqual(instants(data()), [0, 1, 2, 3, 4, 6, 7, 10, 15, 20, 30, 40, 41, 50, 90, 100]);
});

test("times are written as people write them, and on the clock with the digits that the view needs", () => {
    assert.deepEqual([0, 1, 999, 1234, 999_999, 12_345_678, -2e9].map(human), ["0 s", "1 ns", "999 ns", "1.23 µs", "1 ms", "12.3 ms", "-2 s"]);
    assert.equal(clock(12_345_678, 15e6), "12.35 ms");
    assert.equal(clock(12_345_678, 1500), "12.345678 ms");
    assert.equal(clock(-2_500_000, 15e6), "−2.50 ms");
    assert.equal(clock(-1, 15e6), "0.00 ms");
});

test("ticks are round and inside, and a speed can be followed", () => {
    assert.deepEqual(ticks(0, 15e6), [0, 5e6, 10e6, 15e6]);
    assert.deepEqual(ticks(-3.1, 2.2), [-3, -2, -1, 0, 1, 2]);
    assert.equal(speedFor(100e6), 100); // 10 s
    assert.equal(speedFor(15e6), 1000); // 15 s, and 1.5 s at 1/100
    assert.equal(speedFor(2e9), 10);
    assert.equal(speedFor(300e9), 1);
    for (let span = 1e3; span < 1e12; span *= 1.37) {
        const seconds = (span * speedFor(span)) / 1e9;
        assert.ok((seconds >= 5 && seconds <= 60) || span < 1e4 || span > 6e10, `${span}: ${seconds} s`);
    }
});
