//! Session directories: made with a lock that their holder keeps, and swept up by the next start if a SIGKILL of all processes left one
//! behind. The same goes for names in /dev/shm.

use crate::place::{self, Place, make_private};
use anyhow::{Context, Result};
use labs_runtime::watch;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The file that a session's holder keeps locked. The lock belongs to the open file, so it can be passed on to another process.
const LOCK: &str = "lock";

/// A new private directory and the lock on it.
pub fn new_directory(place: &Place) -> Result<(PathBuf, File)> {
    make_room(place)?;
    let _alone = alone(&place.sessions())?;
    let name = uuid::Uuid::new_v4().simple().to_string();
    let directory = place.sessions().join(&name[..12]);
    make_private(&directory)?;
    let lock = File::create(directory.join(LOCK))?;
    lock.try_lock()
        .context("The new session's directory cannot be locked")?;
    Ok((directory, lock))
}

/// Makes the folder that sessions live in.
fn make_room(place: &Place) -> Result<()> {
    let sessions = place.sessions();
    // Make the folder above first: if everybody may write to its parent, it must be ours too.
    make_private(sessions.parent().unwrap_or(&sessions))?;
    make_private(&sessions)
}

/// Removes the directories of sessions that nobody holds, and shared memory whose process has ended.
pub fn sweep(sessions: &Path) {
    if let Ok(_alone) = alone(sessions) {
        for entry in fs::read_dir(sessions).into_iter().flatten().flatten() {
            let directory = entry.path();
            // A directory without a lock file was never finished or is being removed; no other process makes one now.
            let held = File::open(directory.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
            if directory.is_dir() && !held {
                let _ = fs::remove_dir_all(directory);
            }
        }
    }
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix("labs-")?.split_once('-')?.0.parse().ok());
        if owner.is_some_and(|pid: u32| !watch::runs(pid))
            && entry
                .metadata()
                .is_ok_and(|metadata| metadata.uid() == place::user())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// One process at a time makes or sweeps directories, so that none is swept between being made and being locked.
fn alone(sessions: &Path) -> Result<File> {
    let lock = File::create(sessions.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let place = Place {
            workspace: home.path().to_path_buf(),
            home: home.path().to_path_buf(),
        };
        let (held, _lock) = new_directory(&place).unwrap();
        let (left, lock) = new_directory(&place).unwrap();
        drop(lock);
        let half_made = place.sessions().join("half-made");
        fs::create_dir(&half_made).unwrap();
        let gone = format!("/dev/shm/labs-4194305-{}", std::process::id());
        let alive = format!("/dev/shm/labs-{}-test", std::process::id());
        fs::write(&gone, "").unwrap();
        fs::write(&alive, "").unwrap();
        sweep(&place.sessions());
        assert!(held.is_dir() && !left.exists() && !half_made.exists());
        assert!(!Path::new(&gone).exists());
        assert!(fs::remove_file(&alive).is_ok());
    }

    #[test]
    fn a_lock_that_was_passed_on_still_holds() {
        let home = tempfile::tempdir().unwrap();
        let place = Place {
            workspace: home.path().to_path_buf(),
            home: home.path().to_path_buf(),
        };
        let (held, lock) = new_directory(&place).unwrap();
        let passed_on = lock.try_clone().unwrap();
        drop(lock);
        sweep(&place.sessions());
        assert!(held.is_dir());
        drop(passed_on);
        sweep(&place.sessions());
        assert!(!held.exists());
    }
}
