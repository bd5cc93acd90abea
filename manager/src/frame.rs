//! The wire protocol: what a handle and the server say to each other. `README.md` beside this file draws it.

use super::ManagerError;
use serde::Serialize;
use std::mem;

/// The most bytes of a frame, without its length.
pub(super) const MOST: usize = 16 << 20;

/// Bytes of the length before each frame.
const LENGTH: usize = 4;

/// The length of an optional field that is not there. No field is that long: a frame is shorter.
const ABSENT: u32 = u32::MAX;

/// A buffer that has grown past this is given back when it is empty.
const KEEP: usize = 64 << 10;

/// The bytes are not what they should be: the text says what was wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// Where the first frame that was not taken yet begins; all before it was.
    start: usize,
}

impl Decoder {
    /// The buffer, to which the bytes that come next are to be added, and how many of them to ask for.
    pub(super) fn room(&mut self) -> (&mut Vec<u8>, usize) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEEP {
            self.bytes = Vec::new();
        }
        // A frame that only begins to come takes no room for all that it announces.
        let missing = announced(&self.bytes)
            .map_or(0, |most| (LENGTH + most).saturating_sub(self.bytes.len()));
        (&mut self.bytes, missing.clamp(4 << 10, KEEP))
    }

    /// The next frame, without its length, if all of it has come.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Malformed> {
        let rest = &self.bytes[self.start..];
        let Some(length) = announced(rest) else {
            return Ok(None);
        };
        if length > MOST {
            return Err(Malformed("it announces more bytes than a frame may have"));
        }
        let Some(frame) = rest.get(LENGTH..LENGTH + length) else {
            return Ok(None);
        };
        self.start += LENGTH + length;
        Ok(Some(frame))
    }

    /// Whether `next` has something to say.
    pub(super) fn has_next(&self) -> bool {
        let rest = &self.bytes[self.start..];
        announced(rest).is_some_and(|length| length > MOST || rest.len() >= LENGTH + length)
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}

/// The length of the frame that begins here, if as much as its length has come.
fn announced(bytes: &[u8]) -> Option<usize> {
    let length = bytes.first_chunk::<LENGTH>()?;
    Some(u32::from_le_bytes(*length) as usize)
}

/// A frame in the making, at the end of a buffer.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    /// Bytes that it would have without a limit. Above the limit nothing more is written, only counted.
    length: usize,
}

impl Draft<'_> {
    /// A frame that begins with `tag`.
    pub(super) fn begin(bytes: &mut Vec<u8>, tag: u8) -> Draft<'_> {
        let start = bytes.len();
        bytes.extend([0; LENGTH]);
        bytes.push(tag);
        Draft {
            bytes,
            start,
            length: 1,
        }
    }

    /// Bytes as they are: the last part of a frame, which needs no length, or a part that has always the same one.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        if self.length <= MOST {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn count(&mut self, count: u32) {
        self.raw(&count.to_le_bytes());
    }

    pub(super) fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// A field: its length and its bytes.
    pub(super) fn field(&mut self, bytes: &[u8]) {
        // What is cut off here belongs to a frame that is too long anyway.
        self.count(bytes.len() as u32);
        self.raw(bytes);
    }

    /// A field that may not be there.
    pub(super) fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.field(bytes),
            None => self.count(ABSENT),
        }
    }

    /// A value, as `serde` and postcard write it, to the end of the frame.
    pub(super) fn rest<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ManagerError> {
        if self.length > MOST {
            return Ok(());
        }
        let before = self.bytes.len();
        let bytes = mem::take(self.bytes);
        *self.bytes = postcard::to_extend(value, bytes)
            .map_err(|error| ManagerError::Unserialisable(error.to_string()))?;
        self.length += self.bytes.len() - before;
        Ok(())
    }

    /// A value as a field.
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ManagerError> {
        self.count(0);
        let begin = self.bytes.len();
        self.rest(value)?;
        if self.length <= MOST {
            let length = (self.bytes.len() - begin) as u32;
            self.bytes[begin - LENGTH..begin].copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    /// A value that may not be there.
    pub(super) fn optional_value<T: Serialize>(
        &mut self,
        value: Option<&T>,
    ) -> Result<(), ManagerError> {
        match value {
            Some(value) => self.value(value),
            None => {
                self.optional(None);
                Ok(())
            }
        }
    }

    /// Writes the length. A frame that is too long is taken back; the error is how long it would be.
    pub(super) fn finish(self) -> Result<(), usize> {
        if self.length > MOST {
            self.bytes.truncate(self.start);
            return Err(self.length);
        }
        let length = (self.length as u32).to_le_bytes();
        self.bytes[self.start..self.start + LENGTH].copy_from_slice(&length);
        Ok(())
    }
}

/// The parts of a frame, from its front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl<'a> Parts<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (part, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(Malformed("it ends in the middle of a number"))?;
        self.0 = rest;
        Ok(*part)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.take().map(|[byte]| byte)
    }

    pub(super) fn count(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        self.take().map(u64::from_le_bytes)
    }

    pub(super) fn optional(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.count()? {
            ABSENT => Ok(None),
            length => {
                let (field, rest) = self
                    .0
                    .split_at_checked(length as usize)
                    .ok_or(Malformed("a part of it is longer than the whole"))?;
                self.0 = rest;
                Ok(Some(field))
            }
        }
    }

    pub(super) fn field(&mut self) -> Result<&'a [u8], Malformed> {
        self.optional()?
            .ok_or(Malformed("a part is missing that must be there"))
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        mem::take(&mut self.0)
    }

    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed("it goes on after its end"))
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Dict = 0,
    List = 1,
}

