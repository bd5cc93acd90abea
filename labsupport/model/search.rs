//! How the models are run.
//!
//! `loom` runs a small program of a few threads once for every order that its steps can come in, and for every value that
//! a load may return under the C11 memory model. A panic, a deadlock or two accesses that nothing orders end the search.

use loom::thread;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

thread_local! {
    /// The bug that this test has planted. Loom runs all threads of a model in the thread that started it.
    pub(super) static SEEDED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// How much to search.
#[derive(Clone, Copy)]
pub(crate) enum Search {
    /// All orders that loom knows.
    Whole,
    /// The orders with at most this many switches away from a thread that could continue. Waiting costs none.
    Preemptions(usize),
}

/// Runs `model` in all orders that `search` allows.
pub(crate) fn check(name: &str, search: Search, model: impl Fn() + Send + Sync + 'static) {
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
        Some(most) => format!("at most {most} preemptions"),
    };
    let (runs, time) = (runs.load(Ordering::Relaxed), begun.elapsed());
    println!("{name}: {runs} executions, {bound}, {time:.1?}");
}

/// Plants `bug` and runs `search`, which must fail. Returns what the checker said.
pub(crate) fn finds(bug: &'static str, search: impl FnOnce()) -> String {
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

/// Runs the first in this thread and the others in threads of their own. Returns their results.
pub(crate) fn run_all<R: 'static>(
    threads: impl IntoIterator<Item = impl FnOnce() -> R + 'static>,
) -> Vec<R> {
    let mut threads = threads.into_iter();
    let first = threads.next().expect("at least one");
    let others: Vec<_> = threads.map(thread::spawn).collect();
    let mut results = vec![first()];
    results.extend(others.into_iter().map(|other| other.join().unwrap()));
    results
}
