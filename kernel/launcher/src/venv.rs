//! A Python environment: pinned versions, checked hashes, nothing of the user's own Python.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// A copy of the requirements that were installed; it is there when the installation went to its end.
const STAMP: &str = "labs-requirements.txt";

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

/// Makes the environment `venv`, with what the file `requirements` says, every hash checked; unless another process just did.
pub fn make(venv: &Path, requirements: &Path) -> Result<(), String> {
    let lock = File::create(venv.with_extension("lock"))
        .map_err(|error| format!("{} cannot be made: {error}", venv.display()))?;
    lock.lock()
        .map_err(|error| format!("Waiting for the process that makes it failed: {error}"))?;
    if is_made(venv, requirements) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(venv);
    run(
        python("python3").args(["-m", "venv"]).arg(venv),
        "The Python environment cannot be made. `sh deploy/doctor.sh` looks for what is missing",
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
    fs::copy(requirements, venv.join(STAMP))
        .map_err(|error| format!("{} cannot be written to: {error}", venv.display()))?;
    Ok(())
}

fn run(command: &mut Command, failure: &str) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{failure}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut last: Vec<&str> = said
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(5)
        .collect();
    last.reverse();
    Err(format!("{failure}\nIt said: {}", last.join("\n         ")))
}
