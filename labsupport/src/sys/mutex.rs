//! A mutex that several processes share and that tells when its holder died.

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// How a lock was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// The previous holder gave it back.
    Clean,
    /// The previous holder died with it; what it protects may be half written.
    OwnerDied,
}

/// A `pthread_mutex_t` with the attributes *process-shared* and *robust*, at a place that does not move.
///
/// Robust means: each thread keeps a list of such locks that it holds, and when the thread ends, however it ends, the
/// kernel walks the list, marks each lock and wakes a waiter. See `man 3 pthread_mutexattr_setrobust` and the Linux
/// kernel's `Documentation/locking/robust-futexes.rst`.
#[repr(transparent)]
pub(crate) struct RobustMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex is made to be used from several threads at once; every method goes through pthread calls.
unsafe impl Sync for RobustMutex {}

impl RobustMutex {
    /// Makes a mutex at `place`.
    ///
    /// # Safety
    /// `place` is aligned, valid for writes, stays mapped and unmoved for as long as anybody uses the mutex or holds
    /// it, and nobody uses it before this returns.
    pub(crate) unsafe fn init(place: NonNull<RobustMutex>) -> io::Result<()> {
        let check = |code: i32| {
            if code == 0 {
                Ok(())
            } else {
                Err(io::Error::from_raw_os_error(code))
            }
        };
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: `attributes` is a live local, initialised by the first call and used only after it; `place` is valid by
        // this function's contract.
        unsafe {
            check(libc::pthread_mutexattr_init(attributes))?;
            let made = check(libc::pthread_mutexattr_setpshared(
                attributes,
                libc::PTHREAD_PROCESS_SHARED,
            ))
            .and_then(|()| {
                check(libc::pthread_mutexattr_setrobust(
                    attributes,
                    libc::PTHREAD_MUTEX_ROBUST,
                ))
            })
            .and_then(|()| {
                check(libc::pthread_mutex_init(
                    place.as_ptr().cast::<libc::pthread_mutex_t>(),
                    attributes,
                ))
            });
            libc::pthread_mutexattr_destroy(attributes);
            made
        }
    }

    /// Waits for the lock.
    #[inline]
    pub(crate) fn lock(&self) -> Acquired {
        // SAFETY: the mutex was made by `init` and does not move.
        let code = unsafe { libc::pthread_mutex_lock(self.0.get()) };
        if code == 0 {
            Acquired::Clean
        } else {
            self.after_trouble(code)
        }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Acquired> {
        // SAFETY: as in `lock`.
        match unsafe { libc::pthread_mutex_trylock(self.0.get()) } {
            0 => Some(Acquired::Clean),
            libc::EBUSY => None,
            code => Some(self.after_trouble(code)),
        }
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// The calling thread holds it.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: the caller holds the lock, so this is the matching unlock of a live mutex.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
    }

    #[cold]
    fn after_trouble(&self, code: i32) -> Acquired {
        assert!(
            code == libc::EOWNERDEAD,
            "a shared lock failed: {}. Its memory was overwritten; restart the kernel.",
            io::Error::from_raw_os_error(code)
        );
        // We hold the lock now. Marking it consistent keeps it usable; whether the *value* is whole is for the caller
        // to decide, who learns of the death from the return value.
        // SAFETY: EOWNERDEAD means that the calling thread holds this live mutex.
        unsafe { libc::pthread_mutex_consistent(self.0.get()) };
        Acquired::OwnerDied
    }
}
