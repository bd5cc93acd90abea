use super::SharedError;
use super::lock_cell::LockCell;
use super::memory::{Memory, Window};
use crate::sys;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A piece of memory that this process shares with the workers that it forks afterwards. It starts as zeros: Python's
/// `multiprocessing.shared_memory`.
///
/// It is the raw material, for measurements and for protocols of your own; [`Flag`](super::Flag),
/// [`Value`](super::Value), [`Array`](super::Array) and [`Queue`](super::Queue) are made of it.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use std::sync::atomic::Ordering;
/// let segment = Segment::new(64)?;
/// let workers = Workers::spawn(4, |_| segment.word(0).fetch_add(1, Ordering::Relaxed))?;
/// workers.join()?;
/// assert_eq!(segment.word(0).load(Ordering::Relaxed), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Segment {
    base: NonNull<u8>,
    mapping: Arc<Mapping>,
}

// SAFETY: a Segment is an address of memory that lives as long as the Arc. It hands out atomics and, inside this crate,
// pointers; each user of one says why its accesses are sound.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

/// The mapping, and the robust locks that were made in it.
struct Mapping {
    memory: ManuallyDrop<Memory>,
    /// The offsets of at most two locks, each plus one; zero means none. Written while the segment is being set up.
    locks: [AtomicU32; 2],
}

impl Segment {
    /// At least `bytes` bytes of zeros. They are reserved now, so a full `/dev/shm` is an error here and not a signal later.
    ///
    /// # Errors
    /// Zero bytes, no room in `/dev/shm`, or too many open files.
    pub fn new(bytes: usize) -> Result<Segment, SharedError> {
        Segment::of_kind("segment", bytes)
    }

    /// The same for a `kind` of thing, one word: messages use it to say what a sleeper waits for.
    pub(super) fn of_kind(kind: &str, bytes: usize) -> Result<Segment, SharedError> {
        if bytes == 0 {
            return Err(SharedError::Empty("bytes"));
        }
        let limit = isize::MAX as usize / 2;
        if bytes > limit {
            return Err(SharedError::TooLarge {
                asked: bytes,
                limit,
                of: "bytes",
            });
        }
        let memory = Memory::new(bytes, kind)?;
        let base = memory.base();
        let mapping = Mapping {
            memory: ManuallyDrop::new(memory),
            locks: Default::default(),
        };
        Ok(Segment {
            base,
            mapping: Arc::new(mapping),
        })
    }

