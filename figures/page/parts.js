// What the moving figures share. `figures/src/moving.rs` writes this file and the one of the figure into the output of a cell, as one script;
// the page of JupyterLab and the tests load them as modules.
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
 * A button; `key` is the key that does the same.
 * @param {string} name
 * @param {string} key
 * @param {() => void} act
 */
export function button(name, key, act) {
    const words = element("span", "", name);
    const made = element("button", "labs-button", words, ...(key === "" ? [] : [" ", element("kbd", "", key)]));
    made.type = "button";
    made.addEventListener("click", act);
    return { made, words };
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
 * Puts the text of `line` on the clipboard; where there is none, selects it. Returns what to say.
 * @param {HTMLElement} line
 */
export async function copy(line) {
    try {
        await navigator.clipboard.writeText(line.textContent ?? "");
        return "The line is copied.";
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
