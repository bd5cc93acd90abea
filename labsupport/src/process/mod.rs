//! Worker processes: fork, run a closure, and report its result or its death to the parent.
//!
//! ```text
//! parent ──fork──► worker 0: closure ──► frame (result or panic) ──► pipe ─┐
//!        ──fork──► worker 1: closure ──► frame ────────────────────► pipe ─┤
//!                                                                          ▼
//! parent ◄── join: the end of a pipe is the end of its worker ◄── poll, wait4 (exit and CPU time)
//! ```
//!
//! Whatever happens:
//! * A worker does not outlive its parent: the Linux kernel kills it when the parent (the *thread* that spawned it) ends. Dropping [`Workers`]
//!   kills and collects the workers that still run.
//! * A worker ends only by `_exit`, after its panic was caught and its output was flushed. No destructor of the parent runs twice, and nothing
//!   in a buffer is printed twice.
//! * A panic reaches the parent as a message and a location; nothing is printed.
//! * A fork copies one thread. A thread pool that was started before the fork (rayon's, say) has no threads in the worker, so code that gives it
//!   work there waits forever. Do not use rayon inside a worker. If a worker hangs, the message of [`Workers::join_timeout`] says whether the
//!   parent had other threads.

mod error;
mod exit;
mod forking;
mod live_table;
mod report;
mod worker;
mod workers;

pub use error::{JoinError, SpawnError, WorkerError};
pub use exit::Exit;
pub use report::{Outcome, Report};
pub use worker::{Share, Worker};
pub use workers::Workers;

use std::fmt;

crate::shown_in_words!(Exit, JoinError, SpawnError, Worker, WorkerError, @ <T> Workers<T>, @ <T: fmt::Debug> Outcome<T>);
