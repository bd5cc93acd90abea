// Knobs above figures that are drawn already, on a page without a kernel. `figures/src/kept.rs` has drawn one for each place where the knobs can
// stand, with the closure that a move runs in a notebook.

import { Panel } from "./knobs.js";

/**
 * The number of the figure for these values: the last knob is the one that moves fastest.
 * @param {{ high: number }[]} knobs
 * @param {number[]} values
 */
export function figureAt(knobs, values) {
    return knobs.reduce((at, { high }, index) => at * (high + 1) + values[index], 0);
}

/** The page's side of such knobs. */
export class KeptBoard {
    /**
     * @param {HTMLElement} board
     * @param {{ knobs: import("./knobs.js").Knob[], values: number[] }} data The value of a knob is the number of the place where it stands.
     * @param {HTMLElement} root
     */
    constructor(board, { knobs, values }, root) {
        /** @type {NodeListOf<HTMLElement>} */
        const figures = root.querySelectorAll(".labs-kept-figure");
        const place = document.createElement("div");
        board.append(place);
        root.prepend(board);
        const panel = new Panel(place, knobs, values, (said) => {
            if (!("values" in said)) { return; }
            const shown = figureAt(knobs, said.values);
            figures.forEach((figure, index) => { figure.hidden = index !== shown; });
            panel.isDrawn();
        });
        panel.told({ state: "kept" });
    }
}
