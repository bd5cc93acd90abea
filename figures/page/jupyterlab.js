// Knobs and sketches in JupyterLab: shows the outputs that are knobs, and carries what is said about both between page and kernel.
//
// Each notebook has one comm with its kernel. A page that is loaded anew cannot show new figures of a cell that an earlier page has run,
// so it takes knobs as live only when the kernel has said so since it was loaded.

import { Panel } from "./knobs.js";

const MIME = "application/vnd.labs.knobs+json";
const TARGET = "labs.page";

/** What a notebook's page and its kernel say to each other. */
class Line {
    /** @param {any} session the notebook's SessionContext */
    constructor(session) {
        this.session = session;
        /** @type {any} */
        this.comm = null;
        this.kernel = null;
        /** What the kernel has said of each set of knobs. @type {Map<string, any>} */
        this.known = new Map();
        /** @type {Set<View>} */
        this.views = new Set();
        /** The sketch pads on the page, by name: each wants to know which curve the kernel has. @type {Map<string, (steps: unknown) => void>} */
        this.pads = new Map();
        session.kernelChanged.connect(() => this.connect());
        session.statusChanged.connect((/** @type {any} */ _, /** @type {string} */ status) => {
            if (["restarting", "autorestarting", "dead", "terminating"].includes(status)) {
                this.lose();
            } else if (this.comm === null && this.kernel === null) {
                this.connect();
            }
        });
        this.connect();
    }

    /** The kernel that the knobs were of is gone. */
    lose() {
        [this.comm, this.kernel] = [null, null];
        this.known.clear();
        this.pads.forEach((told) => told(null));
        this.views.forEach((view) => view.told({ state: "gone" }));
    }

    async connect() {
        const kernel = this.session.session?.kernel ?? null;
        this.lose();
        if (kernel === null) { return; }
        this.kernel = kernel;
        try {
            const info = await kernel.info;
            // Another kernel would log an error about a target that it does not know.
            if (this.kernel !== kernel || this.comm !== null || info.implementation !== "labs") { return; }
            const comm = kernel.createComm(TARGET);
            comm.onMsg = (/** @type {any} */ message) => this.heard(message.content.data);
            comm.onClose = () => { if (this.comm === comm) { this.comm = null; } };
            comm.open({});
            this.comm = comm;
            [...this.pads.keys()].forEach((sketch) => this.say({ sketch }));
        } catch (error) {
            console.warn("Knobs cannot be moved on this page:", error);
        }
    }

    /** @param {any} data */
    heard(data) {
        if (typeof data?.sketch === "string") { this.pads.get(data.sketch)?.(data.steps); }
        if (typeof data?.set !== "string") { return; }
        if (data.state === "gone") {
            this.known.delete(data.set);
        } else {
            this.known.set(data.set, { ...this.known.get(data.set), ...data });
        }
        this.views.forEach((view) => view.set === data.set && view.told(data));
    }

    /**
     * A sketch pad offers its curve, or asks for the kernel's.
     * @param {{ sketch: string, steps?: unknown, told: (steps: unknown) => void }} pad
     */
    offered({ sketch, steps, told }) {
        this.pads.set(sketch, told);
        this.say(steps === undefined ? { sketch } : { sketch, steps });
    }

    /** @param {any} data */
    say(data) {
        if (this.comm !== null && !this.comm.isDisposed) { this.comm.send(data); }
    }
}

/** The output of one cell that is knobs. */
class View {
    /**
     * @param {any} node the element to fill
     * @param {Line} line
     */
    constructor(node, line) {
        this.node = node;
        this.line = line;
        this.set = "";
        /** @type {Panel | null} */
        this.panel = null;
        /** @type {any} */
        this.model = null;
        /** @type {MutationObserver | undefined} */
        this.outputs = undefined;
        line.views.add(this);
    }

    /** @param {any} model */
    show(model) {
        const { set, knobs, values } = model.data[MIME];
        this.model = model;
        if (this.set === set && this.panel !== null) { return; }
        this.set = set;
        this.node.textContent = "";
        const root = document.createElement("div");
        this.node.append(root);
        this.panel = new Panel(root, knobs, values, (data) => this.line.say({ set, ...data }));
        const known = this.line.known.get(set);
        if (known !== undefined) { this.told(known); }
    }

    /** Tells those who do not see it that a figure has changed: they stand in the outputs beside this one. */
    watch() {
        const outputs = this.node.closest(".jp-OutputArea");
        this.outputs = new MutationObserver((changes) => {
            if (changes.some(({ target }) => !this.node.contains(target))) { this.panel?.isDrawn(); }
        });
        if (outputs !== null) { this.outputs.observe(outputs, { childList: true, subtree: true }); }
    }

    /** @param {any} told */
    told(told) {
        this.panel?.told(told);
    }

    close() {
        this.outputs?.disconnect();
        this.line.views.delete(this);
    }
}

/**
 * The module `name` that JupyterLab shares.
 * @param {any} scope
 * @param {string} name
 */
async function shared(scope, name) {
    const [version] = Object.values(scope[name]);
    return (await version.get())();
}

/**
 * The plugin, for the modules that JupyterLab shares in `scope`.
 * @param {any} scope
 */
export async function plugin(scope) {
    const { INotebookTracker } = await shared(scope, "@jupyterlab/notebook");
    const { Widget } = await shared(scope, "@lumino/widgets");

    class Renderer extends Widget {
        /** @param {Line} line */
        constructor(line) {
            super();
            this.view = new View(this.node, line);
        }

        /** @param {any} model */
        async renderModel(model) {
            this.view.show(model);
        }

        onAfterAttach() {
            this.view.watch();
        }

        onBeforeDetach() {
            this.view.outputs?.disconnect();
        }

        dispose() {
            this.view.close();
            super.dispose();
        }
    }

    return {
        id: "labs-page:knobs",
        description: "Knobs above the figures of the coordination labs",
        autoStart: true,
        requires: [INotebookTracker],
        activate(/** @type {any} */ _app, /** @type {any} */ notebooks) {
            for (const sheet of ["./parts.css", "./knobs.css", "./slides.css"]) {
                const style = document.createElement("link");
                [style.rel, style.href] = ["stylesheet", new URL(sheet, import.meta.url).href];
                document.head.append(style);
            }
            const serve = (/** @type {any} */ notebook) => {
                const line = new Line(notebook.sessionContext);
                const createRenderer = () => new Renderer(line);
                notebook.node.addEventListener("labs-sketch", (/** @type {CustomEvent} */ event) => line.offered(event.detail));
                notebook.content.rendermime.addFactory({ safe: true, mimeTypes: [MIME], createRenderer }, 0);
            };
            notebooks.forEach(serve);
            notebooks.widgetAdded.connect((/** @type {any} */ _, /** @type {any} */ notebook) => serve(notebook));
        },
    };
}
