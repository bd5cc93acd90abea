// A sketch pad: the student draws the curve that they expect, over axes that `SketchPad` (figures/src/sketch_pad.rs) has drawn.
//
// The pad offers the curve to the page with an event that bubbles, `labs-sketch`. In JupyterLab our extension hands it to the kernel and
// says what the kernel has kept. Everywhere else nobody answers. The line of text for the notebook is always there.

import { button, copy, drawn, element, keepKeys, onKeys, Status } from "./parts.js";

/**
 * A place on an axis, in pixels of the picture, and its number as a person reads it.
 * @typedef {{ at: number, words: string }} Place
 */

/**
 * @typedef {object} Pad
 * @property {string} name
 * @property {string} title
 * @property {[number, number]} size Of the picture, in pixels.
 * @property {[number, number, number, number]} plot Left, right, top, bottom.
 * @property {string} across What the x axis shows.
 * @property {string} up What the y axis shows.
 * @property {Place[]} xs From left to right.
 * @property {Place[]} ys The steps, from the lowest to the highest.
 * @property {Steps} drawn
 * @property {[string, string]} line What stands before and behind the curve in the line for the notebook.
 */

/**
 * The step of the curve at each x, or nothing.
 * @typedef {(number | null)[]} Steps
 */

/** How long the pad waits for more before it hands a curve over, in milliseconds. */
const PACE = 50;

/**
 * The number of the place that is nearest.
 * @param {Place[]} places
 * @param {number} at
 */
export function nearest(places, at) {
    const far = places.map((place) => Math.abs(place.at - at));
    return far.indexOf(Math.min(...far));
}

/**
 * A stroke of the pen from one point to another: all between them are drawn, on a straight line.
 * @param {Steps} steps
 * @param {[number, number]} from The number of a point, and its step.
 * @param {[number, number]} to
 */
export function stroke(steps, [x0, y0], [x1, y1]) {
    const way = Math.sign(x1 - x0);
    for (let x = x0; x !== x1; x += way) {
        if (x !== x0) { steps[x] = Math.round(y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)); }
    }
    steps[x1] = y1;
}

/**
 * Where a point that is moved with the keyboard for the first time begins: where the curve would be there.
 * @param {Steps} steps
 * @param {number} x
 * @param {number} middle
 */
export function beginning(steps, x, middle) {
    const drawn = steps.flatMap((step, at) => (step === null ? [] : [{ at, step }]));
    const before = drawn.filter(({ at }) => at <= x).at(-1);
    const after = drawn.find(({ at }) => at >= x);
    if (before === undefined || after === undefined) { return (before ?? after)?.step ?? middle; }
    if (before.at === after.at) { return before.step; }
    return Math.round(before.step + ((after.step - before.step) * (x - before.at)) / (after.at - before.at));
}

/**
 * The curve as it is written in a notebook.
 * @param {Pad} pad
 * @param {Steps} steps
 */
export function written(pad, steps) {
    return steps.flatMap((step, x) => (step === null ? [] : [`${pad.xs[x].words}: ${pad.ys[step].words}`])).join("; ");
}

