//! Predictions, checks, schedules and data for lessons about worker processes.
//!
//! A lesson asks first, then runs, then explains. This crate keeps what a student predicted until it is measured, checks what a student
//! wrote against real workers, tries every order in which a small protocol can run, and has card payments with fraud among them to
//! search. Measuring is in `labsupport`, and drawing in `figures`.
//!
//! ```
//! use labsupport::prelude::*;
//! use lessons::prelude::*;
//! use std::time::Duration;
//!
//! // Predict …
//! let guess = predict("How many of 1,000 additions are lost without a lock?", "100 additions")?;
//!
//! // … run …
//! let total = Value::new(0u64)?;
//! let workers = Workers::spawn(4, |_| {
//!     for _ in 0..250 {
//!         total.set(total.get() + 1);
//!     }
//! })?;
//! workers.join()?.into_values()?;
//! println!("{}", guess.compare((1000.0 - total.get() as f64, "additions")));
//!
//! // … and let the student repair it.
//! let add = |total: &Value<u64>| *total.lock() += 1;
//! let checked = check("Additions", Duration::from_secs(20), |facts| {
//!     let total = Value::new(0u64).unwrap();
//!     let workers = Workers::spawn(4, |_| (0..250).for_each(|_| add(&total))).unwrap();
//!     facts.returned(&workers.join().unwrap());
//!     facts.equal("additions that are not lost", 1000, total.get());
//! });
//! assert!(checked.passed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Ask for a prediction
//!
//! [`predict()`] takes a question and a guess with its unit, which [`Amount`] reads. A question mark in the place of the number is no
//! guess yet, and the lesson runs all the same. [`compare`](Prediction::compare) says how far off the guess was, and
//! [`value_in`](Prediction::value_in) puts it into a figure. If a journal is kept, guess and measurement are written down there:
//! [`journal()`] shows a student what is in it, and [`record()`] adds what a figure shows.
//!
//! ```
//! # use lessons::prelude::*;
//! let guess = predict("Lab 04: how long does one access take?", "1 ms")?;
//! assert_eq!(
//!     guess.compare((40.0, "µs")).to_string(),
//!     "Lab 04: how long does one access take? You said 1 ms. It was 40 µs: 25 times less than that."
//! );
//! # Ok::<(), AmountError>(())
//! ```
//!
//! # Ask for a curve
//!
//! [`sketch()`] shows a pad on which the student draws the curve that they expect, with the axes of the measurement. Afterwards
//! [`compare`](Sketch::compare) says how far off it was, and [`under`](Sketch::under) draws it behind the measurement.
//!
//! ```
//! # use figures::prelude::*;
//! # use lessons::prelude::*;
//! let curve = sketch("03-reaction", "1: 10 µs; 100: 1 ms")?;
//! let measured = Lines::new("Reaction").log_x().log_y().y_format(Format::Seconds).series("10 µs", [(1.0, 2e-5), (100.0, 1e-3)]);
//! println!("{}", curve.compare(&measured, "10 µs"));
//! assert!(curve.under(&measured).text().contains("your curve"));
//! # Ok::<(), SketchError>(())
//! ```
//!
//! # Check an exercise
//!
//! [`check()`] runs a test harness, as above: it calls the student's function in workers and reports [`Facts`]. The result is a table with
//! a verdict. The exercises of the labs have their harness, their hints and their deadline in this crate, so that a lab needs one line.
//! After a failed try it shows a hint about the fact that failed: see [`check_lab()`].
//!
//! ```
//! # use lessons::prelude::*;
//! // Lab 03: between which two intervals should a worker look at the flag?
//! fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
//!     (look / (overhead * cost), 2.0 * reaction / cost)
//! }
//! check_lab("03-1", mean_window)?;
//! # Ok::<(), CheckLabError>(())
//! ```
//!
//! # Run every schedule of a protocol
//!
//! A protocol is a list of [`Steps`] for each worker. The [`Explorer`] runs every order of their steps, and counts the orders that break an
//! invariant. It also finds the shortest of these.
//!
//! ```
//! # use lessons::prelude::*;
//! let read_then_write = Steps::new()
//!     .write("read", |s, me| s[if me == 1 { "a" } else { "b" }] = s["total"])
//!     .write("write", |s, me| s["total"] = s[if me == 1 { "a" } else { "b" }] + 1);
//! let explorer = Explorer::new(["total", "a", "b"])
//!     .workers(2, &read_then_write)
//!     .invariant("both count", |s| s["total"] == 2);
//! let seen = explorer.explore()?;
//! assert_eq!((seen.broken(), seen.schedules()), (4, 6));
//! assert_eq!(seen.shortest_bad().unwrap().schedule(), "ABBA");
//! # Ok::<(), ExplorerError>(())
//! ```
//!
//! # Force one schedule on real processes
//!
//! [`Explorer::force`] starts one process per worker, with the words and the lock in shared memory, and lets them take turns in the order
//! of a schedule. So a race that happens once in a million runs can be shown in each run, on any number of cores.
//!
//! ```
//! # use lessons::prelude::*;
//! # let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
//! # let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
//! let bad = explorer.explore()?.shortest_bad().unwrap();
//! let forced = explorer.force(bad.id())?;
//! assert!(forced.matches_model());
//! # Ok::<(), ExplorerError>(())
//! ```
//!
//! # Let the student be the scheduler
//!
//! [`Explorer::game`] is a protocol as a game on the page: one button for each worker, and the student tries to break a rule. What the
//! student played is a word, and [`Explorer::play`] forces it on real processes. [`mystery()`] is a protocol with a mistake to be found
//! out, another one for each number.
//!
//! ```
//! # use lessons::prelude::*;
//! # let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
//! # let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
//! println!("{}", explorer.game()); // in a notebook: end the cell with `explorer.game()`
//! let forced = explorer.play("ABBA")?;
//! assert!(forced.matches_model());
//! # Ok::<(), ExplorerError>(())
//! ```
//!
//! # Leave it to chance, and replay the round that failed
//!
//! [`Explorer::chance`] races the steps of a protocol, and [`Explorer::stamps`] makes room for the times of a race of your own code.
//! Both are [`Stamps`]: they count the bad rounds, and the first of them is a picture with its nanoseconds, and a word to play.
//!
//! ```
//! # use lessons::prelude::*;
//! # let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
//! # let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
//! let stamps = explorer.chance(100)?;
//! println!("{stamps}");
//! if let Some(round) = stamps.first_broken() {
//!     println!("{round}");
//!     assert!(explorer.play(&round.word())?.matches_model());
//! }
//! # Ok::<(), ExplorerError>(())
//! ```
//!
//! # How sure is "k of n"
//!
//! After 0 of 200 runs, is it impossible or only rare? A [`Proportion`] has the interval of the chances that agree with what was seen.
//!
//! ```
//! # use lessons::prelude::*;
//! assert_eq!(Proportion::new(0, 200).to_string(), "0 of 200 runs (0 %; 95 % interval 0 % to 1.9 %)");
//! ```
//!
//! # The fraud data
//!
//! [`Transactions::load`](fraud::Transactions::load) reads 50,000 invented card payments, with planted fraud. The four detectors of
//! [`fraud::detect`] walk back through the history of an account, and stop when they are told to. [`python_baseline()`] measures the
//! ladder of lab 04 in Python on the same machine.
//!
//! ```
//! # use lessons::prelude::*;
//! let log = Transactions::load()?;
//! let verdicts = detect::judge(&log, 40_000); // velocity, travel, amount, takeover
//! println!("{}: {verdicts:?}", log[40_000]);
//! # Ok::<(), TransactionsError>(())
//! ```
//!
//! # Run a cell's Python
//!
//! [`python_says()`] runs the lecture's own lines with this machine's `python3`, or says why it cannot.
//!
//! ```
//! # use lessons::prelude::*;
//! println!("{}", python_says("print(6 * 7)"));
//! ```
//!
//! # What always holds
//!
//! * **A check ends, and harms nothing.** The harness runs in a worker of its own, against a deadline. If it panics, hangs, exits or is
//!   killed, the facts that it reported before are kept, and its workers die with it. A failed check does not panic.
//! * **The model is sequentially consistent.** All workers see a step before the next one begins. For atomics and locks, used as the labs
//!   use them, real processors behave like this; for plain memory they promise less. `force` shows whether real processes agree.
//! * **The journal never fails a run.** It is kept in the file that the environment variable `LABS_JOURNAL` names, and only grows. If
//!   the variable is not set, or the file cannot be written, nothing is kept and nothing fails.
//! * **Python ends, too.** What a cell's Python starts ends with it, and it has a deadline. Without `python3` a lab goes on.
//! * **Nothing is read by halves.** A damaged transaction log is an error with its line, its column and the reason.

