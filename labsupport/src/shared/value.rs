use super::lock::{LockCell, LockGuard, Locked};
use super::memory::Window;
use super::plain::{Word, load_words};
use super::{Plain, Segment, SharedError};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

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
    segment: Segment,
    /// What looks without the lock look through.
    window: Window,
    value: PhantomData<Cell<T>>,
}

const VALUE: Locked = Locked {
    what: "the lock of this value",
    instead: "take the guard once: `*total.lock() += 1`, or `let mut t = total.lock(); *t = *t + 1;`.",
};

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Value {
            segment: self.segment.clone(),
            window: self.window.clone(),
            value: PhantomData,
        }
    }
}

impl<T> Value<T> {
    /// The memory that it lies in.
    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }
}

impl<T: Plain> Value<T> {
    const DATA: usize = {
        assert!(align_of::<T>() <= size_of::<LockCell>());
        size_of::<LockCell>()
    };

    /// Whether the value has parts and still fits into a word: then guards work on a copy, which they write in one piece. Anything
    /// else is written where it lies; a number is in one piece anyway.
    const IN_A_WORD: bool = !T::HAS_NO_PARTS && size_of::<T>() <= size_of::<Word>();

    /// A shared value that starts as `value`.
    ///
    /// # Errors
    /// No shared memory.
    pub fn new(value: T) -> Result<Value<T>, SharedError> {
        let segment =
            Segment::of_kind("value", Self::DATA + size_of::<T>().max(size_of::<Word>()))?;
        // SAFETY: the segment is new and has room for a lock at 0 and for the value, or the word that it is in, after it.
        unsafe {
            segment.make_lending_lock()?;
            segment.place(Self::DATA, value);
        }
        Ok(Value {
            window: segment.window()?,
            segment,
            value: PhantomData,
        })
    }

    fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    #[inline]
    fn data(&self) -> NonNull<T> {
        // SAFETY: `new` made the segment for a `T` there, and checked its alignment.
        unsafe { self.segment.at(Self::DATA) }
    }

    /// The value, read under the lock.
    ///
    /// # Panics
    /// The calling thread holds the lock: then read through the guard, `*guard`.
    #[inline]
    pub fn get(&self) -> T {
        *self.lock()
    }

    /// Writes the value under the lock.
    ///
    /// # Panics
    /// The calling thread holds the lock, perhaps through a guard in the same line (`count.set(*count.lock() + 1)`): write
    /// through the guard, `*count.lock() += 1`.
    #[inline]
    pub fn set(&self, value: T) {
        *self.lock() = value;
    }

    /// The value, read without the lock. A value of up to 8 bytes, whatever it is made of, is read in one piece, as it was before or
    /// after a write. A larger one is read piece by piece, each of them aligned as the type is and of at most 8 bytes: so a reader
    /// may see the beginning of one write and the end of another.
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
        // its own if it fits into one. No reference points into a window and nobody writes through one: what changes there changes as
        // if another process did it, word by word, even where it is a guard of this one.
        unsafe {
            let data = self.window.at::<T>(Self::DATA);
            if Self::IN_A_WORD {
                Word::load(data.cast()).get()
            } else {
                load_words(data.as_ptr())
            }
        }
    }

    /// Waits for the lock; the guard stands for the value until it is dropped.
    ///
    /// A number is written at once, and whoever looks without the lock sees it from then on. A tuple, an array or a struct of up to
    /// 8 bytes is written in one piece when the guard is dropped; a holder that dies before has written nothing. A larger one is
    /// written part by part, as you write it: if you are killed in between, it stays half written.
    ///
    /// # Panics
    /// The calling thread holds the lock already. `*total.lock() = *total.lock() + 1` takes it twice; write `*total.lock() += 1`.
    #[inline]
    pub fn lock(&self) -> ValueGuard<'_, T> {
        let (lock, data) = (self.cell().lock(VALUE), self.data());
        ValueGuard {
            lock,
            // SAFETY: the value has a word of its own, and the lock keeps writers out.
            copy: Self::IN_A_WORD.then(|| unsafe { Word::load(data.cast()).get() }),
            data,
            changed: false,
            value: PhantomData,
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({:?})", self.get_unlocked())
    }
}

/// A shared value under its lock. No workers are spawned meanwhile, and a copy of it that a fork has made refuses: see [`LockGuard`].
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
    /// What a value that is written in one piece will be.
    copy: Option<T>,
    /// Whether the copy may have been written to.
    changed: bool,
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
        self.lock.assert_at_home();
        if let Some(copy) = &self.copy {
            return copy;
        }
        // SAFETY: the data is valid for the guard's life, and the lock keeps other writers out: nothing writes without it.
        unsafe { self.data.as_ref() }
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.lock.assert_at_home();
        if let Some(copy) = &mut self.copy {
            self.changed = true;
            return copy;
        }
        // SAFETY: as in `deref`, and the guard is borrowed mutably. Who reads without the lock reads elsewhere: see `Window`.
        unsafe { self.data.as_mut() }
    }
}

impl<T> Drop for ValueGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(copy) = &self.copy
            && self.changed
            && self.lock.is_at_home()
        {
            // SAFETY: only a value of at most one word has a copy, it has a word of its own, and the lock, which is given back after
            // this, keeps other writers out.
            unsafe { Word::of(copy).store(self.data.cast()) };
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ValueGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lock.is_at_home() {
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
        let outside = unsafe { other.window.at::<u64>(Value::<u64>::DATA) }.as_ptr();
        assert_ne!(outside, &raw mut *lent);
        assert_eq!(other.get_unlocked(), 1);
        *lent = 2;
        drop(guard);
        assert_eq!((value.get_unlocked(), other.get()), (2, 2));
        drop(value);
        assert_eq!(other.get_unlocked(), 2);
    }
}
