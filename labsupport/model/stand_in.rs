//! Stand-ins for what the model checker or Miri cannot run. They keep the promises of the real types and nothing more.

#[cfg(loom)]
pub(crate) use futex::Futex;
#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
use std::cell::UnsafeCell;
use std::io;
use std::ptr::NonNull;
#[cfg(miri)]
use std::sync::{Mutex, MutexGuard};

/// Like the real one. No process dies in a model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquired {
    Clean,
    OwnerDied,
}

/// A mutex at a place that does not move, for the threads of one process.
pub(crate) struct RobustMutex {
    mutex: Mutex<()>,
    /// The holder's guard; only the holder touches it.
    held: UnsafeCell<Option<MutexGuard<'static, ()>>>,
}

// SAFETY: `held` is used by the holder of `mutex` alone: `keep` after it got it, `unlock` before it gives it back.
unsafe impl Sync for RobustMutex {}

impl RobustMutex {
    /// # Safety
    /// `place` is aligned and valid for writes, does not move while the mutex is used, and nothing uses it before this returns.
    pub(crate) unsafe fn init(place: NonNull<RobustMutex>) -> io::Result<()> {
        let free = RobustMutex {
            mutex: Mutex::new(()),
            held: UnsafeCell::new(None),
        };
        // SAFETY: this function's contract.
        unsafe { place.write(free) };
        Ok(())
    }

    /// No thread locks twice in a model, and Miri sees the deadlock by itself.
    pub(crate) fn lock(&self) -> Option<Acquired> {
        let guard = self.mutex.lock();
        Some(self.keep(guard.unwrap_or_else(|poison| poison.into_inner())))
    }

    pub(crate) fn is_held_here(&self) -> bool {
        self.mutex.try_lock().is_err()
    }

    /// The mutexes here do not say who holds them.
    pub(crate) fn is_mine(&self) -> bool {
        false
    }

    /// An attempt says it.
    pub(crate) fn looks_free(&self) -> bool {
        true
    }

    pub(crate) fn try_lock(&self) -> Option<Acquired> {
        self.mutex.try_lock().ok().map(|guard| self.keep(guard))
    }

    fn keep(&self, guard: MutexGuard<'_, ()>) -> Acquired {
        // SAFETY: only the lifetime changes. The guard refers to `self.mutex`, stays within `self`, which does not move, and
        // `unlock` drops it; without an unlock it is never used again.
        let guard: MutexGuard<'static, ()> = unsafe { std::mem::transmute(guard) };
        // SAFETY: we hold the mutex, so no other thread touches `held`.
        unsafe { *self.held.get() = Some(guard) };
        Acquired::Clean
    }

    /// # Safety
    /// The calling thread holds it.
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: the caller holds the mutex, so no other thread touches `held`. The guard is out of `held` before it is
        // dropped: from then on `held` is the next holder's.
        let guard = unsafe { (*self.held.get()).take() };
        drop(guard);
    }
}

#[cfg(loom)]
mod futex {
    use loom::sync::atomic::AtomicU32;
    use loom::sync::{Condvar, Mutex};
    use std::ops::Deref;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    /// A word to sleep on. `asleep` is the kernel's own lock: "compare the word and go to sleep" is one step under it, and so is
    /// "wake". There is no time limit, so a thread that is not woken sleeps forever, and loom reports it.
    pub(crate) struct Futex {
        word: AtomicU32,
        asleep: Mutex<()>,
        woken: Condvar,
    }

    impl Futex {
        pub(crate) fn new(value: u32) -> Futex {
            Futex {
                word: AtomicU32::new(value),
                asleep: Mutex::new(()),
                woken: Condvar::new(),
            }
        }

        pub(crate) fn wait(&self, expected: u32, _limit: Duration) {
            let asleep = self.asleep.lock().unwrap();
            if self.word.load(Ordering::Relaxed) == expected {
                drop(self.woken.wait(asleep).unwrap());
            }
        }

        pub(crate) fn wake(&self, count: u32) {
            let _asleep = self.asleep.lock().unwrap();
            if count == 1 {
                self.woken.notify_one();
            } else {
                self.woken.notify_all();
            }
        }
    }

    impl Deref for Futex {
        type Target = AtomicU32;

        fn deref(&self) -> &AtomicU32 {
            &self.word
        }
    }
}
