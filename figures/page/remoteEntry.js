// What JupyterLab loads: a container with one module, the plugin. Others are made by a bundler; this one is short enough to be written.
(() => {
    const here = document.currentScript.src;
    let scope;
    const container = {
        init: (/** @type {any} */ shared) => { scope = shared; },
        get: async () => {
            const { plugin } = await import(new URL("./jupyterlab.js", here).href);
            const made = { __esModule: true, default: await plugin(scope) };
            return () => made;
        },
    };
    window._JUPYTERLAB = { ...window._JUPYTERLAB, "labs-page": container };
})();
