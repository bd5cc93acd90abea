//! Sleep until a word changes. Only the process-shared form: the words of this crate live in shared memory.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// No sleeper of this crate, on whatever it sleeps, sleeps longer than this without a look: a wake-up may have died with the one it was
/// for, or with the one who was to send it. Less than a second.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Sleeps while `word` holds `expected`, at the most for `timeout`. It may also return for no reason: look again.
///
/// The timeout is not optional. A process that was to wake us may have been killed just before it did, so every
/// sleeper of this crate looks again after a while.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let timeout = libc::timespec {
        tv_sec: timeout.as_secs().min(i32::MAX as u64) as libc::time_t,
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: `word` is a live, aligned 32-bit word for the whole call, and `timeout` a live local. FUTEX_WAIT without
    // FUTEX_PRIVATE_FLAG: the sleeper and the waker are different processes.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            &timeout,
        )
    };
}

/// Wakes at the most `count` processes that sleep on `word`.
pub(crate) fn futex_wake(word: &AtomicU32, count: i32) {
    // SAFETY: FUTEX_WAKE uses the address alone, which is that of a live word.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
