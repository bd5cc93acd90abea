use crate::address::{Address, Place};
use crate::blocking::{Wait, wait_of};
use crate::cluster::{Map, Node};
use crate::deadline::{Deadline, PATIENCE};
use crate::nodes::Nodes;
use crate::server::Server;
use crate::{BrokerError, ErrorKind, FromReply, Proxy, Reply, Subscription, Watched, proxy};
use labsupport::internal::activity;
use labsupport::measure::human;
use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// Names a server that runs already, for a class or for several machines.
const SHARED: &str = "LABS_BROKER";

/// A message broker: a private server of this program, or a connection to one that runs elsewhere.
///
/// A private server ends when the last handle is dropped in the process that started it, and when that process ends, however it ends. Workers
/// can use the handle: at its first call in a worker it opens a connection of its own. Dropping a worker's copy ends nothing.
///
/// A handle carries one call at a time, so a thread gets a clone of its own. All clones speak to the same server.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use labsupport::prelude::*;
///
/// let broker = Broker::start()?;
/// let workers = Workers::spawn(2, |_| broker.ask::<u64>(["INCR", "epoch"]))?;
/// workers.join()?.values()?;
/// assert_eq!(broker.ask::<u64>(["GET", "epoch"])?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Broker {
    route: Route,
    patience: Duration,
    // Not Sync: a connection carries one call at a time.
    nodes: RefCell<Nodes>,
    /// Called before each call, by checks that must get in between two of them.
    before: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// The way to a server, and what must live as long as the way is used.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) address: Address,
    pub(crate) server: Option<Arc<Server>>,
    pub(crate) proxy: Option<Arc<proxy::Line>>,
}

/// What came back when a server was started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarted {
    keys: u64,
    persists: bool,
}

