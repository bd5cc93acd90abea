//! What a SIGKILL leaves, swept up by the next one who starts: session directories and names in /dev/shm.

use crate::place;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The name of this process's session: its number and, since numbers are used again, the time it was started.
pub fn own_name() -> String {
    let pid = std::process::id();
    format!("{pid}-{}", started(pid).unwrap_or(0))
}

/// When process `pid` was started, in clock ticks since boot; `None` if there is none, or only what is left of it.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which is in brackets and may hold anything: state, …; the start time is the 20th from there.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    (fields.first() != Some(&"Z")).then(|| fields.get(19)?.parse().ok())?
}

/// Removes the directories of sessions that are over, and shared memory whose process has ended.
pub fn sweep(sessions: &Path) {
    for entry in fs::read_dir(sessions).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split_once('-'));
        let Some((pid, start)) =
            owner.and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse().ok()?)))
        else {
            continue; // not ours
        };
        if started(pid) != Some(start) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix("labs-")?.split_once('-')?.0.parse().ok());
        if owner.is_some_and(|pid| started(pid).is_none())
            && entry
                .metadata()
                .is_ok_and(|metadata| metadata.uid() == place::user())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_over_is_removed() {
        let sessions = tempfile::tempdir().unwrap();
        let make =
            |name: &str| fs::create_dir_all(sessions.path().join(name).join("eval")).unwrap();
        let exists = |name: &str| sessions.path().join(name).exists();
        let own = own_name();
        let reused = format!("{}-1", std::process::id()); // our number, but another start
        for name in [own.as_str(), &reused, "4194305-7", "notes"] {
            make(name);
        }
        let left = format!("/dev/shm/labs-4194305-{}", std::process::id());
        let alive = format!("/dev/shm/labs-{}-test", std::process::id());
        fs::write(&left, "").unwrap();
        fs::write(&alive, "").unwrap();
        sweep(sessions.path());
        assert!(exists(&own) && exists("notes"));
        assert!(!exists(&reused) && !exists("4194305-7"));
        assert!(!Path::new(&left).exists());
        assert!(fs::remove_file(&alive).is_ok());
    }
}
