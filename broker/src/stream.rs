//! A stream to a server, whose every read and write ends by a deadline.

use crate::address::Place;
use crate::deadline::Deadline;
use crate::tls::Encrypted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
    /// TCP with TLS.
    Tls(Encrypted),
}

impl Stream {
    /// Connects to the server at `place`. The stream never blocks: every wait is a `poll`.
    pub(crate) fn open(place: &Place, deadline: Deadline) -> io::Result<Stream> {
        match place {
            Place::Unix(path) => unix(path, deadline).map(Stream::Unix),
            Place::Tcp { host, port, tls } => {
                let stream = tcp(host, *port, deadline)?;
                match tls {
                    None => Ok(Stream::Tcp(stream)),
                    Some(tls) => Encrypted::open(stream, host, tls, deadline).map(Stream::Tls),
                }
            }
        }
    }

    /// Sends all of `bytes`.
    pub(crate) fn send(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = match self {
                Stream::Unix(stream) => stream.write(bytes),
                Stream::Tcp(stream) => stream.write(bytes),
                Stream::Tls(stream) => stream.write(bytes),
            };
            match sent {
                Ok(0) => return Err(ErrorKind::BrokenPipe.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT, deadline)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A reader that gives up at the deadline.
    pub(crate) fn until(&mut self, deadline: Deadline) -> Until<'_> {
        Until {
            stream: self,
            deadline,
            late: 0,
        }
    }

    /// Ends the connection, also for copies of it that workers have inherited.
    pub(crate) fn shut_down(&self) {
        let _ = match self {
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Tls(stream) => stream.plain().shutdown(Shutdown::Both),
        };
    }

    /// Another handle on the same stream.
    pub(crate) fn try_clone(&self) -> io::Result<Stream> {
        match self {
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Tls(stream) => stream.plain().try_clone().map(Stream::Unix),
        }
    }

    /// Waits until bytes can be sent or received.
    fn wait(&self, what: PollFlags, deadline: Deadline) -> io::Result<()> {
        let mut polled = [PollFd::new(self, what)];
        loop {
            let left = deadline.left().ok_or(ErrorKind::TimedOut)?;
            // A wait beyond the end of what the system can count is one without a limit.
            let left = Timespec::try_from(left).ok();
            match poll(&mut polled, left.as_ref()) {
                Ok(0) => {} // the deadline decides
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Unix(stream) => stream.as_fd(),
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Tls(stream) => stream.plain().as_fd(),
        }
    }
}

/// So many reads may follow the deadline, for what has arrived by then. A sender that is faster than the reader gets no more.
const LATE: u32 = 64;

/// Reads from a stream until a deadline.
pub(crate) struct Until<'a> {
    stream: &'a mut Stream,
    deadline: Deadline,
    late: u32,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline.left().is_none() {
            if self.late == LATE {
                return Err(ErrorKind::TimedOut.into());
            }
            self.late += 1;
        }
        loop {
            let read = match self.stream {
                Stream::Unix(stream) => stream.read(buffer),
                Stream::Tcp(stream) => stream.read(buffer),
                Stream::Tls(stream) => stream.read(buffer),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stream.wait(PollFlags::IN, self.deadline)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

fn tcp(host: &str, port: u16, deadline: Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        let left = deadline.left().ok_or(ErrorKind::TimedOut)?;
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects to a Unix socket. If the server is stopped and its backlog is full, `connect` waits as long as a send may.
fn unix(path: &Path, deadline: Deadline) -> io::Result<UnixStream> {
    let socket = net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let left = deadline.left().ok_or(ErrorKind::TimedOut)?;
    // The system refuses a limit of less than a microsecond, and one that is too long.
    let left = left.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
    set_socket_timeout(&socket, Timeout::Send, Some(left))?;
    loop {
        match net::connect(&socket, &SocketAddrUnix::new(path)?) {
            Ok(()) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Err(ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_deadline_only_what_has_arrived_is_read_and_not_without_an_end() {
        let (mut sender, receiver) = UnixStream::pair().unwrap();
        receiver.set_nonblocking(true).unwrap();
        let mut stream = Stream::Unix(receiver);
        sender.write_all(&[7; LATE as usize + 2]).unwrap();
        let mut until = stream.until(Deadline::after(Duration::ZERO));
        let mut byte = [0];
        for _ in 0..LATE {
            assert_eq!(until.read(&mut byte).unwrap(), 1);
        }
        let error = until.read(&mut byte).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let mut until = stream.until(Deadline::after(Duration::ZERO));
        assert_eq!(until.read(&mut [0; 10]).unwrap(), 2);
        let error = until.read(&mut byte).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
