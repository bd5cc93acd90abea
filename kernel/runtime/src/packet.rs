//! What the tap sends to the front: packets over a datagram socket, which keeps their order and never splits or loses one.
//!
//! ```text
//!  byte 0   kind
//!  byte 1   '+' there is more of this, '.' this is all
//!  byte 2…  at most 32 KiB of it
//! ```
//!
//! A runtime that is killed in the middle leaves a packet without its end; [`Parcels::reset`] forgets it.

use serde::{Deserialize, Serialize};

/// The most that goes into one packet; small enough for the smallest socket buffers.
const PART: usize = 32 * 1024;

/// The size of a buffer that holds any packet.
pub const LARGEST: usize = PART + 2;

/// What a packet is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of standard output.
    Stdout = b'o' as isize,
    /// Bytes of standard error.
    Stderr = b'e' as isize,
    /// Something to show now, as JSON.
    Display = b'd' as isize,
    /// The cell's result, as JSON.
    Result = b'r' as isize,
    /// The cell panicked; what it said came before.
    Panicked = b'p' as isize,
    /// A `?` ended the cell; the error's text came before.
    Failed = b'f' as isize,
    /// What a panic said, as JSON, from the hook that `labsupport` sets.
    Panic = b'P' as isize,
    /// A cell begins to run.
    Started = b's' as isize,
    /// A cell was not begun, since it was stopped while it was compiled.
    Skipped = b'k' as isize,
    /// A cell reads standard input, as JSON: `{"prompt": …, "password": …}`.
    Asked = b'q' as isize,
    /// The process in which cells run has ended, as JSON: [`Ended`].
    Ended = b'x' as isize,
    /// The cell asks the front itself, as JSON, and waits for [`Order::Reply`].
    Question = b'Q' as isize,
}

/// How the process in which cells run has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The number of the signal that killed it.
    pub signal: Option<i32>,
    /// Its exit status otherwise.
    pub status: i32,
    /// What its own signal handler saw before.
    pub crash: Option<Crash>,
    /// Whether the copy from before the cell goes on in its place.
    pub kept: bool,
    /// Whether a cell was running.
    pub in_cell: bool,
    /// Whether other threads were there when the cell began, so that there was no copy.
    pub threads: bool,
}

/// What the handler of a signal saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Crash {
    /// An access just beyond the stack's end.
    StackOverflow,
    /// Any other bad access.
    BadAccess,
    /// An instruction that the processor does not know.
    BadInstruction,
}

const KINDS: [Kind; 12] = [
    Kind::Stdout,
    Kind::Stderr,
    Kind::Display,
    Kind::Result,
    Kind::Panicked,
    Kind::Failed,
    Kind::Panic,
    Kind::Started,
    Kind::Skipped,
    Kind::Asked,
    Kind::Ended,
    Kind::Question,
];

/// What the front sends to the tap: one packet each, its first byte says which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The notebook lies in this folder.
    Folder(String),
    /// The student's answer; `None` is the end of standard input.
    Answer(Option<String>),
    /// Stop the cell: the one that runs, or the one that is being compiled.
    Stop,
    /// The request is over, and with it a stop.
    Over,
    /// The answer to a [`Kind::Question`].
    Reply(String),
}

impl Order {
    /// The packet.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, text) = match self {
            Order::Folder(folder) => (b'f', folder.as_str()),
            Order::Answer(Some(answer)) => (b'a', answer.as_str()),
            Order::Answer(None) => (b'e', ""),
            Order::Stop => (b's', ""),
            Order::Over => (b'o', ""),
            Order::Reply(answer) => (b'r', answer.as_str()),
        };
        let mut bytes = vec![kind];
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// Reads a packet; `None` if it is not one of ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Order> {
        let (kind, text) = bytes.split_first()?;
        let text = || String::from_utf8_lossy(text).into_owned();
        Some(match kind {
            b'f' => Order::Folder(text()),
            b'a' => Order::Answer(Some(text())),
            b'e' => Order::Answer(None),
            b's' => Order::Stop,
            b'o' => Order::Over,
            b'r' => Order::Reply(text()),
            _ => return None,
        })
    }
}

/// The most bytes that a student's answer may have: it must fit into one packet.
pub const LONGEST_ANSWER: usize = 60 * 1024;

/// `content` as packets, as many as it takes.
pub fn packets(kind: Kind, content: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let parts = content.chunks(PART).count().max(1);
    (0..parts).map(move |part| {
        let bytes = &content[part * PART..content.len().min((part + 1) * PART)];
        let mut packet = Vec::with_capacity(bytes.len() + 2);
        packet.push(kind as u8);
        packet.push(if part + 1 < parts { b'+' } else { b'.' });
        packet.extend_from_slice(bytes);
        packet
    })
}

/// Puts packets together again.
#[derive(Debug, Default)]
pub struct Parcels {
    begun: Vec<u8>,
}

impl Parcels {
    /// Takes a packet in, and returns the content once all of it has come. Drops a packet that is not one of ours.
    pub fn take(&mut self, packet: &[u8]) -> Option<(Kind, Vec<u8>)> {
        let [kind, more, bytes @ ..] = packet else {
            return None;
        };
        let kind = KINDS.into_iter().find(|known| *known as u8 == *kind)?;
        self.begun.extend_from_slice(bytes);
        (*more == b'.').then(|| (kind, std::mem::take(&mut self.begun)))
    }

    /// Forgets content that was begun, because its sender is gone.
    pub fn reset(&mut self) {
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn what_is_sent_arrives_whole_and_in_order() {
        let (here, there) = UnixDatagram::pair().unwrap();
        let long = vec![7; 3 * PART + 1];
        let sender = std::thread::spawn({
            let long = long.clone();
            move || {
                for packet in packets(Kind::Stdout, b"one")
                    .chain(packets(Kind::Display, &long))
                    .chain(packets(Kind::Panicked, b""))
                    .chain(packets(Kind::Result, &[1; PART]))
                {
                    there.send(&packet).unwrap();
                }
            }
        });
        let mut parcels = Parcels::default();
        let mut buffer = [0; LARGEST];
        let mut next = || loop {
            let count = here.recv(&mut buffer).unwrap();
            if let Some(whole) = parcels.take(&buffer[..count]) {
                return whole;
            }
        };
        assert_eq!(next(), (Kind::Stdout, b"one".to_vec()));
        assert_eq!(next(), (Kind::Display, long));
        assert_eq!(next(), (Kind::Panicked, vec![]));
        assert_eq!(next(), (Kind::Result, vec![1; PART]));
        sender.join().unwrap();
    }

    #[test]
    fn orders_arrive_as_they_were_given() {
        for order in [
            Order::Folder("/a folder".into()),
            Order::Answer(Some("forty\n".into())),
            Order::Answer(None),
            Order::Stop,
            Order::Over,
            Order::Reply(r#"{"values":[1.0]}"#.into()),
        ] {
            assert_eq!(Order::from_bytes(&order.to_bytes()), Some(order));
        }
        assert_eq!(Order::from_bytes(b""), None);
        assert_eq!(Order::from_bytes(b"?"), None);
    }

    #[test]
    fn what_was_left_half_sent_is_forgotten() {
        let mut parcels = Parcels::default();
        assert_eq!(parcels.take(b"o+half"), None);
        parcels.reset();
        assert_eq!(
            parcels.take(b"o.whole"),
            Some((Kind::Stdout, b"whole".to_vec()))
        );
        assert_eq!(parcels.take(b"?.strange"), None);
        assert_eq!(parcels.take(b""), None);
    }
}
