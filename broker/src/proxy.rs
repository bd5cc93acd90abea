use crate::address::{Address, Place};
use crate::broker::Route;
use crate::cluster::named;
use crate::connection::no_socket;
use crate::deadline::{Deadline, PATIENCE};
use crate::folder::Folder;
use crate::stream::Stream;
use crate::{Broker, BrokerError, ErrorKind, Reply};
use labsupport::measure::human;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The name of the proxy's thread. `labsupport` knows by it that it does no work of the program's own.
const NAME: &str = "labs: far";

/// The longest delay.
const FARTHEST: Duration = Duration::from_secs(10);

/// The most bytes on the way in one direction of one connection. Beyond it the sender waits, as on a real line.
const ON_THE_WAY: usize = 16 << 20;

/// The most bytes of one read.
const PART: usize = 64 << 10;

/// A line to the server that is as long as you say. It is made by [`Broker::far`].
///
/// Each byte arrives after the delay, in order. Bytes do not wait for each other: as many are on the way at once as are sent meanwhile. So the
/// proxy adds latency and takes no bandwidth, like a long cable.
///
/// The line has a valve. While it is [`cut`](Proxy::cut) nothing passes in either direction and no connection breaks: a partition. Neither side
/// is told.
///
/// The proxy is a thread of the process that made it, and ends with the handle and with that process. Workers use its
/// [`broker`](Proxy::broker) like any other.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use std::time::Duration;
/// let broker = Broker::start()?;
/// let proxy = broker.far(Duration::ZERO)?;
/// let far = proxy.broker().within(Duration::from_millis(50));
/// far.call(["SET", "word", "pill"])?;
///
/// proxy.cut();
/// assert_eq!(far.call(["GET", "word"]).unwrap_err().kind(), ErrorKind::TimedOut);
/// proxy.mend();
/// assert_eq!(far.call(["GET", "word"])?, "pill");
/// # Ok::<(), BrokerError>(())
/// ```
pub struct Proxy {
    broker: Broker,
    line: Arc<Line>,
}

/// The proxy's thread and what it is told. The last handle on it in the process that made it ends it.
pub(crate) struct Line {
    told: Arc<Told>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The server that the address names, and the other nodes of its cluster, each with its socket here.
    ways: Vec<(Place, PathBuf)>,
    folder: Folder,
}

/// What the thread is told, and a bell that wakes it.
struct Told {
    bell: OwnedFd,
    delay: AtomicU64,
    cut: AtomicBool,
    drop_all: AtomicBool,
    end: AtomicBool,
}

