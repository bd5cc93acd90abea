//! Worker processes, the memory that they share, and the time that they take.
//!
//! A worker is a *fork*, a copy of this process: it may borrow anything, and what it changes stays in its copy. Whatever several workers must see
//! lies in shared memory: a [`Flag`](shared::Flag), a [`Value`](shared::Value), an [`Array`](shared::Array), a [`Queue`](shared::Queue). Here
//! four workers look for a number, and the first to find it stops the others:
//!
//! ```
//! use labsupport::prelude::*;
//!
//! let (found, answer) = (Flag::new()?, Value::new(0u64)?);
//! let workers = Workers::spawn(4, |w| {
//!     let mut tried = 0;
//!     for n in w.share_of(1..1_000_000u64) {
//!         if n % 100 == 0 && found.is_set() {
//!             break; // another worker was faster
//!         }
//!         if n * n % 1_000_003 == 2025 && found.set_once() {
//!             answer.set(n);
//!         }
//!         tried += 1;
//!     }
//!     tried
//! })?;
//! let tried: Vec<u32> = workers.join()?.into_values()?; // one value from each worker
//! assert_eq!(tried.len(), 4);
//! assert_eq!(answer.get() * answer.get() % 1_000_003, 2025);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Starting workers
//!
//! [`Workers::spawn`](process::Workers::spawn) forks, and [`join`](process::Workers::join) waits for all workers. Its
//! [`Report`](process::Report) says how each of them ended, and has the values that they returned. A panic in a worker ends that worker alone:
//!
//! ```
//! # use labsupport::prelude::*;
//! let words = ["poison", "pill", ""];
//! let workers = Workers::spawn(3, |w| words[w.index()].chars().next().expect("an empty word"))?;
//! let report = workers.join()?;
//! assert_eq!(report.outcomes()[1].value(), Some(&'p'));
//! assert!(report.outcomes()[2].exit().to_string().starts_with("panicked: an empty word"));
//! assert!(report.values().is_err()); // not all of them returned
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Sharing memory
//!
//! Create it before you spawn, and borrow it in the closure. Choose the least that does:
//!
//! | | for | read | write |
//! |---|---|---|---|
//! | [`Flag`](shared::Flag) | "stop" | an atomic | an atomic |
//! | [`Value`](shared::Value) | a counter, a threshold, the best result so far | with or without the lock | under the lock |
//! | [`Array`](shared::Array) | results that many workers write in place | under the lock | under the lock |
//! | [`Queue`](shared::Queue) | tasks and messages of any `serde` type | each message reaches one consumer | waits while it is full |
//! | [`Barrier`](shared::Barrier) | starting together, one step at a time | | |
//! | [`Lock`](shared::Lock) | anything else that only one process may do at a time | | |
//! | [`Segment`](shared::Segment) | a protocol of your own, on plain atomics | | |
//!
//! A `Queue<[u8]>` carries large data without a copy: both sides work on the bytes in place.
//!
//! ```
//! # use labsupport::prelude::*;
//! let frames = Queue::<[u8]>::bounded_bytes(16, 1 << 20)?;
//! let worker = Workers::spawn(1, |_| frames.get_with(|bytes| bytes.iter().filter(|&&byte| byte == 7).count()))?;
//! frames.put_with(64 << 10, |bytes| bytes.fill(7))?;
//! assert_eq!(worker.join()?.into_values()?, [Ok(65536)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Stopping workers
//!
//! A worker ends when its closure returns. To stop it early, let it look at a [`Flag`](shared::Flag) now and then, as above. Or let it take its
//! tasks from a [`Queue`](shared::Queue), and put one poison pill, a `None`, for each worker behind the last task:
//!
//! ```
//! # use labsupport::prelude::*;
//! let tasks = Queue::<Option<u64>>::bounded(100)?;
//! let workers = Workers::spawn(4, |_| {
//!     let mut sum = 0;
//!     while let Some(task) = tasks.get()? {
//!         sum += task;
//!     }
//!     Ok::<u64, GetError>(sum)
//! })?;
//! for task in 1..=60 {
//!     tasks.put(Some(task))?;
//! }
//! for _ in 0..4 {
//!     tasks.put(None)?;
//! }
//! let sums = workers.join()?.into_values()?.into_iter().collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(sums.iter().sum::<u64>(), 1830);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Workers::terminate`](process::Workers::terminate) and [`Workers::kill`](process::Workers::kill) end a worker in the middle of whatever it
//! does. Its task is lost, and shared memory stays as it was at that moment.
//!
//! # Waiting with a limit
//!
//! [`Workers::join_timeout`](process::Workers::join_timeout) stops the workers that are late and says what each of them was doing.
//! [`get_timeout`](shared::Queue::get_timeout), [`put_timeout`](shared::Queue::put_timeout) and
//! [`Barrier::wait_timeout`](shared::Barrier::wait_timeout) give up with an error.
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
//! A wait without a limit ends with an error too if it would otherwise last forever: a `get` from an empty queue, for example, when no other
//! process and no other thread is left that could put something.
//!
//! # When a lock holder dies
//!
//! A process may be killed while it holds a lock. The next process that asks for the lock gets it, and its guard says so:
//!
//! ```
//! # use labsupport::prelude::*;
//! let total = Value::new(0u64)?;
//! let workers = Workers::spawn(1, |_| {
//!     let mut guard = total.lock();
//!     *guard = 7;
//!     std::process::abort(); // while it holds the lock
//! })?;
//! let report: Report<()> = workers.join()?;
//! assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(6));
//! let guard = total.lock();
//! assert!(guard.owner_died()); // reported once, to one process
//! assert_eq!(*guard, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Measuring
//!
//! [`time`](measure::time()) runs something once, [`measure`](measure::measure()) many times.
//! [`Work::costing`](measure::Work::costing) makes an iteration that takes as long as you say, without reading a clock.
//!
//! ```
//! # use labsupport::prelude::*;
//! let flag = Flag::new()?;
//! let look = measure(1_000, || flag.is_set());
//! println!("a look takes {:.1} ns", look.median());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What always holds
//!
//! * **Nothing outlives its parent.** When a process ends, however it ends, the system kills the workers that it spawned. Shared memory has no
//!   name that could be left behind.
//! * **A worker ends only by `_exit`**, after its panic was caught and its output was written, so no destructor of the parent runs twice.
//! * **A guard works only in its own process**, and so does the handle of [`Workers`](process::Workers). A copy made by a fork gives an error or
//!   a panic that says so. A thread that has locked a value or an array cannot spawn workers
//!   ([`SpawnError::GuardHeld`](process::SpawnError::GuardHeld)).
//! * **The queue survives `kill -9` at any instruction.** A killed consumer takes at most the one message that it held.
//! * **Nothing depends on global state.** In a notebook every cell is a library of its own, with its own copy of this crate.
//!
//! # Modules
//!
//! A module uses only those above it in this list.
//!
//! | module | contents |
//! |---|---|
//! | `sys` (private) | system calls: fork, parent-death signal, robust mutex, futex |
//! | `sync` (private) | atomics, futex and mutex, or their replacements under the model checker |
//! | [`cell`] | what a notebook cell shows, always also as text: [`Show`](cell::Show), [`Display`](cell::Display) |
//! | [`measure`] | [`time`](measure::time()), [`measure`](measure::measure()), [`Samples`](measure::Samples), [`Work`](measure::Work) |
//! | [`shared`] | [`Flag`](shared::Flag), [`Value`](shared::Value), [`Array`](shared::Array), [`Queue`](shared::Queue), [`Barrier`](shared::Barrier), [`Lock`](shared::Lock), [`Segment`](shared::Segment) |
//! | [`process`] | [`Workers`](process::Workers), [`Worker`](process::Worker), [`Report`](process::Report), [`Exit`](process::Exit) |
//!
//! Linux only: the crate needs parent-death signals, robust mutexes and futexes.

// Some of `sys` is unused when `sync` replaces it.
#![cfg_attr(any(loom, miri), allow(dead_code, unused_imports))]

pub mod cell;
#[doc(hidden)]
pub mod internal;
pub mod measure;
pub mod prelude;
pub mod process;
pub mod shared;
mod sync;
mod sys;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
