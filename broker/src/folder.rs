//! A private folder for a server or a proxy: only this user can reach what is in it. It is removed when its owner drops it, and by the next
//! process that makes one if the owner was killed.

use crate::address::LONGEST;
use crate::{BrokerError, ErrorKind};
use labsupport::internal::{Home, Pid, alive, getpid};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The kernel's directory of the running session. The kernel removes it together with the session, however that ends.
const SESSION: &str = "LABS_SESSION";

/// The name of the socket in the folder.
const SOCKET: &str = "socket";

/// The beginning of a folder's name. The number of its owner follows.
const NAME: &str = "labs-broker-";

#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    home: Home,
}

impl Folder {
    /// Makes one, in the session's directory if there is one and it is short enough for a socket.
    pub(crate) fn new() -> Result<Folder, BrokerError> {
        let places = [
            std::env::var_os(SESSION),
            std::env::var_os("XDG_RUNTIME_DIR"),
            Some(std::env::temp_dir().into()),
        ];
        Folder::in_first_of(places.into_iter().flatten().map(PathBuf::from))
    }

    fn in_first_of(places: impl Iterator<Item = PathBuf>) -> Result<Folder, BrokerError> {
        let mut failures = Vec::new();
        for place in places.filter(|place| place.is_absolute()) {
            match Folder::within(&place) {
                Ok(folder) => return Ok(folder),
                Err(why) => failures.push(format!("{}: {why}", place.display())),
            }
        }
        Err(BrokerError::new(
            ErrorKind::Os,
            format!(
                "no folder for the broker's socket can be made ({}). Set TMPDIR to a folder of yours whose path has at most 60 bytes.",
                failures.join("; ")
            ),
        ))
    }

    fn within(place: &Path) -> io::Result<Folder> {
        sweep(place);
        let owner = getpid();
        // Each cell of a notebook has its own copy of this crate, so a counter would not do.
        for number in 0.. {
            let path = place.join(format!("{NAME}{owner}-{number}"));
            if path.join(SOCKET).as_os_str().len() > LONGEST {
                return Err(io::Error::other(format!(
                    "too long: a socket's path has at most {LONGEST} bytes"
                )));
            }
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    return Ok(Folder {
                        path,
                        home: Home::here(),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("there are more numbers than files")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    /// Whether this process made it, rather than a worker with a copy.
    pub(crate) fn is_ours(&self) -> bool {
        self.home.is_here()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes the folders in `place` whose owner has ended.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner: Option<Pid> = name
            .to_str()
            .and_then(|name| name.strip_prefix(NAME)?.split_once('-')?.0.parse().ok());
        let is_left = |owner| {
            let path = entry.path();
            let mine = fs::symlink_metadata(&path).is_ok_and(|metadata| {
                metadata.is_dir() && metadata.uid() == rustix::process::getuid().as_raw()
            });
            // In another container an owner has another number than here; but then its server still answers.
            mine && !alive(owner) && UnixStream::connect(path.join(SOCKET)).is_err()
        };
        if owner.is_some_and(is_left) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn place(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("labs-folder-{name}-{}", getpid()));
        fs::create_dir_all(&place).unwrap();
        place
    }

    #[test]
    fn it_is_private_and_goes_with_its_owner() {
        let place = place("private");
        let folders = [(); 2].map(|()| Folder::within(&place).unwrap());
        assert_ne!(folders[0].path(), folders[1].path());
        let mode = fs::metadata(folders[0].path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(folders);
        fs::remove_dir(&place).unwrap(); // it is empty
    }

    #[test]
    fn what_a_killed_owner_left_is_swept_and_nothing_else() {
        let place = place("swept");
        let left = place.join("labs-broker-4194305-0"); // no process has this number
        let alive = place.join(format!("labs-broker-{}-7", getpid()));
        let other = place.join("labs-broker-notes");
        for folder in [&left, &alive, &other] {
            fs::create_dir(folder).unwrap();
        }
        let _folder = Folder::within(&place).unwrap();
        assert!(!left.exists() && alive.exists() && other.exists());
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_place_that_is_too_deep_or_cannot_be_written_is_passed_over() {
        let short = place("short");
        let deep = short.join("x".repeat(100));
        let missing = short.join("missing");
        let places = [deep.clone(), missing.clone(), short.clone()];
        let folder = Folder::in_first_of(places.into_iter()).unwrap();
        assert_eq!(folder.path().parent(), Some(short.as_path()));
        drop(folder);
        let error = Folder::in_first_of([deep, missing].into_iter()).unwrap_err();
        assert!(error.to_string().contains("at most 107 bytes"), "{error}");
        fs::remove_dir(&short).unwrap();
    }
}
