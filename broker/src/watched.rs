use crate::blocking::Wait;
use crate::broker::Route;
use crate::cluster::{Answer, Map, Way};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::resp::Received;
use crate::stream::Stream;
use crate::{BrokerError, ErrorKind, Reply};
use labsupport::internal::{Home, monotonic_nanos};
use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// The name of the thread that listens. `labsupport` knows by it that it does no work of the program's own.
const NAME: &str = "labs: watch";

/// A wait for the server's next word that is never too short: the listening thread ends when its stream is shut down.
const ALWAYS: Duration = Duration::from_secs(1 << 32);

/// A copy of a key's value in this process. The server sends a message when the value changes, and only then is it asked again
/// (`CLIENT TRACKING`). So a look costs nanoseconds, as with a flag in shared memory, although the key may be on another machine.
///
/// # Traps
///
/// * A message takes its time: until it has arrived, a look sees the old value.
/// * The server sends *one* message for each time that the value was asked for. The copy is asked for again at the next look, not before:
///   of changes between two looks, only the last one shows.
/// * A connection that breaks brings no message. As soon as this process learns of the break, [`is_connected`](Watched::is_connected) is false
///   and the next look asks the server again, through a new connection.
/// * A connection that is *cut* (a pulled cable, a partition) does not even break: nothing arrives, and the copy stays as it is. Only its
///   [`age`](Watched::age) tells; [`refresh`](Watched::refresh) asks the server.
///
/// A worker opens a connection of its own at its first look.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use labsupport::prelude::*;
/// let broker = Broker::start()?;
/// let stop = broker.watched("stop")?;
/// let workers = Workers::spawn(2, |_| {
///     let mut looks = 0u64;
///     while !stop.is_set()? {
///         looks += 1;
///     }
///     Ok::<u64, BrokerError>(looks)
/// })?;
/// broker.call(["SET", "stop", "1"])?;
/// for looks in workers.join()?.into_values()? {
///     println!("{} looks", looks?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Watched {
    route: Route,
    /// What is known of the cluster, if it is one.
    map: RefCell<Map>,
    key: String,
    patience: Duration,
    // Not Sync: one look at a time.
    copy: RefCell<Copy>,
}

/// The value as it was last read, and the line on which the server says that it has changed.
struct Copy {
    value: Reply,
    line: Line,
    home: Home,
}

/// A connection with a thread that listens to it.
struct Line {
    heard: Arc<Heard>,
    replies: mpsc::Receiver<Reply>,
    stream: Stream,
    home: Home,
}

/// What the listening thread tells.
struct Heard {
    /// The value was not changed since it was read, as far as is known here.
    fresh: AtomicBool,
    connected: AtomicBool,
    /// When the server was last heard, in nanoseconds of the monotonic clock.
    last: AtomicU64,
}

impl Watched {
    pub(crate) fn open(
        route: Route,
        mut map: Map,
        key: &str,
        patience: Duration,
    ) -> Result<Watched, BrokerError> {
        let copy = Copy::read(&route, &mut map, key, patience)?;
        Ok(Watched {
            route,
            map: RefCell::new(map),
            key: key.into(),
            patience,
            copy: RefCell::new(copy),
        })
    }

    /// The value: from this process if the server has not said that it has changed, else from the server.
    ///
    /// # Errors
    /// The server must be asked and does not answer, or the key holds no text.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// broker.call(["SET", "bound", "97"])?;
    /// let bound = broker.watched("bound")?;
    /// assert_eq!(bound.get()?.int()?, 97);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn get(&self) -> Result<Reply, BrokerError> {
        self.look(Reply::clone)
    }

    /// Whether there is a value, and it is not 0. A look costs nanoseconds.
    ///
    /// # Errors
    /// As [`get`](Watched::get).
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// let stop = broker.watched("stop")?;
    /// assert!(!stop.is_set()?);
    /// # Ok::<(), BrokerError>(())
    /// ```
    #[inline]
    pub fn is_set(&self) -> Result<bool, BrokerError> {
        self.look(|value| !value.is_nil() && *value != "0")
    }

    #[inline]
    fn look<T>(&self, of: impl FnOnce(&Reply) -> T) -> Result<T, BrokerError> {
        {
            let copy = self.copy.borrow();
            if copy.home.is_here() && copy.line.heard.is_current() {
                return Ok(of(&copy.value));
            }
        }
        self.refresh()?;
        Ok(of(&self.copy.borrow().value))
    }

    /// Asks the server now, even if it has not said that the value has changed.
    ///
    /// # Errors
    /// The server does not answer in time, or the key holds no text.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// let stop = broker.watched("stop")?;
    /// broker.call(["SET", "stop", "1"])?;
    /// stop.refresh()?; // does not wait for the server's message
    /// assert!(stop.is_set()?);
    /// # Ok::<(), BrokerError>(())
    /// ```
    #[cold]
    pub fn refresh(&self) -> Result<(), BrokerError> {
        let mut copy = self.copy.borrow_mut();
        let deadline = Deadline::after(self.patience);
        if copy.home.is_here() && copy.line.heard.connected.load(Ordering::Acquire) {
            match copy.line.ask(&self.key, false, deadline) {
                // Another node of the cluster has the key now.
                Ok(Reply::Error(words)) if Answer::of(&words) != Answer::Final => {}
                Ok(Reply::Error(words)) => return Err(BrokerError::server(&words)),
                Ok(value) => {
                    copy.value = value;
                    return Ok(());
                }
                Err(error) => {
                    // A late reply must not be taken for that to a later question.
                    copy.line.hang_up();
                    return Err(late(&self.route, error));
                }
            }
        }
        let mut map = self.map.borrow_mut();
        *copy = Copy::read(&self.route, &mut map, &self.key, self.patience)?;
        Ok(())
    }

    /// Whether the connection stands, as far as this process knows. A cut connection (a partition) counts as one that stands.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert!(broker.watched("stop")?.is_connected());
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn is_connected(&self) -> bool {
        let copy = self.copy.borrow();
        copy.home.is_here() && copy.line.heard.connected.load(Ordering::Acquire)
    }

    /// How long ago the server was last heard. The copy may be as old as this.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let broker = Broker::start()?;
    /// let stop = broker.watched("stop")?;
    /// std::thread::sleep(Duration::from_millis(5));
    /// assert!(stop.age() >= Duration::from_millis(5));
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn age(&self) -> Duration {
        let last = self.copy.borrow().line.heard.last.load(Ordering::Relaxed);
        Duration::from_nanos(monotonic_nanos().saturating_sub(last))
    }

    /// The key.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert_eq!(broker.watched("stop")?.key(), "stop");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Copy {
    /// Connects to the node that has the key, and reads the value.
    fn read(
        route: &Route,
        map: &mut Map,
        key: &str,
        patience: Duration,
    ) -> Result<Copy, BrokerError> {
        let deadline = Deadline::after(patience);
        let mut way = Way::to(map.node_of(&["GET", key]), route, deadline);
        let mut read = || {
            loop {
                let mut line = Line::open(&mut way, map, deadline)?;
                match line.ask(key, way.asking, deadline)? {
                    Reply::Error(words) => way.follow(&words, map)?,
                    value => {
                        return Ok(Copy {
                            value,
                            line,
                            home: Home::here(),
                        });
                    }
                }
            }
        };
        read().map_err(|error| late(route, error))
    }
}

