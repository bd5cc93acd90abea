//! Unix sockets without a name: pairs, the passing of a descriptor, and sends and receives that never wait without end.
//!
//! Every descriptor made here is closed on exec, and no send raises SIGPIPE.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// What a pair of sockets carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// Bytes in order, without borders: what two sends sent, one receive may bring.
    Stream,
    /// Packets: what one send sent, one receive brings, or nobody.
    Packets,
}

/// How long a send or a receive may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    No,
    /// As long as [`set_timeouts`] allowed.
    Slice,
}

impl Wait {
    fn flag(self) -> i32 {
        match self {
            Wait::No => libc::MSG_DONTWAIT,
            Wait::Slice => 0,
        }
    }
}

/// Two sockets that are connected to each other and to nobody else.
pub(crate) fn socket_pair(carries: Carries) -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = match carries {
        Carries::Stream => libc::SOCK_STREAM,
        Carries::Packets => libc::SOCK_SEQPACKET,
    };
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: socketpair writes two descriptors into the array it is given.
    let code = unsafe {
        libc::socketpair(
            libc::AF_UNIX,
            kind | libc::SOCK_CLOEXEC,
            0,
            ends.as_mut_ptr(),
        )
    };
    if code == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: socketpair succeeded: both descriptors are open and nobody else owns them.
    unsafe { Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))) }
}

/// From now on a send and a receive that may wait give up after `slice`, and then can be called again.
pub(crate) fn set_timeouts(socket: &OwnedFd, slice: Duration) -> io::Result<()> {
    let slice = libc::timeval {
        tv_sec: slice.as_secs() as libc::time_t,
        tv_usec: slice.subsec_micros() as libc::suseconds_t,
    };
    for option in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
        // SAFETY: the pointer and length are those of a live local of the type that these options take.
        let code = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const slice).cast(),
                size_of_val(&slice) as libc::socklen_t,
            )
        };
        if code == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The user whose process made the other end of `socket`, a stream between processes of this machine. An error where it
/// is anything else: a file, a pipe, a socket of another kind.
pub(crate) fn peer_user(socket: &OwnedFd) -> io::Result<libc::uid_t> {
    let family: libc::c_int = option(socket, libc::SO_DOMAIN)?;
    let kind: libc::c_int = option(socket, libc::SO_TYPE)?;
    if (family, kind) != (libc::AF_UNIX, libc::SOCK_STREAM) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let peer: libc::ucred = option(socket, libc::SO_PEERCRED)?;
    Ok(peer.uid)
}

/// The user for whom this process acts.
pub(crate) fn user() -> libc::uid_t {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Reads an option of a socket; `T` is one of the plain C structures or integers that such options are.
fn option<T: Copy>(socket: &OwnedFd, name: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer and length are those of a live local; the kernel writes at the most that many bytes.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            value.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if code == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was zeroed and then filled by the kernel, and every bit pattern is a valid integer or `ucred`.
    Ok(unsafe { value.assume_init() })
}

/// Tells the other end that nothing more will come or be read, though other processes may hold copies of `socket`.
pub(crate) fn shut_down(socket: &OwnedFd) {
    // SAFETY: shutdown passes two integers to the kernel.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) };
}

/// Sends as much of `bytes` as there is room for. `None` where there was no room in the time that it may wait.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8], wait: Wait) -> io::Result<Option<usize>> {
    let flags = wait.flag() | libc::MSG_NOSIGNAL;
    transferred(|| {
        // SAFETY: the pointer and length are those of a live slice.
        unsafe {
            libc::send(
                socket.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                flags,
            )
        }
    })
}

/// Receives at the most `most` bytes to the end of `buffer`: how many, 0 at the end of the stream. `None` where nothing came
/// in the time that it may wait.
pub(crate) fn receive(
    socket: &OwnedFd,
    buffer: &mut Vec<u8>,
    most: usize,
    wait: Wait,
) -> io::Result<Option<usize>> {
    buffer.reserve(most);
    let length = buffer.len();
    let received = transferred(|| {
        let free = buffer.spare_capacity_mut();
        // SAFETY: `reserve` made room for at least `most` bytes behind the filled ones.
        unsafe {
            libc::recv(
                socket.as_raw_fd(),
                free.as_mut_ptr().cast(),
                most,
                wait.flag(),
            )
        }
    })?;
    // SAFETY: recv filled that many bytes, at the most `most`, of the room behind the first `length`.
    unsafe { buffer.set_len(length + received.unwrap_or(0)) };
    Ok(received)
}

/// Calls until no signal interrupts it. `None` where it would have had to wait, or to wait longer.
fn transferred(mut call: impl FnMut() -> isize) -> io::Result<Option<usize>> {
    loop {
        match call() {
            -1 => {
                let error = io::Error::last_os_error();
                match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Ok(None),
                    _ => return Err(error),
                }
            }
            n => return Ok(Some(n as usize)),
        }
    }
}

