use super::lock::{LockCell, LockGuard};
use super::plain::load_words;
use super::{Plain, Segment, SharedError};
use crate::sys::generation;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::rc::Rc;

/// One value that processes share, with its lock: Python's `multiprocessing.Value`. Between threads it does not go: there, a
/// `Mutex` does the same for less.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let total = Value::new(0u64)?;
/// let workers = Workers::spawn(4, |_| {
///     for _ in 0..1000 {
///         *total.lock() += 1; // read, add and write under one lock
///     }
/// })?;
/// workers.join()?;
/// assert_eq!(total.get(), 4000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// No handle leaves its thread:
/// ```compile_fail,E0277
/// # use labsupport::prelude::*;
/// let total = Value::new(0u64)?;
/// std::thread::spawn(move || total.get());
/// # Ok::<(), SharedError>(())
/// ```
pub struct Value<T> {
    segment: Segment,
    /// The [`generation`] of the process in which a guard lends the value just now, or 0: see `get_unlocked`. Being an Rc it keeps
    /// all handles on one thread, too: to read without the lock is sound beside other processes, not beside other threads.
    lent: Rc<Cell<u32>>,
    value: PhantomData<T>,
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Value {
            segment: self.segment.clone(),
            lent: Rc::clone(&self.lent),
            value: PhantomData,
        }
    }
}

impl<T: Plain> Value<T> {
    const DATA: usize = {
        assert!(align_of::<T>() <= size_of::<LockCell>());
        size_of::<LockCell>()
    };

    /// A shared value that starts as `value`.
    ///
    /// # Errors
    /// No shared memory.
    pub fn new(value: T) -> Result<Value<T>, SharedError> {
        let segment = Segment::new(Self::DATA + size_of::<T>())?;
        segment.make_lock(0, 0)?;
        segment.place(Self::DATA, value);
        Ok(Value {
            segment,
            lent: Rc::default(),
            value: PhantomData,
        })
    }

    fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    #[inline]
    fn data(&self) -> NonNull<T> {
        self.segment.at(Self::DATA)
    }

    /// The value, read under the lock.
    #[inline]
    pub fn get(&self) -> T {
        *self.lock()
    }

    /// Writes the value under the lock.
    #[inline]
    pub fn set(&self, value: T) {
        *self.lock() = value;
    }

    /// The value, read without the lock. Up to 8 bytes are read in one piece; a larger value word by word, so that a
    /// reader may see the beginning of one write and the end of another.
    ///
    /// # Panics
    /// You hold the lock: then read through the guard.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let best = Value::new(u64::MAX)?;
    /// assert_eq!(best.get_unlocked(), u64::MAX);
    /// # Ok::<(), SharedError>(())
    /// ```
    #[inline]
    pub fn get_unlocked(&self) -> T {
        assert!(
            !self.is_lent(),
            "this process holds the value's lock: read through the guard."
        );
        // SAFETY: the data is within the segment, aligned, and holds a valid T since `new`. All handles are on this thread, and
        // none of them has a guard now, so nobody in this process writes or has a reference to the data.
        unsafe { load_words(self.data().as_ptr()) }
    }

    /// Whether a guard of this process is alive. One that was alive when this process was forked is another's.
    #[inline]
    fn is_lent(&self) -> bool {
        self.lent.get() != 0 && self.lent.get() == generation()
    }

    /// Waits for the lock; the guard stands for the value until it is dropped.
    #[inline]
    pub fn lock(&self) -> ValueGuard<'_, T> {
        let lock = self.cell().lock();
        self.lent.set(generation());
        ValueGuard {
            lock,
            data: self.data(),
            lent: &self.lent,
            value: PhantomData,
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_lent() {
            true => f.write_str("Value(locked)"),
            false => write!(f, "Value({:?})", self.get_unlocked()),
        }
    }
}

/// A shared value under its lock.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let best = Value::new(10u64)?;
/// let mut guard = best.lock();
/// if *guard > 7 {
///     *guard = 7; // nobody else has come between the look and the write
/// }
/// assert!(!guard.owner_died());
/// # Ok::<(), SharedError>(())
/// ```
#[must_use = "the lock is given back at once unless the guard is kept"]
pub struct ValueGuard<'a, T> {
    lock: LockGuard<'a>,
    data: NonNull<T>,
    lent: &'a Cell<u32>,
    value: PhantomData<&'a mut T>,
}

impl<T> ValueGuard<'_, T> {
    /// Whether the holder before you died with the lock: the value may be half written.
    pub fn owner_died(&self) -> bool {
        self.lock.owner_died()
    }
}

impl<T: Plain> Deref for ValueGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the data is valid for the guard's life, and the lock keeps other writers out: nothing writes without it.
        unsafe { self.data.as_ref() }
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed mutably. Who reads without the lock does it in another process: in
        // this one `get_unlocked` refuses while the guard is alive.
        unsafe { self.data.as_mut() }
    }
}

impl<T> Drop for ValueGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lent.set(0);
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ValueGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueGuard({:?})", **self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Workers;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn who_holds_the_lock_reads_through_the_guard() {
        let value = Value::new(1u64).unwrap();
        let other = value.clone();
        let mut guard = value.lock();
        let lent = &mut *guard;
        let look = AssertUnwindSafe(|| other.get_unlocked());
        let panic = *catch_unwind(look).unwrap_err().downcast::<&str>().unwrap();
        assert!(panic.ends_with("read through the guard."), "{panic}");
        assert_eq!(format!("{other:?}"), "Value(locked)");
        *lent = 2;
        drop(guard);
        assert_eq!((value.get_unlocked(), other.get()), (2, 2));
        assert_eq!(format!("{other:?}"), "Value(2)");
    }

    #[test]
    #[cfg_attr(miri, ignore = "forks, and Miri cannot")]
    fn a_worker_looks_while_its_parent_holds_the_lock() {
        let value = Value::new(1u64).unwrap();
        let mut guard = value.lock();
        *guard = 2;
        let workers = Workers::spawn(2, |_| value.get_unlocked()).unwrap();
        assert_eq!(workers.join().unwrap().into_values().unwrap(), [2, 2]);
        drop(guard);
    }
}
