//! The memory of a segment where there is one process only: for the model checker and for Miri.

use super::SharedError;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::NonNull;

/// Zeros from the heap, aligned as the parts of a segment want it.
pub(super) struct Memory {
    base: NonNull<u8>,
    layout: Layout,
    #[cfg(loom)]
    watched: watch::Watched,
}

// SAFETY: an address and numbers that nobody writes to. What lies at the address is the segment's matter.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) fn new(bytes: usize, _kind: &str) -> Result<Memory, SharedError> {
        let layout = Layout::from_size_align(bytes, 128).expect("`Segment::new` limits the size");
        // SAFETY: the size is not zero: `Segment::new` refuses that.
        let base = unsafe { alloc_zeroed(layout) };
        Ok(Memory {
            base: NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout)),
            layout,
            #[cfg(loom)]
            watched: watch::Watched::new(bytes),
        })
    }

    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(super) fn len(&self) -> usize {
        self.layout.size()
    }

    #[cfg(loom)]
    pub(super) fn watch_read(&self, offset: usize, len: usize) {
        self.watched.read(offset, len);
    }

    #[cfg(loom)]
    pub(super) fn watch_write(&self, offset: usize, len: usize) {
        self.watched.write(offset, len);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `new` allocated it with this layout, and the last segment that used it is gone.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

/// There is no second mapping here: the memory itself.
#[derive(Clone)]
pub(super) struct Window(NonNull<u8>);

// SAFETY: an address.
unsafe impl Send for Window {}
// SAFETY: as above.
unsafe impl Sync for Window {}

impl Window {
    pub(super) fn new(memory: &Memory) -> io::Result<Window> {
        Ok(Window(memory.base()))
    }

    /// # Safety
    /// As of the real one.
    pub(super) unsafe fn at<T>(&self, offset: usize) -> NonNull<T> {
        // SAFETY: this function's contract.
        unsafe { self.0.add(offset).cast() }
    }
}

#[cfg(loom)]
mod watch {
    use loom::cell::UnsafeCell;

    /// One cell of loom's for eight bytes of memory. Loom ends the run when one thread writes what another reads or writes
    /// and nothing orders the two.
    pub(super) struct Watched(Vec<UnsafeCell<()>>);

    impl Watched {
        pub(super) fn new(bytes: usize) -> Watched {
            Watched(
                (0..bytes.div_ceil(8))
                    .map(|_| UnsafeCell::new(()))
                    .collect(),
            )
        }

        pub(super) fn read(&self, offset: usize, len: usize) {
            self.cells(offset, len).for_each(|cell| cell.with(|_| ()));
        }

        pub(super) fn write(&self, offset: usize, len: usize) {
            self.cells(offset, len)
                .for_each(|cell| cell.with_mut(|_| ()));
        }

        fn cells(&self, offset: usize, len: usize) -> impl Iterator<Item = &UnsafeCell<()>> {
            self.0[offset / 8..(offset + len).div_ceil(8)].iter()
        }
    }
}
