use crate::frame::{Decoder, KEEP};
use crate::settings::Settings;
use crate::spin::Spin;
use crate::store::{Store, refuse, refuse_nonsense};
use crate::sys::{self, Epoll, Event, Interest, Packet, SocketType, Wait};
use labsupport::internal::fault;
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

/// The token of the door among the events; clients have other tokens.
const DOOR: u64 = 0;

/// Replies are sent together up to this many bytes; then the other clients have their turn.
const BATCH: usize = 64 << 10;

/// Descriptors that are kept free: for a client that is turned away with a reason, and for the system's own needs.
const SPARE: usize = 8;

/// The server process: one thread, which waits for all clients at once and never for one of them alone.
pub(crate) struct Server {
    epoll: Epoll,
    /// Where new clients come in; `None` when no process is left that could send one.
    door: Option<OwnedFd>,
    clients: HashMap<u64, Client>,
    next: u64,
    store: Store,
    /// Bytes in the buffers of all clients.
    buffered: usize,
    most_buffered: usize,
    most_clients: usize,
}

/// The ends of the door and the set to wait with. They are made before the fork, where a failure can be reported.
pub(crate) struct Ends {
    pub(crate) outside: OwnedFd,
    pub(crate) inside: OwnedFd,
    pub(crate) epoll: OwnedFd,
}

impl Ends {
    pub(crate) fn new() -> io::Result<Ends> {
        let (outside, inside) = sys::socket_pair(SocketType::SEQPACKET)?;
        let epoll = Epoll::new()?;
        epoll.add(&inside, DOOR, Interest::Readable)?;
        Ok(Ends {
            outside,
            inside,
            epoll: epoll.into(),
        })
    }
}

/// The life of the server process.
pub(crate) fn serve([door, epoll]: [OwnedFd; 2], settings: Settings) {
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
    let (mut events, mut spin) = (Vec::new(), Spin::default());
    while server.has_clients() {
        let mut wait = |wait| match server.epoll.wait(&mut events, wait) {
            Ok(0) => None,
            other => Some(other),
        };
        let waited = spin.until(|| wait(false)).or_else(|| wait(true));
        if waited.is_none_or(|waited| waited.is_err()) {
            return;
        }
        for &Event { token, hung_up } in &events {
            match token {
                DOOR => server.answer_door(hung_up),
                client => server.serve_client(client),
            }
        }
    }
}

impl Server {
    /// Whether there are clients, or some can still come.
    fn has_clients(&self) -> bool {
        self.door.is_some() || !self.clients.is_empty()
    }

    /// Lets in one client that waits at the door.
    fn answer_door(&mut self, hung_up: bool) {
        let Some(door) = &self.door else { return };
        match sys::receive_descriptor(door) {
            Ok(Packet::Descriptor(socket)) => self.admit(socket),
            // Anything else gets no answer: there is no stream to answer on.
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
        // Each process that holds the door was forked from the one that made it. It may have changed its user since.
        if user != sys::user() {
            return turn_away(&socket, "it belongs to another user.");
        }
        if self.clients.len() >= self.most_clients {
            return turn_away(
                &socket,
                &format!(
                    "it has {} already, which is the limit. Each handle that is used takes one in each process: drop those \
                     that you no longer need, or raise the limit of open files (`ulimit -n`) before the manager starts.",
                    self.clients.len()
                ),
            );
        }
        let token = self.next;
        if let Err(error) = self.epoll.add(&socket, token, Interest::Readable) {
            return turn_away(&socket, &format!("the system refused it ({error})."));
        }
        self.next += 1;
        self.clients.insert(token, Client::new(socket));
        fault::point("serve: admitted");
    }

    fn serve_client(&mut self, token: u64) {
        // A client that was dropped earlier in this round may have an event left.
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let (before, waited) = (client.held(), client.interest);
        let stays = client.take_turn(&mut self.store).is_ok();
        self.buffered = self.buffered + client.held() - before;
        if stays && self.buffered <= self.most_buffered {
            let interest = client.interest();
            if interest == waited || self.epoll.modify(&client.socket, token, interest).is_ok() {
                client.interest = interest;
                return;
            }
        }
        self.buffered -= client.held();
        let _ = self.epoll.remove(&client.socket);
        // Another process may hold a copy, and then closing it would not tell the client.
        sys::shut_down(&client.socket);
        self.clients.remove(&token);
    }
}

/// Closes a connection that was not let in, with a reason.
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
    /// Replies, of which the first `sent` bytes are gone. While some are left, no request is read. So a client that asks and
    /// never reads holds one batch, or one reply, and no more.
    out: Vec<u8>,
    sent: usize,
    /// What the server waits for here.
    interest: Interest,
}

impl Client {
    fn new(socket: OwnedFd) -> Client {
        Client {
            socket,
            decoder: Decoder::default(),
            out: Vec::new(),
            sent: 0,
            interest: Interest::Readable,
        }
    }

    /// Bytes of memory in its buffers.
    fn held(&self) -> usize {
        self.decoder.held() + self.out.capacity()
    }

    /// What its next turn needs.
    fn interest(&self) -> Interest {
        if self.out.is_empty() && !self.decoder.has_next() {
            Interest::Readable
        } else {
            Interest::Writable
        }
    }

    /// At most one receive and two sends, so that every client gets a turn.
    fn take_turn(&mut self, store: &mut Store) -> Result<(), Over> {
        if !self.out.is_empty() {
            self.send()?;
            if !self.out.is_empty() {
                return Ok(());
            }
        }
        if !self.decoder.has_next() {
            let (buffer, room) = self.decoder.room();
            match sys::receive(&self.socket, buffer, room, Wait::No) {
                Ok(None) => return Ok(()),
                Ok(Some(1..)) => fault::point("serve: read"),
                // The end, perhaps in the middle of a request: what had come of that is dropped.
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