impl Broker {
    /// Starts a private server, or connects to the server that the environment variable `LABS_BROKER` names.
    ///
    /// A private server listens on a Unix socket in a folder that only this user can open, and on no port. It keeps at most 64 MB, removes
    /// nothing to make room and saves nothing. A server that `LABS_BROKER` names is shared with everybody else who uses it: choose names of
    /// keys that are yours alone, and beware of `FLUSHALL`.
    ///
    /// # Errors
    /// There is no server program ([`ErrorKind::ServerMissing`]), it does not start, or the named server cannot be reached.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert_eq!(broker.call(["PING"])?, "PONG");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn start() -> Result<Broker, BrokerError> {
        match std::env::var(SHARED) {
            Ok(url) if !url.is_empty() => Broker::connect(&url),
            _ => Broker::start_with(&[]),
        }
    }

    /// Starts a private server with settings of its configuration file, for example to let it save what it keeps. `LABS_BROKER` is not looked
    /// at: the settings of a shared server are not yours to choose.
    ///
    /// # Errors
    /// The settings would make the server public or are not known to it ([`ErrorKind::DidNotStart`]), or as [`start`](Broker::start).
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start_with(&[("appendonly", "yes"), ("appendfsync", "always")])?;
    /// broker.call(["SET", "kept", "1"])?;
    /// broker.kill()?;
    /// assert_eq!(broker.restart()?.keys(), 1);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Broker, BrokerError> {
        let server = Arc::new(Server::start(settings)?);
        Ok(Broker::on(Route {
            address: server.address(),
            server: Some(server),
            proxy: None,
        }))
    }

    /// Connects to a server that runs already: `redis://[user:password@]host[:port][/database]`, the same with
    /// `rediss://` for [TLS](crate#tls), or `unix:///path/to/socket`. Redis and Valkey speak the same.
    ///
    /// # Errors
    /// The address cannot be read ([`ErrorKind::Invalid`]), nothing answers there ([`ErrorKind::Refused`], [`ErrorKind::TimedOut`]), or the
    /// server wants another password ([`ErrorKind::Server`]). No error contains the password.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// let other = Broker::connect(&broker.url())?;
    /// other.call(["SET", "word", "pill"])?;
    /// assert_eq!(broker.call(["GET", "word"])?, "pill");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn connect(url: &str) -> Result<Broker, BrokerError> {
        let broker = Broker::on(Route {
            address: Address::parse(url)?,
            server: None,
            proxy: None,
        });
        broker.call(["PING"])?;
        Ok(broker)
    }

    pub(crate) fn on(route: Route) -> Broker {
        Broker {
            route,
            patience: PATIENCE,
            nodes: RefCell::default(),
            before: None,
        }
    }

    /// Sends a command of the broker's own and waits for its reply, at most ten seconds (or as [`within`](Broker::within) says).
    ///
    /// A command that waits at the server, such as `BRPOP` or `XREADGROUP … BLOCK`, may wait as long as it says, and the limit counts from
    /// then on. One that would wait forever (a time of 0) ends at the limit.
    ///
    /// On a cluster the command goes to the node that has its first key; see [Clusters](crate#clusters).
    ///
    /// A call is carried out at most once. If the connection breaks, the call is an error, and the next one connects anew.
    ///
    /// # Errors
    /// The server answers with an error ([`ErrorKind::Server`]), not in time ([`ErrorKind::TimedOut`]), or is gone
    /// ([`ErrorKind::Disconnected`], [`ErrorKind::Refused`]).
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert_eq!(broker.call(["LPUSH", "tasks", "1", "2"])?, 2);
    /// assert_eq!(broker.call(["LRANGE", "tasks", "0", "-1"])?.list()?.len(), 2);
    /// assert!(broker.call(["BRPOP", "nothing", "0.01"])?.is_nil());
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn call<C>(&self, command: C) -> Result<Reply, BrokerError>
    where
        C: IntoIterator,
        C::Item: AsRef<[u8]>,
    {
        let command: Vec<C::Item> = command.into_iter().collect();
        check(&command)?;
        if let Some(before) = &self.before {
            before();
        }
        let wait = wait_of(&command);
        let limit = match wait {
            Wait::For(time) => self.patience.saturating_add(time),
            Wait::No | Wait::Forever => self.patience,
        };
        let deadline = Deadline::after(limit);
        let mut nodes = self.nodes.borrow_mut();
        nodes.call(&self.route, &command, wait, deadline)
    }

    /// Sends a command as [`call`](Broker::call) does, and turns its reply into a type of Rust's. [`FromReply`] has the types.
    ///
    /// # Errors
    /// As [`call`](Broker::call), and [`ErrorKind::WrongType`] if the reply is of another type.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// broker.ask::<()>(["RPUSH", "tasks", "2", "3", "5"])?;
    /// let tasks: Vec<u64> = broker.ask(["LRANGE", "tasks", "0", "-1"])?;
    /// assert_eq!(tasks, [2, 3, 5]);
    /// assert_eq!(broker.ask::<Option<String>>(["GET", "nothing"])?, None);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn ask<T: FromReply>(
        &self,
        command: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<T, BrokerError> {
        T::from_reply(self.call(command)?)
    }

    /// The same broker, whose calls may take as long as `limit`. It has a connection of its own.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let broker = Broker::start()?;
    /// let hasty = broker.within(Duration::from_millis(20));
    /// let error = hasty.call(["BRPOP", "nothing", "0"]).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TimedOut);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn within(&self, limit: Duration) -> Broker {
        Broker {
            patience: limit,
            ..self.clone()
        }
    }

    /// Listens to channels. Messages that were published before this returns are not among those that arrive.
    ///
    /// # Errors
    /// No channels, or the server cannot be reached.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let broker = Broker::start()?;
    /// let mut signals = broker.subscribe(["signals"])?;
    /// broker.call(["PUBLISH", "signals", "stop"])?;
    /// let message = signals.next(Duration::from_secs(1))?.expect("it was published");
    /// assert_eq!(message.text()?, "stop");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn subscribe(
        &self,
        channels: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Subscription, BrokerError> {
        Subscription::open(self.route.clone(), self.map(), channels, self.patience)
    }

    /// A copy of the value of `key` in this process, which the server declares out of date when the value changes (`CLIENT TRACKING`). A look
    /// at it costs nanoseconds. See [`Watched`].
    ///
    /// # Errors
    /// The server cannot be reached, or is older than Redis 6.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// let stop = broker.watched("stop")?;
    /// assert!(!stop.is_set()?);
    /// broker.call(["SET", "stop", "1"])?;
    /// while !stop.is_set()? {} // until the server's message is here
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn watched(&self, key: &str) -> Result<Watched, BrokerError> {
        Watched::open(self.route.clone(), self.map(), key, self.patience)
    }

    /// Moves the server away: a proxy that holds every byte back for `delay` in each direction. See [`Proxy`].
    ///
    /// # Errors
    /// The delay is longer than ten seconds, or the system refuses a socket or a thread.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let broker = Broker::start()?;
    /// let proxy = broker.far(Duration::from_millis(5))?;
    /// let far = proxy.broker();
    /// let look = time(|| far.call(["GET", "stop"]));
    /// assert!(look.elapsed >= Duration::from_millis(10)); // there and back
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn far(&self, delay: Duration) -> Result<Proxy, BrokerError> {
        Proxy::open(self.route.clone(), delay)
    }

    /// Kills the server (SIGKILL), as a crash would. [`restart`](Broker::restart) starts it again.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`]: the server is not private, or another process started it.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start_with(&[])?;
    /// broker.kill()?;
    /// assert!(broker.call(["PING"]).is_err());
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn kill(&self) -> Result<(), BrokerError> {
        self.own("kill")?.kill();
        Ok(())
    }

    /// Starts the server again, with the same settings and in the same folder, so that what it had saved comes back. If it still runs, it is
    /// killed first.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`] as for [`kill`](Broker::kill), or the server does not start.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start_with(&[])?;
    /// broker.call(["SET", "kept", "1"])?;
    /// broker.kill()?;
    /// assert_eq!(
    ///     broker.restart()?.to_string(),
    ///     "the server runs again and has 0 keys: its settings save nothing, so everything it kept is lost"
    /// );
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn restart(&self) -> Result<Restarted, BrokerError> {
        let server = self.own("restart")?;
        server.restart()?;
        self.nodes.borrow_mut().close();
        let direct = Broker::on(Route {
            address: server.address(),
            server: self.route.server.clone(),
            proxy: None,
        });
        let keys = match direct.call(["DBSIZE"])? {
            Reply::Int(keys) => keys as u64,
            other => return Err(other.is_no("number of keys")),
        };
        let saves = |name| -> Result<bool, BrokerError> {
            let pair: Vec<String> = direct.ask(["CONFIG", "GET", name])?;
            Ok(pair
                .get(1)
                .is_some_and(|value| !value.is_empty() && value != "no"))
        };
        Ok(Restarted {
            keys,
            persists: saves("save")? || saves("appendonly")?,
        })
    }

    /// The process ID of a private server, for tools such as `ps` and `strace`; `None` for a server that runs elsewhere.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start_with(&[])?;
    /// assert!(broker.pid().is_some());
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn pid(&self) -> Option<u32> {
        self.route.server.as_ref().map(|server| server.pid() as u32)
    }

    /// The server's address, which [`connect`](Broker::connect) and `redis-cli -u` take. A password is replaced by `***`.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start_with(&[])?;
    /// assert!(broker.url().starts_with("unix:///"));
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn url(&self) -> String {
        self.route.address.url()
    }

    /// The memory that the server takes, in bytes (resident).
    ///
    /// # Errors
    /// The server is gone, or does not say.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert!(broker.memory()? > 1_000_000);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn memory(&self) -> Result<u64, BrokerError> {
        if let Some(server) = &self.route.server {
            let status = fs::read_to_string(format!("/proc/{}/status", server.pid()));
            let line = |status: &str| {
                let line = status
                    .lines()
                    .find_map(|line| line.strip_prefix("VmRSS:"))?;
                line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
            };
            if let Some(kilobytes) = status.ok().as_deref().and_then(line) {
                return Ok(kilobytes * 1024);
            }
        }
        let info: String = self.ask(["INFO", "memory"])?;
        info.lines()
            .find_map(|line| line.strip_prefix("used_memory_rss:")?.trim().parse().ok())
            .ok_or_else(|| {
                BrokerError::new(
                    ErrorKind::Unreadable,
                    "the server does not say how much memory it takes.",
                )
            })
    }

    fn map(&self) -> Map {
        self.nodes.borrow().map()
    }

    /// The server that this process may end.
    fn own(&self, what: &str) -> Result<&Server, BrokerError> {
        let not = |why: &str| {
            let text =
                format!("only the process that started a private server may {what} it: {why}.");
            BrokerError::new(ErrorKind::NotOwner, text)
        };
        match &self.route.server {
            None => Err(not(
                "this one runs elsewhere. Broker::start_with(&[]) starts one of your own",
            )),
            Some(server) if !server.is_ours() => Err(not("this is a worker. Let its parent do it")),
            Some(server) => Ok(server),
        }
    }
}

