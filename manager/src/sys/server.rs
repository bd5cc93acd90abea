//! A forked process that lives for long: it lets go of what it inherited.

use labsupport::internal::exit_now;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::panic::{self, AssertUnwindSafe};

/// In a forked process: closes every descriptor but the standard ones and `keep`, runs `work` and leaves.
///
/// A fork copies what its parent has open. A worker ends soon; a server would hold the other end of pipes for hours whose
/// readers wait for their end. `work` is a function and no closure, so that it can use no descriptor but those that it gets.
pub(crate) fn serve_alone<const N: usize, A>(
    keep: [OwnedFd; N],
    argument: A,
    work: fn([OwnedFd; N], A),
) -> ! {
    for fd in open_descriptors() {
        if fd > 2 && !keep.iter().any(|kept| kept.as_raw_fd() == fd) {
            // SAFETY: close passes an integer to the kernel. Whoever owned this descriptor in the parent has a copy here that
            // nobody can reach: this process runs `work` alone, which captures nothing, and then leaves by `_exit`, without
            // destructors.
            unsafe { libc::close(fd) };
        }
    }
    let ended = panic::catch_unwind(AssertUnwindSafe(|| work(keep, argument)));
    exit_now(if ended.is_ok() { 0 } else { 101 })
}

fn open_descriptors() -> Vec<RawFd> {
    fs::read_dir("/proc/self/fd").map_or(Vec::new(), |entries| {
        // The list itself is read through a descriptor, which is closed again by now.
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    })
}

/// How many descriptors this process has open.
pub(crate) fn count_open() -> usize {
    open_descriptors().len()
}

/// How many descriptors this process may have open.
pub(crate) fn most_open() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live local of the right type.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } {
        0 => limit.rlim_cur.min(1 << 20) as usize,
        _ => 1024, // what nearly every Linux gives
    }
}
