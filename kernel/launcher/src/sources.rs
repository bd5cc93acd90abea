//! The sources of Rust's standard library, the component `rust-src`: where it is missing, this adds it.

use crate::site::Site;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of their check in `deploy/doctor.sh`.
pub(crate) const NAME: &str = "Rust's sources";

const COMPONENT: &str = "rust-src";

/// Where they are, below the toolchain's folder.
const FOLDER: &str = "lib/rustlib/src";

/// Adds the component to the toolchain that the checkout uses.
///
/// rustup adds it to a toolchain that it installed itself. If the toolchain is only linked under the version's name, rustup may refuse.
/// Then this tries the name of the folder that the link leads to. If that fails too, it fetches the same version into a home of its own and
/// copies the sources from there.
pub fn add(site: Site<'_>) -> Result<(), String> {
    let Site {
        workspace, home, ..
    } = site;
    let sysroot = PathBuf::from(first_line(workspace, &["--print", "sysroot"])?);
    eprintln!("Adding the sources of Rust's standard library (rustup component add {COMPONENT}) …");
    let mut refusal = String::new();
    let real = fs::canonicalize(&sysroot).unwrap_or_else(|_| sysroot.clone());
    let mut commands = vec![component_add(None)];
    if let Some(name) = installed_as(&real) {
        commands.push(component_add(Some(&name)));
    }
    for mut command in commands {
        let said = run(command.current_dir(workspace));
        if is_there(&sysroot) {
            return Ok(());
        }
        if let Err(said) = said {
            refusal = said;
        }
    }
    fetch(workspace, home, &real).map_err(|why| {
        format!(
            "{COMPONENT} is missing in {} and cannot be added. rustup says: {refusal}; and {why}. Install the toolchain with \
             rustup instead of linking it, or have its owner run: rustup component add {COMPONENT}",
            sysroot.display()
        )
    })
}

fn is_there(sysroot: &Path) -> bool {
    sysroot
        .join(FOLDER)
        .join("rust/library/std/src/lib.rs")
        .is_file()
}

fn component_add(toolchain: Option<&str>) -> Command {
    let mut command = Command::new("rustup");
    command.args(["component", "add", COMPONENT]);
    if let Some(toolchain) = toolchain {
        command.args(["--toolchain", toolchain]);
    }
    command
}

/// The name under which rustup installed the toolchain in `folder`, where it did.
fn installed_as(folder: &Path) -> Option<String> {
    let above = folder.parent()?.file_name()?;
    (above == "toolchains").then(|| folder.file_name()?.to_str().map(str::to_string))?
}

/// Installs the version of the toolchain `sysroot` into a home of rustup's that is then thrown away, and copies the sources.
fn fetch(workspace: &Path, home: &Path, sysroot: &Path) -> Result<(), String> {
    let said = first_line(workspace, &["--version"])?;
    let version = said.split(' ').nth(1).unwrap_or_default();
    let own = home.join("rustup.new");
    let _ = fs::remove_dir_all(&own);
    fs::create_dir_all(&own)
        .map_err(|error| format!("{} cannot be made: {error}", own.display()))?;
    let result = (|| {
        run(Command::new("rustup")
            .args(["toolchain", "install", version, "--no-self-update"])
            .args(["--profile", "minimal", "--component", COMPONENT])
            .current_dir(&own) // outside the checkout's rust-toolchain.toml, should that be elsewhere
            .env("RUSTUP_HOME", &own)
            .env_remove("RUSTUP_TOOLCHAIN"))
        .map_err(|said| format!("Rust {version} cannot be fetched for them: {said}"))?;
        let fetched = fs::read_dir(own.join("toolchains"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .find(|toolchain| is_there(toolchain))
            .ok_or_else(|| format!("rustup installs Rust {version} without them"))?;
        let to = sysroot.join(FOLDER);
        let new = sysroot.join("lib/rustlib/src.new");
        let _ = fs::remove_dir_all(&new);
        run(Command::new("cp")
            .arg("-R")
            .arg(fetched.join(FOLDER))
            .arg(&new))
        .map_err(|said| format!("they cannot be copied there: {said}"))?;
        let _ = fs::remove_dir_all(&to); // left by an interrupted removal
        fs::rename(&new, &to).map_err(|error| format!("{} cannot be made: {error}", to.display()))
    })();
    let _ = fs::remove_dir_all(&own);
    result
}

/// The first line that rustc prints.
fn first_line(workspace: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("rustc")
        .args(arguments)
        .current_dir(workspace)
        .output()
        .map_err(|error| format!("`rustc` cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.lines().next() {
        Some(line) if output.status.success() => Ok(line.to_string()),
        _ => Err(format!("`rustc` fails ({})", output.status)),
    }
}

/// Runs a command; if it fails, the error says what it printed.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let telling = errors
        .lines()
        .find(|line| line.starts_with("error") || line.starts_with(&name));
    Err(match telling.or(errors.lines().next()) {
        Some(line) => line.trim().trim_end_matches('.').to_string(),
        None => format!("`{name}` fails ({})", output.status),
    })
}
