//! Dicts and lists that a server process keeps for all: Python's `multiprocessing.Manager`.
//!
//! Any type that `serde` can write may be kept, and any number of it. The price is that every access is a round trip to
//! another process: thousands of nanoseconds, or tens of thousands if it has to be woken, where a
//! [`Value`](labsupport::shared::Value) takes some ten.
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
//! A handle is made before the workers and used by all of them. It notices that it has crossed a fork, and opens a connection
//! of its own there. The `README.md` beside this module has the protocol, what happens when somebody is killed, and the limits.
//!
//! **A server without an address.** Python's server listens on a socket file; whoever finds it can try to connect, and a
//! `kill -9` leaves it behind. Here nothing has a name. Before the fork the manager makes the *door*, a pair of sockets that
//! are connected to each other; the server keeps one end, and all workers inherit the other. Who wants a connection makes
//! another such pair and passes one end through the door. So only processes forked from the one that started the manager can
//! even try (the server also checks that they still belong to the same user), and there is no file, not even in a private
//! folder, that could be left over.
//!
//! **Nothing hangs.** A handle whose server has ended gets [`ManagerError::Gone`] at once, one whose server is stopped gets
//! [`ManagerError::Silent`] after ten seconds. A client that is killed in the middle of a request, that sends rubbish or that
//! never reads its replies harms nobody else.

// `cargo fuzz` sets `fuzzing`; rustc does not know that.
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
