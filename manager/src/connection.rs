use super::ManagerError;
use super::frame::{Decoder, Draft, Kind, MOST, Malformed, Op, Reply};
use super::looks::Looks;
use crate::sys::{self, SocketType, Wait};
use labsupport::internal::fault;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nobody waits longer than this without a look at the server. Mostly its death shows at once, as the end of the stream; but
/// a process that was forked at the wrong moment may hold a copy of the server's side.
const SLICE: Duration = Duration::from_millis(50);

/// How long a server whose side was closed may take to be gone. The system closes what a process holds before it counts as
/// dead.
const DYING: Duration = Duration::from_secs(1);

/// The most bytes of one send.
const PART: usize = 64 << 10;

/// A buffer for requests that has grown past this is given back.
const KEEP: usize = 64 << 10;

/// Where connections are asked for: all that a process needs to know of the server. Workers inherit it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) outside: OwnedFd,
    server: sys::Pid,
    /// How long an answer may take.
    patience: Duration,
}

impl Door {
    pub(super) fn new(outside: OwnedFd, server: u32, patience: Duration) -> io::Result<Door> {
        sys::set_timeouts(&outside, SLICE.min(patience))?;
        Ok(Door {
            outside,
            server: server as sys::Pid,
            patience,
        })
    }

    pub(super) fn server(&self) -> u32 {
        self.server as u32
    }

    /// Makes a stream and passes its other end through the door.
    pub(super) fn knock(&self) -> Result<OwnedFd, ManagerError> {
        let (socket, theirs) = sys::socket_pair(SocketType::STREAM).map_err(refused)?;
        sys::set_timeouts(&socket, SLICE.min(self.patience)).map_err(refused)?;
        let mut waiting = Waiting {
            door: self,
            since: None,
        };
        loop {
            match sys::send_descriptor(&self.outside, &theirs, Wait::Slice) {
                Ok(true) => break,
                Ok(false) => waiting.look()?,
                Err(error) if is_closed(&error) => return Err(ManagerError::Gone),
                Err(error) => return Err(refused(error)),
            }
        }
        fault::point("ask: knocked");
        Ok(socket)
    }

    /// The error of a connection that was closed from the other side without a word.
    #[cold]
    fn closed(&self) -> ManagerError {
        let begun = Instant::now();
        while begun.elapsed() < DYING {
            if !sys::alive(self.server) {
                return ManagerError::Gone;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        ManagerError::Refused(
            "it said nothing, so it had no room left for the connection or for what was sent and not read. Ask for less at \
             a time, or use fewer handles."
                .into(),
        )
    }
}

/// One wait for the server.
struct Waiting<'a> {
    door: &'a Door,
    since: Option<Instant>,
}

impl Waiting<'_> {
    /// Something came through: the server is awake.
    fn moved(&mut self) {
        self.since = None;
    }

    /// A slice of time is over and nothing came through. An error where there is no sense in waiting on.
    #[cold]
    fn look(&mut self) -> Result<(), ManagerError> {
        let Door {
            server, patience, ..
        } = *self.door;
        if !sys::alive(server) {
            return Err(ManagerError::Gone);
        }
        // The clock is read only here: a call that is answered soon needs none. So the first slice is added.
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + SLICE.min(patience) < patience {
            return Ok(());
        }
        Err(ManagerError::Silent {
            after: patience,
            pid: server as u32,
            doing: sys::activity(server),
        })
    }
}

/// Whether the other side has gone.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        BrokenPipe | ConnectionReset | ConnectionRefused | NotConnected
    )
}

fn refused(error: io::Error) -> ManagerError {
    ManagerError::Os(error.to_string())
}

/// A stream to the server.
struct Connection {
    socket: OwnedFd,
    /// The process that opened it. A fork copies it, but two processes that read from one stream would get each other's
    /// answers.
    owner: sys::Pid,
    request: Vec<u8>,
    replies: Decoder,
    looks: Looks,
}

impl Connection {
    fn open(door: &Door) -> Result<Connection, ManagerError> {
        let socket = door.knock()?;
        Ok(Connection {
            socket,
            owner: sys::getpid(),
            request: Vec::new(),
            replies: Decoder::default(),
            looks: Looks::default(),
        })
    }

    /// Sends the request and waits until its reply is there.
    fn exchange(&mut self, door: &Door) -> Result<(), ManagerError> {
        let mut waiting = Waiting { door, since: None };
        let mut rest = &self.request[..];
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(PART)];
            match sys::send(&self.socket, part, Wait::Slice) {
                Ok(Some(n)) => {
                    rest = &rest[n..];
                    waiting.moved();
                    if !rest.is_empty() {
                        fault::point("ask: part sent");
                    }
                }
                Ok(None) => waiting.look()?,
                // It may have left a word.
                Err(error) if is_closed(&error) => break,
                Err(error) => return Err(refused(error)),
            }
        }
        fault::point("ask: sent");
        while !self.replies.has_next() {
            let (buffer, most) = self.replies.room();
            let mut receive = |wait| sys::receive(&self.socket, buffer, most, wait).transpose();
            let received = self.looks.until(|| receive(Wait::No));
            match received.or_else(|| receive(Wait::Slice)).transpose() {
                Ok(Some(0)) => return Err(door.closed()),
                Ok(Some(_)) => waiting.moved(),
                Ok(None) => waiting.look()?,
                Err(error) if is_closed(&error) => return Err(door.closed()),
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Workers may hold copies, and then closing it alone would tell the server nothing. In a worker it is such a copy, and
        // the connection its parent's.
        if self.owner == sys::getpid() {
            sys::shut_down(&self.socket);
        }
    }
}

