use super::Settings;
use super::frame::Decoder;
use super::looks::Looks;
use super::store::{Store, refuse, refuse_nonsense};
use crate::sys::{self, Carries, Epoll, Event, Packet, Until, Wait};
use labsupport::internal::fault;
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

/// The door among the numbers that wait for events; clients have others.
const DOOR: u64 = 0;

/// Replies are sent together up to so many bytes; then the others have their turn.
const BATCH: usize = 64 << 10;

/// A client's buffer for replies that has grown past this is given back.
const KEEP: usize = 64 << 10;

/// Descriptors that are kept free: for a client that is turned away with a word, and for the system's own needs.
const SPARE: usize = 8;

/// The server process: one thread, which waits for all clients at once and never for one.
pub(super) struct Server {
    epoll: Epoll,
    /// Where new clients come in; `None` when nobody is left who could send one.
    door: Option<OwnedFd>,
    clients: HashMap<u64, Client>,
    next: u64,
    store: Store,
    /// Bytes in the buffers of all clients.
    buffered: usize,
    most_buffered: usize,
    most_clients: usize,
}

/// The ends of the door and the set to wait with, made before the fork, where a failure can be told.
pub(super) struct Ends {
    pub(super) outside: OwnedFd,
    pub(super) inside: OwnedFd,
    pub(super) epoll: OwnedFd,
}

impl Ends {
    pub(super) fn new() -> io::Result<Ends> {
        let (outside, inside) = sys::socket_pair(Carries::Packets)?;
        let epoll = Epoll::new()?;
        epoll.add(&inside, DOOR, Until::Readable)?;
        Ok(Ends {
            outside,
            inside,
            epoll: epoll.into(),
        })
    }
}

/// The life of the server process.
pub(super) fn serve([door, epoll]: [OwnedFd; 2], settings: Settings) {
    sys::set_thread_name(c"labs: manager");
    fault::point("serve: begun");
    let free = sys::most_open().saturating_sub(sys::count_open() + SPARE);
    let mut server = Server {
        epoll: epoll.into(),
        door: Some(door),
        clients: HashMap::new(),
        next: DOOR + 1,
        store: Store::new(settings.most_kept),
        buffered: 0,
        most_buffered: settings.most_buffered,
        most_clients: settings.most_clients.min(free.max(1)),
    };
    let (mut events, mut looks) = (Vec::new(), Looks::default());
    while server.has_anybody() {
        let mut wait = |wait| match server.epoll.wait(&mut events, wait) {
            Ok(0) => None,
            other => Some(other),
        };
        let waited = looks.until(|| wait(false)).or_else(|| wait(true));
        if waited.is_none_or(|waited| waited.is_err()) {
            return;
        }
        for &Event { token, hung_up } in &events {
            match token {
                DOOR => server.open_the_door(hung_up),
                client => server.serve_client(client),
            }
        }
    }
}

impl Server {
    /// Whether anybody is there or can still come.
    fn has_anybody(&self) -> bool {
        self.door.is_some() || !self.clients.is_empty()
    }

    /// Lets one in who waits at the door.
    fn open_the_door(&mut self, hung_up: bool) {
        let Some(door) = &self.door else { return };
        match sys::receive_descriptor(door) {
            Ok(Packet::Descriptor(socket)) => self.admit(socket),
            // Who sends something else gets no answer: there is nothing to answer on.
            Ok(Packet::Other | Packet::Nothing) => {}
            Ok(Packet::Empty) if !hung_up => {}
            Ok(Packet::Empty) | Err(_) => {
                let _ = self.epoll.remove(door);
                self.door = None;
            }
        }
    }

    fn admit(&mut self, socket: OwnedFd) {
        let Ok(user) = sys::peer_user(&socket) else {
            return; // no stream at all
        };
        // Whoever holds the door was forked from the process that made it. It may have become somebody else since.
        if user != sys::user() {
            return turn_away(&socket, "it belongs to another user.");
        }
        if self.clients.len() >= self.most_clients {
            return turn_away(
                &socket,
                &format!(
                    "it has {} already, which is the most. Each handle that is used has one in each process: drop those \
                     you no longer need, or raise the limit of open files (`ulimit -n`) before the manager starts.",
                    self.clients.len()
                ),
            );
        }
        let token = self.next;
        if let Err(error) = self.epoll.add(&socket, token, Until::Readable) {
            return turn_away(&socket, &format!("the system refused it ({error})."));
        }
        self.next += 1;
        self.clients.insert(token, Client::new(socket));
        fault::point("serve: admitted");
    }

