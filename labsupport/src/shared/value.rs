use super::lock_cell::Advice;
use super::locked::{Lent, Locked};
use super::memory::Window;
use super::plain::{Word, load_words};
use super::{Plain, SharedError};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// One value that processes share, with its lock: Python's `multiprocessing.Value`.
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
pub struct Value<T> {
    pub(super) locked: Locked<T>,
    /// Reads without the lock go through it.
    window: Window,
}

const VALUE: Advice = Advice {
    what: "the lock of this value",
    instead: "take the guard once: `*total.lock() += 1`, or `let mut t = total.lock(); *t = *t + 1;`.",
};

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Value {
            locked: self.locked.clone(),
            window: self.window.clone(),
        }
    }
}

impl<T: Plain> Value<T> {
    /// Whether the value has parts and still fits into a word: then a guard works on a copy and writes it in one piece. Anything else is
    /// written where it lies; a number is in one piece anyway.
    const IN_A_WORD: bool = !T::HAS_NO_PARTS && size_of::<T>() <= size_of::<Word>();

    /// A shared value that starts as `value`.
    ///
    /// # Errors
    /// There is no room for it in shared memory.
    pub fn new(value: T) -> Result<Value<T>, SharedError> {
        let locked = Locked::new("value", 1)?;
        locked.cell().lends();
        // SAFETY: there is room for a T, and nothing else uses the place yet.
        unsafe { locked.data().write(value) };
        Ok(Value {
            window: locked.segment().window()?,
            locked,
        })
    }

    /// The value, read under the lock.
    ///
    /// # Panics
    /// The calling thread holds the lock: read through the guard, `*guard`.
    #[inline]
    pub fn get(&self) -> T {
        *self.lock()
    }

    /// Writes the value under the lock.
    ///
    /// # Panics
    /// The calling thread holds the lock, perhaps through a guard in the same line (`count.set(*count.lock() + 1)`). Write
    /// through the guard, `*count.lock() += 1`.
    #[inline]
    pub fn set(&self, value: T) {
        *self.lock() = value;
    }

    /// The value, read without the lock. A value of up to 8 bytes, whatever it is made of, is read in one piece: as it was before or after a
    /// write. A larger one is read piece by piece; each piece is aligned as the type is and has at most 8 bytes. So the result may be the
    /// beginning of one write and the end of another.
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
        // SAFETY: the data is within the window as it is within the segment, aligned, and holds a valid T since `new`, in a word of
        // its own if it fits into one. No reference points into a window and nothing writes through one: what changes there changes as
        // if another process did it, word by word, even if a guard of this process does it.
        unsafe {
            let data = self.window.at::<T>(Locked::<T>::DATA);
            if Self::IN_A_WORD {
                Word::load(data.cast()).get()
            } else {
                load_words(data.as_ptr())
            }
        }
    }

    /// Waits for the lock; the guard stands for the value until it is dropped.
    ///
    /// A number is written at once, and readers without the lock see it from then on. A tuple, an array or a struct of up to 8 bytes is
    /// written in one piece when the guard is dropped; a holder that dies before has written nothing. A larger one is written part by part,
    /// as you write it: if you are killed in between, it stays half written.
    ///
    /// # Panics
    /// The calling thread already holds the lock. `*total.lock() = *total.lock() + 1` takes it twice; write `*total.lock() += 1`.
    #[inline]
    pub fn lock(&self) -> ValueGuard<'_, T> {
        let lock = self.locked.cell().lock(VALUE);
        // SAFETY: the guard is of this lock, `new` made it one that lends, a `Plain` type may be zero, and reads without the lock use
        // the window.
        let lent = unsafe { self.locked.lend(lock) };
        ValueGuard {
            // SAFETY: the value has a word of its own, and the lock keeps writers out.
            copy: Self::IN_A_WORD.then(|| unsafe { Word::load(lent.place().cast()).get() }),
            lent,
            changed: false,
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({:?})", self.get_unlocked())
    }
}

/// A shared value under its lock. No workers can be spawned while it exists, and a copy of it made by a fork panics: see
/// [`LockGuard`](super::LockGuard).
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let best = Value::new(10u64)?;
/// let mut guard = best.lock();
/// if *guard > 7 {
///     *guard = 7; // nothing can change between the look and the write
/// }
/// assert!(!guard.owner_died());
/// # Ok::<(), SharedError>(())
/// ```
#[must_use = "the lock is given back at once unless the guard is kept"]
pub struct ValueGuard<'a, T> {
    lent: Lent<'a, T>,
    /// What the value becomes, if it is written in one piece.
    copy: Option<T>,
    /// Whether the copy may have been written to.
    changed: bool,
}

impl<T> ValueGuard<'_, T> {
    /// Whether the previous holder died while it held the lock: the value may be half written.
    pub fn owner_died(&self) -> bool {
        self.lent.lock.owner_died()
    }
}

impl<T: Plain> Deref for ValueGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let lent = &*self.lent;
        self.copy.as_ref().unwrap_or(lent)
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        let lent = &mut *self.lent;
        self.changed = true;
        self.copy.as_mut().unwrap_or(lent)
    }
}

impl<T> Drop for ValueGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(copy) = &self.copy
            && self.changed
            && self.lent.lock.is_at_home()
        {
            // SAFETY: only a value of at most one word has a copy, it has a word of its own, and the lock, which is given back after
            // this, keeps other writers out.
            unsafe { Word::of(copy).store(self.lent.place().cast()) };
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ValueGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lent.lock.is_at_home() {
            return f.write_str("ValueGuard(a worker's copy)");
        }
        write!(f, "ValueGuard({:?})", **self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under Miri, which maps nothing, the window is the memory itself.
    #[test]
    #[cfg_attr(miri, ignore = "a second mapping, and Miri has none")]
    fn a_look_without_the_lock_does_not_touch_what_a_guard_lends() {
        let value = Value::new(1u64).unwrap();
        let other = value.clone();
        let mut guard = value.lock();
        let lent = &mut *guard;
        // SAFETY: the value's place in the window, which `other` keeps.
        let outside = unsafe { other.window.at::<u64>(Locked::<u64>::DATA) }.as_ptr();
        assert_ne!(outside, &raw mut *lent);
        assert_eq!(other.get_unlocked(), 1);
        *lent = 2;
        drop(guard);
        assert_eq!((value.get_unlocked(), other.get()), (2, 2));
        drop(value);
        assert_eq!(other.get_unlocked(), 2);
    }
}
