//! Carries bytes between the client and the server, until one of them ends or the parent does.

use crate::trust::in_words;
use rustix::event::{PollFd, PollFlags, poll};
use rustls::ClientConnection;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

/// The most bytes of one read.
const PART: usize = 16 << 10;

struct Carrier<'a> {
    /// The client's side.
    near: UnixStream,
    /// The server's.
    far: TcpStream,
    tls: ClientConnection,
    /// What the client has not taken yet.
    back: Vec<u8>,
    /// The client was told that the server is the right one.
    told: bool,
    /// The server has ended; the client still gets what is left.
    ended: bool,
    name: &'a str,
}

/// Whether to go on.
#[derive(PartialEq)]
enum Next {
    Wait,
    End,
}

/// Carries until the end. An error is a sentence.
pub(crate) fn run(
    parent: &OwnedFd,
    near: UnixStream,
    far: TcpStream,
    tls: ClientConnection,
    name: &str,
) -> Result<(), String> {
    let mut carrier = Carrier {
        near,
        far,
        tls,
        back: Vec::new(),
        told: false,
        ended: false,
        name,
    };
    while carrier.give()? == Next::Wait {
        let (parent_ended, client_gone) = carrier.wait(parent)?;
        if parent_ended {
            break;
        }
        if carrier.take(client_gone)? == Next::End {
            break;
        }
    }
    Ok(())
}

impl Carrier<'_> {
    /// Gives each side what it takes.
    fn give(&mut self) -> Result<Next, String> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.far) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.last_words(&error)),
            }
        }
        if !self.told && !self.tls.is_handshaking() {
            self.back.push(b'\n');
            self.told = true;
        }
        while !self.back.is_empty() {
            match self.near.write(&self.back) {
                Ok(0) => return Ok(Next::End),
                Ok(sent) => drop(self.back.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(Next::End), // the client is gone
            }
        }
        match self.ended && self.back.is_empty() {
            false => Ok(Next::Wait),
            true if self.told => Ok(Next::End),
            true => Err("the server ended the connection during the TLS handshake. If this is its port without TLS, write redis:// instead of \
                 rediss://"
                .into()),
        }
    }

    /// Waits until there is something to do. Says whether the parent has ended, and whether the client is gone.
    fn wait(&self, parent: &OwnedFd) -> Result<(bool, bool), String> {
        let mut near = PollFlags::empty();
        // One side's bytes wait for the other side to take them: what lies here is bounded.
        near.set(PollFlags::IN, self.told && !self.tls.wants_write());
        near.set(PollFlags::OUT, !self.back.is_empty());
        let mut far = PollFlags::empty();
        far.set(PollFlags::IN, self.back.is_empty() && !self.ended);
        far.set(PollFlags::OUT, self.tls.wants_write());
        let mut polled = vec![
            PollFd::new(parent, PollFlags::IN),
            PollFd::new(&self.near, near),
        ];
        if !far.is_empty() {
            polled.push(PollFd::new(&self.far, far));
        }
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("the system refused to wait ({error})")),
        }
        let gone = PollFlags::HUP | PollFlags::ERR;
        Ok((
            !polled[0].revents().is_empty(),
            polled[1].revents().intersects(gone),
        ))
    }

    /// Takes what has come from either side.
    fn take(&mut self, client_gone: bool) -> Result<Next, String> {
        if self.told && !self.tls.wants_write() {
            let mut part = [0; PART];
            match self.near.read(&mut part) {
                Ok(0) => return Ok(self.farewell()),
                Ok(read) => {
                    let written = self.tls.writer().write_all(&part[..read]);
                    written.map_err(|error| format!("TLS failed: {error}"))?;
                }
                Err(error) if is_later(&error) => {}
                Err(_) => return Ok(self.farewell()),
            }
        }
        if client_gone {
            return Ok(self.farewell());
        }
        if self.back.is_empty() && !self.ended {
            match self.tls.read_tls(&mut self.far) {
                Ok(0) => self.ended = true,
                Ok(_) => self.decrypt()?,
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(Next::Wait)
    }

    /// Makes of what has come what the client may read.
    fn decrypt(&mut self) -> Result<(), String> {
        if let Err(error) = self.tls.process_new_packets() {
            let _ = self.tls.write_tls(&mut self.far); // tells the server why
            return Err(in_words(&error, self.name));
        }
        let mut part = [0; PART];
        loop {
            match self.tls.reader().read(&mut part) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(read) => self.back.extend_from_slice(&part[..read]),
                Err(_) => return Ok(()), // no more for now
            }
        }
    }

    /// Tells the server that nothing follows.
    fn farewell(&mut self) -> Next {
        self.tls.send_close_notify();
        let _ = self.tls.write_tls(&mut self.far);
        Next::End
    }

    /// The server takes nothing any more. It may have said why.
    fn last_words(&mut self, error: &io::Error) -> String {
        while matches!(self.tls.read_tls(&mut self.far), Ok(read) if read > 0) {
            if let Err(error) = self.tls.process_new_packets() {
                return in_words(&error, self.name);
            }
        }
        lost(error)
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn lost(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "the server broke it off".into(),
        _ => error.to_string().to_lowercase(),
    }
}
