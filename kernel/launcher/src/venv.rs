//! A Python environment: pinned versions, checked hashes, nothing of the user's own Python.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of the requirements that were installed. It is written last, so an installation that was cut short has none.
const STAMP: &str = "labs-requirements.txt";

/// Runs `program`, a Python or a program that runs on one, without the settings that make it look for modules elsewhere: those are meant
/// for another Python.
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

/// Whether `environment`, which somebody else has made, holds what the file `requirements` says: each package in the version that the file
/// names. Packages that only some systems need may be missing.
pub fn holds(environment: &Path, requirements: &Path) -> bool {
    let Ok(requirements) = fs::read_to_string(requirements) else {
        return false;
    };
    let installed = packages(environment);
    let mut wanted: BTreeMap<String, Pinned> = BTreeMap::new();
    for (name, version, for_some) in requirements.lines().filter_map(pin) {
        let pinned = wanted.entry(normal(name)).or_default();
        pinned.versions.insert(version);
        pinned.everywhere |= !for_some;
    }
    let is_right = |(name, pinned): (&String, &Pinned)| match installed.get(name) {
        Some(version) => pinned.versions.contains(version.as_str()),
        None => !pinned.everywhere,
    };
    !wanted.is_empty() && wanted.iter().all(is_right)
}

/// What a file of requirements says of one package.
#[derive(Default)]
struct Pinned<'a> {
    versions: BTreeSet<&'a str>,
    /// It is needed on every system.
    everywhere: bool,
}

/// What a line of a file of requirements pins: a package, its version, and whether it is for some systems alone.
fn pin(line: &str) -> Option<(&str, &str, bool)> {
    let line = line.trim_end_matches('\\');
    let (pin, marker) = line.split_once(';').unwrap_or((line, ""));
    let (name, version) = pin.split_once("==")?;
    (!name.starts_with('#')).then(|| (name.trim(), version.trim(), !marker.is_empty()))
}

/// The packages in `environment`, each with its version.
fn packages(environment: &Path) -> BTreeMap<String, String> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut packages = BTreeMap::new();
    for python in entries(environment.join("lib")) {
        for site in ["site-packages", "dist-packages"] {
            for entry in entries(python.path().join(site)) {
                let file = entry.file_name();
                let about = file
                    .to_str()
                    .and_then(|file| file.strip_suffix(".dist-info"));
                if let Some((name, version)) = about.and_then(|about| about.rsplit_once('-')) {
                    packages.insert(normal(name), version.to_string());
                }
            }
        }
    }
    packages
}

/// A package's name in the form in which names can be compared: `Jinja2` is `jinja2`, and `ruamel.yaml` is `ruamel_yaml`.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['-', '.'], "_")
}

/// Makes the environment `venv` with the packages in the file `requirements`, and checks every hash. Does nothing if another process has
/// just made it. If it fails, nothing half made is left.
pub fn make(venv: &Path, requirements: &Path) -> Result<(), String> {
    let lock = File::create(venv.with_extension("lock"))
        .map_err(|error| format!("{} cannot be made: {error}", venv.display()))?;
    lock.lock()
        .map_err(|error| format!("Waiting for the process that makes it failed: {error}"))?;
    if is_made(venv, requirements) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(venv);
    let made = fill(venv, requirements);
    if made.is_err() {
        let _ = fs::remove_dir_all(venv);
    }
    made
}

fn fill(venv: &Path, requirements: &Path) -> Result<(), String> {
    run(
        python("python3").args(["-m", "venv"]).arg(venv),
        "The Python environment cannot be made. `sh deploy/doctor.sh` looks for what is missing",
    )?;
    run(
        pip_install(venv)
            .args(["--require-hashes", "-r"])
            .arg(requirements),
        "The Python packages cannot be installed. The first time needs the network: check that it is there, then run the same command again.",
    )?;
    fs::copy(requirements, venv.join(STAMP))
        .map_err(|error| format!("{} cannot be written to: {error}", venv.display()))?;
    Ok(())
}

/// `pip install` of the environment `venv`.
pub(crate) fn pip_install(venv: &Path) -> Command {
    let mut pip = python(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip
}

pub(crate) fn run(command: &mut Command, failure: &str) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIREMENTS: &str = "# via nothing==1\nJinja2==3.1 \\\n    --hash=sha256:00\n    # via ours\nprompt-toolkit==3.0\n\
        tornado==6.5 ; python_version < '3.11' \\\n    --hash=sha256:00\ntornado==6.6 ; python_version >= '3.11'\n\
        appnope==1.0.0 ; sys_platform == 'darwin'\n";

    #[test]
    fn an_environment_holds_what_is_pinned_or_it_does_not() {
        let folder = std::env::temp_dir().join(format!("labs-holds-{}", std::process::id()));
        let site = folder.join("lib/python3.12/site-packages");
        let requirements = folder.join("requirements.txt");
        let install =
            |package: &str| fs::create_dir_all(site.join(format!("{package}.dist-info"))).unwrap();
        let remove =
            |package: &str| fs::remove_dir(site.join(format!("{package}.dist-info"))).unwrap();
        fs::create_dir_all(&site).unwrap();
        assert!(!holds(&folder, &requirements), "nothing is asked for");
        fs::write(&requirements, REQUIREMENTS).unwrap();
        for package in [
            "jinja2-3.1",
            "prompt_toolkit-3.0",
            "tornado-6.6",
            "other-1.0",
        ] {
            install(package);
        }
        assert!(holds(&folder, &requirements));
        remove("jinja2-3.1");
        assert!(!holds(&folder, &requirements), "one is missing");
        install("Jinja2-3.1");
        assert!(holds(&folder, &requirements));
        remove("tornado-6.6");
        install("tornado-6.7");
        assert!(!holds(&folder, &requirements), "another version");
        fs::remove_dir_all(&folder).unwrap();
    }
}