impl Proxy {
    pub(crate) fn open(route: Route, delay: Duration) -> Result<Proxy, BrokerError> {
        let refused = |error: io::Error| BrokerError::new(ErrorKind::Os, no_socket(&error));
        let told = Arc::new(Told {
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                .map_err(|error| refused(error.into()))?,
            delay: AtomicU64::new(nanos(delay)?),
            cut: AtomicBool::new(false),
            drop_all: AtomicBool::new(false),
            end: AtomicBool::new(false),
        });
        let folder = Folder::new()?;
        let mut places = vec![route.server_place().clone()];
        places.extend(other_nodes(&route));
        let socket = folder.socket();
        let (mut ways, mut doors) = (Vec::new(), Vec::new());
        for place in places {
            let socket = match ways.len() {
                0 => socket.clone(),
                number => socket.with_extension(number.to_string()),
            };
            let listener = UnixListener::bind(&socket)
                .and_then(|listener| {
                    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o700))?;
                    listener.set_nonblocking(true)?;
                    Ok(listener)
                })
                .map_err(refused)?;
            // Through another proxy, if there is one already.
            let there = match ways.is_empty() {
                true => route.address.place.clone(),
                false => route.to(&Some(place.clone()))?.place,
            };
            doors.push((listener, there));
            ways.push((place, socket));
        }
        let relay = Relay {
            doors,
            told: Arc::clone(&told),
            pairs: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name(NAME.into())
            .spawn(move || relay.run())
            .map_err(refused)?;
        let line = Arc::new(Line {
            told,
            thread: Mutex::new(Some(thread)),
            ways,
            folder,
        });
        let broker = Broker::on(Route {
            address: Address {
                place: Place::Unix(socket),
                login: route.address.login.clone(),
            },
            server: route.server,
            proxy: Some(Arc::clone(&line)),
        });
        Ok(Proxy { broker, line })
    }

    /// The broker at the far end.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let proxy = Broker::start()?.far(Duration::from_millis(1))?;
    /// assert_eq!(proxy.broker().call(["PING"])?, "PONG");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn broker(&self) -> Broker {
        self.broker.clone()
    }

    /// The delay in each direction.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let proxy = Broker::start()?.far(Duration::from_millis(1))?;
    /// assert_eq!(proxy.delay(), Duration::from_millis(1));
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn delay(&self) -> Duration {
        self.line.delay()
    }

    /// Sets another delay, for bytes that are sent from now on. None of them overtakes an earlier one.
    ///
    /// # Errors
    /// It is longer than ten seconds.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let proxy = Broker::start()?.far(Duration::ZERO)?;
    /// proxy.set_delay(Duration::from_millis(5))?;
    /// assert_eq!(proxy.delay(), Duration::from_millis(5));
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn set_delay(&self, delay: Duration) -> Result<(), BrokerError> {
        self.line.told.delay.store(nanos(delay)?, Ordering::Relaxed);
        Ok(())
    }

    /// Cuts the line: nothing passes, and no connection breaks. In a worker this does nothing to the line, which belongs to the parent.
    pub fn cut(&self) {
        self.line
            .tell(|told| told.cut.store(true, Ordering::Release));
    }

    /// Mends the line: what was held back passes, and what is sent from now on.
    pub fn mend(&self) {
        self.line
            .tell(|told| told.cut.store(false, Ordering::Release));
    }

    /// Whether the line is cut.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let proxy = Broker::start()?.far(Duration::ZERO)?;
    /// proxy.cut();
    /// assert!(proxy.is_cut());
    /// proxy.mend();
    /// assert!(!proxy.is_cut());
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn is_cut(&self) -> bool {
        self.line.is_cut()
    }

    /// Breaks every connection that there is now, as a router that restarts does. Both sides notice, and what was on the way is lost. New
    /// connections pass.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let proxy = Broker::start()?.far(Duration::ZERO)?;
    /// let far = proxy.broker();
    /// far.call(["PING"])?;
    /// proxy.drop_connections();
    /// assert_eq!(far.call(["PING"]).unwrap_err().kind(), ErrorKind::Disconnected);
    /// assert_eq!(far.call(["PING"])?, "PONG");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn drop_connections(&self) {
        self.line
            .tell(|told| told.drop_all.store(true, Ordering::Release));
        // The thread clears it when it is done. It waits for nothing but its streams, so this is soon.
        let deadline = Deadline::after(PATIENCE);
        while self.line.told.drop_all.load(Ordering::Acquire)
            && self.line.folder.is_ours()
            && deadline.left().is_some()
        {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

fn nanos(delay: Duration) -> Result<u64, BrokerError> {
    if delay > FARTHEST {
        return Err(BrokerError::new(
            ErrorKind::Invalid,
            format!(
                "a delay of {} is longer than {}, and no call would be answered in time: choose a shorter one.",
                human(delay),
                human(FARTHEST)
            ),
        ));
    }
    Ok(delay.as_nanos() as u64)
}

/// The nodes of the cluster of which the server is one. Of a server that is none it is an empty list.
fn other_nodes(route: &Route) -> Vec<Place> {
    // A private server is no cluster.
    if route.server.is_some() {
        return Vec::new();
    }
    let slots = Broker::on(route.clone()).call(["CLUSTER", "SLOTS"]);
    let Ok(Reply::List(slots)) = slots else {
        return Vec::new();
    };
    let mut places = Vec::new();
    for range in &slots {
        // The first slot, the last one, and the nodes that have them.
        for node in range.list().unwrap_or_default().iter().skip(2) {
            let place = match node.list().unwrap_or_default() {
                [host, port, ..] => port
                    .int()
                    .ok()
                    .and_then(|port| u16::try_from(port).ok())
                    .map(|port| {
                        let host = host.text().unwrap_or_default();
                        named(route.server_place(), host, port)
                    }),
                _ => None,
            };
            places.extend(place.filter(|place| !places.contains(place)));
        }
    }
    places
}

impl Line {
    /// The server that the address names.
    pub(crate) fn server_place(&self) -> &Place {
        &self.ways[0].0
    }

    /// The way to a node of the cluster: the socket here that leads to it.
    pub(crate) fn way_to(&self, node: &Place) -> Result<Place, BrokerError> {
        match self.ways.iter().find(|(place, _)| place == node) {
            Some((_, socket)) => Ok(Place::Unix(socket.clone())),
            None => Err(BrokerError::new(
                ErrorKind::Invalid,
                "the cluster has got a node to which this proxy does not lead: make a new one with Broker::far.",
            )),
        }
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.told.cut.load(Ordering::Acquire)
    }

    fn delay(&self) -> Duration {
        self.told.delay()
    }

    /// Changes what the thread is told, and wakes it. In a worker there is no thread to tell.
    fn tell(&self, what: impl FnOnce(&Told)) {
        if self.folder.is_ours() {
            what(&self.told);
            self.told.ring();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.tell(|told| told.end.store(true, Ordering::Release));
        if self.folder.is_ours() {
            let thread = self.thread.get_mut().map(Option::take);
            if let Ok(Some(thread)) = thread {
                let _ = thread.join();
            }
        }
    }
}

impl Told {
    fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay.load(Ordering::Relaxed))
    }

    fn ring(&self) {
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn quiet(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0u8; 8][..]);
    }
}

