//! Memory that several processes see: flags, values, arrays, barriers and queues.
//!
//! Create a handle *before* [`Workers::spawn`](crate::process::Workers::spawn); the workers inherit the mapping. A handle is `'static`, cheap
//! to clone, and has no name that another program could open. Its name in `/dev/shm` is removed as soon as the memory is mapped, so nothing
//! is left behind, however the processes end.
//!
//! ```text
//! Lock, Flag,           ┌───────────────┬──────────────┐
//! Value, Array          │ lock, 128 B   │ data         │   one Segment each: lock and data never share a cache line
//!                       └───────────────┴──────────────┘
//! Barrier               ┌────────────────┐
//!                       │ round, arrived │                one word
//!                       └────────────────┘
//! Queue                 ┌───────────┬───────────┬──────┬─────────────────────┐
//!                       │ get side  │ put side  │ ...  │ ring of messages    │
//!                       └───────────┴───────────┴──────┴─────────────────────┘
//! ```
//!
//! A process may be killed while it holds a lock. The next process that locks gets the lock and is told
//! ([`LockGuard::owner_died`]); no process waits for a dead holder.

mod array;
mod barrier;
mod error;
mod flag;
mod lock;
pub(crate) mod lock_cell;
mod locked;
#[cfg_attr(any(loom, miri), path = "../../model/heap.rs")]
mod memory;
#[cfg(all(test, loom))]
#[path = "../../model/flag.rs"]
mod model;
mod plain;
mod queue;
pub(crate) mod segment;
mod value;
pub(crate) mod waits;

pub use array::{Array, ArrayGuard};
pub use barrier::Barrier;
pub use error::SharedError;
pub use flag::{Flag, FlagGuard};
pub use lock::Lock;
pub use lock_cell::LockGuard;
pub(crate) use lock_cell::lent_here;
pub use plain::Plain;
pub use queue::{GetError, PutError, PutErrorKind, Queue};
pub use segment::Segment;
pub use value::{Value, ValueGuard};

crate::shown_in_words!(FlagGuard<'_>, GetError, PutErrorKind, SharedError, @ <T> PutError<T>);
