//! What an answer of cargo's depends on in a session, as numbers to compare: manifest, lock file, configuration, environment, toolchain, the
//! labs' crates and what was built of them.
//!
//! Within a session, files are compared by everything that the file system knows of them, so that a file whose time was set back counts as
//! another. A session's own files are copies of the template's, so between sessions those are compared by what copies keep, and texts without
//! the path of the session's directory.

use super::cells::number;
use super::config;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use toml::Table;

/// How cargo and the compiler tell each other how many processes there may be. The pipes in them are one build's own.
pub(super) const JOB_SERVER: [&str; 3] = ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"];
/// Variables that the compiler and the linker read beside those of cargo's.
pub(super) const LINKER: [&str; 5] = [
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LD_RUN_PATH",
    "LIBRARY_PATH",
    "SOURCE_DATE_EPOCH",
];
/// Names the file that cargo takes for the lock file. It is a copy with another name each time.
const LOCK_FILE: &str = "CARGO_RESOLVER_LOCKFILE_PATH";
/// Stands for the path of a session's directory.
const SESSION: &str = "<session>";

/// Everything on which it depends what cargo answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What cargo reads.
    pub inputs: u64,
    /// The lock file, which cargo reads, and writes where it names crates that cells do not need.
    pub lock: u64,
    /// What it has built: the crates of cells.
    built: u64,
    /// What cargo reads, as far as it is the same in every session.
    everywhere: u64,
    /// What it has built, as far as copies of it are the same.
    copied: u64,
}

impl State {
    /// For a call of `cargo` with `arguments` in `folder`, which is where cells are compiled, or the sources of the standard library.
    ///
    /// # Errors
    /// If something cannot be read, or if cells have crates of their own, which may lie anywhere.
    pub(super) fn look(
        cargo: &Path,
        compiler: &Path,
        session: &Path,
        folder: &Path,
        arguments: &[String],
    ) -> Result<State> {
        let directory = session.to_str().context("not UTF-8")?;
        let mut inputs = DefaultHasher::new();
        let mut everywhere = DefaultHasher::new();
        arguments.hash(&mut inputs);
        folder.hash(&mut inputs);
        for text in arguments.iter().map(String::as_str).chain(folder.to_str()) {
            general(text, directory).hash(&mut everywhere);
        }
        for (name, value) in std::env::vars_os().collect::<BTreeMap<_, _>>() {
            (&name, &value).hash(&mut inputs);
            if name == LOCK_FILE {
                fs::read(value)?.hash(&mut everywhere);
            } else if name.to_str().is_some_and(reaches_builds) {
                let value = value.to_str().context("not UTF-8")?;
                (name, general(value, directory)).hash(&mut everywhere);
            }
        }
        // These are the same files in each session.
        let mut shared = DefaultHasher::new();
        for program in [cargo, compiler] {
            file(program)?.hash(&mut shared);
        }
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
        let above = folder.ancestors().map(|folder| folder.join(".cargo"));
        for folder in above.chain(home) {
            for name in ["config", "config.toml"] {
                fs::read(folder.join(name)).ok().hash(&mut shared);
            }
        }
        let mut lock = DefaultHasher::new();
        let mut made = DefaultHasher::new();
        let mut copied = DefaultHasher::new();
        if folder == fs::canonicalize(session.join("eval"))? {
            let own: Table = fs::read_to_string(session.join("own.toml"))?.parse()?;
            let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
            let sorted: Table = manifest.parse()?;
            let own = own.get("dependencies").and_then(toml::Value::as_table);
            let own = own.context("there are crates of the labs")?;
            let wanted = sorted.get("dependencies").and_then(toml::Value::as_table);
            ensure!(
                wanted.is_none_or(|wanted| wanted.is_empty() || wanted == own),
                "cells have crates of their own"
            );
            manifest.hash(&mut inputs);
            // evcxr writes the dependencies in another order each time.
            general(&sorted.to_string(), directory).hash(&mut everywhere);
            let locked = fs::read(folder.join("Cargo.lock")).ok();
            locked.hash(&mut lock);
            for (_, dependency) in own {
                let path = dependency.get("path").and_then(toml::Value::as_str);
                let path = Path::new(path.context("they lie in folders")?);
                for folder in config::sources(path) {
                    files(&folder, &mut shared)?;
                }
                // Manifests above it may be its workspace's.
                for folder in path.ancestors() {
                    file(&folder.join("Cargo.toml")).ok().hash(&mut shared);
                }
            }
            for path in built(folder)? {
                (file(&path)?, &path).hash(&mut made);
                (lasting(&path)?, path.file_name()).hash(&mut copied);
            }
        } else {
            ensure!(
                folder == fs::canonicalize(session.join("library"))?,
                "it is not a folder of the session's"
            );
            for path in manifests(folder)? {
                (fs::read(&path)?, path).hash(&mut shared);
            }
        }
        let shared = shared.finish();
        shared.hash(&mut inputs);
        shared.hash(&mut everywhere);
        Ok(State {
            inputs: inputs.finish(),
            lock: lock.finish(),
            built: made.finish(),
            everywhere: everywhere.finish(),
            copied: copied.finish(),
        })
    }