/** The page's side of a pad. */
export class SketchBoard {
    /**
     * @param {HTMLElement} board
     * @param {Pad} pad
     * @param {HTMLElement} root
     */
    constructor(board, pad, root) {
        this.pad = pad;
        this.root = root;
        /** @type {Steps} */
        this.steps = [...pad.drawn];
        /** The curve that the kernel has, as it is written. @type {string | undefined} */
        this.kept = undefined;
        /** Whether something was drawn on this page. */
        this.touched = false;
        this.active = 0;
        /** The last point of the pen. @type {[number, number] | undefined} */
        this.pen = undefined;
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        this.timer = undefined;

        this.curve = drawn("polyline", { class: "labs-sketch-curve" });
        this.points = pad.xs.map((x, index) => this.point(x, index));
        const [width, height] = pad.size;
        this.paper = drawn("svg", { class: "labs-sketch-paper", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": pad.title },
            this.curve, ...this.points);
        this.read = element("span", "labs-sketch-read");
        this.clear = button("Clear", "", () => this.wipe());
        this.status = new Status("labs-said");
        this.why = element("span", "");
        this.line = element("code", "");
        this.copy = button("Copy", "", async () => this.status.say(await copy(this.line)));
        this.mount(board);
    }

    /**
     * @param {Place} x
     * @param {number} index
     */
    point(x, index) {
        const { pad } = this;
        const name = `${pad.up}, at ${x.words} ${pad.across}`;
        const ends = { "aria-valuemin": 0, "aria-valuemax": pad.ys.length - 1 };
        const point = drawn("circle", { cx: x.at, r: 7, role: "slider", "aria-orientation": "vertical", "aria-label": name, ...ends });
        keepKeys(point);
        onKeys(point, (event) => this.key(event, index));
        point.addEventListener("focus", () => { this.active = index; this.show(); });
        return point;
    }

    /** @param {HTMLElement} board */
    mount(board) {
        const picture = this.root.querySelector(".labs-still img");
        const paper = element("div", "labs-sketch-sheet");
        if (picture !== null) {
            picture.replaceWith(paper);
            paper.append(picture);
        }
        paper.append(this.paper);
        this.paper.addEventListener("pointerdown", (event) => this.down(event));
        this.paper.addEventListener("pointermove", (event) => this.move(event));
        for (const end of ["pointerup", "pointercancel"]) { this.paper.addEventListener(end, () => this.lift()); }
        board.replaceChildren(
            element("p", "labs-sketch-how", "Draw your curve with the mouse or a finger. With the keyboard: Tab to a point, then ↑ ↓ and the page keys " +
                "move it, ← → go to the next one, and Delete takes it away."),
            element("div", "labs-row", this.clear.made, this.read),
            this.status.line,
            element("div", "labs-row", this.why, this.line, this.copy.made),
        );
        keepKeys(board);
        this.show();
        this.offer(undefined);
    }

    /**
     * Where the pen is, in pixels of the picture.
     * @param {PointerEvent} event
     */
    at(event) {
        const { left, top, width, height } = this.paper.getBoundingClientRect();
        const [wide, high] = this.pad.size;
        return [((event.clientX - left) * wide) / width, ((event.clientY - top) * high) / height];
    }

    /** @param {PointerEvent} event */
    down(event) {
        const [x, y] = this.at(event);
        const [left, right, top, bottom] = this.pad.plot;
        const room = 14;
        if (event.button !== 0 || x < left - room || x > right + room || y < top - room || y > bottom + room) { return; }
        event.preventDefault();
        this.paper.setPointerCapture(event.pointerId);
        const point = nearest(this.pad.xs, x);
        this.pen = [point, nearest(this.pad.ys, y)];
        this.points[point].focus({ preventScroll: true });
        this.draw(this.pen);
    }

    /** @param {PointerEvent} event */
    move(event) {
        if (this.pen === undefined) { return; }
        const [x, y] = this.at(event);
        this.draw([nearest(this.pad.xs, x), nearest(this.pad.ys, y)]);
    }

    /** The pen is lifted: the keyboard goes on where it was. */
    lift() {
        if (this.pen === undefined) { return; }
        this.points[this.pen[0]].focus({ preventScroll: true });
        this.pen = undefined;
    }

    /** @param {[number, number]} to */
    draw(to) {
        stroke(this.steps, this.pen ?? to, to);
        if (this.pen !== undefined) { this.pen = to; }
        this.active = to[0];
        this.changed();
    }

    /**
     * @param {KeyboardEvent} event
     * @param {number} index
     */
    key(event, index) {
        const highest = this.pad.ys.length - 1;
        const far = Math.max(2, Math.round(highest / 7));
        const ways = /** @type {Record<string, number>} */ ({ ArrowUp: 1, ArrowDown: -1, PageUp: far, PageDown: -far, Home: -highest, End: highest });
        const step = this.steps[index];
        if (event.key in ways) {
            const from = step ?? beginning(this.steps, index, Math.round(highest / 2));
            const only = step === null && Math.abs(ways[event.key]) < highest; // the first press shows where the point begins
            const to = only ? from : Math.min(highest, Math.max(0, from + ways[event.key]));
            this.draw([index, to]);
        } else if (event.key === "Delete" || event.key === "Backspace") {
            this.steps[index] = null;
            this.changed();
        } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
            const next = index + (event.key === "ArrowLeft" ? -1 : 1);
            this.points[Math.min(this.points.length - 1, Math.max(0, next))].focus();
        } else {
            return false;
        }
        return true;
    }

