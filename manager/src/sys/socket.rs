//! Unix sockets without a name: pairs, the passing of a descriptor, and sends and receives that never wait forever.
//!
//! Every descriptor made here is closed on exec, and no send raises SIGPIPE.

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags,
};
use rustix::{cmsg_space, process};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

/// What a pair of sockets carries: a `STREAM` of bytes, or packets (`SEQPACKET`), each of which arrives whole or not at all.
pub(crate) use rustix::net::SocketType;

/// How long a send or a receive may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    No,
    /// As long as [`set_timeouts`] allowed.
    Slice,
}

impl Wait {
    fn send_flags(self) -> SendFlags {
        match self {
            Wait::No => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
            Wait::Slice => SendFlags::NOSIGNAL,
        }
    }

    fn receive_flags(self) -> RecvFlags {
        match self {
            Wait::No => RecvFlags::DONTWAIT,
            Wait::Slice => RecvFlags::empty(),
        }
    }
}

/// Two sockets that are connected to each other and to nothing else.
pub(crate) fn socket_pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(net::socketpair(
        AddressFamily::UNIX,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// From now on a send or a receive that may wait gives up after `slice`; it can then be called again.
pub(crate) fn set_timeouts(socket: &OwnedFd, slice: Duration) -> io::Result<()> {
    for direction in [Timeout::Recv, Timeout::Send] {
        sockopt::set_socket_timeout(socket, direction, Some(slice))?;
    }
    Ok(())
}

/// The user whose process made the other end of `socket`, a stream between processes of this machine. It is an error if
/// `socket` is anything else: a file, a pipe, a socket of another kind.
pub(crate) fn peer_user(socket: &OwnedFd) -> io::Result<u32> {
    let kind = (
        sockopt::socket_domain(socket)?,
        sockopt::socket_type(socket)?,
    );
    if kind != (AddressFamily::UNIX, SocketType::STREAM) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // Not by `rustix::net::sockopt::socket_peercred`: its process number is a type that is never zero, and zero is what the
    // kernel fills in for a stream that was never connected, or whose maker lives in another container. Any client can send
    // such a stream.
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = size_of_val(&peer) as libc::socklen_t;
    // SAFETY: the pointer and the length are those of a live local of the type that this option has, and every bit pattern is
    // a valid `ucred`. The kernel writes at most `length` bytes.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &mut length,
        )
    };
    match code {
        0 => Ok(peer.uid),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The user for whom this process acts.
pub(crate) fn user() -> u32 {
    process::geteuid().as_raw()
}

/// Tells the other end that nothing more will be sent or read, even if other processes hold copies of `socket`.
pub(crate) fn shut_down(socket: &OwnedFd) {
    // It fails only if the other end has gone already.
    let _ = net::shutdown(socket, Shutdown::Both);
}

/// Sends as much of `bytes` as there is room for. `None` if there was no room in the time that it may wait.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8], wait: Wait) -> io::Result<Option<usize>> {
    transferred(|| net::send(socket, bytes, wait.send_flags()))
}

/// Receives bytes and adds them to `buffer`, in which it makes room for at least `room`. Returns how many came, 0 at the end
/// of the stream. `None` if nothing came in the time that it may wait.
pub(crate) fn receive(
    socket: &OwnedFd,
    buffer: &mut Vec<u8>,
    room: usize,
    wait: Wait,
) -> io::Result<Option<usize>> {
    buffer.reserve(room);
    transferred(|| {
        let (received, _) = net::recv(socket, spare_capacity(buffer), wait.receive_flags())?;
        Ok(received)
    })
}

/// Calls until no signal interrupts it. `None` if it would have had to wait, or to wait longer.
fn transferred<T>(call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<Option<T>> {
    match retry_on_intr(call) {
        Ok(transferred) => Ok(Some(transferred)),
        Err(Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Room for the control message of one descriptor. Lengths are rounded up, so a second descriptor always fits too; the kernel
/// closes those for which there is no room.
type Control = [MaybeUninit<u8>; cmsg_space!(ScmRights(1))];

/// Sends a copy of `descriptor` through a socket that carries packets. `false` if there was no room in the time that it may
/// wait.
pub(crate) fn send_descriptor(
    through: &OwnedFd,
    descriptor: &OwnedFd,
    wait: Wait,
) -> io::Result<bool> {
    let descriptors = [descriptor.as_fd()];
    let mut control: Control = [MaybeUninit::uninit(); _];
    let mut control = SendAncillaryBuffer::new(&mut control);
    let fits = control.push(SendAncillaryMessage::ScmRights(&descriptors));
    debug_assert!(fits, "there is room for one descriptor");
    let byte = [IoSlice::new(&[0])]; // a packet without a byte would look like the end
    let sent = transferred(|| net::sendmsg(through, &byte, &mut control, wait.send_flags()))?;
    Ok(sent.is_some())
}

/// What came through a socket that carries packets.
#[derive(Debug)]
pub(crate) enum Packet {
    /// One descriptor.
    Descriptor(OwnedFd),
    /// A packet without a descriptor, or with more than one; those are closed. Also one whose descriptor found no room in
    /// this process.
    Other,
    /// No bytes: an empty packet, or the end, because no process holds the other side.
    Empty,
    /// Nothing yet.
    Nothing,
}

/// Takes the next packet, without waiting.
pub(crate) fn receive_descriptor(from: &OwnedFd) -> io::Result<Packet> {
    let mut bytes = [0; 16];
    let mut control: Control = [MaybeUninit::uninit(); _];
    let mut control = RecvAncillaryBuffer::new(&mut control);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = transferred(|| {
        net::recvmsg(
            from,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            flags,
        )
    })?;
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let received = received.map(|message| message.bytes);
    Ok(
        match (received, descriptors.pop(), descriptors.is_empty()) {
            (None, ..) => Packet::Nothing,
            (Some(_), Some(descriptor), true) => Packet::Descriptor(descriptor),
            (Some(0), None, _) => Packet::Empty,
            _ => Packet::Other,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::{FdFlags, fcntl_getfd};

    #[test]
    fn a_descriptor_goes_through_and_carries_bytes() {
        let (outside, inside) = socket_pair(SocketType::SEQPACKET).unwrap();
        let (mine, theirs) = socket_pair(SocketType::STREAM).unwrap();
        assert!(matches!(
            receive_descriptor(&inside).unwrap(),
            Packet::Nothing
        ));
        assert!(send_descriptor(&outside, &theirs, Wait::No).unwrap());
        drop(theirs);
        let Packet::Descriptor(theirs) = receive_descriptor(&inside).unwrap() else {
            panic!("no descriptor came");
        };
        for socket in [&outside, &mine, &theirs] {
            assert_eq!(fcntl_getfd(socket).unwrap(), FdFlags::CLOEXEC);
        }
        assert_eq!(peer_user(&theirs).unwrap(), user());
        assert_eq!(send(&mine, b"pill", Wait::No).unwrap(), Some(4));
        let mut bytes = Vec::with_capacity(4);
        bytes.push(1);
        assert_eq!(
            receive(&theirs, &mut bytes, 3, Wait::No).unwrap(),
            Some(3),
            "no more than there is room for"
        );
        assert_eq!(bytes, b"\x01pil");
        assert_eq!(receive(&theirs, &mut bytes, 3, Wait::No).unwrap(), Some(1));
        assert_eq!(receive(&theirs, &mut bytes, 3, Wait::No).unwrap(), None);
        assert_eq!(bytes, b"\x01pill");
        shut_down(&mine);
        assert_eq!(receive(&theirs, &mut bytes, 3, Wait::No).unwrap(), Some(0));
        // An error value, and no signal that ends this process.
        let error = send(&mine, b"pill", Wait::No).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn packets_without_a_stream_are_told_apart() {
        let (outside, inside) = socket_pair(SocketType::SEQPACKET).unwrap();
        send(&outside, b"hello", Wait::No).unwrap();
        assert!(matches!(
            receive_descriptor(&inside).unwrap(),
            Packet::Other
        ));
        send(&outside, b"", Wait::No).unwrap();
        assert!(matches!(
            receive_descriptor(&inside).unwrap(),
            Packet::Empty
        ));
        send_descriptor(&outside, &outside, Wait::No).unwrap();
        let Packet::Descriptor(wrong) = receive_descriptor(&inside).unwrap() else {
            panic!("no descriptor came");
        };
        assert!(peer_user(&wrong).is_err(), "this is no stream");
        let (reader, _writer) = io::pipe().unwrap();
        assert!(peer_user(&reader.into()).is_err(), "this is no socket");
        // Two copies of it are still there: here and in `wrong`.
        drop((outside, wrong));
        assert!(matches!(
            receive_descriptor(&inside).unwrap(),
            Packet::Empty
        ));
    }

    #[test]
    fn a_stream_that_was_never_connected_has_no_user_of_ours() {
        let lonely = net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        assert!(peer_user(&lonely).is_ok_and(|peer| peer != user()));
    }

    #[test]
    fn of_a_packet_with_many_descriptors_none_stays_open() {
        let (outside, inside) = socket_pair(SocketType::SEQPACKET).unwrap();
        for count in [2, 3, 5, 10] {
            let (reader, writer) = io::pipe().unwrap();
            let many = vec![writer.as_fd(); count];
            let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(10))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&many)));
            let byte = [IoSlice::new(&[0])];
            net::sendmsg(&outside, &byte, &mut control, SendFlags::NOSIGNAL).unwrap();
            assert!(matches!(
                receive_descriptor(&inside).unwrap(),
                Packet::Other
            ));
            // The pipe ends, so no copy of its writer is left.
            drop(writer);
            let mut end = OwnedFd::from(reader);
            assert_eq!(rustix::io::read(&mut end, &mut [0; 1]), Ok(0), "{count}");
        }
    }

    #[test]
    fn a_wait_is_no_longer_than_a_slice() {
        let (mine, _theirs) = socket_pair(SocketType::STREAM).unwrap();
        set_timeouts(&mine, Duration::from_millis(2)).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(receive(&mine, &mut bytes, 1, Wait::Slice).unwrap(), None);
        while send(&mine, &[0; 4096], Wait::Slice).unwrap().is_some() {}
    }
}