    /// The same in every session in which cargo does the same with a cell.
    pub(super) fn of_a_cell(&self) -> u64 {
        number(&(self.everywhere, self.lock, self.copied))
    }

    /// The same in every session in which cargo answers the same, whether it `reads_the_lock_file` or not.
    pub(super) fn of_an_answer(&self, reads_the_lock_file: bool) -> u64 {
        number(&(self.everywhere, reads_the_lock_file.then_some(self.lock)))
    }
}

/// Whether cargo, the compiler or the linker reads the variable `name`.
fn reaches_builds(name: &str) -> bool {
    const NAMES: [&str; 5] = ["CC", "CFLAGS", "HOME", "LD_LIBRARY_PATH", "PATH"];
    let begins = ["CARGO", "RUST"]
        .iter()
        .any(|begin| name.starts_with(begin));
    (begins || NAMES.contains(&name) || LINKER.contains(&name)) && !JOB_SERVER.contains(&name)
}

/// `text` without the path of the session's directory.
pub(super) fn general(text: &str, directory: &str) -> String {
    text.replace(directory, SESSION)
}

/// As [`general`], for a text that is kept for other sessions. `None` where that would not lead back to what it was: a part of the directory's
/// name is left, perhaps because it is written in another way, or the text has the sign for it already.
pub(super) fn for_any_session(text: &str, session: &Path) -> Option<String> {
    let directory = session.to_str()?;
    let name = session.file_name()?.to_str()?;
    let kept = general(text, directory);
    let is_whole = !text.contains(SESSION) && !kept.replace(SESSION, "").contains(name);
    is_whole.then_some(kept)
}

/// A text that was kept for any session, for this one.
pub(super) fn for_this_session(text: &str, session: &Path) -> Result<String> {
    let directory = session.to_str().context("not UTF-8")?;
    Ok(text.replace(SESSION, directory))
}

/// The manifests of a workspace and of the folders in it, and its lock file.
fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = vec![folder.join("Cargo.toml"), folder.join("Cargo.lock")];
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path().join("Cargo.toml"));
    }
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}

/// A number that changes with the file, whatever its times are set to.
pub(super) fn file(path: &Path) -> Result<u64> {
    let about = fs::metadata(path)?;
    let mut hasher = DefaultHasher::new();
    (about.ino(), about.len()).hash(&mut hasher);
    (about.mtime(), about.mtime_nsec()).hash(&mut hasher);
    (about.ctime(), about.ctime_nsec()).hash(&mut hasher);
    Ok(hasher.finish())
}

/// The names and states of all files in a folder and below.
fn files(folder: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        path.hash(hasher);
        if path.is_dir() {
            files(&path, hasher)?;
        } else {
            file(&path)?.hash(hasher);
        }
    }
    Ok(())
}

/// What stays when a file is copied with its times: its length and when it was written.
pub(super) fn lasting(path: &Path) -> Result<(u64, i64, i64)> {
    let about = fs::metadata(path)?;
    Ok((about.len(), about.mtime(), about.mtime_nsec()))
}

/// The libraries of crates that cargo has built below the folder of cells, in order.
pub(super) fn built(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut crates = Vec::new();
    for target in fs::read_dir(folder.join("target"))? {
        let made = fs::read_dir(target?.path().join("debug/deps"));
        let made = made.into_iter().flatten().flatten();
        crates.extend(made.map(|entry| entry.path()));
    }
    crates.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (name.ends_with(".rlib") || name.ends_with(".so")) && name != "libctx.so"
    });
    crates.sort();
    Ok(crates)
}