/// The first byte of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Op {
    Open = 0,
    Len,
    Items,
    Clear,
    // A dict's alone.
    Get,
    Insert,
    Remove,
    Contains,
    Keys,
    Swap,
    // A list's alone.
    At,
    Set,
    Push,
    Pop,
    Extend,
    SwapAt,
}

/// What a handle asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// The number of the object with this name; it is made if there is none.
    Open {
        kind: Kind,
        /// The types, in words.
        types: &'a str,
        name: &'a str,
    },
    /// Something with the object of that number.
    Object(u32, Ask<'a>),
}

/// What is asked of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask<'a> {
    Len,
    Items,
    Clear,
    Get {
        key: &'a [u8],
    },
    Insert {
        key: &'a [u8],
        value: &'a [u8],
    },
    Remove {
        key: &'a [u8],
    },
    Contains {
        key: &'a [u8],
    },
    Keys,
    Swap {
        key: &'a [u8],
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    },
    At {
        index: u64,
    },
    Set {
        index: u64,
        value: &'a [u8],
    },
    Push {
        value: &'a [u8],
    },
    Pop,
    /// So many fields follow, which were looked at.
    Extend {
        count: u32,
        values: Parts<'a>,
    },
    SwapAt {
        index: u64,
        expected: &'a [u8],
        new: &'a [u8],
    },
}

impl<'a> Request<'a> {
    /// Reads a frame that has come to the server.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Request<'a>, Malformed> {
        use Op::*;
        const OPS: [Op; 16] = [
            Open, Len, Items, Clear, Get, Insert, Remove, Contains, Keys, Swap, At, Set, Push, Pop,
            Extend, SwapAt,
        ];
        let mut parts = Parts(frame);
        let op = OPS.get(parts.byte()? as usize).ok_or(Malformed(
            "it asks for something that the manager cannot do",
        ))?;
        let text = |bytes| str::from_utf8(bytes).map_err(|_| Malformed("a text is not UTF-8"));
        if *op == Open {
            let kind = match parts.byte()? {
                0 => Kind::Dict,
                1 => Kind::List,
                _ => {
                    return Err(Malformed(
                        "it opens something that is neither dict nor list",
                    ));
                }
            };
            let types = text(parts.field()?)?;
            let name = text(parts.rest())?;
            return Ok(Request::Open { kind, types, name });
        }
        let object = parts.count()?;
        let ask = match op {
            Open => unreachable!("that was taken care of"),
            Len => Ask::Len,
            Items => Ask::Items,
            Clear => Ask::Clear,
            Keys => Ask::Keys,
            Pop => Ask::Pop,
            Get => Ask::Get { key: parts.rest() },
            Remove => Ask::Remove { key: parts.rest() },
            Contains => Ask::Contains { key: parts.rest() },
            Push => Ask::Push {
                value: parts.rest(),
            },
            Insert => Ask::Insert {
                key: parts.field()?,
                value: parts.rest(),
            },
            Swap => Ask::Swap {
                expected: parts.optional()?,
                new: parts.optional()?,
                key: parts.rest(),
            },
            At => Ask::At {
                index: parts.number()?,
            },
            Set => Ask::Set {
                index: parts.number()?,
                value: parts.rest(),
            },
            SwapAt => Ask::SwapAt {
                index: parts.number()?,
                expected: parts.field()?,
                new: parts.rest(),
            },
            Extend => {
                let count = parts.count()?;
                let values = parts;
                // All or nothing: no part of it is added before all of it was looked at.
                for _ in 0..count {
                    parts.field()?;
                }
                Ask::Extend { count, values }
            }
        };
        parts.end()?;
        Ok(Request::Object(object, ask))
    }
}

