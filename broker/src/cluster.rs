//! What a client knows of a cluster: which node has which part of the keys, <https://valkey.io/topics/cluster-spec/>.
//!
//! It learns as it goes. Any node may be asked; one that has not got the key names the node that has (`MOVED`), and that is remembered. While
//! a key is on its way to another node, the old one names the new one for this command alone (`ASK`). A server that is no part of a cluster
//! names nobody, so nothing is learned of it and nothing is looked up.

use crate::address::Place;
use crate::broker::Route;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::keys::first_key;
use crate::{BrokerError, ErrorKind};
use std::collections::HashMap;
use std::time::Duration;

/// The keys are spread over so many slots.
const SLOTS: u16 = 16384;

/// So often may a command be sent on. A cluster that is in order does it once or twice.
const SENT_ON: u32 = 16;

/// The most nodes that are remembered. A cluster has at most about so many.
const NODES: usize = 1000;

/// The pause before a cluster that is not ready is asked again. It grows up to the longest.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A node of a cluster; `None` is the server that the address names.
pub(crate) type Node = Option<Place>;

/// What has been learned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    slots: HashMap<u16, Place>,
    /// All that were ever named, for the time when one is gone.
    named: Vec<Place>,
}

impl Map {
    /// The node that has the first key of `command`, as far as is known.
    pub(crate) fn node_of(&self, command: &[impl AsRef<[u8]>]) -> Node {
        if self.slots.is_empty() {
            return None;
        }
        self.slots.get(&slot_of(first_key(command)?)).cloned()
    }

    fn learn(&mut self, slot: u16, place: &Place) {
        if !self.named.contains(place) && self.named.len() < NODES {
            self.named.push(place.clone());
        }
        self.slots.insert(slot, place.clone());
    }

    /// A node that failed may have lost its keys to another one.
    pub(crate) fn forget(&mut self, node: &Node) {
        if let Some(node) = node {
            self.slots.retain(|_, place| place != node);
        }
    }
}

/// The slot of `key`. If it has a part in braces, that part alone decides.
fn slot_of(key: &[u8]) -> u16 {
    let open = key.iter().position(|byte| *byte == b'{');
    let inside = open.and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        Some(&rest[..close]).filter(|inside| !inside.is_empty())
    });
    crc16(inside.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => (crc << 1) ^ 0x1021,
        })
    })
}

/// The way of one command through a cluster: where it goes next, and where it need not go again.
pub(crate) struct Way<'a> {
    route: &'a Route,
    deadline: Deadline,
    pub(crate) node: Node,
    /// The node takes the command only after `ASKING`.
    pub(crate) asking: bool,
    sent_on: u32,
    pause: Duration,
    gone: Vec<(Node, BrokerError)>,
}

/// What a server's error means for the way of a command that was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Another node has the key.
    Moved { slot: u16, host: String, port: u16 },
    /// The key is on its way to another node, which takes this one command.
    Ask { host: String, port: u16 },
    /// The cluster is not ready.
    Later,
    /// An error like any other.
    Final,
}

impl Answer {
    pub(crate) fn of(words: &str) -> Answer {
        let mut parts = words.split(' ');
        let code = parts.next().unwrap_or_default();
        if matches!(code, "CLUSTERDOWN" | "TRYAGAIN") {
            return Answer::Later;
        }
        if !matches!(code, "MOVED" | "ASK") {
            return Answer::Final;
        }
        let slot = parts.next().and_then(|slot| slot.parse().ok());
        // An IPv6 address has colons of its own, without brackets.
        let place = parts.next().and_then(|place| place.rsplit_once(':'));
        let place = place.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match (slot.filter(|slot| *slot < SLOTS), place) {
            (Some(slot), Some((host, port))) => {
                let host = if host == "?" { "" } else { host }.to_string();
                match code {
                    "MOVED" => Answer::Moved { slot, host, port },
                    _ => Answer::Ask { host, port },
                }
            }
            _ => Answer::Final,
        }
    }
}

