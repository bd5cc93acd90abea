//! What the fuzzer and a property test call: any bytes at all, as a client may send them.

use super::frame::{Decoder, MOST, Reply};
use super::store::{Store, refuse_nonsense};

/// Bytes that the store of a run may keep: few, so that runs come to the limit.
const KEPT: usize = 4 << 10;

/// Runs a server's decoder and store over what `input` says.
///
/// The first byte chooses: an even one, and what follows is the stream itself; an odd one, and what follows are frames, each
/// after one byte with its length, so that whole requests are found sooner. The stream comes twice: in one piece, and in
/// pieces. Both must give the same replies, each must be one that a handle can read, and the count of what is kept must be
/// right.
///
/// # Panics
/// Something of that is not so.
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

/// What a server says to a client that sends `stream`, of which `piece` bytes come at a time.
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
    assert!(length == frame.len() && length <= MOST);
    match Reply::parse(frame).expect("a handle can read it") {
        Reply::Failed { closed, .. } => assert_eq!(closed, !stays),
        Reply::Many(count, mut parts) => {
            for _ in 0..count {
                parts.field().expect("so many were announced");
            }
            parts.end().expect("and no more");
        }
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
            requests in vec((0..17u8, 0..3u8, vec(0..3u8, 0..24)), 0..40),
            pieces in any::<u8>(),
        ) {
            // A dict and a list to begin with.
            let mut input = vec![pieces | 1];
            let mut frame = |bytes: &[u8]| {
                input.push(bytes.len() as u8);
                input.extend(bytes);
            };
            frame(b"\x00\x00\x00\x00\x00\x00dict");
            frame(b"\x00\x01\x00\x00\x00\x00list");
            for (op, object, rest) in requests {
                frame(&[&[op, object, 0, 0, 0], &rest[..]].concat());
            }
            fuzz(&input);
        }
    }
}
