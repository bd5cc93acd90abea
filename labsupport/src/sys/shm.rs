//! What the `shared_memory` crate leaves to us: pages that are really there.

use super::{Pid, getpid};
use rustix::fs::{FallocateFlags, Mode, fallocate, statvfs};
use rustix::io::retry_on_intr;
use rustix::shm;
use std::fs;
use std::io;
use std::ptr::NonNull;

/// Makes the kernel set aside all pages of the shared memory object `name` now.
///
/// Without it a full /dev/shm shows only at the first write to a page, as a SIGBUS that kills the process.
pub(crate) fn reserve(name: &str, bytes: usize) -> io::Result<()> {
    let file = shm::open(name, shm::OFlags::RDWR, Mode::empty())?;
    let reserve = || fallocate(&file, FallocateFlags::empty(), 0, bytes as u64);
    Ok(retry_on_intr(reserve)?)
}

/// Takes the name away; the memory lives on while a process has it mapped.
pub(crate) fn unlink(name: &str) {
    let _ = shm::unlink(name);
}

/// The `number`-th name that this process gives: it contains the process number, and what kind of thing the memory holds.
pub(crate) fn shm_name(number: u32, kind: &str) -> String {
    format!("/{}{number}-{kind}", prefix(getpid()))
}

fn prefix(pid: Pid) -> String {
    format!("labs-{pid}-")
}

/// Takes away the names that `pid` had given when a signal ended it. Call it right after collecting that process: later the number may be
/// another process's.
pub(crate) fn clear_up_after(pid: Pid) {
    let prefix = prefix(pid);
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| name.starts_with(&prefix)) {
            unlink(&format!("/{name}"));
        }
    }
}

/// Free bytes in /dev/shm, if the system says.
pub(crate) fn free() -> Option<u64> {
    let stat = statvfs(c"/dev/shm").ok()?;
    Some(stat.f_bavail * stat.f_frsize)
}

/// Maps the pages at `base` at a second address.
///
/// # Safety
/// `base` is the beginning of a shared mapping of `len` bytes.
pub(crate) unsafe fn map_again(base: NonNull<u8>, len: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: an old length of 0 asks Linux for a second mapping of the same pages; the first one stays as it is.
    let again = unsafe { libc::mremap(base.as_ptr().cast(), 0, len, libc::MREMAP_MAYMOVE) };
    match NonNull::new(again) {
        Some(base) if again != libc::MAP_FAILED => Ok(base.cast()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Removes a mapping.
///
/// # Safety
/// `base` is the beginning of a mapping of `len` bytes that is no longer in use.
pub(crate) unsafe fn unmap(base: NonNull<u8>, len: usize) {
    // SAFETY: this function's contract.
    unsafe { libc::munmap(base.as_ptr().cast(), len) };
}
