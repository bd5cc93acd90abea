//! Frames: how a stream of bytes is cut into messages. `README.md` draws them.

use crate::ManagerError;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

/// The most bytes that a frame may have, without its length.
pub(crate) const MAX_FRAME: usize = 16 << 20;

/// Bytes of the length before each frame, and before each field of [`Fields`].
const LENGTH: usize = 4;

/// A buffer that has grown larger than this is freed when it is empty.
pub(crate) const KEEP: usize = 64 << 10;

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    bytes: Vec<u8>,
    /// Where the first frame begins that was not taken yet. All bytes before it were taken.
    start: usize,
}

impl Decoder {
    /// The buffer, to which the next bytes are to be added, and for how many of them it should have room.
    pub(crate) fn room(&mut self) -> (&mut Vec<u8>, usize) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEEP {
            self.bytes = Vec::new();
        }
        // A frame that has only begun to arrive takes no room for all that it announces.
        let missing = announced(&self.bytes).map_or(0, |length| {
            (LENGTH + length).saturating_sub(self.bytes.len())
        });
        (&mut self.bytes, missing.clamp(4 << 10, KEEP))
    }

    /// The next frame, without its length, if all of it has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Malformed> {
        let rest = &self.bytes[self.start..];
        if announced(rest).is_some_and(|length| length > MAX_FRAME) {
            return Err(Malformed("it announces more bytes than a frame may have"));
        }
        Ok(split(rest).map(|(frame, _)| {
            self.start += LENGTH + frame.len();
            frame
        }))
    }

    /// Whether `next` has something to return.
    pub(crate) fn has_next(&self) -> bool {
        let rest = &self.bytes[self.start..];
        split(rest).is_some() || announced(rest).is_some_and(|length| length > MAX_FRAME)
    }

    /// Bytes of memory that it holds.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}

/// The length that stands here, if all of the length has arrived.
fn announced(bytes: &[u8]) -> Option<usize> {
    let length = bytes.first_chunk::<LENGTH>()?;
    Some(u32::from_le_bytes(*length) as usize)
}

/// What stands behind the length at the front, and what follows. `None` if the bytes end before that.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes[..].get(LENGTH..)?.split_at_checked(announced(bytes)?)
}

/// Adds a frame with this message to `out`. A frame that would be too long is taken back.
pub(crate) fn write<M: Serialize>(message: &M, out: &mut Vec<u8>) -> Result<(), ManagerError> {
    let start = out.len();
    out.extend([0; LENGTH]);
    append(message, out).expect("each part of a message says how long it is");
    let bytes = out.len() - start - LENGTH;
    if bytes > MAX_FRAME {
        out.truncate(start);
        return Err(too_large(bytes));
    }
    out[start..start + LENGTH].copy_from_slice(&(bytes as u32).to_le_bytes());
    Ok(())
}

/// Adds what postcard makes of `value` to `out`.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> postcard::Result<()> {
    postcard::serialize_with_flavor(value, Append(out))
}

/// Where postcard writes to. Its own `to_extend` takes several times as long, because each byte passes through an iterator.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The message in a frame, all of it. What has a length in it borrows its bytes from the frame, so a length that lies costs
/// no memory.
pub(crate) fn read<'a, M: Deserialize<'a>>(frame: &'a [u8]) -> Result<M, Malformed> {
    use postcard::Error::*;
    match postcard::take_from_bytes(frame) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(Malformed("it goes on after its end")),
        Err(DeserializeUnexpectedEnd) => Err(Malformed("it ends before all of it is there")),
        Err(DeserializeBadUtf8) => Err(Malformed("a text is not UTF-8")),
        Err(_) => Err(Malformed("it is no message of this protocol")),
    }
}

/// The bytes are not what they should be; the text says what is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<Malformed> for ManagerError {
    fn from(Malformed(what): Malformed) -> ManagerError {
        ManagerError::Unreadable(what.into())
    }
}

/// The error of a message that does not fit into a frame.
fn too_large(bytes: usize) -> ManagerError {
    let limit = MAX_FRAME;
    ManagerError::TooLarge { bytes, limit }
}

/// Any number of byte strings, one behind the other, each with its length before it.
///
/// By hand and not a `Vec<&[u8]>`: an empty string would take one byte of the frame and sixteen bytes of memory, so a frame
/// of 16 MiB would become 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Result<&'a [u8], Malformed>> {
        if self.0.is_empty() {
            return None;
        }
        let (field, rest) = split(self.0).unzip();
        self.0 = rest.unwrap_or_default();
        Some(field.ok_or(Malformed("a part of it is longer than the whole")))
    }
}

/// Writes byte strings one behind the other, for [`Fields`] to read. If together they are too much for a frame, it only counts.
#[derive(Debug, Default)]
pub(crate) struct FieldsWriter {
    bytes: Vec<u8>,
    length: usize,
}

