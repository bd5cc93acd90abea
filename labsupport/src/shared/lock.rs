use super::{Segment, SharedError};
use crate::sync::{Acquired, RobustMutex};
use crate::sys::{Home, fault, held_by_this_thread};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// A lock that processes share.
///
/// It is *robust*: when a process dies with the lock in its hand, the next one gets it and is told, instead of waiting
/// forever. It is not *re-entrant*: a thread that locks what it holds already gets a panic that says so.
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
    /// The memory that it lies in.
    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// A free lock.
    ///
    /// # Errors
    /// No shared memory.
    pub fn new() -> Result<Lock, SharedError> {
        let segment = Segment::of_kind("lock", size_of::<LockCell>())?;
        // SAFETY: the segment is new and has room for a lock at 0.
        unsafe { segment.make_lock(0, 0) }?;
        Ok(Lock { segment })
    }

    fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    /// Waits for the lock; dropping the guard gives it back.
    ///
    /// # Panics
    /// The calling thread holds the lock already. Other threads and processes wait.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_> {
        self.cell().lock(LOCK)
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

/// How the panic of a thread begins that locks what it holds.
pub const HELD_ALREADY: &str = "this process already holds";

/// What is locked, for the message to a thread that locks it twice.
#[derive(Clone, Copy)]
pub(super) struct Locked {
    /// Its name, with an article.
    pub(super) what: &'static str,
    /// What to write instead.
    pub(super) instead: &'static str,
}

const LOCK: Locked = Locked {
    what: "this lock",
    instead: "take the guard once, `let guard = lock.lock();`, and `drop(guard)` before you lock again.",
};

impl Locked {
    #[cold]
    #[inline(never)]
    fn twice(self) -> ! {
        let Locked { what, instead } = self;
        panic!(
            "{HELD_ALREADY} {what}, and would wait for itself forever: a guard that it has not dropped yet is in use \
             here, perhaps one in the same line. Instead, {instead}"
        )
    }
}

/// The lock as it lies in shared memory, alone on its pair of cache lines: processors fetch lines in pairs.
#[repr(C, align(128))]
pub(super) struct LockCell {
    mutex: RobustMutex,
    /// Only ever grows; written by the holder.
    deaths: AtomicU32,
    /// [`LENDS`] where the guard lends what is locked as a plain reference; zero elsewhere.
    lends: AtomicU32,
}

/// No number that happens to be there: it is looked for at locks that may not be ours.
const LENDS: u32 = 0x6c65_6e64;

/// Whether the calling thread holds a lock whose guard lends what is locked. It asks the system: too slow for anything but a fork.
pub(crate) fn lent_here() -> bool {
    held_by_this_thread().into_iter().any(|word| {
        let cell = word.cast::<LockCell>();
        // SAFETY: ours or not, a lock lies there that the thread holds. A place that is so aligned is 128 bytes of one page, so the
        // number can be read; where the lock is not ours it is part of something else, and as an atomic it is read in one piece.
        cell.is_aligned() && unsafe { &(*cell.as_ptr()).lends }.load(Ordering::Relaxed) == LENDS
    })
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

    /// From now on the guard counts as one that lends what is locked.
    pub(super) fn lends(&self) {
        self.lends.store(LENDS, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn lock(&self, locked: Locked) -> LockGuard<'_> {
        fault::point("lock: asked");
        match self.mutex.lock() {
            Some(acquired) => self.guard(acquired),
            None => locked.twice(),
        }
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
            home: Home::here(),
            not_send: PhantomData,
        }
    }

    pub(super) fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::Relaxed)
    }

    /// Whether a thread of this process holds it.
    pub(super) fn is_held_here(&self) -> bool {
        self.mutex.is_held_here()
    }
}

/// The lock in your hand; dropping it gives the lock back.
///
/// # Guards and forks
///
/// A guard belongs to the process that locked. A fork copies the guard but not the lock: such a copy gives nothing back when it is
/// dropped, and whoever reads or writes through it gets a panic. So do the guards of a [`Value`](super::Value), an
/// [`Array`](super::Array) and a [`Flag`](super::Flag).
///
/// A plain reference that was taken out of a guard, `let n = &mut *guard;`, knows nothing of processes. So while a thread has the guard
/// of a value or an array in its hand, it spawns no workers: [`Workers::spawn`](crate::process::Workers::spawn) returns
/// [`SpawnError::Lent`](crate::process::SpawnError::Lent). The guards of a lock and of a flag lend nothing; workers may be spawned under
/// them, and wait.
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
    /// The process that locked.
    home: Home,
    // A pthread mutex is unlocked by the thread that locked it.
    not_send: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Whether the holder before you died with the lock: what it protects may be half written. Only the first one to
    /// lock after a death is told.
    pub fn owner_died(&self) -> bool {
        self.owner_died
    }

    /// Whether this is the guard of the process that locked, and not a copy that a fork has made.
    #[inline]
    pub(super) fn is_at_home(&self) -> bool {
        self.home.is_here()
    }

    /// # Panics
    /// This is a copy that a fork has made.
    #[inline]
    pub(super) fn assert_at_home(&self) {
        if !self.is_at_home() {
            copied();
        }
    }
}

#[cold]
#[inline(never)]
fn copied() -> ! {
    panic!(
        "this guard was locked in the parent, and a worker has only a copy of it: the lock is not the worker's. Lock inside the \
         worker's closure instead."
    )
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_at_home() {
            return; // a worker's copy: the worker may even hold the lock itself by now
        }
        fault::point("lock: giving back");
        // SAFETY: the guard was made by the thread that locked, which is still in its process, and it cannot be sent to another.
        unsafe { self.cell.mutex.unlock() };
        fault::point("lock: given back");
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockGuard(owner_died: {})", self.owner_died)
    }
}
