//! What the fuzzer and the property tests call: any bytes at all, as a client may send them.

use crate::frame::{self, Decoder, MAX_FRAME};
use crate::protocol::Reply;
use crate::store::{Store, refuse_nonsense};

/// Bytes that the store of a run may keep: few, so that runs reach the limit.
const KEPT: usize = 4 << 10;

/// Feeds `input` to a server's decoder and store.
///
/// If the first byte is even, the rest is the stream itself. If it is odd, frames follow, each after one byte with its length,
/// so that the fuzzer finds whole requests sooner. The stream comes twice: in one piece, and in pieces. Both must give the same
/// replies, a handle must be able to read each reply, and the count of the bytes kept must be right.
///
/// # Panics
/// One of these rules is broken.
pub fn fuzz(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else {
        return;
    };
    let stream = if how % 2 == 0 {
        rest.to_vec()
    } else {
        framed(rest)
    };
    let whole = replies(&stream, usize::MAX);
    let pieces = replies(&stream, 1 + usize::from(how / 2) % 32);
    assert_eq!(whole, pieces, "the replies depend on how the bytes came");
}

fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let (frame, rest) = rest.split_at(rest.len().min(length.into()));
        stream.extend((frame.len() as u32).to_le_bytes());
        stream.extend(frame);
        bytes = rest;
    }
    stream
}

/// What a server replies to a client that sends `stream`, of which `piece` bytes come at a time.
fn replies(mut stream: &[u8], piece: usize) -> Vec<u8> {
    let (mut decoder, mut store, mut out) = (Decoder::default(), Store::new(KEPT), Vec::new());
    let mut stays = true;
    while stays && !stream.is_empty() {
        let (room, most) = decoder.room();
        let (come, rest) = stream.split_at(stream.len().min(most).min(piece));
        room.extend_from_slice(come);
        stream = rest;
        while stays {
            let before = out.len();
            stays = match decoder.next() {
                Ok(Some(frame)) => store.handle(frame, &mut out),
                Ok(None) => break,
                Err(what) => {
                    refuse_nonsense(what, &mut out);
                    false
                }
            };
            check_reply(&out[before..], stays);
            let (kept, counted) = store.recount();
            assert!(kept == counted && kept <= KEPT, "{kept}, not {counted}");
        }
    }
    out
}

/// Each request has one reply, whole and readable.
fn check_reply(bytes: &[u8], stays: bool) {
    let (length, frame) = bytes.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
    assert!(length == frame.len() && length <= MAX_FRAME);
    match frame::read(frame).expect("a handle can read it") {
        Reply::Closed(_) => assert!(!stays),
        Reply::Many(mut fields) => assert!(fields.all(|field| field.is_ok()) && stays),
        _ => assert!(stays),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_get_replies_that_do_not_depend_on_their_pieces(input in vec(any::<u8>(), 0..300)) {
            fuzz(&input);
        }

        /// Frames that are nearly right, on few objects with few keys.
        #[test]
        fn likely_requests_too(
            requests in vec((0..4u8, 0..3u8, 0..10u8, vec(0..3u8, 0..24)), 0..40),
            pieces in any::<u8>(),
        ) {
            // A dict and a list to begin with.
            let mut input = vec![pieces | 1];
            let mut frame = |bytes: &[u8]| {
                input.push(bytes.len() as u8);
                input.extend(bytes);
            };
            frame(b"\x00\x00\x00\x04dict");
            frame(b"\x00\x01\x00\x04list");
            for (kind, object, op, rest) in requests {
                frame(&[&[kind, object, op], &rest[..]].concat());
            }
            fuzz(&input);
        }
    }
}