impl<'a> Way<'a> {
    pub(crate) fn to(node: Node, route: &'a Route, deadline: Deadline) -> Way<'a> {
        Way {
            route,
            deadline,
            node,
            asking: false,
            sent_on: 0,
            pause: PAUSE,
            gone: Vec::new(),
        }
    }

    /// Connects to the node, and to another one that is known if nothing listens there any more.
    pub(crate) fn connect(&mut self, map: &mut Map) -> Result<Connection, BrokerError> {
        loop {
            if let Some(connection) = self.try_connect(map)? {
                return Ok(connection);
            }
        }
    }

    /// Connects to the node. If nothing listens there any more and another node is known, there is no connection, and the way leads to that one.
    pub(crate) fn try_connect(&mut self, map: &mut Map) -> Result<Option<Connection>, BrokerError> {
        if let Some((_, error)) = self.gone.iter().find(|(node, _)| *node == self.node) {
            // All who were asked instead name it again.
            return Err(error.clone().more(
                "The other nodes of the cluster still name this one. If it has a replica, that takes its place within some seconds: call \
                 again.",
            ));
        }
        let address = self.route.to(&self.node)?;
        let error = match Connection::open(&address, self.deadline) {
            Err(error) if error.kind() == ErrorKind::Refused => error,
            opened => return opened.map(Some),
        };
        map.forget(&self.node);
        self.gone.push((self.node.take(), error));
        self.asking = false;
        let is_gone = |node: &Node| self.gone.iter().any(|(gone, _)| gone == node);
        let others = map.named.iter().cloned().map(Some);
        match std::iter::once(None)
            .chain(others)
            .find(|node| !is_gone(node))
        {
            Some(node) => self.node = node,
            None => return Err(self.gone.swap_remove(0).1),
        }
        Ok(None)
    }

    /// Says `word` to a node.
    pub(crate) fn tell(&self, connection: &mut Connection, word: &str) -> Result<(), BrokerError> {
        connection.exchange(&[word], self.deadline).map(drop)
    }

    /// Takes an error that the node has sent. `Ok`: the command goes to the node that stands here now. `Err`: the error is final.
    pub(crate) fn follow(&mut self, words: &str, map: &mut Map) -> Result<(), BrokerError> {
        let answer = Answer::of(words);
        match answer {
            Answer::Final => return Err(BrokerError::server(words)),
            Answer::Later => return self.wait(words),
            _ if self.sent_on == SENT_ON => {
                return Err(BrokerError::server(words).more(format_args!(
                    "The command was sent on {SENT_ON} times, and each node named another one: `CLUSTER NODES` at each shows what it believes."
                )));
            }
            _ => self.sent_on += 1,
        }
        match answer {
            Answer::Moved { slot, host, port } => {
                let place = self.named(&host, port);
                map.learn(slot, &place);
                self.node = Some(place);
                self.asking = false;
            }
            Answer::Ask { host, port } => {
                self.node = Some(self.named(&host, port));
                self.asking = true;
            }
            Answer::Later | Answer::Final => {}
        }
        Ok(())
    }

    /// The node of which the node on the way speaks.
    fn named(&self, host: &str, port: u16) -> Place {
        let speaker = self.node.as_ref().unwrap_or(self.route.server_place());
        named(speaker, host, port)
    }

    /// Waits a moment before the cluster is asked again.
    fn wait(&mut self, words: &str) -> Result<(), BrokerError> {
        match self.deadline.left() {
            Some(left) if left > self.pause => {
                std::thread::sleep(self.pause);
                self.pause = (2 * self.pause).min(LONGEST_PAUSE);
                Ok(())
            }
            _ => Err(BrokerError::server(words).more(format_args!(
                "It was asked again and again for {}.",
                labsupport::measure::human(self.deadline.limit())
            ))),
        }
    }
}

/// The node of which `speaker` speaks. Without a host it is on the same machine. It is spoken to in the same way, with TLS or without.
pub(crate) fn named(speaker: &Place, host: &str, port: u16) -> Place {
    let (own, tls) = match speaker {
        Place::Tcp { host, tls, .. } => (host.as_str(), tls.clone()),
        Place::Unix(_) => ("localhost", None),
    };
    let host = if host.is_empty() { own } else { host };
    Place::Tcp {
        host: host.into(),
        port,
        tls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_slot_that_the_specification_says() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of(b"foo"), 12182);
        for (key, same) in [
            ("{user1000}.following", "user1000"),
            ("foo{bar}{zap}", "bar"),
            ("foo{{bar}}zap", "{bar"),
            ("doing:{tasks}:anna", "tasks"),
        ] {
            assert_eq!(slot_of(key.as_bytes()), slot_of(same.as_bytes()), "{key}");
        }
        // Nothing between the first braces, or no second one: the whole key counts.
        for whole in ["foo{}{bar}", "foo{bar"] {
            let bytes = whole.as_bytes();
            assert_eq!(slot_of(bytes), crc16(bytes) % SLOTS, "{whole}");
        }
    }

    #[test]
    fn what_a_node_says_is_read() {
        let moved = |host: &str, port| Answer::Moved {
            slot: 3999,
            host: host.into(),
            port,
        };
        assert_eq!(
            Answer::of("MOVED 3999 127.0.0.1:6381"),
            moved("127.0.0.1", 6381)
        );
        assert_eq!(
            Answer::of("MOVED 3999 2001:db8::1:6381"),
            moved("2001:db8::1", 6381)
        );
        assert_eq!(Answer::of("MOVED 3999 :6381"), moved("", 6381));
        assert_eq!(Answer::of("MOVED 3999 ?:6381"), moved("", 6381));
        let ask = Answer::Ask {
            host: "b".into(),
            port: 1,
        };
        assert_eq!(Answer::of("ASK 1 b:1"), ask);
        assert_eq!(Answer::of("CLUSTERDOWN The cluster is down"), Answer::Later);
        for words in [
            "",
            "ERR no",
            "MOVED",
            "MOVED 16384 a:1",
            "MOVED 1 a",
            "MOVED 1 a:65536",
            "MOVED x a:1",
        ] {
            assert_eq!(Answer::of(words), Answer::Final, "{words}");
        }
    }
}
