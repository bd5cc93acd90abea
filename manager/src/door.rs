use crate::ManagerError;
use crate::sys::{self, SocketType, Wait};
use labsupport::internal::fault;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// After this time of silence a client checks that the server is alive. Its death mostly shows at once, as the end of the
/// stream; but a process that was forked at the wrong moment may hold a copy of the server's side.
const SLICE: Duration = Duration::from_millis(50);

/// How long a server may take to be gone after its side of a stream was closed. The system closes what a process holds before
/// it counts the process as dead.
const DYING: Duration = Duration::from_secs(1);

/// The place where a process asks for a connection, with everything that it must know of the server. Workers inherit it.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) outside: OwnedFd,
    server: sys::Pid,
    /// How long an answer may take.
    patience: Duration,
}

impl Door {
    pub(crate) fn new(outside: OwnedFd, server: u32, patience: Duration) -> io::Result<Door> {
        sys::set_timeouts(&outside, SLICE.min(patience))?;
        Ok(Door {
            outside,
            server: server as sys::Pid,
            patience,
        })
    }

    pub(crate) fn server(&self) -> u32 {
        self.server as u32
    }

    /// Makes a stream and passes its other end through the door.
    pub(crate) fn knock(&self) -> Result<OwnedFd, ManagerError> {
        let (socket, theirs) = sys::socket_pair(SocketType::STREAM).map_err(refused)?;
        sys::set_timeouts(&socket, SLICE.min(self.patience)).map_err(refused)?;
        let mut waiting = Waiting::new(self);
        loop {
            match sys::send_descriptor(&self.outside, &theirs, Wait::Slice) {
                Ok(true) => break,
                Ok(false) => waiting.check()?,
                Err(error) if is_closed(&error) => return Err(ManagerError::Gone),
                Err(error) => return Err(refused(error)),
            }
        }
        fault::point("ask: knocked");
        Ok(socket)
    }

    /// The error of a connection that the other side has closed without a word.
    #[cold]
    pub(crate) fn closed(&self) -> ManagerError {
        let begun = Instant::now();
        while begun.elapsed() < DYING {
            if !sys::alive(self.server) {
                return ManagerError::Gone;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        ManagerError::Refused(
            "it gave no reason, so it had no room left for the connection or for replies that were not read. Ask for less at \
             a time, or use fewer handles."
                .into(),
        )
    }
}

/// One wait for the server.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    door: &'a Door,
    since: Option<Instant>,
}

impl Waiting<'_> {
    pub(crate) fn new(door: &Door) -> Waiting<'_> {
        Waiting { door, since: None }
    }

    /// Something came through: the server is awake.
    pub(crate) fn moved(&mut self) {
        self.since = None;
    }

    /// Nothing came through for a slice of time. It is an error if there is no point in waiting any longer.
    #[cold]
    pub(crate) fn check(&mut self) -> Result<(), ManagerError> {
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
pub(crate) fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        BrokenPipe | ConnectionReset | ConnectionRefused | NotConnected
    )
}

pub(crate) fn refused(error: io::Error) -> ManagerError {
    ManagerError::Os(error.to_string())
}
