//! What the `shared_memory` crate leaves to us: pages that are really there.

use super::{Pid, getpid};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// Makes the kernel set aside all pages of the shared memory object `name` now.
///
/// Without it a full /dev/shm shows only at the first write to a page, as a SIGBUS that kills the process.
pub(crate) fn reserve(name: &str, bytes: usize) -> io::Result<()> {
    let name = CString::new(name)?;
    // SAFETY: `name` is a live C string.
    let fd = unsafe { libc::shm_open(name.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC, 0) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: shm_open gave us this descriptor, and nobody else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    loop {
        // SAFETY: posix_fallocate passes integers to the kernel.
        match unsafe { libc::posix_fallocate(fd.as_raw_fd(), 0, bytes as libc::off_t) } {
            0 => return Ok(()),
            libc::EINTR => {}
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// Takes the name away; the memory lives on while somebody has it mapped.
pub(crate) fn unlink(name: &str) {
    if let Ok(name) = CString::new(name) {
        // SAFETY: `name` is a live C string.
        unsafe { libc::shm_unlink(name.as_ptr()) };
    }
}

/// The `number`-th name that this process gives. It says whose it is, and what kind of thing lies there.
pub(crate) fn shm_name(number: u32, kind: &str) -> String {
    format!("/{}{number}-{kind}", prefix(getpid()))
}

fn prefix(pid: Pid) -> String {
    format!("labs-{pid}-")
}

/// Takes away the names that `pid` had given when a signal ended it. For the one who collected it, at once: later the number
/// may be another process's.
pub(crate) fn clear_up_after(pid: Pid) {
    let prefix = prefix(pid);
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| name.starts_with(&prefix)) {
            unlink(&format!("/{name}"));
        }
    }
}

/// Free bytes in /dev/shm, where the system tells.
pub(crate) fn free() -> Option<u64> {
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path is a C string and the pointer that of a live local of the right type.
    if unsafe { libc::statvfs(c"/dev/shm".as_ptr(), stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: statvfs succeeded and filled it; it was zeroed before, and every bit pattern is valid.
    let stat = unsafe { stat.assume_init() };
    Some(stat.f_bavail * stat.f_frsize)
}

/// Maps the pages at `base` at another address, too.
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

/// Takes a mapping away.
///
/// # Safety
/// `base` is the beginning of a mapping of `len` bytes that nobody uses any more.
pub(crate) unsafe fn unmap(base: NonNull<u8>, len: usize) {
    // SAFETY: this function's contract.
    unsafe { libc::munmap(base.as_ptr().cast(), len) };
}
