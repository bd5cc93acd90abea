//! Which process something belongs to, where asking the system each time would cost more than the thing itself.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks lie between this process and the first one that asked, plus one; 0 where nobody has asked yet.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process in which something was made. A fork copies the thing, and the copy is not at home: the C library calls `count_a_fork` in
/// every child before anything else runs there.
///
/// It points to the count, because each cell of a notebook has a count of its own and may be handed what another cell has made.
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

    /// Whether the calling process is still the one.
    #[inline]
    pub fn is_here(self) -> bool {
        self.forks.load(Ordering::Relaxed) == self.then
    }
}

/// Has forks counted from here on. Two threads may both do it; then each fork counts twice, which is as good. A lock that lets only one
/// of them in could be copied, taken, by a fork.
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
