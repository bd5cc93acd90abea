// Knobs on a page: a row for each, with its name, a slider or another control of the browser's own, and its value with its unit.
//
// This file knows nothing of JupyterLab, loads nothing but parts.js, and puts every text on the page as text.

import { choice, element, keepKeys, slider, Status, write } from "./parts.js";

/**
 * A knob, as `Knob` in figures/src/knob.rs writes it.
 * @typedef {object} Knob
 * @property {string} name
 * @property {string} unit
 * @property {"linear" | "log" | "integer" | "choice" | "switch" | "stops"} scale *Stops* is a slider that stops at each of the choices alone.
 * @property {number} low
 * @property {number} high
 * @property {string[]} choices
 */

/**
 * What can be done with the knobs: move them, run the cell again, or nothing; *kept* are those of a published page, whose figures are there already.
 * @typedef {"live" | "over" | "gone" | "kept"} State
 */

/** How many steps a slider has; one press of an arrow key is one step. Powers of ten are steps where the range has up to six of them. */
export const STEPS = 300;

/** The shortest time between two messages while a slider is dragged, in milliseconds. */
const PACE = 16;

/**
 * The value at a step of the slider, rounded to three digits, as a person would write it.
 * @param {Knob} knob
 * @param {number} step
 * @returns {number}
 */
export function valueAt(knob, step) {
    const { low, high, scale } = knob;
    if (step <= 0) { return low; }
    if (step >= steps(knob)) { return high; }
    if (scale === "integer" || scale === "stops") { return low + step; }
    const share = step / STEPS;
    const value = scale === "log" ? low * (high / low) ** share : low + (high - low) * share;
    return Math.min(high, Math.max(low, Number(value.toPrecision(3))));
}

/**
 * The step of the slider that is nearest to a value.
 * @param {Knob} knob
 * @param {number} value
 * @returns {number}
 */
export function stepOf(knob, value) {
    const { low, high, scale } = knob;
    if (scale === "integer" || scale === "stops") { return value - low; }
    if (high === low) { return 0; }
    const share = scale === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return Math.round(share * STEPS);
}

/**
 * The last step of the slider.
 * @param {Knob} knob
 * @returns {number}
 */
export function steps(knob) {
    return knob.scale === "integer" || knob.scale === "stops" ? knob.high - knob.low : STEPS;
}

/**
 * A value as a person reads it, with its unit.
 * @param {Knob} knob
 * @param {number} value
 * @returns {string}
 */
export function words(knob, value) {
    if (knob.scale === "choice" || knob.scale === "stops") { return withUnit(knob.choices[value] ?? "", knob.unit); }
    if (knob.scale === "switch") { return value === 1 ? "on" : "off"; }
    const exact = knob.scale === "integer" ? value : Number(value.toPrecision(3));
    const number = exact.toLocaleString("en", { maximumSignificantDigits: 15 });
    return withUnit(number, knob.unit);
}

/** @param {string} value @param {string} unit */
const withUnit = (value, unit) => (unit === "" ? value : `${value} ${unit}`);

/** What is said beside the button. */
const SAID = {
    live: "Move a knob, and the workers run again.",
    over: "",
    gone: "Run this cell to move the knobs.",
    kept: "Each of these figures was drawn by real workers when this page was made.",
};

/** So that each control has a name of its own, for its label. */
let made = 0;

/** The knobs above one figure. */
export class Panel {
    /**
     * Puts the knobs into `root`, which is empty.
     * @param {HTMLElement} root
     * @param {Knob[]} knobs
     * @param {number[]} values
     * @param {(data: { values: number[] } | { do: "done" | "explore" }) => void} send
     */
    constructor(root, knobs, values, send) {
        this.knobs = knobs;
        this.values = [...values];
        this.send = send;
        /** @type {State} */
        this.state = "gone";
        this.sent = 0;
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        this.timer = undefined;

        root.classList.add("labs-knobs");
        root.setAttribute("role", "group");
        root.setAttribute("aria-label", "Knobs");
        this.rows = knobs.map((knob, index) => this.row(root, knob, index));
        this.button = element("button", "labs-knobs-button");
        this.button.type = "button";
        keepKeys(this.button);
        this.button.addEventListener("click", () => this.press());
        this.said = element("span", "labs-knobs-said");
        this.said.setAttribute("role", "status");
        /** What those are told who do not see that the figure has changed. */
        this.drawn = new Status("labs-hidden");
        root.append(element("div", "labs-knobs-foot", this.button, this.said), this.drawn.line);
        this.show();
    }