/// Room for the control message of one descriptor, aligned as the kernel wants it. By the way lengths are rounded up, a
/// second descriptor fits too; a third does not, and the kernel closes it.
type Control = [u64; 3];

/// Sends a copy of `descriptor` through a socket of [`Carries::Packets`]. `false` where there was no room in the time that it
/// may wait.
pub(crate) fn send_descriptor(
    through: &OwnedFd,
    descriptor: &OwnedFd,
    wait: Wait,
) -> io::Result<bool> {
    let mut byte = [0u8]; // a packet without a byte would look like the end
    let mut part = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    let mut control: Control = [0; 3];
    // SAFETY: the structure consists of integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: these two only calculate lengths.
    let (space, length) = unsafe {
        let size = size_of::<RawFd>() as u32;
        (libc::CMSG_SPACE(size), libc::CMSG_LEN(size))
    };
    message.msg_controllen = space as _;
    // SAFETY: `control` is a live local, aligned and of `space` bytes at least, so there is a first header in it with room for
    // one descriptor behind it.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = length as _;
        libc::CMSG_DATA(header)
            .cast::<RawFd>()
            .write_unaligned(descriptor.as_raw_fd());
    }
    let flags = wait.flag() | libc::MSG_NOSIGNAL;
    // SAFETY: `message` points to live locals, with their lengths.
    let sent = transferred(|| unsafe { libc::sendmsg(through.as_raw_fd(), &message, flags) })?;
    Ok(sent.is_some())
}

/// What came through a socket of [`Carries::Packets`].
#[derive(Debug)]
pub(crate) enum Packet {
    /// One descriptor.
    Descriptor(OwnedFd),
    /// A packet without a descriptor, or with more than one; those were closed. Also one whose descriptor found no room in
    /// this process.
    Other,
    /// No bytes: an empty packet, or the end, since nobody holds the other side.
    Empty,
    /// Nothing yet.
    Nothing,
}

/// Takes the next packet, without waiting.
pub(crate) fn receive_descriptor(from: &OwnedFd) -> io::Result<Packet> {
    let mut bytes = [0u8; 16];
    let mut part = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    let mut control: Control = [0; 3];
    // SAFETY: the structure consists of integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>() as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: `message` points to live locals, with their lengths.
    let received = transferred(|| unsafe { libc::recvmsg(from.as_raw_fd(), &mut message, flags) })?;
    let mut descriptors = Vec::new();
    // SAFETY: the kernel has filled `control` with whole messages and `msg_controllen` with their length, so the headers that
    // these macros find are in it. Each descriptor was opened for this process by recvmsg, and nobody else owns it.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            if ((*header).cmsg_level, (*header).cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                let data = libc::CMSG_DATA(header).cast::<RawFd>();
                for index in 0..bytes / size_of::<RawFd>() {
                    let descriptor = data.add(index).read_unaligned();
                    descriptors.push(OwnedFd::from_raw_fd(descriptor));
                }
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
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

    #[test]
    fn a_descriptor_goes_through_and_carries_bytes() {
        let (outside, inside) = socket_pair(Carries::Packets).unwrap();
        let (mine, theirs) = socket_pair(Carries::Stream).unwrap();
        assert!(matches!(
            receive_descriptor(&inside).unwrap(),
            Packet::Nothing
        ));
        assert!(send_descriptor(&outside, &theirs, Wait::No).unwrap());
        drop(theirs);
        let Packet::Descriptor(theirs) = receive_descriptor(&inside).unwrap() else {
            panic!("no descriptor came");
        };
        assert_eq!(peer_user(&theirs).unwrap(), user());
        assert_eq!(send(&mine, b"pill", Wait::No).unwrap(), Some(4));
        let mut bytes = vec![1];
        assert_eq!(
            receive(&theirs, &mut bytes, 3, Wait::No).unwrap(),
            Some(3),
            "no more than asked for"
        );
        assert_eq!(bytes, b"\x01pil");
        assert_eq!(receive(&theirs, &mut bytes, 3, Wait::No).unwrap(), Some(1));
        assert_eq!(receive(&theirs, &mut bytes, 3, Wait::No).unwrap(), None);
        shut_down(&mine);
        assert_eq!(receive(&theirs, &mut bytes, 3, Wait::No).unwrap(), Some(0));
        // An error value, and no signal that ends this process.
        let error = send(&mine, b"pill", Wait::No).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn packets_without_a_stream_are_told_apart() {
        let (outside, inside) = socket_pair(Carries::Packets).unwrap();
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
    fn who_may_wait_waits_no_longer_than_a_slice() {
        let (mine, _theirs) = socket_pair(Carries::Stream).unwrap();
        set_timeouts(&mine, Duration::from_millis(2)).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(receive(&mine, &mut bytes, 1, Wait::Slice).unwrap(), None);
        while send(&mine, &[0; 4096], Wait::Slice).unwrap().is_some() {}
    }
}
