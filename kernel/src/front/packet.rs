//! What the tap sends to the front: packets over a datagram socket, which keeps their order and never splits or loses one.
//!
//! ```text
//!  byte 0   kind
//!  byte 1   '+' there is more of this, '.' this is all
//!  byte 2…  at most 32 KiB of it
//! ```
//!
//! A runtime that is killed in the middle leaves a packet without its end; [`Parcels::reset`] forgets it.

use std::os::unix::net::UnixDatagram;

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
}

const KINDS: [Kind; 6] = [
    Kind::Stdout,
    Kind::Stderr,
    Kind::Display,
    Kind::Result,
    Kind::Panicked,
    Kind::Failed,
];

/// Sends `content`, in as many packets as it takes. Waits while the front is behind; a front that is gone takes nothing.
pub fn send(front: &UnixDatagram, kind: Kind, content: &[u8]) {
    let parts = content.chunks(PART).count().max(1);
    for part in 0..parts {
        let bytes = &content[part * PART..content.len().min((part + 1) * PART)];
        let mut packet = Vec::with_capacity(bytes.len() + 2);
        packet.push(kind as u8);
        packet.push(if part + 1 < parts { b'+' } else { b'.' });
        packet.extend_from_slice(bytes);
        if front.send(&packet).is_err() {
            return;
        }
    }
}

/// Puts packets together again.
#[derive(Default)]
pub struct Parcels {
    begun: Vec<u8>,
}

impl Parcels {
    /// Takes a packet in; whole content comes out, sooner or later. A packet that is none of ours is dropped.
    pub fn take(&mut self, packet: &[u8]) -> Option<(Kind, Vec<u8>)> {
        let [kind, more, bytes @ ..] = packet else {
            return None;
        };
        let kind = KINDS.into_iter().find(|known| *known as u8 == *kind)?;
        self.begun.extend_from_slice(bytes);
        (*more == b'.').then(|| (kind, std::mem::take(&mut self.begun)))
    }

    /// Forgets what was begun: its sender is gone.
    pub fn reset(&mut self) {
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_arrives_whole_and_in_order() {
        let (here, there) = UnixDatagram::pair().unwrap();
        let long = vec![7; 3 * PART + 1];
        let sender = std::thread::spawn({
            let long = long.clone();
            move || {
                send(&there, Kind::Stdout, b"one");
                send(&there, Kind::Display, &long);
                send(&there, Kind::Panicked, b"");
                send(&there, Kind::Result, &[1; PART]);
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
