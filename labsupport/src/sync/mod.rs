//! What the algorithms on shared memory are made of, in one place, so that a model checker can replace it.
//!
//! | | as it ships | `--cfg loom` | under Miri |
//! |---|---|---|---|
//! | `AtomicU32`, `AtomicU64`, `fence` | the standard library's | loom's | the standard library's |
//! | [`Futex`] | the system call | a condition variable of loom's | the system call |
//! | [`RobustMutex`] | a pthread mutex | a mutex of loom's | the standard library's mutex |
//! | the memory of a `Segment` | a mapping that processes share | the heap, watched | the heap |
//!
//! The replacements and the models are in `labsupport/model`. The models run the very lines that ship. Two things are missing there:
//! no process dies (`tests/` and the kills at named points cover that), and a sleep has no time limit, so a lost wake-up is a deadlock
//! instead of a delay of 50 ms. The queue's README has the commands.

#[cfg(not(loom))]
mod futex;
#[cfg(all(test, loom))]
#[path = "../../model/search.rs"]
pub(crate) mod search;
#[cfg(any(loom, miri))]
#[path = "../../model/stand_in.rs"]
mod stand_in;

#[cfg(not(any(loom, miri)))]
pub(crate) use crate::sys::{Acquired, RobustMutex};
#[cfg(not(loom))]
pub(crate) use futex::Futex;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};
#[cfg(loom)]
pub(crate) use stand_in::Futex;
#[cfg(any(loom, miri))]
pub(crate) use stand_in::{Acquired, RobustMutex};
pub(crate) use std::sync::atomic::Ordering;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

/// Whether a model has planted this bug, to check that the model checker finds it. Always false in what ships: nothing is left of it.
#[inline(always)]
pub(crate) fn seeded(_bug: &str) -> bool {
    #[cfg(all(test, loom))]
    return search::SEEDED.get() == Some(_bug);
    #[cfg(not(all(test, loom)))]
    false
}

/// `ordering`, or `Relaxed` if this bug is planted.
#[inline(always)]
pub(crate) fn weakened(bug: &str, ordering: Ordering) -> Ordering {
    if seeded(bug) {
        Ordering::Relaxed
    } else {
        ordering
    }
}
