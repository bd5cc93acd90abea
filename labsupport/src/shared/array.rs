use super::lock::{LockCell, LockGuard, Locked};
use super::{Plain, Segment, SharedError};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// A row of values of one type that processes share, with one lock: Python's `multiprocessing.Array`.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let hits = Array::<u64>::new(4)?;
/// let workers = Workers::spawn(4, |w| hits.set(w.index(), 10 * w.index() as u64))?;
/// workers.join()?;
/// assert_eq!(hits.lock().to_vec(), [0, 10, 20, 30]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Array<T> {
    segment: Segment,
    len: usize,
    values: PhantomData<Cell<T>>,
}

const ARRAY: Locked = Locked {
    what: "the lock of this array",
    instead: "take the guard once and use it for all elements: `let mut all = hits.lock(); all[0] += all[1];`.",
};

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Array {
            segment: self.segment.clone(),
            len: self.len,
            values: PhantomData,
        }
    }
}

impl<T> Array<T> {
    /// The memory that it lies in.
    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }
}

impl<T: Plain> Array<T> {
    const DATA: usize = {
        assert!(align_of::<T>() <= size_of::<LockCell>());
        assert!(size_of::<T>() > 0);
        size_of::<LockCell>()
    };

    /// `len` zeros.
    ///
    /// # Errors
    /// Zero elements, no shared memory.
    pub fn new(len: usize) -> Result<Array<T>, SharedError> {
        if len == 0 {
            return Err(SharedError::Empty("elements"));
        }
        let limit = (isize::MAX as usize / 4) / size_of::<T>();
        if len > limit {
            return Err(SharedError::TooLarge {
                asked: len,
                limit,
                of: "elements",
            });
        }
        let segment = Segment::of_kind("array", Self::DATA + len * size_of::<T>())?;
        // SAFETY: the segment is new and has room for a lock at 0.
        unsafe { segment.make_lending_lock() }?;
        Ok(Array {
            segment,
            len,
            values: PhantomData,
        })
    }

    fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    fn check(&self, index: usize) {
        let len = self.len;
        assert!(
            index < len,
            "there is no element {index}: the array has {len}, numbered 0 to {}.",
            len - 1
        );
    }

    /// How many elements there are.
    // An array of zero elements cannot be made, so an `is_empty` would have one answer.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Element `index`, read under the lock.
    ///
    /// # Panics
    /// There is no element `index`, or the calling thread holds the lock: then use the guard, `guard[index]`.
    pub fn get(&self, index: usize) -> T {
        self.check(index);
        self.lock()[index]
    }

    /// Writes element `index` under the lock.
    ///
    /// # Panics
    /// There is no element `index`, or the calling thread holds the lock: then use the guard, `guard[index] = value`.
    pub fn set(&self, index: usize, value: T) {
        self.check(index);
        self.lock()[index] = value;
    }

    /// Waits for the lock; the guard stands for the whole array until it is dropped. It is the only way to the elements: nobody reads
    /// or writes them without the lock.
    ///
    /// # Panics
    /// The calling thread holds the lock already.
    pub fn lock(&self) -> ArrayGuard<'_, T> {
        self.guard(self.cell().lock(ARRAY))
    }

    fn guard<'a>(&'a self, lock: LockGuard<'a>) -> ArrayGuard<'a, T> {
        ArrayGuard {
            lock,
            // SAFETY: `new` made the segment for so many elements from there on, and checked their alignment.
            data: NonNull::slice_from_raw_parts(unsafe { self.segment.at(Self::DATA) }, self.len),
            values: PhantomData,
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cell().try_lock() {
            Some(lock) => write!(f, "Array{:?}", self.guard(lock)),
            None => f.write_str("Array(locked)"),
        }
    }
}

/// A shared array under its lock. No workers are spawned meanwhile, and a copy of it that a fork has made refuses: see [`LockGuard`].
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let hits = Array::<u64>::new(3)?;
/// let mut guard = hits.lock();
/// guard.fill(1);
/// assert_eq!(guard.iter().sum::<u64>(), 3);
/// assert!(!guard.owner_died());
/// # Ok::<(), SharedError>(())
/// ```
#[must_use = "the lock is given back at once unless the guard is kept"]
pub struct ArrayGuard<'a, T> {
    lock: LockGuard<'a>,
    data: NonNull<[T]>,
    values: PhantomData<&'a mut T>,
}

impl<T> ArrayGuard<'_, T> {
    /// Whether the holder before you died with the lock: the array may be half written.
    pub fn owner_died(&self) -> bool {
        self.lock.owner_died()
    }
}

impl<T: Plain> Deref for ArrayGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.lock.assert_at_home();
        // SAFETY: the data is valid for the guard's life and only read and written under the lock, which this guard holds.
        unsafe { self.data.as_ref() }
    }
}

impl<T: Plain> DerefMut for ArrayGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.lock.assert_at_home();
        // SAFETY: as in `deref`, and the guard is borrowed mutably.
        unsafe { self.data.as_mut() }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ArrayGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lock.is_at_home() {
            return f.write_str("ArrayGuard(a worker's copy)");
        }
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_in_somebodys_hand_shows_that_it_is_locked() {
        let array = Array::<u8>::new(2).unwrap();
        array.set(1, 7);
        assert_eq!(format!("{array:?}"), "Array[0, 7]");
        let guard = array.lock();
        assert_eq!(format!("{array:?} {guard:?}"), "Array(locked) [0, 7]");
    }
}
