//! Stands between a port of Jupyter and the ZeroMQ socket behind it, and lets no message through that is absurdly large.
//!
//! A port is an address of TCP, or a socket in the file system that belongs to this user alone (Jupyter's transport `ipc`).
//!
//! Every process on the machine can connect to a port on loopback. A message is checked by its signature, but that needs the whole message,
//! and the library reserves as much memory as a frame's header announces: a few bytes from a stranger would end the kernel
//! (`upstream/zeromq-frame-length.md`). So the lengths are looked at here, before they reach the library.
//!
//! ```text
//!  Jupyter ── TCP or ipc ──► gate: greeting, then frames: flags, length, content … ── socket without a name ──► zeromq
//! ```
//!
//! The framing is that of ZMTP 3 (<https://rfc.zeromq.org/spec/23/>): a greeting of 64 bytes; then frames, each with a byte of
//! flags (1 more to come, 2 the length has eight bytes, 4 a command), the length in one or eight bytes, and the content.

use crate::place::scratch;
use anyhow::{Context, Result, bail};
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, UnixSocket, UnixStream};

/// The most bytes that all frames of a message may have together. A notebook's cell has a few kilobytes.
const LARGEST: u64 = 64 << 20;

/// Where Jupyter finds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The transport `tcp`.
    Tcp(SocketAddr),
    /// The transport `ipc`: the path of a socket.
    Ipc(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Ipc(path) => path.display().fmt(f),
        }
    }
}