/// The same broker, with `before` called before each of its calls: another client gets in between two calls of a program.
pub fn before_calls(broker: &Broker, before: impl Fn() + Send + Sync + 'static) -> Broker {
    Broker {
        before: Some(Arc::new(before)),
        ..broker.clone()
    }
}

impl Route {
    /// The way to a node of the cluster.
    pub(crate) fn to(&self, node: &Node) -> Result<Address, BrokerError> {
        let Some(place) = node else {
            return Ok(self.address.clone());
        };
        let place = match &self.proxy {
            None => place.clone(),
            Some(line) => line.way_to(place)?,
        };
        let login = self.address.login.clone();
        Ok(Address { place, login })
    }

    /// Where the server listens that the address names, with or without a proxy before it.
    pub(crate) fn server_place(&self) -> &Place {
        match &self.proxy {
            None => &self.address.place,
            Some(line) => line.server_place(),
        }
    }

    /// The error of a command that got no answer in time, with what can be known about the reason.
    #[cold]
    pub(crate) fn late(&self, error: BrokerError, command: &str, wait: Wait) -> BrokerError {
        let command = command.to_ascii_uppercase();
        let more = match (&self.server, wait) {
            (_, Wait::Forever) => format!(
                "{command} was to wait without an end (its time is 0), and nothing came. What comes now stays at the server. Give it a time in which \
                 something must come, or use Broker::within for a longer limit."
            ),
            (_, _) if self.proxy.as_ref().is_some_and(|line| line.is_cut()) => format!(
                "The proxy is cut, so {command} or its reply is still on the way: Proxy::mend lets it pass. The server may have carried it out."
            ),
            (Some(server), _) => format!(
                "The server (process {}) was {}. It may still carry out {command}. Let it go on (`kill -CONT {0}`), or start it again with \
                 Broker::restart.",
                server.pid(),
                activity(server.pid())
            ),
            (None, _) if command == "CONNECT" => {
                "Check that it runs and that the network is there; Broker::within sets another limit.".into()
            }
            (None, _) => format!(
                "It may still carry out {command}. Check that it runs and that the network is there; Broker::within sets another limit."
            ),
        };
        BrokerError::new(ErrorKind::TimedOut, format!("{error}. {more}"))
    }
}

