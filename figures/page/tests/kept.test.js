// Which of the figures that are drawn already is shown.

import assert from "node:assert/strict";
import test from "node:test";
import { figureAt } from "../kept.js";
import { valueAt, words } from "../knobs.js";

test("the last knob moves fastest", () => {
    const knobs = [{ high: 1 }, { high: 2 }];
    const all = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];
    assert.deepEqual(all.map((values) => figureAt(knobs, values)), [0, 1, 2, 3, 4, 5]);
});

test("a slider over stops stands at each of them and says its words", () => {
    const knob = /** @type {const} */ ({ name: "cost", unit: "", scale: "stops", low: 0, high: 2, choices: ["1 µs", "10 µs", "1000 µs"] });
    const values = [0, 1, 2].map((step) => valueAt({ ...knob, choices: [...knob.choices] }, step));
    assert.deepEqual(values, [0, 1, 2]);
    assert.deepEqual(values.map((value) => words({ ...knob, choices: [...knob.choices] }, value)), ["1 µs", "10 µs", "1000 µs"]);
});
