//! The connections of a handle: one, and on a cluster one to each node that was needed.

use crate::blocking::Wait;
use crate::broker::Route;
use crate::cluster::{Answer, Map, Node, Way};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::{BrokerError, ErrorKind, Reply};

#[derive(Debug, Default)]
pub(crate) struct Nodes {
    /// The one that was used last stands last.
    open: Vec<Open>,
    map: Map,
}

#[derive(Debug)]
struct Open {
    node: Node,
    connection: Connection,
    /// `WATCH` was said here, and since then no `EXEC`.
    watches: bool,
    /// The commands of a transaction that wait here for its `EXEC`; `None` without `MULTI`.
    queued: Option<u64>,
}

/// What a command is to a transaction.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Watch,
    Multi,
    End,
    Unwatch,
    /// It goes to the node that was asked last.
    Wait,
    Other,
}

impl Role {
    fn of(name: &[u8]) -> Role {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        match name.len() {
            4 if is("EXEC") => Role::End,
            4 if is("WAIT") => Role::Wait,
            5 if is("WATCH") => Role::Watch,
            5 if is("MULTI") => Role::Multi,
            5 if is("RESET") => Role::End,
            7 if is("DISCARD") => Role::End,
            7 if is("UNWATCH") => Role::Unwatch,
            7 if is("WAITAOF") => Role::Wait,
            _ => Role::Other,
        }
    }
}

impl Nodes {
    /// The same knowledge, without the connections.
    pub(crate) fn map(&self) -> Map {
        self.map.clone()
    }

    pub(crate) fn knowing(map: Map) -> Nodes {
        Nodes {
            open: Vec::new(),
            map,
        }
    }

    pub(crate) fn close(&mut self) {
        self.open.clear();
    }

    /// Sends a command to the node that it is for, and waits for the reply. A connection that fails is closed: its late reply must not become
    /// that to another call.
    pub(crate) fn call(
        &mut self,
        route: &Route,
        command: &[impl AsRef<[u8]>],
        wait: Wait,
        deadline: Deadline,
    ) -> Result<Reply, BrokerError> {
        let role = Role::of(command[0].as_ref());
        let late = |error: BrokerError, what: &[u8], wait| match error.kind() {
            ErrorKind::TimedOut => route.late(error, &String::from_utf8_lossy(what), wait),
            _ => error,
        };
        self.open.retain(|open| open.connection.is_ours());
        let mut way = Way::to(self.node_for(role, command), route, deadline);
        loop {
            let mut open = self
                .take(&mut way)
                .map_err(|error| late(error, b"connect", Wait::No))?;
            let reply = match open.exchange(command, way.asking, deadline) {
                Ok(reply) => reply,
                Err(error) => {
                    self.map.forget(&open.node);
                    return Err(late(error, command[0].as_ref(), wait));
                }
            };
            let Reply::Error(words) = reply else {
                open.note(role, &reply);
                self.open.push(open);
                return Ok(reply);
            };
            let answer = Answer::of(&words);
            let is_final = answer == Answer::Final;
            let stays = match answer {
                // A transaction with nothing in it can still begin at another node, if that has the key for good.
                Answer::Moved { .. } => open.has_begun(),
                _ => open.queued.is_some(),
            } || (open.watches && role != Role::Other);
            open.note_error(role, is_final);
            self.open.push(open);
            if stays && !is_final {
                return Err(BrokerError::server(&words).more(format_args!(
                    "A transaction is at one node. All its keys need the same word in braces, as in {{tasks}}:todo and {{tasks}}:doing. If \
                     they have it, they are on their way to another node: {}begin again.",
                    if role == Role::End { "" } else { "DISCARD, and " }
                )));
            }
            way.follow(&words, &mut self.map)?;
        }
    }

    /// Where a command goes first.
    fn node_for(&self, role: Role, command: &[impl AsRef<[u8]>]) -> Node {
        let is_for = |open: &&Open| match role {
            Role::Wait => true,
            Role::Other => open.queued.is_some(),
            _ => open.queued.is_some() || open.watches,
        };
        match self.open.iter().rev().find(is_for) {
            // The first key of a transaction decides where it is.
            Some(open) if role == Role::Other && !open.has_begun() => {
                self.map.node_of(command).or_else(|| open.node.clone())
            }
            Some(open) => open.node.clone(),
            None => self.map.node_of(command),
        }
    }

    /// The connection to the node on the way, and with it the transaction that has nothing in it yet.
    fn take(&mut self, way: &mut Way<'_>) -> Result<Open, BrokerError> {
        let begun = self
            .open
            .iter()
            .position(|open| open.queued.is_some() && !open.has_begun() && open.node != way.node);
        if let Some(at) = begun {
            let mut open = self.open.remove(at);
            way.tell(&mut open.connection, "DISCARD")?;
            open.queued = None;
            self.open.push(open);
        }
        let mut open = loop {
            if let Some(at) = self.open.iter().position(|open| open.node == way.node) {
                break self.open.remove(at);
            }
            if let Some(connection) = way.try_connect(&mut self.map)? {
                break Open {
                    node: way.node.clone(),
                    connection,
                    watches: false,
                    queued: None,
                };
            }
        };
        if begun.is_some() {
            way.tell(&mut open.connection, "MULTI")?;
            open.queued = Some(0);
        }
        Ok(open)
    }
}

impl Open {
    /// Whether a transaction here has something in it, or something before it, and so cannot move.
    fn has_begun(&self) -> bool {
        self.queued.is_some_and(|queued| queued > 0 || self.watches)
    }

    fn exchange(
        &mut self,
        command: &[impl AsRef<[u8]>],
        asking: bool,
        deadline: Deadline,
    ) -> Result<Reply, BrokerError> {
        if asking {
            self.connection.exchange(&["ASKING"], deadline)?;
        }
        self.connection.send(command, deadline)?;
        self.connection.receive(deadline)
    }

    /// Remembers what a command has done to the transaction.
    fn note(&mut self, role: Role, reply: &Reply) {
        match role {
            Role::Watch => self.watches = true,
            Role::Multi => self.queued = Some(0),
            Role::End => (self.watches, self.queued) = (false, None),
            Role::Unwatch if self.queued.is_none() => self.watches = false,
            _ => {}
        }
        if let (Some(queued), true) = (&mut self.queued, *reply == "QUEUED") {
            *queued += 1;
        }
    }

    /// The same for one that the server refused.
    fn note_error(&mut self, role: Role, is_final: bool) {
        match (role, &mut self.queued) {
            (Role::End, Some(_)) => (self.watches, self.queued) = (false, None),
            // The server remembers it, and will refuse EXEC.
            (_, Some(queued)) if is_final => *queued += 1,
            _ => {}
        }
    }
}
