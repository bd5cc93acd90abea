//! A forked process that lives long: it closes what it inherited.

use labsupport::internal::exit_now;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::panic::{self, AssertUnwindSafe};

/// In a forked process: closes every descriptor except the standard ones and `keep`, runs `work` and exits.
///
/// A fork copies what its parent has open. A worker ends soon. A server would hold those copies for hours, and a reader waits
/// for the end of its pipe as long as any process can write into it. `work` is a function and not a closure, so it can use
/// only the descriptors that it is given.
pub(crate) fn serve_alone<const N: usize, A>(
    keep: [OwnedFd; N],
    argument: A,
    work: fn([OwnedFd; N], A),
) -> ! {
    for fd in open_descriptors() {
        if fd > 2 && !keep.iter().any(|kept| kept.as_raw_fd() == fd) {
            // Not by `rustix::io::close`: the list was read through a descriptor that is in it and closed already, and for
            // rustix that is a bug of the caller.
            // SAFETY: close passes an integer to the kernel. Whatever owned this descriptor in the parent has a copy here that
            // nothing can reach: this process runs `work` alone, which captures nothing, and then leaves by `_exit`, without
            // destructors.
            unsafe { libc::close(fd) };
        }
    }
    let ended = panic::catch_unwind(AssertUnwindSafe(|| work(keep, argument)));
    exit_now(if ended.is_ok() { 0 } else { 101 })
}

fn open_descriptors() -> Vec<RawFd> {
    fs::read_dir("/proc/self/fd").map_or(Vec::new(), |entries| {
        // One of them is the descriptor through which the list is read. It is closed when the list is complete.
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
    const ENOUGH: u64 = 1 << 20;
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(ENOUGH, |limit| limit.min(ENOUGH)) as usize
}