/// The thread's own: the connections that it carries.
struct Relay {
    /// A socket for each node, and where the node is.
    doors: Vec<(UnixListener, Place)>,
    told: Arc<Told>,
    pairs: Vec<Pair>,
}

/// A client's connection and its continuation to the server.
struct Pair {
    near: Stream,
    far: Stream,
    /// From the client to the server, and back.
    out: Way,
    back: Way,
}

/// What is on the way in one direction.
#[derive(Default)]
struct Way {
    parts: VecDeque<Part>,
    bytes: usize,
    /// The sender has ended; the receiver is told when everything before has arrived.
    ended: bool,
}

struct Part {
    due: Instant,
    bytes: Vec<u8>,
    sent: usize,
}

impl Relay {
    fn run(mut self) {
        while !self.told.end.load(Ordering::Acquire) {
            if self.told.drop_all.load(Ordering::Acquire) {
                self.accept(); // those that wait at the door have connections, too
                self.pairs.clear();
                self.told.drop_all.store(false, Ordering::Release);
            }
            self.wait();
            self.told.quiet();
            if self.told.cut.load(Ordering::Acquire) {
                continue;
            }
            self.accept();
            let delay = self.told.delay();
            self.pairs.retain_mut(|pair| pair.carry(delay));
        }
    }

