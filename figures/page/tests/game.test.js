// What the game knows of a protocol. The browser's tests play real ones.

import assert from "node:assert/strict";
import test from "node:test";
import { counted, listed, Play, read } from "../game.js";

/**
 * Two workers that set a word, then look at it: the last one to set it wins. A state is 3 × its number + what came of the step.
 * @param {number[]} after
 * @param {number} word
 * @param {number[]} places
 */
const state = (after, word, places, broken = /** @type {number[]} */ ([]), schedules = 1, bad = 0) => [after, [word], places, -1, broken, schedules, bad];

const protocol = () => read({
    title: "T", variable: "level", workers: [["set"], ["set"]], words: ["last"], rules: ["B is the last (at the end)"], start: 0,
    states: [
        state([3, 6], 0, [0, 0], [], 2, 1),
        state([-1, 9], 1, [1, 0]),
        state([12, -1], 2, [0, 1], [], 1, 1),
        state([-1, -1], 2, [1, 1]),
        state([-1, -1], 1, [1, 1], [0], 1, 1),
    ],
});

test("a play steps, is undone, and says what is left and what is broken", () => {
    const play = new Play(protocol());
    assert.deepEqual(play.ahead, [2n, 1n]);
    play.step(1);
    assert.deepEqual([play.word, play.changes, play.isOver], ["B", ["last 0 → 2"], false]);
    assert.equal(play.whyNot(1), "has done all its steps");
    play.finish();
    assert.deepEqual([play.word, play.isOver, play.broken], ["BA", true, ["B is the last (at the end)"]]);
    play.step(0); // there is nothing left to do
    assert.equal(play.word, "BA");
    play.undo();
    play.undo();
    assert.deepEqual([play.word, play.undo(), play.broken], ["", undefined, []]);
});

test("numbers and names as a person says them", () => {
    assert.equal(counted(1n, 1n), "1 schedule is still reachable, and it is bad.");
    assert.equal(counted(70n, 0n), "None of the 70 schedules still reachable is bad.");
    assert.equal(counted(1_000n, 1_000n), "All 1,000 schedules still reachable are bad.");
    assert.equal(counted(70n, 1n), "Of 70 schedules still reachable, 1 is bad.");
    assert.deepEqual([[], ["A"], ["A", "B"], ["A", "B", "C"]].map(listed), ["", "A", "A and B", "A, B and C"]);
});
