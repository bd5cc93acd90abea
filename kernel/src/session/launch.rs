//! How an inner kernel is started: the program `labs-evcxr`, with everything it may touch in one directory.

use super::toolchain::{self, Toolchain};
use super::{cells, config, rust_src, stand_in};
use crate::environment::{appendix::Appendix, tls};
use crate::log;
use crate::place::Place;
use anyhow::{Context, Result};
use labs_runtime::{descriptor, directory as session, watch};
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The part of a session's directory in which evcxr compiles.
pub const EVAL: &str = "eval";
/// Where evcxr finds the sources of the standard library.
const SOURCES: &str = "RUST_SRC_PATH";
/// Where the dynamic linker looks first.
const LIBRARIES: &str = "LD_LIBRARY_PATH";
/// If this is set, the standard library's sources keep the bodies of their functions, to compare with the reduced sources.
const WITH_BODIES: &str = "LABS_SOURCES_WITH_BODIES";
/// Tells `labsupport` where to keep the journal; empty for nowhere.
pub const JOURNAL: &str = "LABS_JOURNAL";
/// Tells `labsupport` which file describes the code that a check is about to run.
const CODE: &str = "LABS_CODE";
/// That file's name in the session's directory.
pub const CODE_FILE: &str = "code";
/// Tells `broker` which program its server is.
pub const BROKER: &str = "LABS_BROKER_PROGRAM";
/// Tells `broker` which program does TLS.
const TLS: &str = "LABS_BROKER_TLS";
/// Tells `lessons` where the Python with Celery is, whether it is installed or not.
pub const PEERS: &str = "LABS_PEERS_PYTHON";
/// Keeps cargo from asking the network.
pub const OFFLINE: &str = "CARGO_NET_OFFLINE";
/// The file for an inner kernel's standard error.
const LOG: &str = "log";

/// The journal in which cells write, as far as this process knows.
pub fn journal(place: &Place) -> PathBuf {
    std::env::var_os(JOURNAL).map_or_else(|| place.journal(), PathBuf::from)
}

/// The program with evcxr in it.
pub fn program() -> Result<PathBuf> {
    const NAME: &str = "labs-evcxr";
    let own = std::env::current_exe().context("This program's own path is not known")?;
    beside(&own, NAME).with_context(|| {
        format!(
            "There is no {NAME} beside {}. `cargo labs setup` builds both",
            own.display()
        )
    })
}

/// The program `name` in the folder of the program `own`, or in the folder above: a test's own program is one folder further down.
pub(super) fn beside(own: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = own.ancestors().skip(1).take(2);
    folders.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()))
}

/// The command that runs evcxr_jupyter with `connection_file`, and with `directory` as its private directory.
pub fn inner(place: &Place, directory: &Path, connection_file: &Path) -> Result<Command> {
    let mut command = Command::new(program()?);
    command
        .arg("--control_file")
        .arg(connection_file)
        .env(watch::PARENT, std::process::id().to_string())
        .env("EVCXR_TMPDIR", directory.join(EVAL))
        .env(CODE, directory.join(CODE_FILE))
        // evcxr rewrites a kernelspec called "rust" where it finds one; here it finds none.
        .env("JUPYTER_PATH", directory.join("jupyter"))
        // For a notebook in a folder without an evcxr.toml of its own.
        .env(
            "EVCXR_CONFIG_DIR",
            config::write_absolute(place, directory)?,
        )
        // evcxr's allocator is mimalloc: let it take memory only when it needs it, and give back the rest.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .env("MIMALLOC_PURGE_DELAY", "0")
        // evcxr prints which configuration it read, which no student needs; and a closed pipe would make it panic.
        .stdout(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(changes_builds) {
            command.env_remove(name);
        }
    }
    // rust-analyzer asks cargo which crates there are, and reads all of them for the types in cells. Dependencies that matter only for
    // compiling the labs' crates are excluded by this cfg in their Cargo.toml, which saves half of the reading.
    command.env(session::FLAGS, "--cfg rust_analyzer");
    command.env(JOURNAL, journal(place));
    if std::env::var_os(cells::FOLDER).is_none() {
        command.env(cells::FOLDER, place.cells());
    }
    if std::env::var_os(BROKER).is_none() && place.broker().is_file() {
        command.env(BROKER, place.broker());
    }
    if std::env::var_os(TLS).is_none() {
        let program = tls::program().ok().filter(|program| program.is_file());
        command.envs(program.map(|program| (TLS, program)));
    }
    command.env(PEERS, Appendix::Celery.venv(place).join("bin/python"));
    // Cells are compiled outside the checkout, where its rust-toolchain.toml does not reach.
    if std::env::var_os("RUSTUP_TOOLCHAIN").is_none() {
        let found = toolchain::find(place).ok();
        let name = found.and_then(|toolchain| toolchain.name());
        if let Some(name) = name.or_else(|| config::toolchain(place)) {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
    }
    // The crates that cells need were downloaded when the template was made. For others, the stand-in for cargo asks the network.
    command.env(OFFLINE, "true");
    if let Ok(toolchain) = toolchain::find(place) {
        let tools = stand_in::install(place, &toolchain, directory)?;
        // cargo sets this variable for the programs that it starts, and rust-analyzer would use that cargo.
        command.env("CARGO", tools.join("cargo"));
        // Before that one it would use the one that belongs to the user's rustup.
        command.env(
            session::CARGO_HOME,
            std::env::var_os("CARGO_HOME").unwrap_or_default(),
        );
        command.env("CARGO_HOME", tools.join("home"));
        let Toolchain { sysroot, libraries } = toolchain;
        // After the stand-ins comes the compiler itself: rustup's own programs would find out each time which toolchain is meant.
        command.env("PATH", with_first([tools, sysroot.join("bin")], "PATH")?);
        // A cell's library contains the path of the standard library relative to the folder that it was linked in, but evcxr moves it to
        // another folder. Under `cargo labs` cargo sets this already.
        command.env(LIBRARIES, with_first([libraries], LIBRARIES)?);
        let sources = match std::env::var_os(WITH_BODIES) {
            None => rust_src::trimmed(place, &sysroot),
            Some(_) => Some(rust_src::with_bodies(place)?),
        };
        if let Some(sources) = sources {
            command.env(SOURCES, sources);
        }
    }
    Ok(command)
}

/// Whether the environment variable `name` changes how cargo or rustc build cells. With it, the template would be built again for each
/// session, and a lab would measure a different program.
fn changes_builds(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "CARGO_TARGET_DIR",
        "RUSTC",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
    ];
    const BEGINNINGS: [&str; 3] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];
    NAMES.contains(&name)
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

