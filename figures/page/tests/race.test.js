// What the race counts, and where its dots are. The browser's tests run a real one.

import assert from "node:assert/strict";
import test from "node:test";
import { counted, placeOf, rounds } from "../race.js";

/** @param {number} cost */
const runner = (cost) => ({ name: "n", cost, measured: "" });

test("what takes a second goes round once a second, and the others in proportion", () => {
    const [atomic, lock, manager] = [0.5, 14, 40_000].map(runner);
    assert.equal(rounds(atomic, atomic, 12), 12);
    assert.equal(rounds(lock, atomic, 28), 1);
    assert.equal(rounds(atomic, manager, 1), 80_000);
    assert.equal(rounds(manager, atomic, 80_000), 1);
});

test("rounds are whole, and before the first one a share of it", () => {
    assert.equal(counted(0), "0");
    assert.equal(counted(12.9), "12");
    assert.equal(counted(80_000), "80,000");
    assert.equal(counted(0.999_999_999_9), "1"); // a little below one, by rounding
    assert.equal(counted(0.25), "25 % of the first");
    assert.equal(counted(0.00007), "0.007 % of the first");
    assert.equal(counted(1e-9), "less than 0.001 % of the first");
});

test("a dot is in its round, unless it is too fast to be seen", () => {
    assert.equal(placeOf(2.5, 1), 0.5);
    assert.equal(placeOf(3, 1), 0);
    assert.equal(placeOf(0.999_999_999_99, 0.1), 0);
    assert.equal(placeOf(7.5, 3.1), undefined);
});
