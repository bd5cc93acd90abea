//! The copy of the runtime that is made before each cell. It takes over if the cell ends its process.

use super::connection::{self, SNAPSHOT, Tap};
use crate::descriptor;
use crate::watch::{self, Signal};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::sync::atomic::{AtomicI32, Ordering};

/// Turns snapshots off where it is 0.
const SETTING: &str = "LABS_SNAPSHOTS";

/// What the tap is told instead of a process number: other threads ran, or there is no snapshot for another reason.
pub(super) const OTHER_THREADS: i32 = 0;
pub(super) const NONE: i32 = -1;

/// Whether this process is the one that was there before.
#[derive(PartialEq, Eq)]
pub(super) enum Who {
    /// It runs the cell.
    Runtime,
    /// It is the copy, and it goes on in the other's place: as if it had not received the command yet.
    Snapshot,
}

/// The process number of the latest snapshot, which was not collected yet; 0 if there is none.
static LATEST: AtomicI32 = AtomicI32::new(0);

/// Makes a snapshot before a cell runs. Returns a second time, in the snapshot, when the tap says that it is needed.
pub(super) fn take(tap: &Tap) -> Who {
    collect();
    if std::env::var_os(SETTING).is_some_and(|setting| setting == "0") {
        tell(tap, NONE);
        return Who::Runtime;
    }
    if threads() != 1 {
        // A fork copies one thread. What the others do, and the locks that they hold, would be missing.
        tell(tap, OTHER_THREADS);
        return Who::Runtime;
    }
    // SAFETY: there is one thread, so the child is a whole copy of this process.
    match unsafe { libc::fork() } {
        0 => {
            wait(tap);
            Who::Snapshot
        }
        pid => {
            // The fork may fail, for want of memory for example. Then there is no snapshot.
            if pid > 0 {
                LATEST.store(pid, Ordering::Relaxed);
            }
            tell(tap, if pid > 0 { pid } else { NONE });
            Who::Runtime
        }
    }
}

/// Ends the snapshot of the cell before and collects it.
fn collect() {
    let latest = LATEST.swap(0, Ordering::Relaxed);
    if latest > 0 {
        // It was not collected yet, so the number is still its own.
        watch::send(latest, Signal::KILL);
        let _ = waitpid(Pid::from_raw(latest), WaitOptions::empty());
    }
}

/// Tells the tap which process the snapshot is.
fn tell(tap: &Tap, pid: i32) {
    let mut packet = vec![SNAPSHOT];
    packet.extend_from_slice(&pid.to_le_bytes());
    let _ = tap.others.send(&packet);
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// In the snapshot: waits until it is needed. It ends with the tap.
fn wait(tap: &Tap) {
    LATEST.store(0, Ordering::Relaxed);
    let name = watch::rename(watch::COPY);
    loop {
        match tap.snapshots.recv(&mut [0; 8]) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(length) if length > 0 => break,
            _ => watch::exit_now(0),
        }
    }
    watch::rename(&name);
    // The tap has collected the process that was here before, so it is our parent now.
    watch::be_killed_with_parent(tap.process);
    connection::now_is_runtime();
    // Drop the answers that were meant for the other process.
    for socket in [&tap.main, &tap.others] {
        while descriptor::is_readable(socket) {
            if !socket.recv(&mut [0; 8]).is_ok_and(|length| length > 0) {
                break;
            }
        }
    }
}
