//! Which process something belongs to, for things so cheap that asking the system each time would cost more.

use std::sync::atomic::{AtomicU32, Ordering};

/// The number of forks between the first process that asked and this one, plus one; 0 before anything has asked.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process in which something was made. A fork copies the thing, and the copy is not at home: the C library calls `count_a_fork` in every
/// child before anything else runs there.
///
/// It points to the count, because each cell of a notebook has its own count and may get something that another cell has made.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    forks: &'static AtomicU32,
    then: u32,
}

impl Home {
    /// The calling process.
    #[inline]
    pub fn here() -> Home {
        let then = match FORKS.load(Ordering::Relaxed) {
            0 => begin(),
            forks => forks,
        };
        Home {
            forks: &FORKS,
            then,
        }
    }

    /// Whether the calling process is still that one.
    #[inline]
    pub fn is_here(self) -> bool {
        self.forks.load(Ordering::Relaxed) == self.then
    }
}

/// Starts counting forks. Two threads may both do it; then each fork counts twice, which does no harm. A lock that admits only one of them
/// would be worse: a fork could copy it while it is taken.
#[cold]
fn begin() -> u32 {
    // Miri and the model checker know no forks.
    #[cfg(not(any(loom, miri)))]
    // SAFETY: the handler is a function that touches one atomic, which is all that is allowed after a fork.
    let code = unsafe { libc::pthread_atfork(None, None, Some(count_a_fork)) };
    #[cfg(not(any(loom, miri)))]
    assert!(
        code == 0,
        "the C library has no memory left for a fork handler. Restart the kernel."
    );
    match FORKS.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => 1,
        Err(forks) => forks,
    }
}

extern "C" fn count_a_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
