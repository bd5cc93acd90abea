//! What the algorithms on shared memory are made of, in one place, so that a model checker can take it in hand.
//!
//! | | as it ships | `--cfg loom` | under Miri |
//! |---|---|---|---|
//! | `AtomicU32`, `AtomicU64`, `fence` | the standard library's | loom's | the standard library's |
//! | [`Futex`] | the system call | a condition variable of loom's | the system call |
//! | [`RobustMutex`] | a pthread mutex | a mutex of loom's | the standard library's mutex |
//! | the memory of a `Segment` | a mapping that processes share | the heap, watched | the heap |
//!
//! So the models in `shared/queue/model.rs` and `shared/model.rs` run the very lines that ship. What the stand-ins leave
//! out: death (`tests/` and the kills at named points look after that), and the time limit of a sleep, so that a lost
//! wake-up is a deadlock there and not 50 ms. The queue's README has the commands.

#[cfg(not(loom))]
mod futex;
#[cfg(any(loom, miri))]
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

/// Whether a model has planted this bug, to see that the checker finds it. Never in what ships: nothing is left of it.
#[inline(always)]
pub(crate) fn seeded(_bug: &str) -> bool {
    #[cfg(all(test, loom))]
    return crate::shared::model::SEEDED.get() == Some(_bug);
    #[cfg(not(all(test, loom)))]
    false
}

/// `ordering`, or none at all where this bug is planted.
#[inline(always)]
pub(crate) fn weakened(bug: &str, ordering: Ordering) -> Ordering {
    if seeded(bug) {
        Ordering::Relaxed
    } else {
        ordering
    }
}