/// Opens `address` to Jupyter. What comes through arrives at the returned socket.
pub(super) async fn open(name: &'static str, address: Address) -> Result<UnixListener> {
    let port = Port::bind(&address)
        .await
        .with_context(|| format!("The notebook's {name} port, {address}, cannot be opened"))?;
    let (inside, way_in) = nameless()?;
    let way_in = Arc::new(way_in);
    tokio::spawn(async move {
        loop {
            match port.accept().await {
                Ok(outside) => {
                    let way_in = way_in.clone();
                    tokio::spawn(async move {
                        if let Err(error) = pass(outside, &way_in).await {
                            eprintln!("A connection to the {name} port was closed: {error:#}.");
                        }
                    });
                }
                // For example, there are no free descriptors.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    });
    Ok(inside)
}

/// A port that listens.
enum Port {
    Tcp(TcpListener),
    Ipc {
        port: tokio::net::UnixListener,
        _file: SocketFile,
    },
}

/// The two directions of a connection.
type Outside = (
    Box<dyn AsyncRead + Send + Unpin>,
    Box<dyn AsyncWrite + Send + Unpin>,
);

impl Port {
    async fn bind(address: &Address) -> io::Result<Port> {
        match address {
            Address::Tcp(address) => Ok(Port::Tcp(TcpListener::bind(address).await?)),
            Address::Ipc(path) => {
                remove_if_nobody_listens(path);
                let socket = UnixSocket::new_stream()?;
                // Restrict the socket before it has a name, so that nobody else can connect meanwhile.
                File::from(socket.as_fd().try_clone_to_owned()?)
                    .set_permissions(Permissions::from_mode(0o600))?;
                socket.bind(path)?;
                let _file = SocketFile(path.clone());
                let port = socket.listen(128)?;
                Ok(Port::Ipc { port, _file })
            }
        }
    }

    async fn accept(&self) -> io::Result<Outside> {
        match self {
            Port::Tcp(port) => {
                let (stream, _) = port.accept().await?;
                stream.set_nodelay(true)?;
                let (from, to) = stream.into_split();
                Ok((Box::new(from), Box::new(to)))
            }
            Port::Ipc { port, .. } => {
                let (stream, _) = port.accept().await?;
                let (from, to) = stream.into_split();
                Ok((Box::new(from), Box::new(to)))
            }
        }
    }
}

/// Removes the socket's name when dropped.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A kernel that was killed leaves its sockets' names behind, and the kernel that is started in its place gets the same names.
fn remove_if_nobody_listens(path: &Path) {
    let refused = std::os::unix::net::UnixStream::connect(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if refused && fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket()) {
        let _ = fs::remove_file(path);
    }
}

/// A socket to connect to that nobody else can find: its name is removed at once, and a descriptor leads to it.
fn nameless() -> Result<(UnixListener, OwnedFd)> {
    let folder = scratch()?;
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).context("A socket cannot be made")?;
    let way_in = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(&path)?;
    Ok((listener, way_in.into()))
}

async fn pass(outside: Outside, way_in: &OwnedFd) -> Result<()> {
    let inside = UnixStream::connect(format!("/proc/self/fd/{}", way_in.as_raw_fd())).await?;
    let (mut from_jupyter, mut to_jupyter) = outside;
    let (mut from_us, mut to_us) = inside.into_split();
    tokio::select! {
        refused = async {
            let mut frames = Frames::default();
            let mut buffer = vec![0; 16 * 1024];
            loop {
                let count = from_jupyter.read(&mut buffer).await.unwrap_or(0);
                if count == 0 {
                    return Ok(());
                }
                frames.check(&buffer[..count])?;
                if to_us.write_all(&buffer[..count]).await.is_err() {
                    return Ok(());
                }
            }
        } => refused,
        _ = copy(&mut from_us, &mut to_jupyter) => Ok(()),
    }
}

/// Follows the frames of one connection.
struct Frames {
    next: Next,
    /// The bytes of `next` that are still to come.
    missing: u64,
    flags: u8,
    length: u64,
    /// The lengths of this message's frames so far.
    message: u64,
}

enum Next {
    Greeting,
    Flags,
    Length,
    Content,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames {
            next: Next::Greeting,
            missing: 64,
            flags: 0,
            length: 0,
            message: 0,
        }
    }
}

impl Frames {
    /// Takes note of `bytes`; an error when a message becomes too large.
    fn check(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let here = self.missing.min(bytes.len() as u64) as usize;
            let (now, rest) = bytes.split_at(here);
            bytes = rest;
            self.missing -= here as u64;
            match self.next {
                Next::Flags => self.flags = now[0],
                Next::Length => {
                    for &byte in now {
                        self.length = self.length << 8 | u64::from(byte);
                    }
                }
                Next::Greeting | Next::Content => {}
            }
            // Empty content ends where it begins, so one byte may need more than one step.
            while self.missing == 0 {
                self.step()?;
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        (self.next, self.missing) = match self.next {
            Next::Greeting => (Next::Flags, 1),
            Next::Flags => {
                self.length = 0;
                (Next::Length, if self.flags & 2 == 0 { 1 } else { 8 })
            }
            Next::Length => {
                self.message = self.message.saturating_add(self.length);
                if self.message > LARGEST {
                    bail!(
                        "a message announced {} bytes, and {LARGEST} are the most",
                        self.message
                    );
                }
                (Next::Content, self.length)
            }
            Next::Content => {
                // Bit 0: more frames of this message follow.
                if self.flags & 1 == 0 {
                    self.message = 0;
                }
                (Next::Flags, 1)
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes.extend(frames.concat());
        bytes
    }

    fn long(flags: u8, length: u64) -> Vec<u8> {
        let mut frame = vec![flags | 2];
        frame.extend(length.to_be_bytes());
        frame
    }

    #[test]
    fn a_socket_in_the_file_system_is_this_user_s_and_goes_with_its_port() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernel-ipc-1");
        let address = Address::Ipc(path.clone());
        // The name that a killed kernel has left behind.
        drop(UnixListener::bind(&path).unwrap());
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
        };
        let front = runtime();
        let _inside = front.block_on(open("shell", address.clone())).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{mode:o}");
        // A name at which another process listens is not taken.
        let said = runtime().block_on(open("shell", address)).unwrap_err();
        assert!(
            format!("{said:#}").contains("kernel-ipc-1, cannot be opened"),
            "{said:#}"
        );
        assert!(path.exists());
        drop(front);
        assert!(!path.exists(), "it is removed in the end");
    }

    #[test]
    fn ordinary_frames_pass_however_they_are_cut() {
        let content = [7; 300];
        let bytes = stream(&[
            b"\x04\x03abc",
            b"\x01\x00",
            b"\x00\x02xy",
            &long(1, 300),
            &content,
            b"\x00\x01z",
        ]);
        Frames::default().check(&bytes).unwrap();
        let mut frames = Frames::default();
        for byte in &bytes {
            frames.check(&[*byte]).unwrap();
        }
        assert!(
            matches!(frames.next, Next::Flags),
            "it stands between two frames"
        );
    }

    #[test]
    fn a_frame_that_announces_too_much_is_refused() {
        for length in [LARGEST + 1, 1 << 47, u64::MAX] {
            assert!(
                Frames::default()
                    .check(&stream(&[&long(0, length)]))
                    .is_err(),
                "{length}"
            );
        }
        Frames::default()
            .check(&stream(&[&long(0, LARGEST)]))
            .unwrap();
    }

    #[test]
    fn many_frames_of_one_message_count_together_and_messages_do_not() {
        let half = vec![0; LARGEST as usize / 2 + 1];
        let one = |flags| [&long(flags, half.len() as u64)[..], &half].concat();
        assert!(
            Frames::default()
                .check(&stream(&[&one(1), &one(0)]))
                .is_err()
        );
        Frames::default()
            .check(&stream(&[&one(0), &one(0)]))
            .unwrap();
    }
}
