// What a stroke of the pen draws, and how a curve is written. The browser's tests draw real ones.

import assert from "node:assert/strict";
import test from "node:test";
import { beginning, nearest, stroke, written } from "../sketch.js";

/** @typedef {import("../sketch.js").Steps} Steps */

test("a quick stroke leaves no point out, in both directions", () => {
    const there = /** @type {Steps} */ (Array(5).fill(null));
    stroke(there, [0, 0], [4, 8]);
    assert.deepEqual(there, [null, 2, 4, 6, 8], "where it began, the pen has drawn before");
    const back = /** @type {Steps} */ ([9, 9, 9, 9, 9]);
    stroke(back, [4, 4], [1, 1]);
    assert.deepEqual(back, [9, 1, 2, 3, 9]);
    stroke(back, [2, 2], [2, 7]);
    assert.deepEqual(back, [9, 1, 7, 3, 9]);
});

test("the pen draws at the nearest place", () => {
    const places = [10, 20, 40].map((at) => ({ at, words: "" }));
    assert.deepEqual([-5, 14, 16, 29, 31, 99].map((at) => nearest(places, at)), [0, 0, 1, 1, 2, 2]);
});

test("a new point begins on the curve", () => {
    assert.equal(beginning([null, null, null], 1, 7), 7);
    assert.equal(beginning([2, null, null, 8], 1, 7), 4);
    assert.equal(beginning([null, 3, null], 0, 7), 3);
    assert.equal(beginning([null, 3, null], 2, 7), 3);
    assert.equal(beginning([1, 5, 2], 1, 7), 5);
});

test("a curve is written with the words of its axes, and without the points that are not drawn", () => {
    const place = (/** @type {string} */ words) => ({ at: 0, words });
    const pad = /** @type {import("../sketch.js").Pad} */ ({ xs: ["1", "10", "1,000"].map(place), ys: ["1 µs", "2 µs"].map(place) });
    assert.equal(written(pad, [0, null, 1]), "1: 1 µs; 1,000: 2 µs");
    assert.equal(written(pad, [null, null, null]), "");
});
