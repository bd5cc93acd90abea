//! What the model checker is asked about the flag.

use super::Flag;
use crate::sync::search::{Search, check, finds, run_all};
use crate::sync::seeded;
use loom::cell::UnsafeCell;
use std::sync::Arc;

/// A flag and what it announces: plain memory, so that loom sees accesses that nothing orders.
struct Found {
    flag: Flag,
    answer: UnsafeCell<u32>,
}

// SAFETY: the cell is loom's, which ends the model at the first access that nothing orders.
unsafe impl Sync for Found {}
// SAFETY: as above.
unsafe impl Send for Found {}

impl Found {
    fn write(&self, answer: u32) {
        // SAFETY: the pointer is valid; loom checks whether another thread uses it now.
        self.answer.with_mut(|place| unsafe { *place = answer });
    }

    fn read(&self) -> u32 {
        // SAFETY: as above.
        self.answer.with(|place| unsafe { *place })
    }

    /// Look, lock, look again, write. Returns whether this thread wrote.
    fn double_check(&self, answer: u32) -> bool {
        if self.flag.is_set() {
            return false;
        }
        let guard = self.flag.lock();
        if guard.is_set() && !seeded("double check: no second look") {
            return false;
        }
        self.write(answer);
        guard.set();
        true
    }

    /// What a worker does that only looks at the flag.
    fn look(&self) {
        if self.flag.is_set() {
            assert_ne!(self.read(), 0, "the flag was set before the answer");
        }
    }
}

/// Two finders and one thread that only looks: one finder writes, and a thread that sees the flag sees the answer.
fn double_check() {
    // Loom begins with the first thread, so the order of threads makes a difference: see "Limits" in the queue's README.
    for looker in 0..3 {
        check("double check", Search::Whole, move || {
            let found = Arc::new(Found {
                flag: Flag::new().unwrap(),
                answer: UnsafeCell::new(0),
            });
            let wrote = run_all([0, 1, 2].map(|thread| {
                let found = Arc::clone(&found);
                move || {
                    if thread == looker {
                        found.look();
                        0
                    } else {
                        let answer = 1 + thread as u32;
                        u32::from(found.double_check(answer)) * answer
                    }
                }
            }));
            let wrote: Vec<_> = wrote.into_iter().filter(|&answer| answer != 0).collect();
            assert_eq!(wrote, [found.read()], "not exactly one wrote");
        });
    }
}

/// Three threads try to be the first.
fn set_once() {
    check("set_once", Search::Whole, || {
        let flag = Flag::new().unwrap();
        let firsts = run_all([(); 3].map(|()| {
            let flag = flag.clone();
            move || flag.set_once()
        }));
        assert_eq!(firsts.iter().filter(|&&first| first).count(), 1);
        assert!(flag.is_set());
    });
}

#[test]
fn one_finder_writes_and_a_thread_that_sees_the_flag_sees_the_answer() {
    double_check();
}

#[test]
fn set_once_has_one_winner() {
    set_once();
}

#[test]
fn a_double_check_without_its_second_look_is_found() {
    assert!(finds("double check: no second look", double_check).contains("not exactly one wrote"));
}

#[test]
fn a_flag_that_does_not_release_is_found() {
    assert!(finds("flag: relaxed set", double_check).contains("Causality violation"));
}
