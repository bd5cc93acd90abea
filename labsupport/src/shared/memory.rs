use super::SharedError;
use crate::sys::{self, fault};
use shared_memory::{Shmem, ShmemConf, ShmemError};
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Pages that this process shares with those forked from it. They have no name and start as zeros.
pub(super) struct Memory(Shmem);

// SAFETY: `Shmem` is a pointer, a length, a descriptor and a name; after `Memory::new` nothing writes to them.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) fn new(bytes: usize, kind: &str) -> Result<Memory, SharedError> {
        let mut memory = create(bytes, kind)?;
        fault::point("segment: named");
        let reserved = sys::reserve(memory.get_os_id(), bytes);
        // From here on the memory has no name. The crate's own `Drop` would unlink the name again, in the process that drops first, so
        // it is told that it owns nothing.
        sys::unlink(memory.get_os_id());
        memory.set_owner(false);
        reserved.map_err(|error| match error.raw_os_error() {
            Some(libc::ENOSPC | libc::ENOMEM | libc::EFBIG) => SharedError::Full {
                asked: bytes,
                free: sys::free(),
            },
            _ => SharedError::Os(error),
        })?;
        Ok(Memory(memory))
    }

    pub(super) fn base(&self) -> NonNull<u8> {
        NonNull::new(self.0.as_ptr()).expect("a mapping is never at address zero")
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The pages of a [`Memory`] at a second address, for reads without a lock. To the compiler they are other memory, which another process may
/// change at any time. So such a read is sound even while a guard of this very process lends the same data as `&mut`.
#[derive(Clone)]
pub(super) struct Window {
    base: NonNull<u8>,
    _mapping: Arc<SecondMapping>,
}

// SAFETY: an address of memory that lives as long as the Arc. Nothing writes through it.
unsafe impl Send for Window {}
// SAFETY: as above.
unsafe impl Sync for Window {}

struct SecondMapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: an address and a length.
unsafe impl Send for SecondMapping {}
// SAFETY: as above.
unsafe impl Sync for SecondMapping {}

impl Window {
    pub(super) fn new(memory: &Memory) -> io::Result<Window> {
        let len = memory.len();
        // SAFETY: `memory` is a shared mapping of `len` bytes.
        let base = unsafe { sys::map_again(memory.base(), len) }?;
        Ok(Window {
            base,
            _mapping: Arc::new(SecondMapping { base, len }),
        })
    }

    /// A pointer to the `T` at byte `offset`, to read it while others change it.
    ///
    /// # Safety
    /// The `T` lies within the memory, and the offset is a multiple of its alignment.
    #[inline]
    pub(super) unsafe fn at<T>(&self, offset: usize) -> NonNull<T> {
        // SAFETY: this function's contract.
        unsafe { self.base.add(offset).cast() }
    }
}

impl Drop for SecondMapping {
    fn drop(&mut self) {
        // SAFETY: `Window::new` mapped it, and the last window that looked through it is gone.
        unsafe { sys::unmap(self.base, self.len) };
    }
}

/// Creates the memory under a name that contains the process number. A SIGKILL between creation and unlinking leaves the name behind. The
/// process that collects the dead one removes it then, or `labs` does.
fn create(bytes: usize, kind: &str) -> Result<Shmem, SharedError> {
    // A name is in use for microseconds. Each cell of a notebook counts from zero again, so a name may be taken.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..10_000 {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = sys::shm_name(number, kind);
        match ShmemConf::new().os_id(name).size(bytes).create() {
            Ok(memory) => return Ok(memory),
            Err(ShmemError::MappingIdExists) => {}
            Err(ShmemError::MapCreateFailed(code) | ShmemError::UnknownOsError(code)) => {
                let error = io::Error::from_raw_os_error(code as i32);
                return Err(match error.raw_os_error() {
                    Some(libc::ENOMEM | libc::ENOSPC) => SharedError::Full {
                        asked: bytes,
                        free: sys::free(),
                    },
                    _ => SharedError::Os(error),
                });
            }
            Err(error) => return Err(SharedError::Os(io::Error::other(error.to_string()))),
        }
    }
    Err(SharedError::Os(io::Error::from(
        io::ErrorKind::AlreadyExists,
    )))
}
