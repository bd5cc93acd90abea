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
mod error;
mod frame;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod list;
mod looks;
mod ordered;
pub mod prelude;
mod server;
mod store;
mod sys;
#[cfg(test)]
mod tests;
mod types;

pub use dict::Dict;
pub use error::ManagerError;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use fuzz::fuzz;
pub use list::List;

use connection::{Door, Object};
use frame::Kind;
use labsupport::internal::fault;
use labsupport::process::Workers;
use serde::{Serialize, de::DeserializeOwned};
use server::Ends;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

labsupport::shown_in_words!(ManagerError);

/// A server process that keeps dicts and lists.
///
/// It ends when the manager is dropped in the process that started it, and also when the *thread* that started it ends: like
/// a worker it does not outlive its parent. What it kept is lost then. Workers can use the manager too, to open more dicts and
/// lists; dropping their copy of it ends nothing. The manager itself stays with the thread that started it, its dicts and lists need not:
///
/// ```compile_fail,E0277
/// use manager::prelude::*;
/// let manager = Manager::start().unwrap();
/// std::thread::spawn(move || manager.pid());
/// ```
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use manager::prelude::*;
/// let manager = Manager::start()?;
/// let stock = manager.dict::<String, u64>("stock")?;
/// let log = manager.list::<String>("log")?;
/// stock.insert("pills".into(), 100)?;
///
/// let workers = Workers::spawn(4, |w| {
///     for _ in 0..10 {
///         stock.update("pills", |left| left.map(|left| left - 1))?;
///     }
///     log.push(format!("worker {} took ten", w.index()))
/// })?;
/// workers.join()?.values()?;
///
/// assert_eq!(stock.get("pills")?, Some(60));
/// assert_eq!(log.len()?, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Manager {
    // Dropping it kills and collects the server.
    _server: Workers<()>,
    door: Arc<Door>,
}

/// What can be chosen; only the tests choose.
#[derive(Clone, Copy, Debug)]
struct Settings {
    /// How long a handle waits for an answer.
    patience: Duration,
    /// Connections at once, if the system allows that many open files.
    most_clients: usize,
    /// Bytes that the server keeps, with what is around them.
    most_kept: usize,
    /// Bytes in the buffers of all connections.
    most_buffered: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            patience: Duration::from_secs(10),
            most_clients: 10_000,
            most_kept: 1 << 30,
            most_buffered: 256 << 20,
        }
    }
}

impl Manager {
    /// Forks a server process.
    ///
    /// # Errors
    /// The system refuses a process or a socket.
    pub fn start() -> Result<Manager, ManagerError> {
        Manager::start_with(Settings::default())
    }

    fn start_with(settings: Settings) -> Result<Manager, ManagerError> {
        let failed = |error: &dyn fmt::Display| ManagerError::NotStarted(error.to_string());
        let Ends {
            outside,
            inside,
            epoll,
        } = Ends::new().map_err(|error| {
            failed(&format_args!(
                "the system gave no socket ({error}). Close what you no longer need, or raise the limit of open files \
                 (`ulimit -n`)."
            ))
        })?;
        let servers = Cell::new(Some([inside, epoll]));
        let server = Workers::spawn(1, |_| -> () {
            let ends = servers.take().expect("this fork runs it once");
            sys::serve_alone(ends, settings, server::serve)
        })
        .map_err(|error| failed(&error))?;
        fault::point("manager: forked");
        let pid = server.pids()[0];
        let door = Door::new(outside, pid, settings.patience)
            .map_err(|error| failed(&format_args!("the system refused a time limit ({error}).")))?;
        // Here the parent's copy of the server's ends is dropped, so that their end is the server's end.
        Ok(Manager {
            _server: server,
            door: Arc::new(door),
        })
    }

    /// The dict of this name; it is made, empty, if there is none. The same name gives the same dict, in every process.
    ///
    /// # Errors
    /// The name stands for a list or for a dict of other types; the server is gone, silent or full.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// manager.dict::<String, u64>("scores")?.insert("Ada".into(), 3)?;
    /// assert_eq!(manager.dict::<String, u64>("scores")?.get("Ada")?, Some(3));
    /// assert_eq!(
    ///     manager.dict::<String, f64>("scores").unwrap_err().to_string(),
    ///     "\"scores\" is a dict of String → u64 and was opened as a dict of String → f64: open it as what it is, \
    ///      or take another name."
    /// );
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn dict<K, V>(&self, name: &str) -> Result<Dict<K, V>, ManagerError>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        Object::open(&self.door, Kind::Dict, &types::of_dict::<K, V>(), name).map(Dict::on)
    }

    /// The list of this name; it is made, empty, if there is none. The same name gives the same list, in every process.
    ///
    /// # Errors
    /// The name stands for a dict or for a list of other types; the server is gone, silent or full.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// manager.list::<u64>("found")?.push(7)?;
    /// assert_eq!(manager.list::<u64>("found")?.items()?, [7]);
    /// assert!(manager.dict::<u64, u64>("found").is_err());
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn list<T>(&self, name: &str) -> Result<List<T>, ManagerError>
    where
        T: Serialize + DeserializeOwned,
    {
        Object::open(&self.door, Kind::List, &types::of_list::<T>(), name).map(List::on)
    }

    /// The server's process number, for tools outside (`ps`, `strace`).
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// assert_ne!(manager.pid(), std::process::id());
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn pid(&self) -> u32 {
        self.door.server()
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager(process {})", self.pid())
    }
}