    fn serve_client(&mut self, token: u64) {
        // One that was dropped earlier in this round may have an event left.
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let (before, waited) = (client.held(), client.until);
        let stays = client.take_turn(&mut self.store).is_ok();
        self.buffered = self.buffered + client.held() - before;
        if stays && self.buffered <= self.most_buffered {
            let until = client.until();
            if until == waited || self.epoll.change(&client.socket, token, until).is_ok() {
                client.until = until;
                return;
            }
        }
        self.buffered -= client.held();
        let _ = self.epoll.remove(&client.socket);
        // Another process may hold a copy, and then closing it would tell nobody.
        sys::shut_down(&client.socket);
        self.clients.remove(&token);
    }
}

/// Closes a connection that was not let in, with a word.
fn turn_away(socket: &OwnedFd, why: &str) {
    let mut out = Vec::new();
    refuse(why, &mut out);
    let _ = sys::send(socket, &out, Wait::No);
    sys::shut_down(socket);
}

/// The connection is over.
struct Over;

/// One connection.
struct Client {
    socket: OwnedFd,
    /// What has come of its requests.
    decoder: Decoder,
    /// Replies, of which the first `sent` bytes are gone. While some are left, no request is read: so one that asks and
    /// never reads holds one batch, or one reply, and no more.
    out: Vec<u8>,
    sent: usize,
    /// What the server waits for here.
    until: Until,
}

impl Client {
    fn new(socket: OwnedFd) -> Client {
        Client {
            socket,
            decoder: Decoder::default(),
            out: Vec::new(),
            sent: 0,
            until: Until::Readable,
        }
    }

    /// Bytes of memory in its buffers.
    fn held(&self) -> usize {
        self.decoder.held() + self.out.capacity()
    }

    /// What its next turn needs.
    fn until(&self) -> Until {
        if self.out.is_empty() && !self.decoder.has_next() {
            Until::Readable
        } else {
            Until::Writable
        }
    }

    /// One receive and two sends at the most, so that everybody gets a turn.
    fn take_turn(&mut self, store: &mut Store) -> Result<(), Over> {
        if !self.out.is_empty() {
            self.send()?;
            if !self.out.is_empty() {
                return Ok(());
            }
        }
        if !self.decoder.has_next() {
            let (buffer, most) = self.decoder.room();
            match sys::receive(&self.socket, buffer, most, Wait::No) {
                Ok(None) => return Ok(()),
                Ok(Some(1..)) => fault::point("serve: read"),
                // Its end, in the middle of a request too: what had come of that is dropped with it.
                Ok(Some(0)) | Err(_) => return Err(Over),
            }
        }
        let mut stays = true;
        while stays && self.out.len() < BATCH {
            stays = match self.decoder.next() {
                Ok(Some(frame)) => store.handle(frame, &mut self.out),
                Ok(None) => break,
                Err(what) => {
                    refuse_nonsense(what, &mut self.out);
                    false
                }
            };
            fault::point("serve: applied");
        }
        if !self.out.is_empty() {
            self.send()?;
            fault::point("serve: answered");
        }
        #[cfg(test)]
        if let Some(point) = store.armed.take() {
            fault::arm(point, fault::Action::Kill);
        }
        if stays { Ok(()) } else { Err(Over) }
    }

    /// Sends what there is room for.
    fn send(&mut self) -> Result<(), Over> {
        let sent = sys::send(&self.socket, &self.out[self.sent..], Wait::No).map_err(|_| Over)?;
        self.sent += sent.unwrap_or(0);
        if self.sent < self.out.len() {
            fault::point("serve: part sent");
            return Ok(());
        }
        self.sent = 0;
        self.out.clear();
        if self.out.capacity() > KEEP {
            self.out = Vec::new();
        }
        Ok(())
    }
}
