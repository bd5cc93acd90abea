use crate::sys;
use std::ops::Deref;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// A word on which processes sleep until it changes.
#[repr(transparent)]
pub(crate) struct Futex(AtomicU32);

impl Futex {
    pub(crate) fn new(value: u32) -> Futex {
        Futex(AtomicU32::new(value))
    }

    /// Sleeps while the word is `expected`, at most for `limit`. It may also return for no reason: look again.
    #[inline]
    pub(crate) fn wait(&self, expected: u32, limit: Duration) {
        sys::futex_wait(&self.0, expected, limit);
    }

    /// Wakes at most `count` sleepers.
    #[inline]
    pub(crate) fn wake(&self, count: u32) {
        sys::futex_wake(&self.0, count);
    }
}

impl Deref for Futex {
    type Target = AtomicU32;

    #[inline]
    fn deref(&self) -> &AtomicU32 {
        &self.0
    }
}
