use crate::sync::{AtomicU32, Futex, Ordering, fence, seeded};
use crate::sys::fault;
use std::time::Duration;

// `someone_sleeps` is one of:
const NO: u32 = 0; // as far as is known, nobody sleeps
const MAYBE: u32 = 1; // somebody sleeps, or did a moment ago

/// Where one side of the queue sleeps until the other side rings. See "Sleeping" in the README.
#[repr(C, align(128))]
pub(super) struct Bell {
    someone_sleeps: AtomicU32,
    /// Changes with every ring; sleepers wait for that.
    rings: Futex,
}

impl Bell {
    pub(super) fn new() -> Bell {
        Bell {
            someone_sleeps: AtomicU32::new(NO),
            rings: Futex::new(0),
        }
    }

    /// Wakes one sleeper, if there may be one. Call it after the store that the sleeper waits for.
    #[inline]
    pub(super) fn ring(&self) {
        if !seeded("ring: no fence") {
            fence(Ordering::SeqCst);
        }
        self.pass_on();
    }

    #[cold]
    fn wake_one(&self) {
        self.someone_sleeps.store(NO, Ordering::Relaxed);
        self.rings.fetch_add(1, Ordering::SeqCst);
        self.rings.wake(1);
    }

    /// Wakes the next sleeper, if there may be one. It is for a caller that was itself woken here and leaves something for others: when it
    /// woke it set `someone_sleeps` again, so it sees the word without a fence.
    #[inline]
    pub(super) fn pass_on(&self) {
        if self.someone_sleeps.load(Ordering::Relaxed) == MAYBE {
            self.wake_one();
        }
    }

    /// Sleeps until the bell rings, at most for `limit`, unless `ready` says that there is no need.
    pub(super) fn sleep(&self, limit: Duration, ready: impl Fn() -> bool) {
        fault::point("bell: asked");
        let rings = self.rings.load(Ordering::SeqCst);
        self.someone_sleeps.store(MAYBE, Ordering::SeqCst);
        if !seeded("sleep: no fence") {
            fence(Ordering::SeqCst);
        }
        if !ready() || seeded("sleep: no second look") {
            self.rings.wait(rings, limit);
            fault::point("bell: woken");
            // Others may sleep here too, and the ring that woke us has cleared their word. The order is the same as before: first the
            // word, then our caller's look at what has changed.
            if !seeded("woken: word not set again") {
                self.someone_sleeps.store(MAYBE, Ordering::Relaxed);
            }
            if !seeded("woken: no fence") {
                fence(Ordering::SeqCst);
            }
        }
    }
}
