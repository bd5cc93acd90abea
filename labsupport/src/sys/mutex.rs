//! A mutex that several processes share and that tells when its holder died.

use super::{LOOK_AGAIN, fault};
use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

unsafe extern "C" {
    /// POSIX.1-2024, and glibc since 2.30; the `libc` crate does not declare it. musl has none: this crate is built for
    /// `linux-gnu`, and a build for musl ends with a linker's error that names this function.
    fn pthread_mutex_clocklock(
        mutex: *mut libc::pthread_mutex_t,
        clock: libc::clockid_t,
        until: *const libc::timespec,
    ) -> libc::c_int;
}

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
        match self.try_lock() {
            Some(acquired) => acquired,
            None => self.wait(),
        }
    }

    /// Waits for the lock, and looks again after a while even if nobody wakes it.
    ///
    /// A wake-up can be lost: the holder gives the lock back and wakes a sleeper, another one takes the lock before that sleeper runs, and
    /// the sleeper is killed. The new holder found no mark "somebody sleeps" (who wakes up sets it again, and he never did), so it
    /// will wake nobody; and the kernel, which looks after the dead, wakes the next sleeper only where the lock is free at that moment.
    /// `pthread_mutex_lock` would sleep for ever then; `tests/faults/kill_lock.rs` forces it.
    #[cold]
    fn wait(&self) -> Acquired {
        loop {
            let mut until = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // Not the wall clock, which `pthread_mutex_timedlock` would take: while that is set back by an hour, a lost wake-up
            // would be found an hour later. `tests/faults` steps it.
            // SAFETY: the pointer is to a live local of the right type.
            unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut until) };
            until.tv_nsec += LOOK_AGAIN.as_nanos() as libc::c_long;
            if until.tv_nsec >= 1_000_000_000 {
                (until.tv_sec, until.tv_nsec) = (until.tv_sec + 1, until.tv_nsec - 1_000_000_000);
            }
            // SAFETY: the mutex was made by `init` and does not move; `until` is a live local.
            match unsafe { pthread_mutex_clocklock(self.0.get(), libc::CLOCK_MONOTONIC, &until) } {
                0 => return Acquired::Clean,
                libc::ETIMEDOUT => {}
                code => return self.after_trouble(code),
            }
        }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Acquired> {
        // SAFETY: the mutex was made by `init` and does not move.
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
        fault::point("lock: inherited");
        // We hold the lock now. Marking it consistent keeps it usable; whether the *value* is whole is for the caller
        // to decide, who learns of the death from the return value.
        // SAFETY: EOWNERDEAD means that the calling thread holds this live mutex.
        unsafe { libc::pthread_mutex_consistent(self.0.get()) };
        fault::point("lock: made consistent");
        Acquired::OwnerDied
    }
}