/// The way to the server, from any process that inherited it: a connection of its own in each, opened when it is needed.
pub(super) struct Line {
    door: Arc<Door>,
    // Not Sync: a connection carries one call at a time.
    connection: Cell<Option<Connection>>,
}

impl Clone for Line {
    fn clone(&self) -> Line {
        Line::new(&self.door)
    }
}

impl Line {
    pub(super) fn new(door: &Arc<Door>) -> Line {
        Line {
            door: Arc::clone(door),
            connection: Cell::new(None),
        }
    }

    /// One round trip: `write` writes the request, `read` understands the reply.
    ///
    /// A connection that fails is thrown away, and the next call opens another. So the reply to a request that was given up
    /// is never taken for that to a later one.
    fn call<R>(
        &self,
        op: Op,
        write: impl FnOnce(&mut Draft<'_>) -> Result<(), ManagerError>,
        read: impl FnOnce(Reply<'_>) -> Result<R, ManagerError>,
    ) -> Result<R, ManagerError> {
        let taken = self.connection.take();
        let mut connection = match taken {
            Some(connection) if connection.owner == sys::getpid() => connection,
            other => {
                drop(other);
                Connection::open(&self.door)?
            }
        };
        let request = &mut connection.request;
        request.clear();
        let mut draft = Draft::begin(request, op as u8);
        let written = write(&mut draft).and_then(|()| {
            draft
                .finish()
                .map_err(|bytes| ManagerError::TooLarge { bytes, limit: MOST })
        });
        let result = match written {
            Err(error) => Err(error), // nothing was sent
            Ok(()) => {
                connection.exchange(&self.door)?;
                let frame = connection.replies.next()?;
                match Reply::parse(frame.unwrap_or_default())? {
                    Reply::Failed { why, closed: true } => return Err(why),
                    Reply::Failed { why, .. } => Err(why),
                    reply => read(reply),
                }
            }
        };
        if connection.request.capacity() > KEEP {
            connection.request = Vec::new();
        }
        self.connection.set(Some(connection));
        result
    }
}

/// One dict or list in the server.
#[derive(Clone)]
pub(super) struct Object {
    line: Line,
    number: u32,
    name: Arc<str>,
}

impl Object {
    /// The object of this name, made if there is none.
    pub(super) fn open(
        door: &Arc<Door>,
        kind: Kind,
        types: &str,
        name: &str,
    ) -> Result<Object, ManagerError> {
        let line = Line::new(door);
        let number = line.call(
            Op::Open,
            |draft| {
                draft.raw(&[kind as u8]);
                draft.field(types.as_bytes());
                draft.raw(name.as_bytes());
                Ok(())
            },
            number,
        )?;
        Ok(Object {
            line,
            number: number as u32,
            name: name.into(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// One round trip about this object.
    pub(super) fn ask<R>(
        &self,
        op: Op,
        write: impl FnOnce(&mut Draft<'_>) -> Result<(), ManagerError>,
        read: impl FnOnce(Reply<'_>) -> Result<R, ManagerError>,
    ) -> Result<R, ManagerError> {
        let whole = |draft: &mut Draft<'_>| {
            draft.count(self.number);
            write(draft)
        };
        self.line.call(op, whole, read)
    }
}

impl From<Malformed> for ManagerError {
    fn from(Malformed(what): Malformed) -> ManagerError {
        ManagerError::Unreadable(what.into())
    }
}

/// A key or value that came back.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ManagerError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(ManagerError::Unreadable("bytes are left over".into())),
        Err(error) => Err(ManagerError::Unreadable(error.to_string())),
    }
}

/// Reads a reply that is none of those that the question can have.
#[cold]
pub(super) fn unexpected<R>() -> Result<R, ManagerError> {
    Err(ManagerError::Unreadable(
        "it is the answer to another question".into(),
    ))
}

pub(super) fn number(reply: Reply<'_>) -> Result<u64, ManagerError> {
    match reply {
        Reply::Number(number) => Ok(number),
        _ => unexpected(),
    }
}

/// A value that may not be there.
pub(super) fn value<T: DeserializeOwned>(reply: Reply<'_>) -> Result<Option<T>, ManagerError> {
    match reply {
        Reply::Value(bytes) => decode(bytes).map(Some),
        Reply::Absent => Ok(None),
        _ => unexpected(),
    }
}

/// The same, as the bytes that came: what a compare-and-swap compares with.
pub(super) fn bytes(reply: Reply<'_>) -> Result<Option<Vec<u8>>, ManagerError> {
    match reply {
        Reply::Value(bytes) => Ok(Some(bytes.into())),
        Reply::Absent => Ok(None),
        _ => unexpected(),
    }
}

/// How a compare-and-swap went.
pub(super) enum Swapped {
    Yes,
    /// Something else was there: these bytes, or nothing.
    No(Option<Vec<u8>>),
}

pub(super) fn swapped(reply: Reply<'_>) -> Result<Swapped, ManagerError> {
    match reply {
        Reply::Done => Ok(Swapped::Yes),
        other => bytes(other).map(Swapped::No),
    }
}

pub(super) fn done(reply: Reply<'_>) -> Result<(), ManagerError> {
    match reply {
        Reply::Done => Ok(()),
        _ => unexpected(),
    }
}
