use crate::door::Door;
use crate::protocol::Kind;
use crate::proxy::Proxy;
use crate::server::{self, Ends};
use crate::settings::Settings;
use crate::{Dict, List, ManagerError, sys, type_names};
use labsupport::internal::fault;
use labsupport::process::Workers;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// A server process that keeps dicts and lists: Python's `multiprocessing.Manager`.
///
/// The server ends when the manager is dropped in the process that started it, and also when the *thread* that started it
/// ends: like a worker, it does not outlive its parent. What it kept is lost then.
///
/// Workers can use the manager too, to open more dicts and lists. Dropping their copy of it ends nothing. The manager must stay
/// in the thread that started it; its dicts and lists may move to other threads:
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
    // Dropping it kills the server and collects it.
    _server: Workers<()>,
    pub(crate) door: Arc<Door>,
}

impl Manager {
    /// Forks a server process.
    ///
    /// # Errors
    /// The system refuses a process or a socket.
    pub fn start() -> Result<Manager, ManagerError> {
        Manager::start_with(Settings::default())
    }

    pub(crate) fn start_with(settings: Settings) -> Result<Manager, ManagerError> {
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
        // The parent's copies of the server's ends are dropped here, so those ends close when the server ends.
        Ok(Manager {
            _server: server,
            door: Arc::new(door),
        })
    }

    /// The dict of this name. If there is none, it is made, empty. The same name gives the same dict in every process.
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
    ///      or choose another name."
    /// );
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn dict<K, V>(&self, name: &str) -> Result<Dict<K, V>, ManagerError>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        let types = type_names::of_dict::<K, V>();
        Proxy::open(&self.door, Kind::Dict, &types, name).map(Dict::new)
    }

    /// The list of this name. If there is none, it is made, empty. The same name gives the same list in every process.
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
        let types = type_names::of_list::<T>();
        Proxy::open(&self.door, Kind::List, &types, name).map(List::new)
    }

    /// The server's process ID, for tools such as `ps` and `strace`.
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
