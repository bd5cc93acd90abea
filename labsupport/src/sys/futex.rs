//! Sleep until a word changes. Only the process-shared form: the words of this crate lie in shared memory.

use rustix::thread::futex::{self, Flags, Timespec};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// No sleeper of this crate, whatever it sleeps on, sleeps longer than this without a look: a wake-up may have died with the process it was
/// for, or with the process that was to send it. Less than a second.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The sleeper and the waker are different processes, so the private form would not do.
const SHARED: Flags = Flags::empty();

/// Sleeps while `word` holds `expected`, at most for `timeout`. It may also return for no reason: look again.
///
/// The timeout is not optional. The process that was to wake us may have been killed just before it did, so every sleeper of this crate
/// looks again after a while.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    // A timeout that is longer than the system can count is none.
    let timeout = Timespec::try_from(timeout).ok();
    let _ = futex::wait(word, SHARED, expected, timeout.as_ref());
}

/// Wakes at most `count` processes that sleep on `word`.
pub(crate) fn futex_wake(word: &AtomicU32, count: u32) {
    let _ = futex::wake(word, SHARED, count);
}
