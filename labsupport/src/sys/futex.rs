//! Sleep until a word changes. Only the process-shared form: the words of this crate lie in shared memory, so
//! the sleeper and the waker are different processes. Called through `libc`: Miri refuses the types with which `rustix` calls it.

use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// No sleeper of this crate, whatever it sleeps on, sleeps longer than this without a look: a wake-up may have died with the process it was
/// for, or with the process that was to send it. Less than a second.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Sleeps while `word` holds `expected`, at most for `timeout`. It may also return for no reason: look again.
///
/// The timeout is not optional. The process that was to wake us may have been killed just before it did, so every sleeper of this crate
/// looks again after a while.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    // A timeout that is longer than the system can count is none.
    let timeout = libc::time_t::try_from(timeout.as_secs()).map(|tv_sec| libc::timespec {
        tv_sec,
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let limit = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the word is borrowed, and the kernel only reads it; the limit is null or points to a live local.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            limit,
        )
    };
}

/// Wakes at most `count` processes that sleep on `word`.
pub(crate) fn futex_wake(word: &AtomicU32, count: u32) {
    // SAFETY: the kernel uses the word's address to find who sleeps on it.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
