use super::{Segment, SharedError};
use crate::sync::{Acquired, RobustMutex};
use crate::sys::fault;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// A lock that processes share.
///
/// It is *robust*: when a process dies with the lock in its hand, the next one gets it and is told, instead of waiting
/// for ever.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let lock = Lock::new()?;
/// let workers = Workers::spawn(1, |_| {
///     let _guard = lock.lock();
///     std::process::abort() // dies with the lock in its hand
/// })?;
/// let _: Report<()> = workers.join()?;
/// assert!(lock.lock().owner_died());
/// assert!(!lock.lock().owner_died()); // told once
/// assert_eq!(lock.deaths(), 1);       // and counted
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Lock {
    segment: Segment,
}

impl Lock {
    /// A free lock.
    ///
    /// # Errors
    /// No shared memory.
    pub fn new() -> Result<Lock, SharedError> {
        let segment = Segment::new(size_of::<LockCell>())?;
        segment.make_lock(0, 0)?;
        Ok(Lock { segment })
    }

    fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    /// Waits for the lock; dropping the guard gives it back. Locking twice in one process waits for ever, as with any
    /// plain lock.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_> {
        self.cell().lock()
    }

    /// The lock, if nobody holds it.
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
        self.cell().try_lock()
    }

    /// How many times a holder died with the lock in its hand. A successor that dies before it could be told counts with the one whose
    /// death it had inherited.
    pub fn deaths(&self) -> u32 {
        self.cell().deaths()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lock({} holders died)", self.deaths())
    }
}

/// The lock as it lies in shared memory, alone on its pair of cache lines: processors fetch lines in pairs.
#[repr(C, align(128))]
pub(super) struct LockCell {
    mutex: RobustMutex,
    /// Only ever grows; written by the holder.
    deaths: AtomicU32,
}

impl LockCell {
    /// Makes a free lock at `place`.
    ///
    /// # Safety
    /// As for [`RobustMutex::init`]; also `place` holds zeros.
    pub(super) unsafe fn init(place: NonNull<LockCell>) -> io::Result<()> {
        // SAFETY: the mutex is the first field (`repr(C)`), and the rest is this function's contract.
        unsafe { RobustMutex::init(place.cast()) }
    }

    #[inline]
    pub(super) fn lock(&self) -> LockGuard<'_> {
        fault::point("lock: asked");
        self.guard(self.mutex.lock())
    }

    #[inline]
    pub(super) fn try_lock(&self) -> Option<LockGuard<'_>> {
        self.mutex.try_lock().map(|acquired| self.guard(acquired))
    }

    #[inline]
    fn guard(&self, acquired: Acquired) -> LockGuard<'_> {
        let owner_died = acquired == Acquired::OwnerDied;
        if owner_died {
            self.deaths.fetch_add(1, Ordering::Relaxed);
        }
        fault::point("lock: taken");
        LockGuard {
            cell: self,
            owner_died,
            not_send: PhantomData,
        }
    }

    pub(super) fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::Relaxed)
    }

    pub(super) fn is_held(&self) -> bool {
        self.try_lock().is_none()
    }
}

/// The lock in your hand; dropping it gives the lock back.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let lock = Lock::new()?;
/// let guard = lock.lock();
/// assert!(!guard.owner_died());
/// drop(guard);
/// # Ok::<(), SharedError>(())
/// ```
#[must_use = "the lock is given back at once unless the guard is kept"]
pub struct LockGuard<'a> {
    cell: &'a LockCell,
    owner_died: bool,
    // A pthread mutex is unlocked by the thread that locked it.
    not_send: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Whether the holder before you died with the lock: what it protects may be half written. Only the first one to
    /// lock after a death is told.
    pub fn owner_died(&self) -> bool {
        self.owner_died
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        fault::point("lock: giving back");
        // SAFETY: the guard was made by the thread that locked, and it cannot be sent to another. In a forked worker a
        // copied guard is not the holder, and the unlock of a robust mutex by another than its holder does nothing.
        unsafe { self.cell.mutex.unlock() };
        fault::point("lock: given back");
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockGuard(owner_died: {})", self.owner_died)
    }
}