    /**
     * @param {HTMLElement} root
     * @param {Knob} knob
     * @param {number} index
     */
    row(root, knob, index) {
        made += 1;
        const id = `labs-knob-${made}`;
        const value = element("span", "labs-knobs-value");
        const label = element("label", "labs-knobs-name", knob.name);
        const control = this.control(knob);
        value.id = `${id}-value`;
        [label.htmlFor, control.id] = [id, id];
        // A slider says its unit with its value, a list does not.
        if (knob.scale === "choice" && knob.unit !== "") { control.setAttribute("aria-describedby", value.id); }
        control.addEventListener("input", () => this.moved(index));
        root.append(label, control, value);
        return { control, value };
    }

    /** @param {Knob} knob */
    control(knob) {
        const name = "labs-knobs-control";
        if (knob.scale === "choice") { return choice(name, knob.choices, 0); }
        if (knob.scale !== "switch") { return slider(name, steps(knob)); }
        const made = element("input", name);
        made.type = "checkbox";
        made.setAttribute("role", "switch");
        keepKeys(made);
        return made;
    }

    /** The figure has been drawn again. */
    isDrawn() {
        if (this.state !== "live" && this.state !== "kept") { return; }
        this.drawn.soon(() => `The figure shows ${this.knobs.map((knob, index) => `${knob.name}: ${words(knob, this.values[index])}`).join(", ")}.`);
    }

    /** Puts everything on the page as it is now. */
    show() {
        this.knobs.forEach((knob, index) => {
            const { control } = this.rows[index];
            control.disabled = this.state !== "live" && this.state !== "kept";
            const value = this.values[index];
            if (control instanceof HTMLSelectElement) {
                control.selectedIndex = value;
            } else if (knob.scale === "switch") {
                control.checked = value === 1;
            } else {
                control.value = String(stepOf(knob, value));
            }
            this.showValue(index);
        });
        this.button.hidden = this.state === "gone" || this.state === "kept";
        this.button.textContent = this.state === "live" ? "Done" : "Explore";
        this.button.title = this.state === "live"
            ? "Keep this figure, and give the kernel back"
            : "Run this cell again, so that the knobs can be moved";
        write(this.said, SAID[this.state]);
    }

    /** @param {number} index */
    showValue(index) {
        const { control, value } = this.rows[index];
        const knob = this.knobs[index];
        const said = words(knob, this.values[index]);
        // A choice shows its word itself.
        value.textContent = knob.scale === "choice" ? knob.unit : said;
        if (control instanceof HTMLInputElement && control.type === "range") {
            control.setAttribute("aria-valuetext", said);
        }
    }

    /** @param {number} index */
    moved(index) {
        const { control } = this.rows[index];
        const knob = this.knobs[index];
        if (control instanceof HTMLSelectElement) {
            this.values[index] = control.selectedIndex;
        } else if (knob.scale === "switch") {
            this.values[index] = control.checked ? 1 : 0;
        } else {
            this.values[index] = valueAt(knob, Number(control.value));
        }
        this.showValue(index);
        // The first move goes at once; those that come too soon after it become one.
        const wait = this.sent + PACE - performance.now();
        if (this.timer === undefined) {
            if (wait <= 0) { this.pass(); } else { this.timer = setTimeout(() => this.pass(), wait); }
        }
    }

    pass() {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.sent = performance.now();
        if (this.state === "live" || this.state === "kept") { this.send({ values: this.values }); }
    }

    press() {
        if (this.state === "live") {
            this.pass(); // the last move counts
            this.send({ do: "done" });
        } else {
            this.said.textContent = "The cell is run again …";
            this.send({ do: "explore" });
        }
    }

    /**
     * The kernel has said something about these knobs.
     * @param {{ state?: State, values?: number[] }} told
     */
    told(told) {
        this.state = told.state ?? this.state;
        this.values = told.values === undefined ? this.values : [...told.values];
        this.show();
    }
}
