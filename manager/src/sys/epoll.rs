//! Waiting for many descriptors at once: `man 7 epoll`, level-triggered.

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::retry_on_intr;
use std::io;
use std::os::fd::OwnedFd;

/// A set of descriptors to wait for.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// There is something to read, or the other side has gone.
    Readable,
    /// There is room to write, or the other side has gone.
    Writable,
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Interest::Readable => EventFlags::IN,
            Interest::Writable => EventFlags::OUT,
        }
    }
}

/// Something happened to a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The number under which it was added.
    pub(crate) token: u64,
    /// No process holds the other side any longer.
    pub(crate) hung_up: bool,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        Ok(Epoll(epoll::create(CreateFlags::CLOEXEC)?))
    }

    pub(crate) fn add(&self, fd: &OwnedFd, token: u64, interest: Interest) -> io::Result<()> {
        let data = EventData::new_u64(token);
        Ok(epoll::add(&self.0, fd, data, interest.flags())?)
    }

    pub(crate) fn modify(&self, fd: &OwnedFd, token: u64, interest: Interest) -> io::Result<()> {
        let data = EventData::new_u64(token);
        Ok(epoll::modify(&self.0, fd, data, interest.flags())?)
    }

    /// Forgets `fd`. Closing it would not be enough: the kernel reports on it as long as any process holds a copy.
    pub(crate) fn remove(&self, fd: &OwnedFd) -> io::Result<()> {
        Ok(epoll::delete(&self.0, fd)?)
    }

    /// Replaces what `events` held with what has happened, one round's worth, and returns how many there are. It waits for
    /// something to happen if `wait` is set; otherwise it only looks.
    pub(crate) fn wait(&self, events: &mut Vec<Event>, wait: bool) -> io::Result<usize> {
        let nothing = epoll::Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        };
        let mut happened = [nothing; 64];
        let at_once = Timespec::default();
        let timeout = if wait { None } else { Some(&at_once) };
        let n = retry_on_intr(|| epoll::wait(&self.0, &mut happened[..], timeout))?;
        events.clear();
        events.extend(happened[..n].iter().map(|event| Event {
            token: event.data.u64(),
            hung_up: { event.flags }.contains(EventFlags::HUP),
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
