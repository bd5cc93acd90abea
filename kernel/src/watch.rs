//! Ending when the parent ends, so that a SIGKILL of one process leaves none of the others.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// The parent's process number.
pub fn parent() -> i32 {
    // SAFETY: getppid takes nothing and cannot fail.
    unsafe { libc::getppid() }
}

/// Starts a thread that kills this process as soon as its parent has ended, whatever the other threads do.
///
/// `PR_SET_PDEATHSIG` would not do here: it follows the parent *thread*, and evcxr may start the runtime anew from a thread
/// that ends when it has been idle for ten seconds.
pub fn end_with_parent() {
    let watched = parent();
    let watching = std::thread::Builder::new()
        .name("labs-watch".into())
        .spawn(move || {
            let handle = pidfd(watched);
            while parent() == watched {
                match &handle {
                    Some(handle) => wait_until_ended(handle),
                    None => std::thread::sleep(Duration::from_millis(200)), // before Linux 5.3
                }
            }
            // SAFETY: a signal to ourselves, which no handler can delay.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        });
    if let Err(error) = watching {
        eprintln!(
            "The watch for the kernel's end could not be started ({error}); cells run without it."
        );
    }
}

/// Asks for a SIGKILL when the parent thread ends. Only for a child of a thread that waits for it.
pub fn be_killed_with_parent() {
    let expected = parent();
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and changes only this process's own setting.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // It may have ended before the call; then no signal would come.
    if parent() != expected {
        std::process::exit(1);
    }
}

fn pidfd(pid: i32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes two integers; a result that is not negative is a descriptor of our own.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32;
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

fn wait_until_ended(handle: &OwnedFd) {
    let mut polled = libc::pollfd {
        fd: handle.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, which lives through the call.
    unsafe { libc::poll(&mut polled, 1, -1) };
    // The end is announced a moment before we get another parent.
    std::thread::sleep(Duration::from_millis(1));
}
