//! The Python environment with JupyterLab: pinned versions, checked hashes, nothing of the user's own Python.

use crate::place::{Place, make_private};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of the requirements that were installed; it is there when the installation went to its end.
const STAMP: &str = "labs-requirements.txt";

fn requirements(place: &Place) -> PathBuf {
    place.notebooks().join("requirements.txt")
}

/// Whether JupyterLab is installed as the requirements say.
pub fn is_fresh(place: &Place) -> bool {
    is_made(&place.venv(), &requirements(place))
}

/// Makes JupyterLab's environment anew.
pub fn make(place: &Place) -> Result<()> {
    make_private(&place.home)?;
    make_in(&place.venv(), &requirements(place))
}

/// `program`, a Python or one that runs on it, without the settings that make it look for its parts elsewhere: they are made for
/// another Python.
pub fn python(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for foreign in ["PYTHONHOME", "PYTHONPATH"] {
        command.env_remove(foreign);
    }
    command
}

/// Whether the environment `venv` holds what the file `requirements` says.
pub fn is_made(venv: &Path, requirements: &Path) -> bool {
    let installed = fs::read(venv.join(STAMP));
    installed.is_ok_and(|installed| fs::read(requirements).is_ok_and(|wanted| wanted == installed))
        // Its Python may have been removed or replaced by an update of the system.
        && python(venv.join("bin/python")).arg("-c").arg("").status().is_ok_and(|s| s.success())
}

/// Makes the environment `venv` anew, with what the file `requirements` says, every hash checked.
pub fn make_in(venv: &Path, requirements: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(venv);
    run(
        python("python3").args(["-m", "venv"]).arg(venv),
        "The Python environment cannot be made. On Debian and Ubuntu: sudo apt install python3-venv",
    )?;
    run(
        python(venv.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
            ])
            .arg(requirements),
        "The Python packages cannot be installed. The first time needs the network; is it there?",
    )?;
    fs::copy(requirements, venv.join(STAMP))?;
    Ok(())
}

fn run(command: &mut Command, failure: &str) -> Result<()> {
    let output = command.output().with_context(|| failure.to_string())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(5)
            .collect();
        bail!(
            "{failure}\nIt said: {}",
            last.into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join("\n         ")
        );
    }
    Ok(())
}