    wipe() {
        this.steps.fill(null);
        this.changed();
    }

    changed() {
        this.touched = true;
        this.show();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.offer([...this.steps]), PACE);
    }

    /**
     * Offers the curve to the page; without one, asks which curve the kernel has.
     * @param {Steps | undefined} steps
     */
    offer(steps) {
        const told = (/** @type {unknown} */ steps) => this.told(steps);
        const detail = { sketch: this.pad.name, steps, told };
        this.root.dispatchEvent(new CustomEvent("labs-sketch", { bubbles: true, detail }));
    }

    /**
     * The curve that the kernel has; nothing if it has none of this name.
     * @param {unknown} steps
     */
    told(steps) {
        const { xs, ys } = this.pad;
        const fits = (/** @type {unknown} */ step) => step === null || (Number.isInteger(step) && Number(step) >= 0 && Number(step) < ys.length);
        if (!Array.isArray(steps) || steps.length !== xs.length || !steps.every(fits)) {
            this.kept = undefined;
        } else {
            this.kept = written(this.pad, steps);
            if (!this.touched) { this.steps = [...steps]; }
        }
        this.show();
    }

    /** Puts everything on the page as it is now. */
    show() {
        const { pad, steps } = this;
        const middle = Math.round((pad.ys.length - 1) / 2);
        const [, , , bottom] = pad.plot;
        const corners = steps.flatMap((step, x) => (step === null ? [] : [`${pad.xs[x].at},${pad.ys[step].at}`]));
        this.curve.setAttribute("points", corners.join(" "));
        this.points.forEach((point, x) => {
            const step = steps[x];
            point.setAttribute("class", step === null ? "labs-sketch-none" : "labs-sketch-point");
            point.setAttribute("cy", String(step === null ? bottom : pad.ys[step].at));
            point.setAttribute("aria-valuenow", String(step ?? beginning(steps, x, middle)));
            point.setAttribute("aria-valuetext", step === null ? "nothing drawn" : pad.ys[step].words);
            point.setAttribute("tabindex", x === this.active ? "0" : "-1");
        });
        const step = steps[this.active];
        this.read.textContent = `at ${pad.xs[this.active].words}: ${step === null ? "nothing drawn" : pad.ys[step].words}`;
        const text = written(pad, steps);
        this.line.textContent = pad.line.join(text === "" ? "?" : text);
        const isKept = text !== "" && text === this.kept;
        this.root.classList.toggle("labs-sketch-kept", isKept);
        const isOffered = this.kept !== undefined && !isKept && text !== ""; // the answer is on its way
        if (isOffered) { return; }
        this.why.textContent = isKept ? "To have it after a restart too, put this in the place of sketch(…)? above:" : "Put this in the place of sketch(…)? in the cell above, and run it again:";
        if (isKept) {
            this.status.say("Your curve is kept. Go on to the measurement: it is drawn over your curve.");
        } else if (text === "") {
            this.status.say("Nothing is drawn so far.");
        } else {
            this.status.say("Your curve is on this page alone.");
        }
    }
}
