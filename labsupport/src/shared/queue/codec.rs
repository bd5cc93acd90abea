//! A message as bytes, and back: postcard, straight into the ring and straight out of it.

use super::{GetError, ring::ALIGN};
use postcard::ser_flavors::{Flavor, Size};
use postcard::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;

/// From this many bytes on it pays to move them to a better address.
const LARGE: usize = 1 << 10;

/// Where `malloc` puts a buffer. The C library's `memcpy` is fast only if source and target are aligned alike, on some processors several times
/// as fast, and in a ring that would be chance.
const BEST: usize = 2 * ALIGN;

/// Writes `message` into `room`, and returns where. `SerializeBufferFull` if it does not fit.
pub(super) fn encode_into(message: &impl Serialize, room: &mut [u8]) -> Result<Range<usize>> {
    let place = Place {
        room,
        message: 0..0,
    };
    postcard::serialize_with_flavor(message, place)
}

/// The number of bytes that [`encode_into`] writes.
pub(super) fn encoded_size(message: &impl Serialize) -> Result<usize> {
    postcard::serialize_with_flavor(message, Size::default())
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, GetError> {
    postcard::from_bytes(bytes).map_err(|error| GetError::Unreadable(error.to_string()))
}

/// The part of `room`, `len` bytes long, that begins at the first address where large messages are copied fast, or at the front if there are
/// too few bytes for that. `room` has at least `len` bytes.
pub(super) fn best_place(room: &[u8], len: usize) -> Range<usize> {
    let skip = skip(room, 0, len);
    skip..skip + len
}

/// How far what comes to byte `at` of `room` should move to be copied fast; 0 if it is not worth it or there is no room for that.
fn skip(room: &[u8], at: usize, len: usize) -> usize {
    let address = room.as_ptr() as usize + at;
    let skip = address.next_multiple_of(BEST) - address;
    if len >= LARGE && at + skip + len <= room.len() {
        skip
    } else {
        0
    }
}

/// A message that grows from the front of `room`.
struct Place<'a> {
    room: &'a mut [u8],
    message: Range<usize>,
}

impl Place<'_> {
    /// Moves what is there so far, most often a length, so that the next `len` bytes are copied fast.
    fn improve(&mut self, len: usize) {
        let skip = skip(self.room, self.message.end, len);
        self.room.copy_within(self.message.clone(), skip);
        self.message = skip..self.message.end + skip;
    }

    /// The next `len` bytes of the message.
    #[inline]
    fn next(&mut self, len: usize) -> Result<&mut [u8]> {
        if len > self.left() {
            self.give_up_skip();
        }
        if len > self.left() {
            return Err(Error::SerializeBufferFull);
        }
        let start = self.message.end;
        self.message.end += len;
        Ok(&mut self.room[start..start + len])
    }

    fn left(&self) -> usize {
        self.room.len() - self.message.end
    }

    /// Without the bytes that were skipped the message may fit.
    #[cold]
    fn give_up_skip(&mut self) {
        self.room.copy_within(self.message.clone(), 0);
        self.message = 0..self.message.len();
    }
}

impl Flavor for Place<'_> {
    type Output = Range<usize>;

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.next(1)?[0] = byte;
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        // The first many bytes decide where the message begins.
        if bytes.len() >= LARGE && self.message.end <= BEST {
            self.improve(bytes.len());
        }
        self.next(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> Result<Range<usize>> {
        Ok(self.message)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Room that begins `at` bytes behind a good address.
    fn with_room<R>(at: usize, len: usize, test: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut bytes = vec![0xAA; BEST + at + len];
        let start = bytes.as_ptr().align_offset(BEST) + at;
        test(&mut bytes[start..start + len])
    }

    #[test]
    fn many_bytes_lie_at_a_good_address_and_few_at_the_front() {
        let large = "x".repeat(LARGE);
        for at in 0..BEST {
            with_room(at, 2 * LARGE, |room| {
                let message = encode_into(&(7u8, &large), room).unwrap();
                assert_eq!(decode(&room[message.clone()]), Ok((7u8, large.clone())));
                let text = room[message.end - LARGE..].as_ptr() as usize;
                assert_eq!((text % BEST, message.start < BEST), (0, true));
                assert_eq!(encode_into(&"short", room), Ok(0..6));
            });
        }
    }

    #[test]
    fn a_message_that_fills_the_room_begins_at_the_front() {
        let large = "x".repeat(LARGE);
        let len = encoded_size(&large).unwrap();
        for at in 0..BEST {
            with_room(at, len, |room| {
                assert_eq!(encode_into(&large, room), Ok(0..len));
                assert_eq!(best_place(room, len), 0..len);
            });
            with_room(at, len - 1, |room| {
                assert_eq!(encode_into(&large, room), Err(Error::SerializeBufferFull));
            });
            let more = (&large, [7u8; 20], [7u8; 20]);
            with_room(at, len + 40, |room| {
                assert_eq!(encode_into(&more, room), Ok(0..len + 40));
                assert_eq!(decode(room), Ok((large.clone(), [7u8; 20], [7u8; 20])));
            });
        }
    }
}
