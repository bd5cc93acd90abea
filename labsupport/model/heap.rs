//! The memory of a segment with only one process: for the model checker and for Miri.

use super::SharedError;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::NonNull;

/// Zeros from the heap, aligned as the parts of a segment need it.
pub(super) struct Memory {
    base: NonNull<u8>,
    layout: Layout,
    #[cfg(loom)]
    watched: watch::Watched,
}

// SAFETY: an address and numbers that nothing writes to. The segment is responsible for what lies at the address.
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

/// The memory itself, since there is no second mapping here.
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
    /// As for the real one.
    pub(super) unsafe fn at<T>(&self, offset: usize) -> NonNull<T> {
        // SAFETY: this function's contract.
        unsafe { self.0.add(offset).cast() }
    }
}

#[cfg(loom)]
mod watch {
    use loom::cell::UnsafeCell;

    /// One of loom's cells for each eight bytes of memory. Loom ends the run when one thread writes what another reads or writes and nothing
    /// orders the two accesses.
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
