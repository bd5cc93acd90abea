// Each figure is written into an output as one script, `parts.js` first: no name may stand for two things there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

/** @param {string} name */
const part = (name) => readFileSync(new URL(`../${name}.js`, import.meta.url), "utf8").replace(/^import .*$/gm, "");

test("the scripts of a figure are one script", async () => {
    for (const names of [["race"], ["sketch"], ["trace"], ["game"], ["knobs", "kept"]]) {
        const whole = ["parts", ...names].map(part).join("\n");
        await import(`data:text/javascript,${encodeURIComponent(whole)}`);
    }
    const twice = part("parts") + part("parts");
    await assert.rejects(import(`data:text/javascript,${encodeURIComponent(twice)}`), SyntaxError);
});
