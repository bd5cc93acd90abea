//! Processes without our workers.

use anyhow::{Context, Result, bail};
use std::process::{Child, Command};

/// Forks `count` children that exit at once, and waits for them: our workers cannot start faster than this.
pub(crate) fn bare_fork_and_wait(count: usize) {
    // SAFETY: the children call nothing but _exit; the parent waits for as many as it has forked.
    unsafe {
        for _ in 0..count {
            let pid = libc::fork();
            if pid == 0 {
                libc::_exit(0);
            }
            assert!(pid > 0, "the system refuses a process.");
        }
        for _ in 0..count {
            libc::wait(std::ptr::null_mut());
        }
    }
}

/// Starts `count` programs that do nothing (`true`), and waits for them.
pub(crate) fn commands(count: usize) -> Result<()> {
    let start = |_| Command::new("true").spawn();
    let started: Result<Vec<Child>, _> = (0..count).map(start).collect();
    for mut child in started.context("there is no program `true` here")? {
        if !child.wait()?.success() {
            bail!("`true` failed");
        }
    }
    Ok(())
}
