// What JupyterLab loads: a container with one module, the plugin. Others are made by a bundler; this one is short enough to be written.
(() => {
    const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
    const page = /** @type {Window & { _JUPYTERLAB?: Record<string, unknown> }} */ (window);
    /** The modules that JupyterLab shares. @type {unknown} */
    let scope;
    const container = {
        /** @param {unknown} shared */
        init(shared) { scope = shared; },
        async get() {
            const { plugin } = await import(new URL("./jupyterlab.js", src).href);
            const made = { __esModule: true, default: await plugin(scope) };
            return () => made;
        },
    };
    page._JUPYTERLAB = { ...page._JUPYTERLAB, "labs-page": container };
})();
