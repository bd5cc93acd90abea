//! Waiting for many descriptors at once: `man 7 epoll`, level-triggered.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// There is something to read, or the other side has gone.
    Readable,
    /// There is room to write, or the other side has gone.
    Writable,
}

/// Something happened to a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The number under which it was added.
    pub(crate) token: u64,
    /// Nobody holds the other side any more.
    pub(crate) hung_up: bool,
}

/// A set of descriptors that one can wait for.
pub(crate) struct Epoll(OwnedFd);

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: epoll_create1 takes flags and gives a new descriptor.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is open and nobody else owns it.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(crate) fn add(&self, fd: &OwnedFd, token: u64, until: Until) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, until)
    }

    pub(crate) fn change(&self, fd: &OwnedFd, token: u64, until: Until) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, until)
    }

    /// Forgets `fd`. Closing it would not be enough: the kernel reports on it as long as any process holds a copy.
    pub(crate) fn remove(&self, fd: &OwnedFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Until::Readable)
    }

    fn control(&self, how: i32, fd: &OwnedFd, token: u64, until: Until) -> io::Result<()> {
        let events = match until {
            Until::Readable => libc::EPOLLIN,
            Until::Writable => libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: token,
        };
        // SAFETY: both descriptors are open, and the pointer is to a live local.
        match unsafe { libc::epoll_ctl(self.0.as_raw_fd(), how, fd.as_raw_fd(), &mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Puts what happened in place of what `events` held, one round's worth, and says how many. `wait` for something to
    /// happen, or only look.
    pub(crate) fn wait(&self, events: &mut Vec<Event>, wait: bool) -> io::Result<usize> {
        let mut happened = [libc::epoll_event { events: 0, u64: 0 }; 64];
        let timeout = if wait { -1 } else { 0 };
        let n = loop {
            // SAFETY: the pointer and count are those of a live local array.
            let n = unsafe {
                libc::epoll_wait(
                    self.0.as_raw_fd(),
                    happened.as_mut_ptr(),
                    happened.len() as i32,
                    timeout,
                )
            };
            if n >= 0 {
                break n as usize;
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        };
        events.clear();
        events.extend(happened[..n].iter().map(|event| Event {
            token: event.u64,
            hung_up: event.events & libc::EPOLLHUP as u32 != 0,
        }));
        Ok(n)
    }
}

impl From<Epoll> for OwnedFd {
    fn from(epoll: Epoll) -> OwnedFd {
        epoll.0
    }
}

impl From<OwnedFd> for Epoll {
    /// `fd` must be one that `Epoll::new` made; with any other, every call is an error.
    fn from(fd: OwnedFd) -> Epoll {
        Epoll(fd)
    }
}
