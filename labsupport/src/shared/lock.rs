//! The lock that a program uses. The guard, and who is told that a holder died, is in `lock_cell.rs`; how the system tells it, in
//! `sys/mutex.rs`.

use super::SharedError;
use super::lock_cell::{Advice, LockGuard};
use super::locked::Locked;
use std::fmt;

/// A lock that processes share: Python's `multiprocessing.Lock`.
///
/// It is *robust*: when a process dies while it holds the lock, the next one gets it and is told, instead of waiting forever. It is not
/// *re-entrant*: a thread that locks what it already holds gets a panic that says so.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let lock = Lock::new()?;
/// let workers = Workers::spawn(1, |_| {
///     let _guard = lock.lock();
///     std::process::abort() // dies while it holds the lock
/// })?;
/// let _: Report<()> = workers.join()?;
/// assert!(lock.lock().owner_died());
/// assert!(!lock.lock().owner_died()); // reported once
/// assert_eq!(lock.deaths(), 1);       // and counted
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Lock {
    pub(super) locked: Locked<()>,
}

const LOCK: Advice = Advice {
    what: "this lock",
    instead: "take the guard once, `let guard = lock.lock();`, and `drop(guard)` before you lock again.",
};

impl Lock {
    /// A free lock.
    ///
    /// # Errors
    /// There is no room for it in shared memory.
    pub fn new() -> Result<Lock, SharedError> {
        let locked = Locked::new("lock", 1)?;
        Ok(Lock { locked })
    }

    /// Waits for the lock; dropping the guard gives it back.
    ///
    /// # Panics
    /// The calling thread already holds the lock. Other threads and processes wait.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_> {
        self.locked.cell().lock(LOCK)
    }

    /// The lock, if it is free.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let lock = Lock::new()?;
    /// let guard = lock.lock();
    /// let workers = Workers::spawn(1, |_| lock.try_lock().is_none())?;
    /// assert_eq!(workers.join()?.values()?, [true]);
    /// drop(guard);
    /// assert!(lock.try_lock().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_lock(&self) -> Option<LockGuard<'_>> {
        self.locked.cell().try_lock()
    }

    /// How many times a process died while it held the lock. If the next owner dies before it is told, the two deaths count as one.
    pub fn deaths(&self) -> u32 {
        self.locked.cell().deaths()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lock({} holders died)", self.deaths())
    }
}
