//! Worker processes, shared memory, queues, timing and figures for the coordination labs.
//!
//! Four workers, each a process of its own, in three lines:
//!
//! ```
//! use labsupport::prelude::*;
//!
//! let workers = Workers::spawn(4, |w| w.index() * 10)?;
//! let report = workers.join()?;
//! assert_eq!(report.values()?, [0, 10, 20, 30]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The closure runs in a *fork*, a copy of this process. It may borrow anything, and what it changes stays in its copy:
//!
//! ```
//! # use labsupport::prelude::*;
//! let mut count = 0;
//! let shared = Value::new(0)?;
//! Workers::spawn(4, |_| {
//!     let mut copy = count; // each worker has its own
//!     copy += 1;
//!     *shared.lock() += 1; // this one they share
//!     copy
//! })?
//! .join()?;
//! count += 1;
//! assert_eq!((count, shared.get()), (1, 4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What must not be in two processes at once refuses there: a worker that uses its copy of the parent's guard, trace lane or
//! [`Workers`](process::Workers) gets a panic or an error that says so. And nobody forks with a value's or an array's lock in the hand:
//! [`SpawnError::Lent`](process::SpawnError::Lent).
//!
//! **Cooperative early exit.** A shared [`Flag`](shared::Flag), looked at now and then; only the first finder writes:
//!
//! ```
//! # use labsupport::prelude::*;
//! let (found, answer) = (Flag::new()?, Value::new(0u64)?);
//! let workers = Workers::spawn(4, |w| {
//!     for n in w.share_of(1..1_000_000u64) {
//!         if n % 100 == 0 && found.is_set() {
//!             return; // somebody else was faster
//!         }
//!         if n * n % 1_000_003 == 2025 && found.set_once() {
//!             answer.set(n);
//!         }
//!     }
//! })?;
//! workers.join()?.values()?;
//! assert_eq!(answer.get() * answer.get() % 1_000_003, 2025);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Poison pills.** A bounded [`Queue`](shared::Queue) of tasks, and one `None` per worker to send it home: see there.
//!
//! **When things go wrong.** A worker that panics brings the message home; one that is killed is reported as killed; one that
//! is late is stopped at the deadline. A lock whose holder died goes to the next one, who is told. Nothing hangs, and nothing
//! outlives the process that started it:
//!
//! ```
//! # use labsupport::prelude::*;
//! use std::time::Duration;
//!
//! let workers = Workers::spawn(3, |w| match w.index() {
//!     0 => 1,
//!     1 => panic!("out of luck"),
//!     _ => loop { std::hint::spin_loop() },
//! })?;
//! let report = workers.join_timeout(Duration::from_millis(100))?;
//! let ends: Vec<String> = report.outcomes().iter().map(|o| o.exit().to_string()).collect();
//! assert_eq!(ends[0], "returned");
//! assert!(ends[1].starts_with("panicked: out of luck"));
//! assert!(ends[2].starts_with("not finished after 100 ms"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **While it runs.** A figure that grows, a bar for what takes a while, and a table of who still works:
//!
//! ```
//! # use labsupport::prelude::*;
//! use std::time::Duration;
//!
//! let (mut points, mut live) = (Vec::new(), Live::new());
//! for count in Progress::over("measuring", [1, 2, 4]) {
//!     let workers = Workers::spawn(count, |w| w.index())?;
//!     let report = workers.join_live(Duration::from_secs(10))?;
//!     points.push((count as f64, report.elapsed().as_secs_f64()));
//!     let figure = Lines::new("Starting workers").x("workers").y("time").y_format(Format::Seconds);
//!     live.update(&figure.series("fork to end", points.clone()));
//! }
//! live.finish();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The rooms, from the ground up
//!
//! A module uses only those above it in this list.
//!
//! | module | what lives there |
//! |---|---|
//! | `sys` (private) | every unsafe system call: fork, parent-death signal, robust mutex, futex |
//! | `sync` (private) | atomics, futex, mutex; the model checker's where it is at work |
//! | [`cell`] | what a notebook cell shows: content by MIME type, and its text twin; `Show`, `Display` |
//! | [`process`] | `Workers`, `Worker`, `Report`, `Exit` |
//! | [`shared`] | `Segment`, `Lock`, `Flag`, `Value`, `Array`, `Queue`, `Barrier` |
//! | [`manager`] | `Manager`, a server process that keeps a `Dict` and a `List`, each access a round trip |
//! | [`measure`] | `time`, `measure`, `Samples`, `Proportion`, `Work`; `Trace`, what each worker did and when |
//! | [`figure`] | lines, bars, dots, heat map, timeline, step diagram, table; `Live` and `Progress`, which change while the cell runs |
//! | [`lesson`] | `Explorer`, every interleaving of a small protocol; `check`, which judges a student's function |
//!
//! In a notebook every cell is a library of its own with its own copy of this crate, so the crate keeps no global state.

// Some of `sys` is unused where `sync` puts a stand-in in its place.
#![cfg_attr(any(loom, miri), allow(dead_code, unused_imports))]

pub mod cell;
pub mod figure;
pub mod lesson;
pub mod manager;
pub mod measure;
pub mod prelude;
pub mod process;
pub mod shared;
mod shown;
mod sync;
mod sys;

#[cfg(feature = "faults")]
#[doc(hidden)]
pub use sys::fault;
