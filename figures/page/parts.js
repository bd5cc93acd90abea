// What all figures on a page share, those that move and the knobs. `figures/src/moving.rs` writes this file and the one of the figure into the
// output of a cell, as one script; the page of JupyterLab and the tests load them as modules.
//
// Nothing here is loaded from elsewhere, and every text is put on the page as text.

/**
 * A new element with this class and these parts.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name
 * @param {(string | Node)[]} parts
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, name, ...parts) {
    const made = document.createElement(tag);
    if (name !== "") { made.className = name; }
    made.append(...parts);
    return made;
}

/**
 * A new part of a drawing.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {(string | Node)[]} parts
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawn(tag, attributes, ...parts) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, String(value)));
    made.append(...parts);
    return made;
}

/**
 * Sets a text that may be there already.
 * @param {Node} node
 * @param {string} text
 */
export function write(node, text) {
    if (node.textContent !== text) { node.textContent = text; }
}

/** Keys that a page shows by another name than the browser has for them. @type {Record<string, string>} */
const KEYS = { "←": "ArrowLeft", "→": "ArrowRight", "+": "Plus", "−": "Minus", Esc: "Escape", space: "Space" };

/**
 * A button; `key` is the key that does the same, and `help` what a mouse that rests on it is told.
 * @param {string} name
 * @param {string} key
 * @param {() => void} act
 * @param {string} help
 */
export function button(name, key, act, help = "") {
    const words = element("span", "", name);
    const made = element("button", "labs-button", words);
    if (key !== "") {
        const shown = element("kbd", "", key);
        shown.setAttribute("aria-hidden", "true"); // a screen reader gets it from the next line
        made.setAttribute("aria-keyshortcuts", KEYS[key] ?? key);
        made.append(" ", shown);
    }
    if (help !== "") { made.title = help; }
    made.type = "button";
    made.addEventListener("click", act);
    keepKeys(made);
    return { made, words };
}

/**
 * A slider from 0 to `last`, in whole steps.
 * @param {string} name
 * @param {number} last
 */
export function slider(name, last) {
    const made = element("input", name);
    [made.type, made.min, made.max, made.step] = ["range", "0", String(last), "1"];
    keepKeys(made);
    return made;
}

/**
 * A list of words, of which one is chosen.
 * @param {string} name
 * @param {string[]} words
 * @param {number} chosen
 */
export function choice(name, words, chosen) {
    const made = element("select", name);
    words.forEach((word) => made.add(new Option(word)));
    made.selectedIndex = chosen;
    keepKeys(made);
    return made;
}

/**
 * The keys belong to this part of the page, and not to the notebook around it, whose arrows go from cell to cell. JupyterLab looks at the
 * element that has the focus, so the mark must be there.
 * @param {Element} part
 */
export function keepKeys(part) {
    part.setAttribute("data-lm-suppress-shortcuts", "true");
}

/**
 * Lets `act` have the keys that are pressed in this part. What it answers `true` to was its own, and nobody else gets that. Keys with Ctrl, Alt or ⌘
 * are the browser's.
 * @param {Element} part
 * @param {(event: KeyboardEvent) => boolean} act
 */
export function onKeys(part, act) {
    part.addEventListener("keydown", (/** @type {any} */ event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !act(event)) { return; }
        event.preventDefault();
        event.stopPropagation();
    });
}

/** Whether the reader's system asks for no motion; the answer may change. */
export function reducedMotion() {
    return matchMedia("(prefers-reduced-motion: reduce)");
}

/** How long nothing may change before it is said, in milliseconds: a key that is held down would flood a screen reader. */
const SAY_AFTER = 300;

/** A line that a screen reader says when it changes, and not before it has said what it is saying. */
export class Status {
    /** @param {string} name */
    constructor(name) {
        this.line = element("p", name);
        this.line.setAttribute("role", "status");
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        this.timer = undefined;
    }

    /** Says it now. @param {string} words */
    say(words) {
        clearTimeout(this.timer);
        write(this.line, words);
    }

    /** Says it once nothing else is to be said for a while. @param {() => string} words */
    soon(words) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => write(this.line, words()), SAY_AFTER);
    }

    /** What was to be said soon is not said. */
    hush() {
        clearTimeout(this.timer);
    }
}

/**
 * Puts the text of `line` on the clipboard; where there is none, selects it. Returns what to say; `then` is what to do with a copy.
 * @param {HTMLElement} line
 * @param {string} then
 */
export async function copy(line, then = "") {
    try {
        await navigator.clipboard.writeText(line.textContent ?? "");
        return `The line is copied${then}.`;
    } catch {
        getSelection()?.selectAllChildren(line);
        return "The line is selected: copy it with Ctrl-C.";
    }
}

/**
 * Brings every figure of this kind on the page to life that is not alive yet.
 * @param {string} name
 * @param {new (board: HTMLElement, data: any, root: HTMLElement) => unknown} Figure
 */
export function mount(name, Figure) {
    for (const root of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`.labs-${name}`))) {
        const board = root.querySelector(".labs-board");
        const data = root.querySelector("script[type='application/json']");
        if (board instanceof HTMLElement && data && !root.classList.contains("labs-alive")) {
            root.classList.add("labs-alive");
            new Figure(board, JSON.parse(data.textContent ?? ""), root);
        }
    }
}
