//! Compiled cells, kept for later sessions.
//!
//! What the compiler makes of a cell depends on the cell's code, which contains all that stands above it in the notebook, and on what it
//! was compiled with: the compiler, its arguments, the labs' crates. So *Restart and Run All* finds each cell again that nobody has
//! edited, and each start of a kernel the cells that evcxr itself begins with. A cell's code and its library lie in two files beside each
//! other, under a name that is made of both.
//!
//! evcxr keeps items and variables in tables whose order differs from session to session, and writes them in that order. Neither has a
//! meaning, so cells are compared without it ([`comparable`]). Variables that a cell does not mention are left out before ([`mentioned`]).
//!
//! A library is used only if its bytes are those that were kept. What was not used for longest is removed once there is more than
//! [`ROOM`].

mod code;
mod comparable;
mod mentioned;

use anyhow::{Context, Result, ensure};
use comparable::comparable;
pub(super) use mentioned::only_mentioned;
use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Names the folder. Where it is not set, nothing is kept, and nothing is found.
pub const FOLDER: &str = "LABS_CELLS";

/// How many bytes all libraries may have together. A lab's have a few megabytes.
const ROOM: u64 = 128 << 20;

/// The end of the name of a cell's code, and of its library.
const CODE: &str = "rs";
const LIBRARY: &str = "so";

/// A folder of compiled cells.
#[derive(Debug)]
pub(super) struct Cells {
    folder: PathBuf,
    room: u64,
}

/// A cell that was compiled before.
#[derive(Debug)]
pub(super) struct Found {
    /// Its code, in the order in which it was compiled: errors name lines of it.
    pub code: String,
    /// The bytes of its library.
    pub library: Vec<u8>,
}

impl Cells {
    /// The folder that the environment names.
    pub(super) fn find() -> Option<Cells> {
        let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty())?;
        Some(Cells {
            folder: folder.into(),
            room: ROOM,
        })
    }

    /// Where they are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The cell with this `code` that was compiled `with` the same.
    pub(super) fn get(&self, with: &str, code: &str) -> Option<Found> {
        let wanted = comparable(code);
        let path = self.path(with, &wanted);
        let kept = fs::read_to_string(path.with_extension(CODE)).ok()?;
        let (about, kept) = kept.split_once('\n')?;
        let library = fs::read(path.with_extension(LIBRARY)).ok()?;
        if about != about_of(with, &library) || comparable(kept) != wanted {
            return None;
        }
        let now = File::open(path.with_extension(LIBRARY));
        let _ = now.and_then(|file| file.set_modified(SystemTime::now()));
        Some(Found {
            code: kept.to_string(),
            library,
        })
    }

    /// Keeps the `library` that the compiler has made of `code`.
    pub(super) fn put(&self, with: &str, code: &str, library: &Path) -> Result<()> {
        let library = fs::read(library)?;
        ensure!(!library.is_empty(), "there is no library");
        crate::place::make_private(&self.folder)?;
        let path = self.path(with, &comparable(code));
        let about = about_of(with, &library);
        // Another session may read them meanwhile, and finds out if they do not belong together.
        write_whole(&path.with_extension(LIBRARY), &library)?;
        write_whole(
            &path.with_extension(CODE),
            format!("{about}\n{code}").as_bytes(),
        )?;
        self.sweep()
    }

    fn path(&self, with: &str, comparable: &str) -> PathBuf {
        let name = (number(&(with, comparable)), number(&(comparable, with)));
        self.folder.join(format!("{:016x}{:016x}", name.0, name.1))
    }

    /// Removes what was not used for longest, until the rest has room.
    fn sweep(&self) -> Result<()> {
        let mut libraries = Vec::new();
        let mut taken = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // Another session may have removed it meanwhile.
            let Ok(about) = fs::metadata(&path) else {
                continue;
            };
            let used = about.modified()?;
            if path.extension().is_some_and(|end| end == LIBRARY) {
                taken += about.len();
                libraries.push((used, about.len(), path));
            } else if path.extension().is_some_and(|end| end == "new")
                && used.elapsed().is_ok_and(|age| age.as_secs() > 3600)
            {
                let _ = fs::remove_file(path); // its writer was killed
            }
        }
        libraries.sort();
        for (_, length, path) in libraries {
            if taken <= self.room {
                break;
            }
            for file in [path.with_extension(CODE), path] {
                let removed = fs::remove_file(file);
                ensure_gone(removed)?;
            }
            taken -= length;
        }
        Ok(())
    }
}

fn ensure_gone(removed: io::Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context("A compiled cell cannot be removed")
        }
        _ => Ok(()),
    }
}

/// The first line of a cell's code: what it was compiled with, and which bytes its library has.
fn about_of(with: &str, library: &[u8]) -> String {
    format!("// {with} {} {:016x}", library.len(), number(&library))
}

pub(super) fn number(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// Writes a file completely or not at all, also for another process that reads or writes it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, bytes)
        .and_then(|()| fs::rename(&new, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
        .with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn cells(room: u64) -> (TempDir, Cells) {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("cells");
        (above, Cells { folder, room })
    }

    fn library(above: &TempDir, bytes: &[u8]) -> PathBuf {
        let path = above.path().join("libctx.so");
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn what_was_compiled_is_found_whatever_the_order_of_the_tables() {
        let (above, cells) = cells(ROOM);
        let code = "#![allow(dead_code)]\nfn a() {}\nfn b() {}\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_1() {}\n";
        let other = code.replace("fn a() {}\nfn b() {}", "fn b() {}\nfn a() {}");
        assert!(cells.get("with", code).is_none());
        cells.put("with", code, &library(&above, b"one")).unwrap();
        for again in [code, &other] {
            let found = cells.get("with", again).unwrap();
            assert_eq!((&found.code[..], &found.library[..]), (code, &b"one"[..]));
        }
        assert!(cells.get("with another compiler", code).is_none());
        assert!(cells.get("with", &code.replace("fn a", "fn c")).is_none());
    }

    #[test]
    fn what_is_damaged_is_compiled_again() {
        let (above, cells) = cells(ROOM);
        let path = library(&above, b"a library");
        for damage in [&b""[..], b"a librarz", b"a library and more"] {
            cells.put("with", "code", &path).unwrap();
            let kept = cells.path("with", &comparable("code"));
            fs::write(kept.with_extension(LIBRARY), damage).unwrap();
            assert!(cells.get("with", "code").is_none());
        }
        cells.put("with", "code", &path).unwrap();
        let kept = cells.path("with", &comparable("code"));
        fs::write(kept.with_extension(CODE), "// with 9\ncode").unwrap();
        assert!(cells.get("with", "code").is_none());
        cells.put("with", "code", &path).unwrap();
        assert!(cells.get("with", "code").is_some());
        assert!(cells.put("with", "code", &library(&above, b"")).is_err());
    }

    #[test]
    fn what_was_used_last_stays() {
        let (above, cells) = cells(20);
        let path = library(&above, b"10 bytes!!");
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for (code, used) in [("first", 1), ("second", 2)] {
            cells.put("with", code, &path).unwrap();
            let kept = cells.path("with", &comparable(code));
            let file = File::open(kept.with_extension(LIBRARY)).unwrap();
            file.set_modified(at(used)).unwrap();
        }
        assert!(cells.get("with", "first").is_some(), "it is used now");
        cells.put("with", "third", &path).unwrap();
        let left = ["first", "second", "third"].map(|code| cells.get("with", code).is_some());
        assert_eq!(left, [true, false, true]);
        assert_eq!(fs::read_dir(&cells.folder).unwrap().count(), 4);
    }
}
