//! What the model checker is asked about the flag, and the tools that the queue's models use too.
//!
//! `loom` runs a small program of a few threads once for every order that its steps can come in, and for every value that
//! a load may return under the C11 memory model. A panic, a deadlock or two accesses that nothing orders end the search.

use super::Flag;
use crate::sync::{Ordering, seeded};
use loom::cell::UnsafeCell;
use loom::thread;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

thread_local! {
    /// The bug that this test has planted. Loom runs all threads of a model in the one that started it.
    pub(crate) static SEEDED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// How much to search.
#[derive(Clone, Copy)]
pub(super) enum Search {
    /// All that loom knows.
    Whole,
    /// What needs at the most so many switches away from a thread that could go on. Waiting costs none.
    Preemptions(usize),
}

/// Runs `model` in all orders that `search` allows.
pub(super) fn check(name: &str, search: Search, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    if let Search::Preemptions(most) = search {
        builder.preemption_bound = Some(most);
    }
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let begun = Instant::now();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let bound = match builder.preemption_bound {
        None => String::from("whole"),
        Some(most) => format!("at the most {most} preemptions"),
    };
    let (runs, time) = (runs.load(Ordering::Relaxed), begun.elapsed());
    println!("{name}: {runs} executions, {bound}, {time:.1?}");
}

/// Plants `bug` and runs `search`, which must fail. What the checker said.
pub(super) fn finds(bug: &'static str, search: impl FnOnce()) -> String {
    SEEDED.set(Some(bug));
    let found = panic::catch_unwind(AssertUnwindSafe(search));
    SEEDED.set(None);
    let Err(payload) = found else {
        panic!("the checker did not find the bug {bug:?}");
    };
    let said = payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|said| said.to_string()))
        .unwrap_or_default();
    println!("{bug}: {said}");
    said
}

/// A flag with what it announces: plain memory, so that loom sees who touches it unordered.
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
        // SAFETY: the pointer is valid; whether anybody else uses it now is what loom checks.
        self.answer.with_mut(|place| unsafe { *place = answer });
    }

    fn read(&self) -> u32 {
        // SAFETY: as above.
        self.answer.with(|place| unsafe { *place })
    }

    /// Look, lock, look again, write. Whether this one wrote.
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

    /// What a worker does that searches for nothing itself.
    fn look(&self) {
        if self.flag.is_set() {
            assert_ne!(self.read(), 0, "the flag was set before the answer");
        }
    }
}

/// Two finders and one who looks: one of the two writes, and who sees the flag sees the answer.
fn double_check() {
    // Loom begins with the first thread, so who comes first makes a difference: see "Limits" in the queue's README.
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
            assert_eq!(wrote, [found.read()], "not one wrote");
        });
    }
}

/// Runs the first in this thread and the others in threads of their own. What they return.
pub(super) fn run_all<R: 'static>(
    threads: impl IntoIterator<Item = impl FnOnce() -> R + 'static>,
) -> Vec<R> {
    let mut threads = threads.into_iter();
    let first = threads.next().expect("at least one");
    let others: Vec<_> = threads.map(thread::spawn).collect();
    let mut results = vec![first()];
    results.extend(others.into_iter().map(|other| other.join().unwrap()));
    results
}

/// Three try to be the first.
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
fn one_writer_writes_and_who_sees_the_flag_sees_the_answer() {
    double_check();
}

#[test]
fn set_once_has_one_winner() {
    set_once();
}

#[test]
fn a_double_check_without_its_second_look_is_found() {
    assert!(finds("double check: no second look", double_check).contains("not one wrote"));
}

#[test]
fn a_flag_that_does_not_release_is_found() {
    assert!(finds("flag: relaxed set", double_check).contains("Causality violation"));
}
