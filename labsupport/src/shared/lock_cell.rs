use crate::sync::{Acquired, RobustMutex};
use crate::sys::{Home, fault, held_by_this_thread};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// The lock as it lies in shared memory, alone on its pair of cache lines: processors fetch lines in pairs.
#[repr(C, align(128))]
pub(super) struct LockCell {
    mutex: RobustMutex,
    /// Only grows; written by the holder.
    deaths: AtomicU32,
    /// [`LENDS`] if the guard lends the locked data as a plain reference; zero otherwise.
    lends: AtomicU32,
}

/// An unlikely number: [`lent_here`] looks for it in locks that may not be ours.
const LENDS: u32 = 0x6c65_6e64;

impl LockCell {
    /// Makes a free lock at `place`.
    ///
    /// # Safety
    /// As for [`RobustMutex::init`]; also `place` holds zeros.
    pub(super) unsafe fn init(place: NonNull<LockCell>) -> io::Result<()> {
        // SAFETY: the mutex is the first field (`repr(C)`), and the rest is this function's contract.
        unsafe { RobustMutex::init(place.cast()) }
    }

    /// From now on the guard counts as one that lends the locked data.
    pub(super) fn lends(&self) {
        self.lends.store(LENDS, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn lock(&self, advice: Advice) -> LockGuard<'_> {
        fault::point("lock: asked");
        match self.mutex.lock() {
            Some(acquired) => self.guard(acquired),
            None => advice.locked_twice(),
        }
    }

    #[inline]
    pub(super) fn try_lock(&self) -> Option<LockGuard<'_>> {
        self.mutex.try_lock().map(|acquired| self.guard(acquired))
    }

    /// Whether it looks as if nobody holds it. It only reads, so it disturbs the holder less than an attempt.
    #[inline]
    pub(super) fn looks_free(&self) -> bool {
        self.mutex.looks_free()
    }

    /// # Panics
    /// The calling thread holds it, and would wait in vain for what others can only do under it.
    pub(super) fn refuse_holder(&self, advice: Advice) {
        if self.mutex.is_mine() {
            advice.locked_twice();
        }
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

/// Whether the calling thread holds a lock whose guard lends the locked data. It asks the system: too slow for anything but a fork.
pub(crate) fn lent_here() -> bool {
    held_by_this_thread().into_iter().any(|word| {
        let cell = word.cast::<LockCell>();
        // SAFETY: ours or not, a lock that the thread holds lies there. A place with this alignment has 128 bytes on one page, so the
        // number can be read. If the lock is not ours, the number is part of something else; an atomic reads it in one piece.
        cell.is_aligned() && unsafe { &(*cell.as_ptr()).lends }.load(Ordering::Relaxed) == LENDS
    })
}

/// The beginning of the panic of a thread that locks what it already holds.
pub const HELD_ALREADY: &str = "this process already holds";

/// What to tell a thread that locks something twice.
#[derive(Clone, Copy)]
pub(super) struct Advice {
    /// What is locked, with an article.
    pub(super) what: &'static str,
    /// What to write instead.
    pub(super) instead: &'static str,
}

impl Advice {
    #[cold]
    #[inline(never)]
    fn locked_twice(self) -> ! {
        let Advice { what, instead } = self;
        panic!(
            "{HELD_ALREADY} {what}, and would wait for itself forever: a guard that was not dropped yet is in use here, perhaps one in \
             the same line. Instead, {instead}"
        )
    }
}

/// Holds a lock; dropping it gives the lock back.
///
/// # Guards and forks
///
/// A guard belongs to the process that locked. A fork copies the guard but not the lock. Dropping such a copy gives nothing back, and
/// reading or writing through it panics. The same is true of the guards of a [`Value`](super::Value), an [`Array`](super::Array) and a
/// [`Flag`](super::Flag).
///
/// A plain reference that was taken out of a guard, `let n = &mut *guard;`, knows nothing of processes. Therefore a thread that holds the
/// guard of a value or an array cannot spawn workers: [`Workers::spawn`](crate::process::Workers::spawn) returns
/// [`SpawnError::GuardHeld`](crate::process::SpawnError::GuardHeld). The guards of a lock and of a flag lend nothing. Workers may be spawned
/// while one of these is held, and they wait for it.
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
    // The thread that locked a pthread mutex must unlock it.
    not_send: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Whether the previous holder died while it held the lock, so that what the lock protects may be half written. Only the first one to
    /// lock after a death is told.
    pub fn owner_died(&self) -> bool {
        self.owner_died
    }

    /// Whether this is the guard of the process that locked, and not a copy made by a fork.
    #[inline]
    pub(super) fn is_at_home(&self) -> bool {
        self.home.is_here()
    }

    /// # Panics
    /// This is a copy made by a fork.
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
