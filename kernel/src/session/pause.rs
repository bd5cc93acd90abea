//! Stops an inner kernel that nobody uses yet, and lets it go on later.
//!
//! Never in the middle of a compilation: a stopped cargo keeps its locks, the one on Cargo's home among them, and every other
//! kernel of this user would wait for it. So evcxr itself is stopped first; then nothing new begins below it, and if a compiler
//! is still at work it goes on until the next try.

use labs_runtime::watch::{Signal, children, send, stands_still};
use std::fs;
use std::time::Duration;

/// How long a process may take to stand still.
const PATIENCE: Duration = Duration::from_millis(50);

/// Stops the inner kernel `pid`, a child that was not collected yet. Returns `false` if one of its compilers is at work; then try again
/// soon.
pub(super) fn stop(pid: u32) -> bool {
    send(pid as i32, Signal::STOP);
    let stands = stands_still(pid, PATIENCE) && !compiles(pid);
    if !stands {
        go_on(pid);
    }
    stands
}

/// Lets the inner kernel `pid`, a child that was not collected yet, go on.
pub(super) fn go_on(pid: u32) {
    send(pid as i32, Signal::CONT);
}

/// Whether a compiler runs below `pid`. The runtime, its only other child, is the one that was started without arguments.
fn compiles(pid: u32) -> bool {
    children(pid).into_iter().any(|child| {
        let command = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        command.split(|&byte| byte == 0).count() > 2 // each argument ends with a zero
    })
}
