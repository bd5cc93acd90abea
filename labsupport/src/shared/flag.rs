use super::lock::{LockCell, LockGuard, Locked};
use super::{Segment, SharedError};
use crate::sync::{AtomicU32, Ordering, weakened};
use std::fmt;

// The flag's states. Nothing else is ever written to the word.
const CLEAR: u32 = 0;
const SET: u32 = 1;

/// A shared flag for cooperative early exit: one sets it, the others look at it now and then and stop.
///
/// Reading it without the lock costs as much as reading any atomic of this process. [`is_set_locked`](Flag::is_set_locked)
/// is there to measure what Python's `Value.value` does at each look.
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
    // The lock at 0, the word after it.
    segment: Segment,
}

const FLAG: Locked = Locked {
    what: "the lock of this flag",
    instead: "use what its guard lends: `let guard = flag.lock(); if !guard.is_set() { guard.set(); }`.",
};

impl Flag {
    /// The memory that it lies in.
    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    const WORD: usize = size_of::<LockCell>();

    /// A flag that is not set.
    ///
    /// # Errors
    /// No shared memory.
    pub fn new() -> Result<Flag, SharedError> {
        let segment = Segment::of_kind("flag", Self::WORD + size_of::<AtomicU32>())?;
        // SAFETY: the segment is new and has room for a lock at 0 and for the word after it.
        unsafe {
            segment.make_lock(0, 0)?;
            segment.place(Self::WORD, AtomicU32::new(CLEAR));
        }
        Ok(Flag { segment })
    }

    fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    #[inline]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: the word is within the segment, aligned, and used as an atomic by all.
        unsafe { self.segment.at::<AtomicU32>(Self::WORD).as_ref() }
    }

    /// Whether the flag is set: one load, no lock. What the setter wrote before it set the flag is visible afterwards.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.word().load(Ordering::Acquire) == SET
    }

    /// Whether the flag is set, read under the lock, as Python's `Value.value` does.
    ///
    /// # Panics
    /// The calling thread holds the lock: then ask the guard, `guard.is_set()`.
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
        let _guard = self.cell().lock(FLAG);
        self.word().load(Ordering::Relaxed) == SET
    }

    /// Sets the flag.
    #[inline]
    pub fn set(&self) {
        let ordering = weakened("flag: relaxed set", Ordering::Release);
        self.word().store(SET, ordering);
    }

    /// Clears the flag, for the next round. Whoever has not looked yet misses the last one: make sure nobody still works
    /// on the old round.
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

    /// Sets the flag and tells whether you are the one who did: `true` for exactly one caller, without a lock.
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
    /// The calling thread holds the lock already.
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
            lock: self.cell().lock(FLAG),
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
    /// Whether the flag is set. Whoever uses the lock too cannot change that before the guard is dropped.
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

    /// Whether the holder before you died with the lock.
    pub fn owner_died(&self) -> bool {
        self.lock.owner_died()
    }
}

impl fmt::Display for FlagGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = if self.is_set() { "set" } else { "not set" };
        write!(
            f,
            "the lock of a flag that is {set}; it is given back when this value is dropped"
        )
    }
}