    /// Waits until there is something to do: a byte came or is due, a receiver takes more, or the bell rings.
    fn wait(&self) {
        let now = Instant::now();
        let mut polled = vec![PollFd::new(&self.told.bell, PollFlags::IN)];
        let mut next: Option<Instant> = None;
        if !self.told.cut.load(Ordering::Acquire) {
            for (listener, _) in &self.doors {
                polled.push(PollFd::new(listener, PollFlags::IN));
            }
            for Pair {
                near,
                far,
                out,
                back,
            } in &self.pairs
            {
                for (stream, from, to) in [(near, out, back), (far, back, out)] {
                    let mut flags = PollFlags::empty();
                    flags.set(PollFlags::IN, from.takes_more());
                    flags.set(PollFlags::OUT, to.due().is_some_and(|due| due <= now));
                    if !flags.is_empty() {
                        polled.push(PollFd::new(stream, flags));
                    }
                }
                let due = [out.due(), back.due()].into_iter().flatten();
                next = due.filter(|due| *due > now).chain(next).min();
            }
        }
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let _ = poll(&mut polled, left.as_ref()); // interrupted or not: look at everything
    }

    fn accept(&mut self) {
        for (listener, there) in &self.doors {
            while let Ok((client, _)) = listener.accept() {
                // Without a server the client sees its connection end, as it would without a proxy.
                if let Ok(pair) = Pair::new(client, there) {
                    self.pairs.push(pair);
                }
            }
        }
    }
}

impl Pair {
    fn new(client: UnixStream, there: &Place) -> io::Result<Pair> {
        let stream = |client: UnixStream| {
            client.set_nonblocking(true)?;
            Ok::<_, io::Error>(Stream::Unix(client))
        };
        let near = stream(client)?;
        // A server that is stopped takes connections as long as it has room for them; do not let it stop the others.
        let far = Stream::open(there, Deadline::after(Duration::from_secs(1)))
            .inspect_err(|_| near.shut_down())?;
        Ok(Pair {
            near,
            far,
            out: Way::default(),
            back: Way::default(),
        })
    }

    /// Takes what came and passes on what is due. `false` when both are at their end.
    fn carry(&mut self, delay: Duration) -> bool {
        self.out.take(&self.near, delay);
        self.back.take(&self.far, delay);
        let goes_on = self.out.give(&self.far) && self.back.give(&self.near);
        goes_on && !(self.out.is_over() || self.back.is_over())
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // Workers may hold copies, so closing alone would tell nobody.
        self.near.shut_down();
        self.far.shut_down();
    }
}

impl Way {
    fn takes_more(&self) -> bool {
        !self.ended && self.bytes < ON_THE_WAY
    }

    /// When the next part is to be passed on.
    fn due(&self) -> Option<Instant> {
        self.parts.front().map(|part| part.due)
    }

    /// Whether the sender has ended and everything has arrived.
    fn is_over(&self) -> bool {
        self.ended && self.parts.is_empty()
    }

    /// Takes from the sender what it has sent.
    fn take(&mut self, from: &Stream, delay: Duration) {
        while self.takes_more() {
            let mut buffer = vec![0; PART];
            match recv(from, &mut buffer[..], RecvFlags::empty()) {
                Ok((read, _)) if read > 0 => {
                    buffer.truncate(read);
                    buffer.shrink_to_fit();
                    let due = Instant::now() + delay;
                    // No part overtakes an earlier one when the delay becomes shorter.
                    let due = self.parts.back().map_or(due, |last| last.due.max(due));
                    self.bytes += read;
                    self.parts.push_back(Part {
                        due,
                        bytes: buffer,
                        sent: 0,
                    });
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Ok(_) | Err(_) => self.ended = true,
            }
        }
    }

    /// Gives the receiver what is due. `false` if it takes nothing any more.
    fn give(&mut self, to: &Stream) -> bool {
        while let Some(part) = self
            .parts
            .front_mut()
            .filter(|part| part.due <= Instant::now())
        {
            match send(to, &part.bytes[part.sent..], SendFlags::NOSIGNAL) {
                Ok(sent) => {
                    part.sent += sent;
                    self.bytes -= sent;
                    if part.sent == part.bytes.len() {
                        self.parts.pop_front();
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
        true
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} away in each direction", human(self.delay()))?;
        match self.is_cut() {
            true => f.write_str(", cut"),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({self})")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.broker)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.line)
    }
}
