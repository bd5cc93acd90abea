//! What the programs do with open descriptors beyond the standard library: sockets that keep packets apart, waiting for several at
//! once, and what stays open in a program that is started.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};
use rustix::stdio;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// A pair of connected sockets that keep packets apart. Each side sees when the other is closed.
pub fn packet_pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
    let (one, other) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok((one.into(), other.into()))
}

/// Sends `packet` if there is room for it, without waiting. A socket whose other end is gone takes everything and keeps nothing.
pub fn send_if_room(socket: &UnixDatagram, packet: &[u8]) -> bool {
    let sent = rustix::net::send(socket, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    !matches!(sent, Err(Errno::AGAIN | Errno::INTR))
}

/// How many bytes can be read from the pipe `handle` now.
pub fn readable_bytes(handle: impl AsFd) -> usize {
    let count = rustix::io::ioctl_fionread(handle).unwrap_or(0);
    usize::try_from(count).unwrap_or(0)
}

/// Whether `handle` can be read from, or has ended, at this moment.
pub fn is_readable(handle: impl AsFd) -> bool {
    wait_readable([Some(handle.as_fd())], Some(Duration::ZERO)) == [true]
}

/// Waits until one of `handles` can be read from or has ended, at most for `limit`. Says which ones.
pub fn wait_readable<const N: usize>(
    handles: [Option<BorrowedFd<'_>>; N],
    limit: Option<Duration>,
) -> [bool; N] {
    let mut polled: Vec<PollFd<'_>> = handles
        .iter()
        .flatten()
        .map(|&handle| PollFd::from_borrowed_fd(handle, PollFlags::IN))
        .collect();
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    // A signal ends the wait early; then none of them is ready, and the caller looks again.
    let _ = poll(&mut polled, limit.as_ref());
    let mut ready = polled.iter().map(|one| !one.revents().is_empty());
    handles.map(|handle| handle.is_some() && ready.next() == Some(true))
}

/// Waits until `handle` can be read from or written to. Says whether it can be read from.
pub fn wait_for_either_way(handle: impl AsFd) -> bool {
    let mut polled = [PollFd::new(&handle, PollFlags::IN | PollFlags::OUT)];
    let _ = poll(&mut polled, None);
    polled[0].revents().contains(PollFlags::IN)
}

/// Keeps `handle` open in the program that is about to be executed. May be called between fork and exec.
pub fn keep_on_exec(handle: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(handle, FdFlags::empty())?)
}

/// Closes `handle` in the programs that this process starts.
pub fn close_on_exec(handle: impl AsFd) {
    let _ = rustix::io::fcntl_setfd(handle, FdFlags::CLOEXEC);
}

/// Gives a pipe as much room as an ordinary user may have. If the system refuses, the pipe stays as it is.
pub fn enlarge_pipe(pipe: impl AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20);
}

/// Opens `/dev/null`: an empty input, and an output that keeps nothing.
pub fn nothing() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        c"/dev/null",
        OFlags::RDWR | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// The three descriptors that every program has.
#[derive(Clone, Copy, Debug)]
pub enum Standard {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Takes what is open as standard input for another use, and leaves an empty input in its place.
pub fn take_stdin() -> io::Result<OwnedFd> {
    replace(Standard::Input, nothing()?)
}

/// Puts `new` in the place of `old`, and returns what was there.
pub fn replace(old: Standard, new: impl AsFd) -> io::Result<OwnedFd> {
    let before = match old {
        Standard::Input => stdio::stdin(),
        Standard::Output => stdio::stdout(),
        Standard::Error => stdio::stderr(),
    };
    // Above the three: the number must not be one that is about to be replaced.
    let before = rustix::io::fcntl_dupfd_cloexec(before, 3)?;
    match old {
        Standard::Input => stdio::dup2_stdin(new)?,
        Standard::Output => stdio::dup2_stdout(new)?,
        Standard::Error => stdio::dup2_stderr(new)?,
    }
    Ok(before)
}