/// The first byte of a reply.
pub(super) mod tag {
    pub(in super::super) const DONE: u8 = 0;
    pub(in super::super) const ABSENT: u8 = 1;
    pub(in super::super) const VALUE: u8 = 2;
    pub(in super::super) const NUMBER: u8 = 3;
    pub(in super::super) const MANY: u8 = 4;
    pub(in super::super) const FAILED: u8 = 5;
    /// As `FAILED`, and the server closes the connection.
    pub(in super::super) const CLOSED: u8 = 6;
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// It is done, and there is nothing to say.
    Done,
    /// There is no such value.
    Absent,
    /// A value as it was sent here once.
    Value(&'a [u8]),
    /// A number: how many, which, or 0 and 1 for no and yes.
    Number(u64),
    /// So many fields.
    Many(u32, Parts<'a>),
    /// It was not done.
    Failed { why: ManagerError, closed: bool },
}

impl<'a> Reply<'a> {
    /// Reads a frame that has come to a handle.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Reply<'a>, Malformed> {
        let mut parts = Parts(frame);
        let reply = match parts.byte()? {
            tag::DONE => Reply::Done,
            tag::ABSENT => Reply::Absent,
            tag::VALUE => Reply::Value(parts.rest()),
            tag::NUMBER => Reply::Number(parts.number()?),
            tag::MANY => {
                let count = parts.count()?;
                Reply::Many(count, Parts(parts.rest()))
            }
            failed @ (tag::FAILED | tag::CLOSED) => Reply::Failed {
                why: postcard::from_bytes(parts.rest())
                    .map_err(|_| Malformed("an error in it cannot be read"))?,
                closed: failed == tag::CLOSED,
            },
            _ => return Err(Malformed("it answers with something unknown")),
        };
        parts.end()?;
        Ok(reply)
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
        let (frames, end) = decode(&framed(&[vec![9; MOST]]), &[]);
        assert_eq!((frames[0].len(), end), (MOST, Ok(())));
        // The announcement is enough: nothing of it needs to come.
        let (frames, end) = decode(&(MOST as u32 + 1).to_le_bytes(), &[]);
        assert_eq!((frames.len(), end.is_err()), (0, true));
    }

    #[test]
    fn an_announcement_alone_takes_no_memory() {
        let mut decoder = Decoder::default();
        let bytes = (MOST as u32).to_le_bytes();
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
    fn a_draft_that_grows_too_long_is_taken_back() {
        let mut bytes = vec![1, 2];
        let mut draft = Draft::begin(&mut bytes, 0);
        for _ in 0..20 {
            draft.field(&vec![0; 1 << 20]);
        }
        assert_eq!(draft.finish(), Err(1 + 20 * (4 + (1 << 20))));
        assert_eq!(bytes, [1, 2]);
        let mut draft = Draft::begin(&mut bytes, 0);
        draft.value(&vec![0u8; MOST]).unwrap();
        draft.value("more").unwrap();
        assert!(draft.finish().is_err());
        assert_eq!(bytes, [1, 2]);
    }

    /// The bytes of a request, written as a handle writes it.
    fn written(request: &Request) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut draft = match request {
            Request::Open { .. } => Draft::begin(&mut bytes, Op::Open as u8),
            Request::Object(object, ask) => {
                let op = match ask {
                    Ask::Len => Op::Len,
                    Ask::Items => Op::Items,
                    Ask::Clear => Op::Clear,
                    Ask::Get { .. } => Op::Get,
                    Ask::Insert { .. } => Op::Insert,
                    Ask::Remove { .. } => Op::Remove,
                    Ask::Contains { .. } => Op::Contains,
                    Ask::Keys => Op::Keys,
                    Ask::Swap { .. } => Op::Swap,
                    Ask::At { .. } => Op::At,
                    Ask::Set { .. } => Op::Set,
                    Ask::Push { .. } => Op::Push,
                    Ask::Pop => Op::Pop,
                    Ask::Extend { .. } => Op::Extend,
                    Ask::SwapAt { .. } => Op::SwapAt,
                };
                let mut draft = Draft::begin(&mut bytes, op as u8);
                draft.count(*object);
                draft
            }
        };
        match *request {
            Request::Open { kind, types, name } => {
                draft.raw(&[kind as u8]);
                draft.field(types.as_bytes());
                draft.raw(name.as_bytes());
            }
            Request::Object(_, ask) => match ask {
                Ask::Len | Ask::Items | Ask::Clear | Ask::Keys | Ask::Pop => {}
                Ask::Get { key } | Ask::Remove { key } | Ask::Contains { key } => draft.raw(key),
                Ask::Insert { key, value } => {
                    draft.field(key);
                    draft.raw(value);
                }
                Ask::Swap { key, expected, new } => {
                    draft.optional(expected);
                    draft.optional(new);
                    draft.raw(key);
                }
                Ask::At { index } => draft.number(index),
                Ask::Set { index, value } => {
                    draft.number(index);
                    draft.raw(value);
                }
                Ask::Push { value } => draft.raw(value),
                Ask::Extend { count, values } => {
                    draft.count(count);
                    draft.raw(values.0);
                }
                Ask::SwapAt {
                    index,
                    expected,
                    new,
                } => {
                    draft.number(index);
                    draft.field(expected);
                    draft.raw(new);
                }
            },
        }
        draft.finish().unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_their_pieces_do_not_matter(
            bytes in vec(any::<u8>(), 0..400),
            pieces in vec(1..9usize, 1..20),
        ) {
            let whole = decode(&bytes, &[]);
            prop_assert_eq!(&decode(&bytes, &pieces), &whole);
            for frame in whole.0 {
                let _ = Request::parse(&frame);
                let _ = Reply::parse(&frame);
            }
            let _ = Request::parse(&bytes);
            let _ = Reply::parse(&bytes);
        }

        #[test]
        fn short_frames_in_any_pieces_come_out_as_they_were(
            frames in vec(vec(any::<u8>(), 0..60), 0..20),
            pieces in vec(1..90usize, 1..20),
        ) {
            prop_assert_eq!(decode(&framed(&frames), &pieces), (frames, Ok(())));
        }

        #[test]
        fn every_request_is_read_as_it_was_written(
            object in any::<u32>(),
            index in any::<u64>(),
            a in vec(any::<u8>(), 0..20),
            b in vec(any::<u8>(), 0..20),
            c in vec(any::<u8>(), 0..20),
            there in any::<(bool, bool)>(),
            name in ".{0,12}",
        ) {
            let (a, b, c) = (&a[..], &b[..], &c[..]);
            let mut many = Vec::new();
            let mut draft = Draft::begin(&mut many, 0);
            draft.field(a);
            draft.field(b);
            let asks = [
                Ask::Len,
                Ask::Items,
                Ask::Clear,
                Ask::Get { key: a },
                Ask::Insert { key: a, value: b },
                Ask::Remove { key: a },
                Ask::Contains { key: a },
                Ask::Keys,
                Ask::Swap {
                    key: a,
                    expected: there.0.then_some(b),
                    new: there.1.then_some(c),
                },
                Ask::At { index },
                Ask::Set { index, value: a },
                Ask::Push { value: a },
                Ask::Pop,
                Ask::Extend { count: 2, values: Parts(&many[LENGTH + 1..]) },
                Ask::SwapAt { index, expected: a, new: b },
            ];
            let open = [Kind::Dict, Kind::List].map(|kind| Request::Open { kind, types: "u8", name: &name });
            for request in asks.map(|ask| Request::Object(object, ask)).iter().chain(&open) {
                let bytes = written(request);
                prop_assert_eq!(Request::parse(&bytes[LENGTH..]), Ok(*request));
                // Cut short it is another request, whose last part is shorter, or none: never a panic.
                for cut in LENGTH..bytes.len() {
                    let _ = Request::parse(&bytes[LENGTH..cut]);
                }
            }
        }
    }
}
