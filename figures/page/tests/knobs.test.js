// `node --test figures/page/tests`: what a slider's steps mean. The browser's tests turn real knobs.

import assert from "node:assert/strict";
import test from "node:test";
import { STEPS, stepOf, steps, valueAt, words } from "../knobs.js";

/** @param {Partial<import("../knobs.js").Knob>} knob @returns {import("../knobs.js").Knob} */
const knob = (knob) => ({ name: "n", unit: "", scale: "linear", low: 0, high: 1, choices: [], ...knob });

const cost = knob({ scale: "log", low: 1, high: 1000, unit: "µs" });

test("the ends of a slider are exact, and each step lies between them", () => {
    for (const any of [cost, knob({ low: -1, high: 0.3 }), knob({ scale: "integer", low: 2, high: 9 }), knob({ scale: "log", low: 0.003, high: 7.77 })]) {
        assert.equal(valueAt(any, 0), any.low);
        assert.equal(valueAt(any, steps(any)), any.high);
        let before = any.low;
        for (let step = 1; step <= steps(any); step += 1) {
            const value = valueAt(any, step);
            assert.ok(value >= before && value <= any.high, `${any.low} to ${any.high}, step ${step}: ${value} after ${before}`);
            before = value;
        }
    }
});

test("a value stands at the step that gives it", () => {
    assert.equal(stepOf(cost, 1), 0);
    assert.equal(stepOf(cost, 1000), STEPS);
    assert.deepEqual([10, 100].map((value) => valueAt(cost, stepOf(cost, value))), [10, 100]);
    for (let step = 0; step <= STEPS; step += 1) {
        assert.ok(Math.abs(stepOf(cost, valueAt(cost, step)) - step) <= 1, `step ${step}`);
    }
    const workers = knob({ scale: "integer", low: 1, high: 8 });
    assert.deepEqual([1, 3, 8].map((value) => valueAt(workers, stepOf(workers, value))), [1, 3, 8]);
});

test("a range of one value does no harm", () => {
    for (const scale of /** @type {const} */ (["linear", "log", "integer"])) {
        const one = knob({ scale, low: 3, high: 3 });
        assert.equal(stepOf(one, 3), 0);
        assert.equal(valueAt(one, 0), 3);
    }
});

test("a value is said with its unit, its word, or on and off", () => {
    assert.equal(words(cost, 10), "10 µs");
    assert.equal(words(cost, 1000), "1,000 µs");
    assert.equal(words(cost, 0.123456), "0.123 µs");
    assert.equal(words(knob({ scale: "integer", low: 0, high: 1e6 }), 123456), "123,456");
    assert.equal(words(knob({ scale: "choice", choices: ["locked", "<b>"] }), 1), "<b>");
    assert.equal(words(knob({ scale: "choice", choices: [] }), 1), "");
    assert.deepEqual([0, 1].map((value) => words(knob({ scale: "switch" }), value)), ["off", "on"]);
});