pub mod across;
mod amount;
mod check;
mod data;
mod exercises;
pub mod fraud;
pub mod journal;
pub mod ladder;
pub mod looking;
pub mod pools;
mod predict;
pub mod prelude;
mod proportion;
mod python;
pub mod racing;
mod running;
mod schedule;
pub mod signals;
mod sketching;

pub use amount::{Amount, AmountError};
pub use check::{Checked, Fact, Facts, check};
pub use data::data_folder;
pub use exercises::{Answer, CheckLabError, check_lab};
pub use journal::{journal, record};
pub use predict::{Comparison, Prediction, predict};
pub use proportion::Proportion;
pub use python::{FromPython, PythonError, python_baseline, python_says};
pub use running::{RunError, Turns, in_turns, run_workers};
pub use schedule::{
    Diagnosis, Exploration, Explorer, ExplorerError, Forced, Game, Mystery, Replay, Round, Stamps,
    Steps, Words, mystery,
};
pub use sketching::{Compared, Distance, Sketch, SketchError, sketch};

labsupport::shown_in_words!(
    Amount,
    AmountError,
    CheckLabError,
    Compared,
    Comparison,
    ExplorerError,
    Fact,
    Mystery,
    PythonError,
    SketchError,
    Steps,
    Words
);

/// The example of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
