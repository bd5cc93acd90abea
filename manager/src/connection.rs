use crate::ManagerError;
use crate::door::{Door, Waiting, is_closed, refused};
use crate::frame::{self, Decoder, KEEP};
use crate::protocol::{Reply, Request};
use crate::spin::Spin;
use crate::sys::{self, Wait};
use labsupport::internal::fault;
use std::fmt;
use std::os::fd::OwnedFd;

/// The most bytes of one send.
const PART: usize = 64 << 10;

/// A stream to the server.
pub(crate) struct Connection {
    socket: OwnedFd,
    /// The process that opened it. A fork copies it, but two processes that read from one stream would get each other's
    /// answers.
    owner: sys::Pid,
    /// The frame of the request; empty between two calls.
    request: Vec<u8>,
    replies: Decoder,
    spin: Spin,
}

impl Connection {
    pub(crate) fn open(door: &Door) -> Result<Connection, ManagerError> {
        let socket = door.knock()?;
        Ok(Connection {
            socket,
            owner: sys::getpid(),
            request: Vec::new(),
            replies: Decoder::default(),
            spin: Spin::default(),
        })
    }

    /// Whether this process opened it.
    pub(crate) fn is_ours(&self) -> bool {
        self.owner == sys::getpid()
    }

    /// Writes the frame that the next `exchange` sends.
    pub(crate) fn prepare(&mut self, request: &Request<'_>) -> Result<(), ManagerError> {
        frame::write(request, &mut self.request)
    }

    /// Sends the request and waits for its reply.
    pub(crate) fn exchange(&mut self, door: &Door) -> Result<Reply<'_>, ManagerError> {
        let mut waiting = Waiting::new(door);
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
                Ok(None) => waiting.check()?,
                // It may have left a last word.
                Err(error) if is_closed(&error) => break,
                Err(error) => return Err(refused(error)),
            }
        }
        fault::point("ask: sent");
        self.request.clear();
        if self.request.capacity() > KEEP {
            self.request = Vec::new();
        }
        while !self.replies.has_next() {
            let (buffer, room) = self.replies.room();
            let mut receive = |wait| sys::receive(&self.socket, buffer, room, wait).transpose();
            let received = self.spin.until(|| receive(Wait::No));
            match received.or_else(|| receive(Wait::Slice)).transpose() {
                Ok(Some(0)) => return Err(door.closed()),
                Ok(Some(_)) => waiting.moved(),
                Ok(None) => waiting.check()?,
                Err(error) if is_closed(&error) => return Err(door.closed()),
                Err(error) => return Err(refused(error)),
            }
        }
        let reply = self.replies.next()?;
        Ok(frame::read(reply.unwrap_or_default())?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Workers may hold copies, and then closing it alone would tell the server nothing. In a worker it is such a copy, and
        // the connection still belongs to the worker's parent.
        if self.is_ours() {
            sys::shut_down(&self.socket);
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection(of process {})", self.owner)
    }
}
