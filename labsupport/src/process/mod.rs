//! Worker processes: fork, run a closure, bring its result or its death home.
//!
//! ```text
//! parent ──fork──► worker 0: closure ──► frame (result or panic) ──► pipe ─┐
//!        ──fork──► worker 1: closure ──► frame ────────────────────► pipe ─┤
//!                                                                          ▼
//! parent ◄── join: a pipe at its end means a worker at its end ◄── poll, wait4 (exit and CPU time)
//! ```
//!
//! What holds, whatever happens:
//! * A worker does not outlive its parent: the Linux kernel kills it when the parent (the *thread* that spawned it)
//!   ends. Dropping [`Workers`] kills and collects those that still run.
//! * A worker leaves only by `_exit`, after its panic was caught and its output flushed: no destructor of the parent
//!   runs twice, nothing buffered is printed twice.
//! * A panic comes home as its message and place; nothing is printed.
//! * A fork copies one thread. A thread pool that was started before the fork (rayon's, say) has no threads in the
//!   worker, and whoever asks it for work there waits for ever. Do not use rayon inside a worker; where a worker hangs,
//!   the message of [`Workers::join_timeout`] says when other threads existed.

mod error;
mod exit;
mod forking;
mod report;
mod roster;
mod worker;
mod workers;

pub use error::{JoinError, SpawnError, WorkerError};
pub use exit::Exit;
pub use report::{Outcome, Report};
pub use worker::{Share, Worker};
pub use workers::Workers;

use std::fmt;

crate::shown_in_words!(Exit, JoinError, SpawnError, Worker, WorkerError, @ <T> Workers<T>, @ <T: fmt::Debug> Outcome<T>);
