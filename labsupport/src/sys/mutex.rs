//! A mutex that several processes share and that tells when its holder died.

use super::{LOOK_AGAIN, Pid, fault, is_thread_of_this_process};
use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

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

/// A `pthread_mutex_t` with the attributes *process-shared*, *robust* and *error-checking*, at a place that does not move.
///
/// Error-checking means: a thread that waits for what it holds itself is told so instead of sleeping forever. That costs nothing
/// while the lock is free.
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
                check(libc::pthread_mutexattr_settype(
                    attributes,
                    libc::PTHREAD_MUTEX_ERRORCHECK,
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

    /// Waits for the lock. `None` where the calling thread holds it already: nobody could ever give it back.
    #[inline]
    pub(crate) fn lock(&self) -> Option<Acquired> {
        match self.try_lock() {
            Some(acquired) => Some(acquired),
            None => self.wait(),
        }
    }

    /// Waits for the lock, and looks again after a while even if nobody wakes it.
    ///
    /// A wake-up can be lost: the holder gives the lock back and wakes a sleeper, another one takes the lock before that sleeper runs, and
    /// the sleeper is killed. The new holder found no mark "somebody sleeps" (who wakes up sets it again, and he never did), so it
    /// will wake nobody; and the kernel, which looks after the dead, wakes the next sleeper only where the lock is free at that moment.
    /// `pthread_mutex_lock` would sleep forever then; `tests/faults/kill_lock.rs` forces it.
    #[cold]
    fn wait(&self) -> Option<Acquired> {
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
                0 => return Some(Acquired::Clean),
                libc::ETIMEDOUT => {}
                libc::EDEADLK => return None,
                code => return Some(self.after_trouble(code)),
            }
        }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Acquired> {
        // SAFETY: the mutex was made by `init` and does not move.
        match unsafe { libc::pthread_mutex_trylock(self.0.get()) } {
            0 => Some(Acquired::Clean),
            // Held by another thread, or by this one.
            libc::EBUSY | libc::EDEADLK => None,
            code => Some(self.after_trouble(code)),
        }
    }

    /// Whether a thread of this process holds the lock, or did so a moment ago. It does not touch the lock: whoever locks next is still
    /// told of a death.
    pub(crate) fn is_held_here(&self) -> bool {
        // SAFETY: the mutex lies at a valid place. The kernel's interface for robust locks wants the holder's thread number in the
        // word that waiters sleep on, and the C library has that word first; all use it as an atomic.
        let word = unsafe { &*self.0.get().cast::<AtomicU32>() }.load(Ordering::Relaxed);
        let holder = (word & libc::FUTEX_TID_MASK) as Pid;
        holder != 0 && is_thread_of_this_process(holder)
    }

    /// Gives the lock back. Does nothing where another process's thread holds it.
    ///
    /// # Safety
    /// The calling thread took it.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: the caller took the lock, so this is the matching unlock of a live mutex.
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

/// The head of a thread's list of robust locks, as the kernel has it (`linux/futex.h`).
#[repr(C)]
struct RobustList {
    /// The first entry, which begins with the place of the next one; the last leads back to the head.
    first: *const *const u8,
    /// From an entry to the word of its lock, in bytes.
    to_word: isize,
    pending: *const u8,
}

/// As many as the kernel follows (`ROBUST_LIST_LIMIT`).
const MOST_HELD: usize = 2048;

/// The robust locks that the calling thread holds: the places of their words, each the beginning of a [`RobustMutex`] if it is ours. It
/// reads the list that the kernel walks when the thread ends, so keeping account costs a lock nothing.
pub(crate) fn held_by_this_thread() -> Vec<NonNull<u8>> {
    let (mut head, mut size) = (std::ptr::null::<RobustList>(), 0usize);
    // SAFETY: both pointers are to live locals of the right types; 0 is the calling thread.
    let answer = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut size) };
    if answer != 0 || head.is_null() || size != size_of::<RobustList>() {
        return Vec::new();
    }
    let mut held = Vec::new();
    // SAFETY: the C library has registered this head for the calling thread, and changes it only in calls of that thread. Each entry
    // lies in a mutex that the thread holds, and such memory is never unmapped (see `Mapping` in shared/segment.rs).
    unsafe {
        let mut entry = (*head).first;
        while entry.cast() != head && !entry.is_null() && held.len() < MOST_HELD {
            // The lowest bit says which kind of mutex it is.
            let place = entry.map_addr(|address| address & !1);
            held.extend(NonNull::new(
                place.byte_offset((*head).to_word).cast::<u8>().cast_mut(),
            ));
            entry = (*place).cast();
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// The layout that `held_by_this_thread` relies on.
    #[test]
    fn a_thread_knows_its_own_locks() {
        let mutexes = [(); 2].map(|()| {
            let place = Box::leak(Box::new(MaybeUninit::<RobustMutex>::uninit()));
            let place = NonNull::from(place).cast::<RobustMutex>();
            // SAFETY: the place is aligned, leaked and known to nobody else.
            unsafe {
                RobustMutex::init(place).unwrap();
                place.as_ref()
            }
        });
        let places = mutexes.map(|mutex| NonNull::from(mutex).cast::<u8>());
        assert_eq!(held_by_this_thread(), []);
        for mutex in mutexes {
            mutex.lock();
        }
        let held = held_by_this_thread();
        assert_eq!(held.len(), 2);
        assert!(places.iter().all(|place| held.contains(place)));
        std::thread::scope(|scope| {
            let other = scope.spawn(|| held_by_this_thread().is_empty());
            assert!(other.join().unwrap());
        });
        // SAFETY: this thread took it above.
        unsafe { mutexes[0].unlock() };
        assert_eq!(held_by_this_thread(), [places[1]]);
        // SAFETY: this thread took it above.
        unsafe { mutexes[1].unlock() };
        assert_eq!(held_by_this_thread(), []);
    }

    /// The layout that `is_held_here` relies on.
    #[test]
    fn a_mutex_says_who_holds_it_and_whoever_holds_it_is_told() {
        let place = Box::leak(Box::new(MaybeUninit::<RobustMutex>::uninit()));
        let place = NonNull::from(place).cast::<RobustMutex>();
        // SAFETY: the place is aligned, leaked and known to nobody else.
        let mutex = unsafe {
            RobustMutex::init(place).unwrap();
            place.as_ref()
        };
        assert!(!mutex.is_held_here());
        assert_eq!(mutex.lock(), Some(Acquired::Clean));
        assert!(mutex.is_held_here());
        assert_eq!((mutex.try_lock(), mutex.lock()), (None, None));
        let locked = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Another thread waits, however long it takes.
            let other = scope.spawn(|| {
                let acquired = mutex.lock();
                locked.store(true, Ordering::SeqCst);
                assert!(mutex.is_held_here());
                // SAFETY: this thread has just taken it.
                unsafe { mutex.unlock() };
                acquired
            });
            assert!(!locked.load(Ordering::SeqCst));
            // SAFETY: this thread took it above.
            unsafe { mutex.unlock() };
            assert_eq!(other.join().unwrap(), Some(Acquired::Clean));
        });
        assert!(!mutex.is_held_here());
    }
}