    /// The number of bytes.
    // A segment always has bytes, so `is_empty` would have one answer.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.mapping.memory.len()
    }

    /// The `index`-th 8-byte word, as an atomic.
    ///
    /// # Panics
    /// The word is not within the segment.
    #[inline]
    pub fn word(&self, index: usize) -> &AtomicU64 {
        let words = self.len() / 8;
        assert!(
            index < words,
            "there is no word {index}: the segment has {words} words."
        );
        // SAFETY: a page is aligned for any word, the word is within the mapping, and everyone uses it as an atomic.
        unsafe { self.at::<AtomicU64>(index * 8).as_ref() }
    }

    /// The addresses at which this process, and each worker that it forks, has the segment.
    pub(super) fn addresses(&self) -> Range<usize> {
        let start = self.base.as_ptr() as usize;
        start..start + self.len()
    }

    /// A pointer to the `T` at byte `offset`.
    ///
    /// # Safety
    /// The `T` lies within the segment, and the offset is a multiple of its alignment.
    #[inline]
    pub(super) unsafe fn at<T>(&self, offset: usize) -> NonNull<T> {
        // No debug_assert here: cells are compiled with them, and this is in every look at a flag.
        // SAFETY: this function's contract, so the result is within the same mapping.
        unsafe { self.base.add(offset).cast() }
    }

    /// The same memory at another address.
    pub(super) fn window(&self) -> Result<Window, SharedError> {
        Window::new(&self.mapping.memory).map_err(SharedError::Os)
    }

    /// Writes a first value at byte `offset`, while the segment is being made.
    ///
    /// # Safety
    /// As for [`at`](Segment::at); also nothing else uses the segment yet.
    pub(super) unsafe fn place<T>(&self, offset: usize, value: T) {
        // SAFETY: this function's contract.
        unsafe { self.at(offset).write(value) };
    }

    /// Copies `bytes` into the segment at byte `offset`.
    ///
    /// # Safety
    /// The place is within the segment, and nothing else reads or writes it meanwhile.
    #[inline]
    pub(super) unsafe fn copy_in(&self, offset: usize, bytes: &[u8]) {
        #[cfg(loom)]
        self.mapping.memory.watch_write(offset, bytes.len());
        // SAFETY: `bytes` is valid, and so is the place by this function's contract. They do not overlap: there are no
        // references to the bytes of a segment.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(offset).as_ptr(), bytes.len()) };
    }

    /// Copies the bytes at byte `offset` out of the segment.
    ///
    /// # Safety
    /// The place is within the segment, and nothing writes it meanwhile.
    #[inline]
    pub(super) unsafe fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        #[cfg(loom)]
        self.mapping.memory.watch_read(offset, bytes.len());
        // SAFETY: as in `copy_in`.
        unsafe {
            ptr::copy_nonoverlapping(self.at(offset).as_ptr(), bytes.as_mut_ptr(), bytes.len());
        }
    }

    /// The `len` bytes at byte `offset`.
    ///
    /// # Safety
    /// They are within the segment, and nothing writes them while the reference is used.
    #[inline]
    pub(super) unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        #[cfg(loom)]
        self.mapping.memory.watch_read(offset, len);
        // SAFETY: this function's contract; any byte is initialised, since a segment starts as zeros.
        unsafe { slice::from_raw_parts(self.at(offset).as_ptr(), len) }
    }

    /// The same, to write them.
    ///
    /// # Safety
    /// They are within the segment, and nothing else reads or writes them while the reference is used.
    // The contract is what `&mut self` would say, and the segment belongs to other processes too.
    #[allow(clippy::mut_from_ref)]
    #[inline]
    pub(super) unsafe fn bytes_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        #[cfg(loom)]
        self.mapping.memory.watch_write(offset, len);
        // SAFETY: as in `bytes`.
        unsafe { slice::from_raw_parts_mut(self.at(offset).as_ptr(), len) }
    }

    /// Makes a lock at byte `offset` (one per `slot`, 0 or 1) and remembers it, so that it is not unmapped while it is held.
    ///
    /// # Safety
    /// As for [`at`](Segment::at) of a [`LockCell`]; also nothing else uses the segment yet, and the place holds zeros.
    pub(super) unsafe fn make_lock(&self, slot: usize, offset: usize) -> Result<(), SharedError> {
        // SAFETY: this function's contract, and `Mapping::drop` keeps the memory while a thread of this process holds the lock.
        unsafe { LockCell::init(self.at(offset)) }.map_err(SharedError::Os)?;
        self.mapping.locks[slot].store(offset as u32 + 1, Ordering::Relaxed);
        Ok(())
    }
}

/// Calls `call` in a worker. Just before its first write to `segment`, the `index`-th word becomes `value`: another process's write has come
/// between what the call read and what it writes. That happens for certain, where two workers that run side by side seldom meet.
///
/// # Panics
/// The word is not within the segment, or another such call is running in this process.
pub fn overtaken<T>(segment: &Segment, index: usize, value: u64, call: impl FnOnce() -> T) -> T {
    // SAFETY: the mapping and the word live as long as the segment, which is borrowed here.
    unsafe {
        sys::overtaken(
            segment.base,
            segment.len(),
            segment.word(index),
            value,
            call,
        )
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let base = self.memory.base();
        let held = self.locks.iter().any(|offset| {
            let Some(offset) = offset.load(Ordering::Relaxed).checked_sub(1) else {
                return false;
            };
            // SAFETY: `make_lock` made a lock at this offset of this mapping, which is still mapped.
            let lock = unsafe { base.add(offset as usize).cast::<LockCell>().as_ref() };
            // Only looked at, never taken: another process may hold it, or have died while it held it, and the next owner must be told.
            lock.is_held_here()
        });
        // The C library and the kernel walk a thread's list of robust locks, so it must never point into memory that is gone. A thread of
        // this process still holds a lock only if its guard was forgotten (`mem::forget`); then the memory is kept.
        if !held {
            // SAFETY: this is the only drop of `memory`, and nothing uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
        }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({} bytes)", self.len())
    }
}
