use super::SharedError;
use super::lock_cell::{Advice, LockGuard};
use super::locked::Locked;
use crate::sync::{AtomicU32, Ordering, weakened};
use std::fmt;

// The flag's states. Nothing else is ever written to the word.
const CLEAR: u32 = 0;
const SET: u32 = 1;

/// A shared flag for cooperative early exit: one worker sets it, the others look at it now and then and stop.
///
/// Reading it without the lock costs as much as reading any atomic of this process. [`is_set_locked`](Flag::is_set_locked) exists to measure
/// what Python's `Value.value` does at each look.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let found = Flag::new()?;
/// let workers = Workers::spawn(4, |w| {
///     let mut looks = 0u64;
///     while !found.is_set() {
///         looks += 1;
///         if w.index() == 2 && looks == 1000 {
///             found.set();
///         }
///     }
///     looks
/// })?;
/// assert_eq!(workers.join()?.values()?[2], 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Flag {
    /// The lock, and the word that is [`CLEAR`] or [`SET`].
    pub(super) locked: Locked<AtomicU32>,
}

const FLAG: Advice = Advice {
    what: "the lock of this flag",
    instead: "use what its guard lends: `let guard = flag.lock(); if !guard.is_set() { guard.set(); }`.",
};

impl Flag {
    /// A flag that is not set.
    ///
    /// # Errors
    /// There is no room for it in shared memory.
    pub fn new() -> Result<Flag, SharedError> {
        let locked = Locked::<AtomicU32>::new("flag", 1)?;
        // SAFETY: there is room for the word, and nothing else uses the place yet.
        unsafe { locked.data().write(AtomicU32::new(CLEAR)) };
        Ok(Flag { locked })
    }

    #[inline]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: `new` placed the word there, and everyone uses it as an atomic. It lives as long as `self`.
        unsafe { self.locked.data().as_ref() }
    }

    /// Whether the flag is set: one load, no lock. Whatever the setter wrote before it set the flag is visible afterwards.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.word().load(Ordering::Acquire) == SET
    }

    /// Whether the flag is set, read under the lock, as Python's `Value.value` does.
    ///
    /// # Panics
    /// The calling thread holds the lock: ask the guard, `guard.is_set()`.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let flag = Flag::new()?;
    /// assert!(!flag.is_set_locked());
    /// # Ok::<(), SharedError>(())
    /// ```
    #[inline]
    pub fn is_set_locked(&self) -> bool {
        let _guard = self.locked.cell().lock(FLAG);
        self.word().load(Ordering::Relaxed) == SET
    }

    /// Sets the flag.
    #[inline]
    pub fn set(&self) {
        let ordering = weakened("flag: relaxed set", Ordering::Release);
        self.word().store(SET, ordering);
    }

    /// Clears the flag, for the next round. A worker that has not looked yet misses that it was set: make sure that no worker is still in the
    /// old round.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let flag = Flag::new()?;
    /// flag.set();
    /// flag.clear();
    /// assert!(!flag.is_set());
    /// # Ok::<(), SharedError>(())
    /// ```
    #[inline]
    pub fn clear(&self) {
        self.word().store(CLEAR, Ordering::Release);
    }

    /// Sets the flag, without a lock. Of all callers exactly one gets `true`, the one that set it.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let found = Flag::new()?;
    /// let workers = Workers::spawn(4, |_| found.set_once())?;
    /// let firsts = workers.join()?.values()?;
    /// assert_eq!(firsts.iter().filter(|&&first| first).count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn set_once(&self) -> bool {
        self.word()
            .compare_exchange(CLEAR, SET, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Waits for the flag's lock, for a double check: look, lock, look again, write.
    ///
    /// # Panics
    /// The calling thread already holds the lock.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let (found, answer) = (Flag::new()?, Value::new(0u64)?);
    /// if !found.is_set() {                // the cheap look
    ///     let guard = found.lock();
    ///     if !guard.is_set() {            // the look that counts
    ///         answer.set(42);
    ///         guard.set();
    ///     }
    /// }
    /// assert!(found.is_set());
    /// # Ok::<(), SharedError>(())
    /// ```
    #[inline]
    pub fn lock(&self) -> FlagGuard<'_> {
        FlagGuard {
            lock: self.locked.cell().lock(FLAG),
            flag: self,
        }
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flag({})", if self.is_set() { "set" } else { "clear" })
    }
}

/// A flag under its lock.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let flag = Flag::new()?;
/// let guard = flag.lock();
/// assert!(!guard.is_set() && !guard.owner_died());
/// guard.set();
/// drop(guard);
/// assert!(flag.is_set());
/// # Ok::<(), SharedError>(())
/// ```
#[must_use = "the lock is given back at once unless the guard is kept"]
#[derive(Debug)]
pub struct FlagGuard<'a> {
    lock: LockGuard<'a>,
    flag: &'a Flag,
}

impl FlagGuard<'_> {
    /// Whether the flag is set. Code that takes the lock cannot change that before the guard is dropped.
    pub fn is_set(&self) -> bool {
        self.lock.assert_at_home();
        self.flag.is_set()
    }

    /// Sets the flag.
    pub fn set(&self) {
        self.lock.assert_at_home();
        self.flag.set();
    }

    /// Clears the flag.
    pub fn clear(&self) {
        self.lock.assert_at_home();
        self.flag.clear();
    }

    /// Whether the previous holder died while it held the lock.
    pub fn owner_died(&self) -> bool {
        self.lock.owner_died()
    }
}

impl fmt::Display for FlagGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = if self.is_set() { "set" } else { "not set" };
        write!(
            f,
            "the lock of a flag that is {set}; dropping this value gives it back"
        )
    }
}
