//! TLS, which another program does.
//!
//! ```text
//!  this process ── a pair of sockets ── broker-tls ── TCP, encrypted ── server
//! ```
//!
//! So no cell pays for a TLS library, neither when it is compiled nor when it starts. And a thread may read a connection while another one
//! writes, as [`Watched`](crate::Watched) does, which a TLS library in this process would not allow without a lock. The program ends with the
//! connection, and with this process.

use crate::address::Tls;
use crate::deadline::Deadline;
use crate::program::find_tls;
use crate::server::ends_within;
use crate::stream::Stream;
use labsupport::internal::Home;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// Names the file with the authorities to trust, for all addresses that name none.
const CA: &str = "LABS_BROKER_CA";

/// How long the program may take to end when its connection has.
const END: Duration = Duration::from_secs(1);

/// The most bytes of the program's last words.
const WORDS: usize = 4096;

/// A connection with TLS: this process's end of the pair of sockets.
#[derive(Debug)]
pub(crate) struct Encrypted {
    /// `Stream::Unix`.
    plain: UnixStream,
    relay: Relay,
}

/// The program.
#[derive(Debug)]
struct Relay {
    child: Child,
    words: Option<ChildStderr>,
    home: Home,
    /// The server has sent something: it has accepted this client.
    accepted: bool,
}

impl Encrypted {
    /// Makes `server`, a connection that stands, one with TLS. The certificate must be that of `host`.
    pub(crate) fn open(
        server: TcpStream,
        host: &str,
        tls: &Tls,
        deadline: Deadline,
    ) -> io::Result<Encrypted> {
        let program = find_tls().map_err(|error| io::Error::new(ErrorKind::NotFound, error))?;
        let (plain, theirs) = UnixStream::pair()?;
        plain.set_nonblocking(true)?;
        let mut command = Command::new(&program);
        command
            .arg(std::process::id().to_string())
            .arg(tls.sni.as_deref().unwrap_or(host));
        let cacert = std::env::var_os(CA).filter(|file| !file.is_empty());
        let cacert = tls.cacert.clone().or(cacert.map(PathBuf::from));
        for (option, file) in [
            ("--cacert", &cacert),
            ("--cert", &tls.cert),
            ("--key", &tls.key),
        ] {
            if let Some(file) = file {
                command.arg(option).arg(file);
            }
        }
        command
            .stdin(OwnedFd::from(theirs))
            .stdout(OwnedFd::from(server))
            .stderr(Stdio::piped())
            // What a terminal's Ctrl-C does to this process is its own affair.
            .process_group(0);
        let mut child = command.spawn().map_err(|error| {
            let text = format!("{} cannot be run: {error}", program.display());
            io::Error::other(text)
        })?;
        drop(command); // and with it the other end of the pair
        let words = child.stderr.take();
        let mut encrypted = Encrypted {
            plain,
            relay: Relay {
                child,
                words,
                home: Home::here(),
                accepted: false,
            },
        };
        encrypted.wait_for_trust(deadline)?;
        Ok(encrypted)
    }

    /// Waits for the line end with which the program says that the server is the right one.
    fn wait_for_trust(&mut self, deadline: Deadline) -> io::Result<()> {
        let mut plain = Stream::Unix(self.plain.try_clone()?);
        match plain.until(deadline).read(&mut [0]) {
            Ok(1) => Ok(()),
            Ok(_) => Err(self.last_words()),
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(io::Error::new(
                ErrorKind::TimedOut,
                "it took the connection and did not answer in TLS. If this is its port without TLS, write redis:// instead of rediss://",
            )),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn plain(&self) -> &UnixStream {
        &self.plain
    }

    /// Why the program has ended.
    #[cold]
    fn last_words(&mut self) -> io::Error {
        let mut said = Vec::new();
        if let Some(mut words) = self.relay.words.take() {
            // It has said it before it ended, and so before the stream did.
            let limit = Timespec::try_from(END).ok();
            let mut polled = [PollFd::new(&words, PollFlags::IN)];
            if poll(&mut polled, limit.as_ref()).is_ok_and(|ready| ready > 0) {
                said.resize(WORDS, 0);
                let read = words.read(&mut said).unwrap_or(0);
                said.truncate(read);
            }
        }
        let said = String::from_utf8_lossy(&said);
        match (said.is_empty(), self.relay.accepted) {
            (true, _) => ErrorKind::UnexpectedEof.into(),
            (false, true) => io::Error::other(said),
            (false, false) => io::Error::new(ErrorKind::PermissionDenied, said),
        }
    }
}

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.plain.read(buffer) {
            Ok(0) if !buffer.is_empty() => Err(self.last_words()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(self.last_words()),
            Ok(read) => {
                self.relay.accepted = true;
                Ok(read)
            }
            error => error,
        }
    }
}

impl Write for Encrypted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.plain.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(self.last_words()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        // In a worker it is a copy, and the program is not the worker's child.
        if !self.relay.home.is_here() {
            return;
        }
        let _ = self.plain.shutdown(Shutdown::Both);
        let ended = Pid::from_raw(self.relay.child.id() as i32)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
            .is_some_and(|handle| ends_within(&handle, END));
        if !ended {
            let _ = self.relay.child.kill();
        }
        let _ = self.relay.child.wait();
    }
}