impl Heard {
    #[inline]
    fn is_current(&self) -> bool {
        // A reply that comes after its deadline makes `fresh` true; but by then the line counts as broken.
        self.fresh.load(Ordering::Acquire) && self.connected.load(Ordering::Acquire)
    }
}

impl Line {
    fn open(way: &mut Way<'_>, map: &mut Map, deadline: Deadline) -> Result<Line, BrokerError> {
        let mut connection = way.connect(map)?;
        // Only the newer protocol brings messages on the connection of the calls.
        connection.exchange(&["HELLO", "3"], deadline)?;
        connection.exchange(&["CLIENT", "TRACKING", "ON"], deadline)?;
        let stream = connection.stream()?;
        let heard = Arc::new(Heard {
            fresh: AtomicBool::new(false),
            connected: AtomicBool::new(true),
            last: AtomicU64::new(monotonic_nanos()),
        });
        let (send, replies) = mpsc::channel();
        let tell = Arc::clone(&heard);
        std::thread::Builder::new()
            .name(NAME.into())
            .spawn(move || listen(connection, &tell, &send))
            .map_err(|error| {
                BrokerError::new(
                    ErrorKind::Os,
                    format!("the system gave no thread ({error}): drop what you no longer need."),
                )
            })?;
        Ok(Line {
            heard,
            replies,
            stream,
            home: Home::here(),
        })
    }

    /// Asks for the value; an error of the server's is [`Reply::Error`]. From now on the server tells once if the value changes.
    fn ask(&mut self, key: &str, asking: bool, deadline: Deadline) -> Result<Reply, BrokerError> {
        if asking {
            self.exchange(&["ASKING"], deadline)?;
        }
        self.exchange(&["GET", key], deadline)
    }

    fn exchange(&mut self, command: &[&str], deadline: Deadline) -> Result<Reply, BrokerError> {
        let mut request = Vec::new();
        crate::connection::write_command(command, &mut request);
        let gone = || {
            BrokerError::new(
                ErrorKind::Disconnected,
                "the connection on which the server tells of changes broke. The next look connects anew.",
            )
        };
        self.stream.send(&request, deadline).map_err(|_| gone())?;
        match self
            .replies
            .recv_timeout(deadline.left().unwrap_or_default())
        {
            Ok(reply) => Ok(reply),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(BrokerError::new(
                ErrorKind::TimedOut,
                format!("the server has not answered for {:?}", deadline.limit()),
            )),
        }
    }

    fn hang_up(&self) {
        self.heard.connected.store(false, Ordering::Release);
        self.heard.fresh.store(false, Ordering::Release);
        self.stream.shut_down();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // In a worker it is a copy, and the line still belongs to the worker's parent.
        if self.home.is_here() {
            self.stream.shut_down(); // ends the thread
        }
    }
}

/// The thread that listens. It alone reads, so that a reply and the message that it is out of date are seen in the order in which they were
/// sent.
fn listen(mut connection: Connection, heard: &Heard, replies: &mpsc::Sender<Reply>) {
    let always = Deadline::after(ALWAYS);
    while let Ok(received) = connection.receive_any(always) {
        heard.last.store(monotonic_nanos(), Ordering::Relaxed);
        match received {
            Received::Push(message) => {
                if message.first().is_some_and(|kind| *kind == "invalidate") {
                    heard.fresh.store(false, Ordering::Release);
                }
            }
            Received::Reply(reply) => {
                let is_value = !matches!(reply, Reply::Error(_));
                heard.fresh.store(is_value, Ordering::Release);
                if replies.send(reply).is_err() {
                    break;
                }
            }
        }
    }
    heard.connected.store(false, Ordering::Release);
    heard.fresh.store(false, Ordering::Release);
}

fn late(route: &Route, error: BrokerError) -> BrokerError {
    match error.kind() {
        ErrorKind::TimedOut => route.late(error, "GET", Wait::No),
        _ => error,
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_connected() {
            ""
        } else {
            ", not connected"
        };
        write!(
            f,
            "Watched({:?} at {}{state})",
            self.key,
            self.route.address.url()
        )
    }
}