impl FieldsWriter {
    pub(crate) fn push(&mut self, field: &[u8]) {
        self.length += LENGTH + field.len();
        if self.length <= MAX_FRAME {
            self.bytes.extend((field.len() as u32).to_le_bytes());
            self.bytes.extend_from_slice(field);
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, ManagerError> {
        match self.length {
            0..=MAX_FRAME => Ok(self.bytes),
            bytes => Err(too_large(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// All frames that come when `bytes` do, in pieces of these lengths, and how it ends.
    fn decode(bytes: &[u8], pieces: &[usize]) -> (Vec<Vec<u8>>, Result<(), Malformed>) {
        let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
        let mut rest = bytes;
        let mut pieces = pieces.iter().copied().filter(|&n| n > 0).cycle();
        loop {
            loop {
                let has = decoder.has_next();
                match decoder.next() {
                    Ok(Some(frame)) => frames.push(frame.to_vec()),
                    Ok(None) => {
                        assert!(!has);
                        break;
                    }
                    Err(error) => {
                        assert!(has);
                        return (frames, Err(error));
                    }
                }
                assert!(has);
            }
            if rest.is_empty() {
                return (frames, Ok(()));
            }
            let (room, most) = decoder.room();
            let n = pieces.next().unwrap_or(most).min(most).min(rest.len());
            room.extend_from_slice(&rest[..n]);
            rest = &rest[n..];
        }
    }

    fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend((frame.len() as u32).to_le_bytes());
            bytes.extend(frame);
        }
        bytes
    }

    #[test]
    fn frames_cut_at_every_point_are_the_same_frames() {
        let frames = vec![vec![1, 2, 3], vec![], vec![7; 300], vec![0]];
        let bytes = framed(&frames);
        for cut in 0..=bytes.len() {
            let pieces = [cut, bytes.len() - cut];
            assert_eq!(decode(&bytes, &pieces), (frames.clone(), Ok(())), "{cut}");
        }
        assert_eq!(decode(&bytes, &[1]), (frames, Ok(())));
    }

    #[test]
    fn the_longest_frame_passes_and_one_byte_more_does_not() {
        let (frames, end) = decode(&framed(&[vec![9; MAX_FRAME]]), &[]);
        assert_eq!((frames[0].len(), end), (MAX_FRAME, Ok(())));
        // The announcement is enough: nothing of it needs to come.
        let (frames, end) = decode(&(MAX_FRAME as u32 + 1).to_le_bytes(), &[]);
        assert_eq!((frames.len(), end.is_err()), (0, true));
    }

    #[test]
    fn an_announcement_alone_takes_no_memory() {
        let mut decoder = Decoder::default();
        let bytes = (MAX_FRAME as u32).to_le_bytes();
        decoder.room().0.extend(bytes);
        let (room, most) = decoder.room();
        room.reserve(most);
        assert!(decoder.held() <= 2 * KEEP, "{}", decoder.held());
    }

    #[test]
    fn a_decoder_gives_back_what_a_large_frame_took() {
        let mut decoder = Decoder::default();
        decoder.room().0.extend(framed(&[vec![1; 10 * KEEP]]));
        assert!(decoder.next().unwrap().is_some());
        decoder.room();
        assert_eq!(decoder.held(), 0);
    }

    #[test]
    fn a_frame_that_would_be_too_long_is_taken_back() {
        let mut bytes = vec![1, 2];
        let message = "x".repeat(MAX_FRAME);
        let error = write(&message, &mut bytes).unwrap_err();
        assert_eq!(error, too_large(MAX_FRAME + 4));
        assert_eq!(bytes, [1, 2]);
        write(&&message[4..], &mut bytes).unwrap();
        assert_eq!(bytes.len(), 2 + LENGTH + MAX_FRAME);
    }

    #[test]
    fn fields_that_are_too_much_are_counted_and_not_kept() {
        let mut writer = FieldsWriter::default();
        for _ in 0..20 {
            writer.push(&vec![0; 1 << 20]);
        }
        assert!(writer.bytes.capacity() <= 2 * MAX_FRAME);
        assert_eq!(writer.finish(), Err(too_large(20 * (LENGTH + (1 << 20)))));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_their_pieces_do_not_matter(
            bytes in vec(any::<u8>(), 0..400),
            pieces in vec(1..9usize, 1..20),
        ) {
            let whole = decode(&bytes, &[]);
            prop_assert_eq!(&decode(&bytes, &pieces), &whole);
            let mut fields = Fields(&bytes);
            let whole = fields.all(|field| field.is_ok());
            prop_assert!(whole || fields.next().is_none(), "it ends at what is cut off");
        }

        #[test]
        fn short_frames_in_any_pieces_come_out_as_they_were(
            frames in vec(vec(any::<u8>(), 0..60), 0..20),
            pieces in vec(1..90usize, 1..20),
        ) {
            prop_assert_eq!(decode(&framed(&frames), &pieces), (frames, Ok(())));
        }

        #[test]
        fn fields_come_out_as_they_went_in(fields in vec(vec(any::<u8>(), 0..60), 0..20)) {
            let mut writer = FieldsWriter::default();
            fields.iter().for_each(|field| writer.push(field));
            let bytes = writer.finish().unwrap();
            let read: Result<Vec<&[u8]>, Malformed> = Fields(&bytes).collect();
            prop_assert_eq!(read.unwrap(), fields);
            // Cut short, it is fewer fields or an error.
            for cut in 0..bytes.len() {
                let _ = Fields(&bytes[..cut]).last();
            }
        }
    }
}
