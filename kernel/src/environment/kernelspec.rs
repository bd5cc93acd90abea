//! The kernelspec: what JupyterLab reads to know how to start a kernel. It lies inside the environment, so no other Jupyter
//! on the machine sees it.

use crate::place::{Place, replace};
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const LOGOS: [(&str, &[u8]); 3] = [
    ("logo-svg.svg", include_bytes!("../../logo/logo.svg")),
    (
        "logo-32x32.png",
        include_bytes!("../../logo/logo-32x32.png"),
    ),
    (
        "logo-64x64.png",
        include_bytes!("../../logo/logo-64x64.png"),
    ),
];

/// What each lab's notebook says about its kernel. It is what JupyterLab would write, so that opening a lab changes nothing.
pub const IN_NOTEBOOKS: [(&str, &str); 3] = [
    ("display_name", "Rust"),
    ("language", "rust"),
    ("name", "rust"),
];

/// The folder of the kernelspec.
pub fn folder(place: &Place) -> PathBuf {
    place.venv().join("share/jupyter/kernels/rust")
}

/// Writes it.
pub fn write(place: &Place) -> Result<()> {
    let folder = folder(place);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let program = std::env::current_exe().context("This program's own path is not known")?;
    let mut env = Map::new();
    env.insert("LABS_WORKSPACE".into(), json!(place.workspace));
    env.insert("LABS_HOME".into(), json!(place.home));
    // JupyterLab may be started by something that does not have cargo on its path.
    if let Some(cargo) = on_path("cargo").and_then(|cargo| Some(cargo.parent()?.to_path_buf())) {
        env.insert(
            "PATH".into(),
            json!(format!("{}:${{PATH}}", cargo.display())),
        );
    }
    let program = program
        .to_str()
        .context("The program's path is not UTF-8; move it")?;
    write_to(&folder, program, env)
}

/// Writes a kernelspec that starts `program` with the settings `env`.
pub fn write_to(folder: &Path, program: &str, env: Map<String, Value>) -> Result<()> {
    let [(_, display_name), (_, language), _] = IN_NOTEBOOKS;
    let spec = json!({
        "argv": [program, "kernel", "--connection-file", "{connection_file}"],
        "display_name": display_name,
        "language": language,
        "interrupt_mode": "message",
        "env": env,
    });
    // JupyterLab may read it at any moment.
    replace(
        &folder.join("kernel.json"),
        &serde_json::to_vec_pretty(&spec)?,
    )?;
    for (name, bytes) in LOGOS {
        replace(&folder.join(name), bytes)?;
    }
    Ok(())
}

/// Where `program` is on the search path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
