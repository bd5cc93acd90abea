use crate::sys::{self, fault};
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;

// `someone_sleeps` is one of:
const NO: u32 = 0; // nobody sleeps, as far as anybody knows
const MAYBE: u32 = 1; // somebody does, or did a moment ago

/// Where one side of the queue sleeps until the other side rings. See "Sleeping" in the README.
#[repr(C)]
pub(super) struct Bell {
    someone_sleeps: AtomicU32,
    /// Changes with every ring; sleepers wait for that.
    rings: AtomicU32,
}

impl Bell {
    /// Wakes one sleeper, if there may be one. Call it after the store that it waits for.
    #[inline]
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.someone_sleeps.load(Ordering::Relaxed) == MAYBE {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        self.someone_sleeps.store(NO, Ordering::Relaxed);
        self.rings.fetch_add(1, Ordering::SeqCst);
        sys::futex_wake(&self.rings, 1);
    }

    /// Sleeps until the bell rings, at the most for `limit`, unless `ready` says there is no need.
    pub(super) fn sleep(&self, limit: Duration, ready: impl Fn() -> bool) {
        let rings = self.rings.load(Ordering::SeqCst);
        self.someone_sleeps.store(MAYBE, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !ready() {
            sys::futex_wait(&self.rings, rings, limit);
            fault::point("bell: woken");
            // Others may sleep here too, and the ring that woke us has cleared their word.
            self.someone_sleeps.store(MAYBE, Ordering::SeqCst);
        }
    }
}
