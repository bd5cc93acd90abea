//! Dicts and lists that a server process keeps for many workers, like Python's `multiprocessing.Manager`.
//!
//! A [`Manager`] starts the server. [`Manager::dict`] and [`Manager::list`] give handles, a [`Dict`] and a [`List`], which any worker
//! may use. Keys and values can be of any type that `serde` can write, and there may be any number of them. The price is that every
//! call is a round trip to another process. A complete example:
//!
//! ```
//! use labsupport::prelude::*;
//! use manager::prelude::*;
//!
//! let manager = Manager::start()?;
//! let words = manager.dict::<String, usize>("words")?;
//! let text = ["the pill", "the flag", "a pill"];
//!
//! let workers = Workers::spawn(3, |w| -> Result<(), ManagerError> {
//!     for word in text[w.index()].split(' ') {
//!         words.update(word, |count| Some(count.unwrap_or(0) + 1))?;
//!     }
//!     Ok(())
//! })?;
//! for result in workers.join()?.into_values()? {
//!     result?;
//! }
//!
//! assert_eq!(words.len()?, 4);
//! assert_eq!(words.get("pill")?, Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # One dict for all workers
//!
//! Open the dict before the workers are spawned. They inherit the handle, and all handles of one dict see the same entries. At its
//! first call in a worker, a handle notices that it has crossed a fork, and opens a connection of its own:
//!
//! ```text
//!  parent   Manager ── Dict ──┐ connection                    ┌───────────────────────┐
//!                             ├──────────────────────────────►│ server process        │
//!  worker 0           Dict ───┤ request ─►                    │  "scores" dict  k → v │
//!                             │ ◄─ reply                      │  "tasks"  list  v v v │
//!  worker 1           Dict ───┘                               └───────────────────────┘
//!      │                                                          ▲
//!      └── a new connection, passed through the door ─────────────┘
//! ```
//!
//! A worker that has the manager can also open a dict by its name. The same name gives the same dict in every process:
//!
//! ```
//! # use labsupport::prelude::*;
//! # use manager::prelude::*;
//! let manager = Manager::start()?;
//! let workers = Workers::spawn(2, |w| {
//!     manager.dict::<usize, String>("names")?.insert(w.index(), format!("worker {}", w.index()))
//! })?;
//! workers.join()?.values()?;
//! assert_eq!(manager.dict::<usize, String>("names")?.get(&1)?, Some("worker 1".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # An atomic update
//!
//! Each call is atomic: the server answers one request after the other. Two calls are not. Between a [`get`](Dict::get) and an
//! [`insert`](Dict::insert) another worker may write, and its value is lost. [`Dict::update`] and [`List::update`] read, change and
//! write without losing anything; they repeat if another worker was faster. [`Dict::compare_exchange`] is the step that they are made
//! of.
//!
//! # What a round trip costs
//!
//! A call takes a few microseconds if both processes are awake, and tens of microseconds if the server has to be woken. A
//! [`Value`](labsupport::shared::Value) takes some ten nanoseconds, because it lies in memory that all workers share: hundreds to thousands of
//! times less. So keep a counter or a flag in shared memory, and use a manager for what has no fixed size. Fewer, larger calls help:
//! [`List::extend`] sends many elements in one round trip, and `items` fetches everything in one.
//!
//! The calls of all workers pass through one server, which has one thread. More workers do not make it faster.
//!
//! # When the server dies
//!
//! No call waits forever. If the server has ended, every call gets [`ManagerError::Gone`] at once. If it lives but does not answer, a
//! call gets [`ManagerError::Silent`] after ten seconds. What the server kept is lost with it:
//!
//! ```
//! # use manager::prelude::*;
//! let manager = Manager::start()?;
//! let scores = manager.list::<u64>("scores")?;
//! scores.push(3)?;
//! drop(manager); // ends the server
//! assert_eq!(scores.len(), Err(ManagerError::Gone));
//! # Ok::<(), ManagerError>(())
//! ```
//!
//! # When a worker dies
//!
//! A request that has arrived in full is carried out, and one that has not is dropped, so no entry is ever half written. A client that
//! is killed in the middle of a request, that sends nonsense or that never reads its replies harms no other client.
//!
//! # Limits
//!
//! A request or a reply may have 16 MiB, and the server keeps at most 1 GiB and serves at most 10,000 connections. Beyond that, a call
//! is an error that says so, and changes nothing. The `README.md` of this crate has all limits and the protocol.
//!
//! # Who may connect
//!
//! Python's server listens on a socket file. Any process that finds the file can try to connect, and `kill -9` leaves the file behind.
//! Here nothing has a name. Before the fork the manager makes the *door*, a pair of sockets that are connected to each other. The
//! server keeps one end, and all workers inherit the other. To connect, a process makes another such pair and passes one end through
//! the door. So only processes that were forked from the one that started the manager can even try, and the server also checks that
//! they still belong to the same user.

// `cargo fuzz` sets `fuzzing`, which rustc does not know.
#![allow(unexpected_cfgs)]

mod connection;
mod dict;
mod door;
mod error;
mod frame;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod list;
mod manager;
mod ordered_map;
pub mod prelude;
mod protocol;
mod proxy;
mod server;
mod settings;
mod spin;
mod store;
mod sys;
#[cfg(test)]
mod tests;
mod type_names;

pub use dict::Dict;
pub use error::ManagerError;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use fuzz::fuzz;
pub use list::List;
pub use manager::Manager;

labsupport::shown_in_words!(ManagerError);