/// Refuses a command that a call cannot carry.
fn check(command: &[impl AsRef<[u8]>]) -> Result<(), BrokerError> {
    let refused = |why: String| Err(BrokerError::new(ErrorKind::Invalid, why));
    let Some(name) = command.first().map(|name| name.as_ref()) else {
        return refused(
            "a command needs at least one word, such as PING. Nothing was sent.".into(),
        );
    };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    match name.as_str() {
        "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" => refused(format!(
            "{name} does not fit a call, which has one reply: use Broker::subscribe. Nothing was sent."
        )),
        "MONITOR" | "SYNC" | "PSYNC" => refused(format!(
            "{name} does not fit a call, which has one reply: use `redis-cli -u` with Broker::url. Nothing was sent."
        )),
        name if name.contains(char::is_whitespace) => refused(format!(
            "{name:?} is no command: write each word by itself, as in [\"LPUSH\", \"tasks\", \"1\"]. Nothing was sent."
        )),
        _ => Ok(()),
    }
}

impl Clone for Broker {
    /// The copy opens a connection of its own.
    fn clone(&self) -> Broker {
        Broker {
            route: self.route.clone(),
            patience: self.patience,
            nodes: RefCell::new(Nodes::knowing(self.nodes.borrow().map())),
            before: self.before.clone(),
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid() {
            Some(pid) => write!(f, "Broker({}, process {pid})", self.url()),
            None => write!(f, "Broker({})", self.url()),
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = human(self.patience);
        match &self.route.server {
            Some(server) => write!(
                f,
                "a private server (process {}) in {}; a call may take {limit}",
                server.pid(),
                server.folder().display()
            )?,
            None => write!(
                f,
                "the server at {}, shared; a call may take {limit}",
                self.url()
            )?,
        }
        match &self.route.proxy {
            Some(line) => write!(f, "; {line}"),
            None => Ok(()),
        }
    }
}

impl Restarted {
    /// How many keys the server has after the start, in its first database.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start_with(&[])?;
    /// assert_eq!(broker.restart()?.keys(), 0);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn keys(&self) -> u64 {
        self.keys
    }
}

impl fmt::Display for Restarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.keys == 1 { "" } else { "s" };
        write!(f, "the server runs again and has {} key{s}", self.keys)?;
        match (self.persists, self.keys) {
            (false, _) => f.write_str(": its settings save nothing, so everything it kept is lost"),
            (true, 0) => f.write_str(": nothing was saved"),
            (true, _) => Ok(()),
        }
    }
}
