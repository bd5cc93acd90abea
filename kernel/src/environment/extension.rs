//! What we add to Jupyter: the extension of its server that keeps the spare kernel, and the extension of its page that shows knobs and makes slides large. Both lie
//! inside the environment, beside the kernelspec: so exactly the servers that are started from there have them.

use crate::place::{Place, replace};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The module, which goes where the environment's Python finds it.
pub const MODULE: (&str, &str) = (
    "labs_keeper.py",
    include_str!("../../jupyter/labs_keeper.py"),
);

/// The setting that turns it on, below the environment's folder.
pub const SETTING: (&str, &str) = (
    "etc/jupyter/jupyter_server_config.d/labs.json",
    include_str!("../../jupyter/labs.json"),
);

/// The extension of the page, below the environment's folder. JupyterLab looks for `package.json`.
pub const PAGE: [(&str, &str); 8] = [
    (
        "share/jupyter/labextensions/labs-page/package.json",
        include_str!("../../../figures/page/package.json"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/remoteEntry.js",
        include_str!("../../../figures/page/remoteEntry.js"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/jupyterlab.js",
        include_str!("../../../figures/page/jupyterlab.js"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/parts.js",
        include_str!("../../../figures/page/parts.js"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/parts.css",
        include_str!("../../../figures/page/parts.css"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/knobs.js",
        include_str!("../../../figures/page/knobs.js"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/knobs.css",
        include_str!("../../../figures/page/knobs.css"),
    ),
    (
        "share/jupyter/labextensions/labs-page/static/slides.css",
        include_str!("../../../figures/page/slides.css"),
    ),
];

/// Writes the files that are missing or have changed.
pub fn write(place: &Place) -> Result<()> {
    let venv = place.venv();
    write_one(&packages(&venv)?.join(MODULE.0), MODULE.1)?;
    for (file, text) in [SETTING].iter().chain(&PAGE) {
        write_one(&venv.join(file), text)?;
    }
    Ok(())
}

/// Where the environment's Python has its packages.
fn packages(venv: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(venv.join("lib")).into_iter().flatten();
    let mut packages = versions
        .flatten()
        .map(|version| version.path().join("site-packages"));
    packages
        .find(|packages| packages.is_dir())
        .with_context(|| {
            format!(
                "There are no Python packages in {}. Remove that folder and run `cargo labs setup`",
                venv.display()
            )
        })
}

fn write_one(file: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(file).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    replace(file, text.as_bytes())?;
    // Where the labs are set up for others, they read it too.
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_written_where_python_and_jupyter_look_and_only_once() {
        let home = tempfile::tempdir().unwrap();
        let place = Place {
            workspace: home.path().into(),
            home: home.path().into(),
        };
        let said = write(&place).unwrap_err().to_string();
        assert!(said.contains("run `cargo labs setup`"), "{said}");
        let packages = place.venv().join("lib/python3.12/site-packages");
        fs::create_dir_all(&packages).unwrap();
        write(&place).unwrap();
        let module = packages.join("labs_keeper.py");
        let setting = fs::read(place.venv().join(SETTING.0)).unwrap();
        let setting: serde_json::Value = serde_json::from_slice(&setting).unwrap();
        assert_eq!(
            setting["ServerApp"]["jpserver_extensions"]["labs_keeper"],
            true
        );
        // JupyterLab loads what the manifest names, and the style sheet is named in the script.
        let page = place.venv().join("share/jupyter/labextensions/labs-page");
        let manifest = fs::read(page.join("package.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let load = manifest["jupyterlab"]["_build"]["load"].as_str().unwrap();
        let entry = fs::read_to_string(page.join(load)).unwrap();
        let script = |name| fs::read_to_string(page.join("static").join(name)).unwrap();
        for (words, file) in [
            (entry, "./jupyterlab.js"),
            (script("jupyterlab.js"), "./knobs.js"),
            (script("jupyterlab.js"), "./knobs.css"),
            (script("knobs.js"), "./parts.js"),
            (script("jupyterlab.js"), "./parts.css"),
            (script("jupyterlab.js"), "./slides.css"),
        ] {
            assert!(
                words.contains(file) && page.join("static").join(file).is_file(),
                "{file}"
            );
        }
        let before = fs::metadata(&module).unwrap();
        write(&place).unwrap();
        assert_eq!(fs::metadata(&module).unwrap().ino(), before.ino());
        fs::write(&module, "older").unwrap();
        write(&place).unwrap();
        assert_eq!(fs::read_to_string(&module).unwrap(), MODULE.1);
    }
}
