use super::lock_cell::{Advice, LockGuard};
use super::locked::{Lent, Locked};
use super::{Plain, SharedError};
use std::fmt;
use std::ops::{Deref, DerefMut};

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
    pub(super) locked: Locked<T>,
}

const ARRAY: Advice = Advice {
    what: "the lock of this array",
    instead: "take the guard once and use it for all elements: `let mut all = hits.lock(); all[0] += all[1];`.",
};

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Array {
            locked: self.locked.clone(),
        }
    }
}

impl<T: Plain> Array<T> {
    /// The largest length.
    const LIMIT: usize = {
        assert!(size_of::<T>() > 0);
        (isize::MAX as usize / 4) / size_of::<T>()
    };

    /// `len` zeros.
    ///
    /// # Errors
    /// Zero elements, or no room in shared memory.
    pub fn new(len: usize) -> Result<Array<T>, SharedError> {
        if len == 0 {
            return Err(SharedError::Empty("elements"));
        }
        if len > Self::LIMIT {
            return Err(SharedError::TooLarge {
                asked: len,
                limit: Self::LIMIT,
                of: "elements",
            });
        }
        let locked = Locked::new("array", len)?;
        locked.cell().lends();
        Ok(Array { locked })
    }

    fn check(&self, index: usize) {
        let len = self.len();
        assert!(
            index < len,
            "there is no element {index}: the array has {len}, numbered 0 to {}.",
            len - 1
        );
    }

    /// The number of elements.
    // An array always has elements, so `is_empty` would have one answer.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.locked.len()
    }

    /// Element `index`, read under the lock.
    ///
    /// # Panics
    /// There is no element `index`, or the calling thread holds the lock: use the guard, `guard[index]`.
    pub fn get(&self, index: usize) -> T {
        self.check(index);
        self.lock()[index]
    }

    /// Writes element `index` under the lock.
    ///
    /// # Panics
    /// There is no element `index`, or the calling thread holds the lock: use the guard, `guard[index] = value`.
    pub fn set(&self, index: usize, value: T) {
        self.check(index);
        self.lock()[index] = value;
    }

    /// Waits for the lock; the guard stands for the whole array until it is dropped. It is the only way to the elements: nothing reads or
    /// writes them without the lock.
    ///
    /// # Panics
    /// The calling thread already holds the lock.
    pub fn lock(&self) -> ArrayGuard<'_, T> {
        self.guard(self.locked.cell().lock(ARRAY))
    }

    fn guard<'a>(&'a self, lock: LockGuard<'a>) -> ArrayGuard<'a, T> {
        // SAFETY: `lock` and `Debug` pass a guard of this lock, `new` made it one that lends, a `Plain` type may be zero, and there is no
        // other way to the elements.
        let lent = unsafe { self.locked.lend_all(lock) };
        ArrayGuard { lent }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.locked.cell().try_lock() {
            Some(lock) => write!(f, "Array{:?}", self.guard(lock)),
            None => f.write_str("Array(locked)"),
        }
    }
}

/// A shared array under its lock. No workers can be spawned while it exists, and a copy of it made by a fork panics: see
/// [`LockGuard`].
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
    lent: Lent<'a, [T]>,
}

impl<T> ArrayGuard<'_, T> {
    /// Whether the previous holder died while it held the lock: the array may be half written.
    pub fn owner_died(&self) -> bool {
        self.lent.lock.owner_died()
    }
}

impl<T: Plain> Deref for ArrayGuard<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.lent
    }
}

impl<T: Plain> DerefMut for ArrayGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.lent
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ArrayGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lent.lock.is_at_home() {
            return f.write_str("ArrayGuard(a worker's copy)");
        }
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_array_says_so() {
        let array = Array::<u8>::new(2).unwrap();
        array.set(1, 7);
        assert_eq!(format!("{array:?}"), "Array[0, 7]");
        let guard = array.lock();
        assert_eq!(format!("{array:?} {guard:?}"), "Array(locked) [0, 7]");
    }
}