/// The folders in the environment variable `name`, after `first`.
fn with_first<const N: usize>(first: [PathBuf; N], name: &str) -> Result<OsString> {
    let others = std::env::var_os(name).filter(|others| !others.is_empty());
    let others = others.iter().flat_map(std::env::split_paths);
    Ok(std::env::join_paths(first.into_iter().chain(others))?)
}

/// Puts the inner kernel on a leash, in a process group of its own, and gives its runtime the socket for output.
pub fn on_leash(
    command: &mut Command,
    directory: &Path,
    leash: UnixStream,
    output: &UnixDatagram,
) -> Result<()> {
    let log = File::create(directory.join(LOG))?;
    let handle = output.as_raw_fd();
    // Hide the sources until they are needed. Only a runtime of ours shows them again, so this is done only here.
    let sources = command.get_envs().find(|(name, _)| *name == SOURCES);
    if let Some((_, Some(sources))) = sources {
        let hidden = rust_src::hide(Path::new(sources), directory)?;
        command.env(SOURCES, hidden);
    }
    command
        .env(session::SESSION, directory)
        .env(session::OUTPUT, handle.to_string())
        .stdin(OwnedFd::from(leash))
        .stderr(log)
        .process_group(0);
    // SAFETY: between fork and exec only fcntl is called, which is a plain system call; the descriptor is open there, since
    // the child has a copy of all of ours and `output` lives until the child is started.
    unsafe {
        command.pre_exec(move || descriptor::keep_on_exec(BorrowedFd::borrow_raw(handle)));
    }
    Ok(())
}

/// The last lines of a session's log, without those that only report progress.
pub fn last_words(directory: &Path) -> String {
    log::last_lines(&directory.join(LOG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The value of the environment variable `name` for an inner kernel.
    fn given(name: &str) -> OsString {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::find().unwrap();
        let command = inner(&place, folder.path(), &folder.path().join("connection")).unwrap();
        let set = command.get_envs().find(|(set, _)| *set == name);
        set.unwrap().1.unwrap().to_os_string()
    }

    #[test]
    fn rust_analyzer_reads_no_crate_that_is_only_compiled() {
        let libraries = |flags: Option<OsString>| {
            let mut cargo = Command::new("cargo");
            cargo
                .args([
                    "metadata",
                    "--format-version=1",
                    "--offline",
                    "--filter-platform",
                ])
                .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
                .current_dir(Place::find().unwrap().workspace.join("lessons"));
            match flags {
                Some(flags) => cargo.env(session::FLAGS, flags),
                None => cargo.env_remove(session::FLAGS),
            };
            let said = cargo.output().unwrap();
            let metadata: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
            let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
            let is_ours = |id: &str| {
                ["labsupport", "manager", "broker", "figures", "lessons"]
                    .iter()
                    .any(|name| id.contains(&format!("/{name}#")))
            };
            let ours = nodes
                .iter()
                .filter(|node| is_ours(node["id"].as_str().unwrap()));
            let to_compile = |dep: &&serde_json::Value| {
                let kinds = dep["dep_kinds"].as_array().unwrap();
                kinds.iter().any(|kind| kind["kind"].is_null())
            };
            let names = ours
                .flat_map(|node| node["deps"].as_array().unwrap())
                .filter(to_compile);
            let mut names: Vec<String> = names
                .map(|dep| dep["name"].as_str().unwrap().into())
                .collect();
            names.sort();
            names.dedup();
            names
        };
        assert_eq!(
            libraries(Some(given(session::FLAGS))),
            ["broker", "figures", "labsupport", "manager", "serde"]
        );
        let all = [
            "broker",
            "figures",
            "labsupport",
            "libc",
            "manager",
            "plotters",
            "postcard",
            "rustix",
            "serde",
            "shared_memory",
        ];
        assert_eq!(libraries(None), all);
    }

    #[test]
    fn a_cell_finds_the_standard_library_wherever_the_labs_are() {
        let folders = given(LIBRARIES);
        let first = std::env::split_paths(&folders).next().unwrap();
        let names = fs::read_dir(&first)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let is_std = |name: &&String| name.starts_with("libstd-") && name.ends_with(".so");
        assert_eq!(
            names.iter().filter(is_std).count(),
            1,
            "{}",
            first.display()
        );
    }
}
