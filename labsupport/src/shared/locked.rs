use super::lock_cell::{LockCell, LockGuard};
use super::plain::Word;
use super::{Segment, SharedError};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;
use std::sync::Mutex;

/// A lock, and behind it the data that it protects: a row of `T`s that starts as zeros. What [`Lock`](super::Lock),
/// [`Flag`](super::Flag), [`Value`](super::Value) and [`Array`](super::Array) are made of.
pub(super) struct Locked<T> {
    segment: Segment,
    /// At least one.
    len: usize,
    /// Threads may share it on the same terms as a mutex.
    data: PhantomData<Mutex<T>>,
}

impl<T> Clone for Locked<T> {
    fn clone(&self) -> Self {
        Locked {
            segment: self.segment.clone(),
            len: self.len,
            data: PhantomData,
        }
    }
}

impl<T> Locked<T> {
    /// Where the data begins. Lock and data never share a cache line.
    pub(super) const DATA: usize = {
        assert!(align_of::<T>() <= align_of::<LockCell>());
        size_of::<LockCell>()
    };

    /// A free lock and `len` zeros, for a `kind` of thing (see [`Segment::of_kind`]). There is room for at least one [`Word`].
    ///
    /// # Errors
    /// There is no room in shared memory.
    ///
    /// # Panics
    /// `len` is zero, or the data would take more than a quarter of the address space.
    pub(super) fn new(kind: &str, len: usize) -> Result<Locked<T>, SharedError> {
        assert!(len > 0 && len <= (isize::MAX as usize / 4) / size_of::<T>().max(1));
        let data = (len * size_of::<T>()).max(size_of::<Word>());
        let segment = Segment::of_kind(kind, Self::DATA + data)?;
        // SAFETY: the segment is new and has room for a lock at 0.
        unsafe { segment.make_lock(0, 0) }?;
        Ok(Locked {
            segment,
            len,
            data: PhantomData,
        })
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Where this process has it in memory.
    pub(super) fn addresses(&self) -> Range<usize> {
        self.segment.addresses()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn cell(&self) -> &LockCell {
        // SAFETY: `new` made a lock at offset 0, and the segment lives as long as `self`.
        unsafe { self.segment.at::<LockCell>(0).as_ref() }
    }

    /// The first `T`.
    #[inline]
    pub(super) fn data(&self) -> NonNull<T> {
        // SAFETY: `new` made the segment with room for a `T` there, and `DATA` checked the alignment.
        unsafe { self.segment.at(Self::DATA) }
    }

    /// The first `T`, lent under the lock.
    ///
    /// # Safety
    /// `lock` is a guard of this very lock, which [`lends`](LockCell::lends), zeros are a valid `T`, and nothing touches the data through this
    /// mapping without the lock.
    #[inline]
    pub(super) unsafe fn lend<'a>(&'a self, lock: LockGuard<'a>) -> Lent<'a, T> {
        let data = self.data();
        Lent {
            lock,
            data,
            lent: PhantomData,
        }
    }

    /// All `T`s, lent under the lock.
    ///
    /// # Safety
    /// As for [`lend`](Locked::lend).
    #[inline]
    pub(super) unsafe fn lend_all<'a>(&'a self, lock: LockGuard<'a>) -> Lent<'a, [T]> {
        let data = NonNull::slice_from_raw_parts(self.data(), self.len);
        Lent {
            lock,
            data,
            lent: PhantomData,
        }
    }
}

/// Data under its lock, as a plain reference. A copy of it made by a fork panics when it is used.
pub(super) struct Lent<'a, T: ?Sized> {
    pub(super) lock: LockGuard<'a>,
    data: NonNull<T>,
    lent: PhantomData<&'a mut T>,
}

impl<T: ?Sized> Lent<'_, T> {
    /// The data, for a write in one piece.
    pub(super) fn place(&self) -> NonNull<T> {
        self.data
    }
}

impl<T: ?Sized> Deref for Lent<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.lock.assert_at_home();
        // SAFETY: the data is valid for the guard's life (`lend`), and the lock, which this process holds, keeps all writers out.
        unsafe { self.data.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Lent<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.lock.assert_at_home();
        // SAFETY: as in `deref`, and the guard is borrowed mutably. Reads without the lock go through another mapping: see `Window`.
        unsafe { self.data.as_mut() }
    }
}
