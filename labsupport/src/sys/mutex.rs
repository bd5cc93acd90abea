//! A mutex that several processes share, and that reports the death of its holder.

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
    /// The previous holder died while it held the lock; what it protects may be half written.
    OwnerDied,
}

/// A `pthread_mutex_t` with the attributes *process-shared*, *robust* and *error-checking*, at a place that does not move.
///
/// *Error-checking* means: a thread that locks what it already holds gets an error instead of sleeping forever. That costs nothing while the
/// lock is free.
///
/// *Robust* means: each thread keeps a list of the locks that it holds, and when the thread ends, however it ends, the kernel walks the list,
/// marks each lock and wakes a waiter. See `man 3 pthread_mutexattr_setrobust` and the Linux
/// kernel's `Documentation/locking/robust-futexes.rst`.
#[repr(transparent)]
pub(crate) struct RobustMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex is made to be used from several threads at once; every method goes through pthread calls.
unsafe impl Sync for RobustMutex {}

impl RobustMutex {
    /// Makes a mutex at `place`.
    ///
    /// # Safety
    /// `place` is aligned and valid for writes, stays mapped and does not move while the mutex is used or held, and nothing uses it before this
    /// returns.
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

    /// Waits for the lock. `None` if the calling thread already holds it: then it could never be given back.
    #[inline]
    pub(crate) fn lock(&self) -> Option<Acquired> {
        match self.try_lock() {
            Some(acquired) => Some(acquired),
            None => self.wait(),
        }
    }

    /// Waits for the lock, and looks again after a while even if no wake-up comes.
    ///
    /// A wake-up can be lost. The holder gives the lock back and wakes a sleeper, another process takes the lock before that sleeper runs, and
    /// the sleeper is killed. The new holder found no mark that says that there are sleepers: a process sets it again when it wakes up, and the
    /// killed one never did. So the new holder will wake no process, and the kernel, which walks the list of the dead one, wakes the next
    /// sleeper only if the lock is free at that moment. `pthread_mutex_lock` would sleep forever then. `faults/src/kill_lock.rs` forces it.
    #[cold]
    fn wait(&self) -> Option<Acquired> {
        loop {
            let mut until = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // Not the wall clock, which `pthread_mutex_timedlock` would use: if that is set back by an hour, a lost wake-up is found an
            // hour later. `faults/src/limits.rs` sets it back.
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

    /// Whether a thread of this process holds the lock, or did so a moment ago. It does not touch the lock: the next owner is still told of a
    /// death.
    pub(crate) fn is_held_here(&self) -> bool {
        let holder = self.holder();
        holder != 0 && is_thread_of_this_process(holder)
    }

    /// Whether the calling thread holds the lock.
    pub(crate) fn is_mine(&self) -> bool {
        let holder = self.holder();
        holder != 0 && holder == rustix::thread::gettid().as_raw_pid()
    }

    /// Whether no thread held the lock a moment ago. It does not touch the lock.
    #[inline]
    pub(crate) fn looks_free(&self) -> bool {
        self.holder() == 0
    }

    /// The number of the thread that holds the lock; 0 if none does.
    #[inline]
    fn holder(&self) -> Pid {
        // SAFETY: the mutex lies at a valid place. The kernel's interface for robust locks requires the holder's thread number in the word
        // that waiters sleep on; the C library has that word first, and everyone uses it as an atomic.
        let word = unsafe { &*self.0.get().cast::<AtomicU32>() }.load(Ordering::Relaxed);
        (word & libc::FUTEX_TID_MASK) as Pid
    }

    /// Gives the lock back. Does nothing if a thread of another process holds it.
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
        // We hold the lock now. Marking it consistent keeps it usable. The return value tells the caller of the death; the caller decides
        // whether the *data* is whole.
        // SAFETY: EOWNERDEAD means that the calling thread holds this live mutex.
        unsafe { libc::pthread_mutex_consistent(self.0.get()) };
        fault::point("lock: made consistent");
        Acquired::OwnerDied
    }
}

/// The head of a thread's list of robust locks, as the kernel has it (`linux/futex.h`).
#[repr(C)]
struct RobustList {
    /// The first entry. Each entry begins with the address of the next one; the last leads back to the head.
    first: *const *const u8,
    /// From an entry to the word of its lock, in bytes.
    to_word: isize,
    pending: *const u8,
}

/// As many as the kernel follows (`ROBUST_LIST_LIMIT`).
const MOST_HELD: usize = 2048;

/// The robust locks that the calling thread holds: the addresses of their words. If a lock is ours, a [`RobustMutex`] begins there. It reads the
/// list that the kernel walks when the thread ends, so the account costs a lock nothing.
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
            // SAFETY: the place is aligned, leaked, and nothing else uses it.
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
    fn a_mutex_knows_its_holder_and_tells_a_thread_that_locks_twice() {
        let place = Box::leak(Box::new(MaybeUninit::<RobustMutex>::uninit()));
        let place = NonNull::from(place).cast::<RobustMutex>();
        // SAFETY: the place is aligned, leaked, and nothing else uses it.
        let mutex = unsafe {
            RobustMutex::init(place).unwrap();
            place.as_ref()
        };
        assert!(!mutex.is_held_here() && !mutex.is_mine() && mutex.looks_free());
        assert_eq!(mutex.lock(), Some(Acquired::Clean));
        assert!(mutex.is_held_here() && mutex.is_mine() && !mutex.looks_free());
        assert_eq!((mutex.try_lock(), mutex.lock()), (None, None));
        let locked = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Another thread waits for as long as it takes.
            let other = scope.spawn(|| {
                let acquired = mutex.lock();
                locked.store(true, Ordering::SeqCst);
                assert!(mutex.is_held_here() && mutex.is_mine());
                // SAFETY: this thread has just taken it.
                unsafe { mutex.unlock() };
                acquired
            });
            assert!(!locked.load(Ordering::SeqCst));
            assert!(mutex.is_mine());
            // SAFETY: this thread took it above.
            unsafe { mutex.unlock() };
            assert_eq!(other.join().unwrap(), Some(Acquired::Clean));
        });
        assert!(!mutex.is_held_here());
    }
}
