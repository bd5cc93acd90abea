//! A robust, process-shared pthread mutex in plain memory: our lock cannot be faster than this.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

pub(crate) struct BareMutex(UnsafeCell<libc::pthread_mutex_t>);

impl BareMutex {
    pub(crate) fn new() -> Box<BareMutex> {
        let mutex = Box::new(BareMutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are a live local, initialised first; the mutex lies in its box and does not move.
        unsafe {
            libc::pthread_mutexattr_init(attributes.as_mut_ptr());
            libc::pthread_mutexattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            );
            libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST);
            libc::pthread_mutex_init(mutex.0.get(), attributes.as_ptr());
        }
        mutex
    }

    #[inline]
    pub(crate) fn lock_and_unlock(&self) {
        // SAFETY: the mutex was made in `new`; this thread locks and unlocks it.
        unsafe {
            libc::pthread_mutex_lock(self.0.get());
            libc::pthread_mutex_unlock(self.0.get());
        }
    }
}
