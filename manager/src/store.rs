use super::ManagerError;
use super::frame::{Ask, Draft, Kind, MOST, Malformed, Request, tag};
use super::ordered::Ordered;
use std::collections::HashMap;

/// What an entry is counted with besides its bytes: about what the maps and allocations around it take.
const AROUND: usize = 64;

/// Everything that the server keeps. Names, keys and values are bytes to it, which it compares and gives back.
#[derive(Debug)]
pub(super) struct Store {
    /// By number, in the order in which they were first opened. None is ever removed, so a number stays right.
    objects: Vec<Object>,
    numbers: HashMap<String, u32>,
    /// Bytes kept, with what is around them; never above `limit`.
    kept: usize,
    limit: usize,
    /// The fault point at which a test wants the server to die, from the next request on.
    #[cfg(test)]
    pub(super) armed: Option<&'static str>,
}

#[derive(Debug)]
struct Object {
    /// The types, in words.
    types: String,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    Dict(Ordered),
    List(Vec<Box<[u8]>>),
}

/// Why a request was not done.
enum Failure {
    /// A handle can come to this; the connection stays.
    Why(ManagerError),
    /// No handle sends this. Whoever did is not to be listened to any more.
    Nonsense(Malformed),
}

impl From<ManagerError> for Failure {
    fn from(why: ManagerError) -> Failure {
        Failure::Why(why)
    }
}

impl From<Malformed> for Failure {
    fn from(what: Malformed) -> Failure {
        Failure::Nonsense(what)
    }
}

/// The last word on a connection that the server closes.
pub(super) fn refuse(why: &str, out: &mut Vec<u8>) {
    let mut draft = Draft::begin(out, tag::CLOSED);
    let why = ManagerError::Refused(why.into());
    let written = draft.rest(&why).is_ok() && draft.finish().is_ok();
    debug_assert!(written, "a sentence fits into a frame");
}

/// The last word to one that sent what no handle sends.
pub(super) fn refuse_nonsense(Malformed(what): Malformed, out: &mut Vec<u8>) {
    refuse(
        &format!(
            "what was sent there makes no sense ({what}). Only handles of this version can talk to it."
        ),
        out,
    );
}

impl Store {
    /// Keeps nothing yet, and `limit` bytes at the most.
    pub(super) fn new(limit: usize) -> Store {
        Store {
            objects: Vec::new(),
            numbers: HashMap::new(),
            kept: 0,
            limit,
            #[cfg(test)]
            armed: None,
        }
    }

    /// Does what a frame asks for and adds the reply to `out`. `false` where the connection must be closed.
    pub(super) fn handle(&mut self, frame: &[u8], out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let done = Request::parse(frame)
            .map_err(Failure::Nonsense)
            .and_then(|request| self.answer(request, out));
        match done {
            Ok(()) => true,
            Err(Failure::Why(why)) => {
                out.truncate(before);
                let mut draft = Draft::begin(out, tag::FAILED);
                let written = draft.rest(&why).is_ok() && draft.finish().is_ok();
                debug_assert!(written, "a sentence fits into a frame");
                true
            }
            Err(Failure::Nonsense(what)) => {
                out.truncate(before);
                refuse_nonsense(what, out);
                false
            }
        }
    }

    fn answer(&mut self, request: Request<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        match request {
            Request::Open { kind, types, name } => {
                let number = self.open(kind, types, name)?;
                reply(out, tag::NUMBER, |draft| draft.number(number.into()))
            }
            Request::Object(number, ask) => {
                let object = self
                    .objects
                    .get_mut(number as usize)
                    .ok_or(Malformed("it is about an object that does not exist"))?;
                let mut room = Room {
                    kept: &mut self.kept,
                    limit: self.limit,
                };
                match &mut object.contents {
                    Contents::Dict(dict) => ask_dict(dict, ask, &mut room, out),
                    Contents::List(list) => ask_list(list, ask, &mut room, out),
                }
            }
        }
    }

    fn open(&mut self, kind: Kind, types: &str, name: &str) -> Result<u32, ManagerError> {
        if let Some(&number) = self.numbers.get(name) {
            let object = &self.objects[number as usize];
            let is = match object.contents {
                Contents::Dict(_) => Kind::Dict,
                Contents::List(_) => Kind::List,
            };
            if (is, &object.types[..]) == (kind, types) {
                return Ok(number);
            }
            return Err(ManagerError::Clash {
                name: shorten(name),
                is: described(is, &object.types),
                asked: described(kind, types),
            });
        }
        let mut room = Room {
            kept: &mut self.kept,
            limit: self.limit,
        };
        room.exchange(0, 2 * name.len() + types.len() + 2 * AROUND)?;
        let number = self.objects.len() as u32;
        self.objects.push(Object {
            types: types.into(),
            contents: match kind {
                Kind::Dict => Contents::Dict(Ordered::default()),
                Kind::List => Contents::List(Vec::new()),
            },
        });
        self.numbers.insert(name.into(), number);
        #[cfg(test)]
        if let Some(point) = name.strip_prefix("die at ") {
            self.armed = Some(String::from(point).leak());
        }
        Ok(number)
    }

    /// Bytes kept, counted anew: for the tests and the fuzzer, which compare.
    #[cfg(any(test, fuzzing))]
    pub(super) fn recount(&self) -> (usize, usize) {
        let mut counted = 0;
        for (name, &number) in &self.numbers {
            let object = &self.objects[number as usize];
            counted += 2 * name.len() + object.types.len() + 2 * AROUND;
            counted += match &object.contents {
                Contents::Dict(dict) => dict.iter().map(|(k, v)| entry(k, v)).sum::<usize>(),
                Contents::List(list) => list.iter().map(|v| entry(&[], v)).sum(),
            };
        }
        (self.kept, counted)
    }
}

/// "dict of String → u64", as an error names it.
fn described(kind: Kind, types: &str) -> String {
    let kind = match kind {
        Kind::Dict => "dict",
        Kind::List => "list",
    };
    format!("{kind} of {}", shorten(types))
}

/// A part of an error that comes from outside; without a limit it could be longer than a frame.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.chars().count() <= LONGEST {
        text.into()
    } else {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

/// What an entry is counted with.
fn entry(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + AROUND
}

/// The bytes that are kept, while something is done with one object.
struct Room<'a> {
    kept: &'a mut usize,
    limit: usize,
}

impl Room<'_> {
    /// Some bytes go and others come. An error where these would be too many; then nothing has changed. Who asks for fewer
    /// than before gets it even then.
    fn exchange(&mut self, go: usize, come: usize) -> Result<(), ManagerError> {
        let kept = *self.kept - go + come;
        if come > go && kept > self.limit {
            return Err(ManagerError::Full { limit: self.limit });
        }
        *self.kept = kept;
        Ok(())
    }
}

fn reply(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Draft<'_>)) -> Result<(), Failure> {
    let mut draft = Draft::begin(out, tag);
    write(&mut draft);
    draft
        .finish()
        .map_err(|bytes| Failure::Why(ManagerError::TooLarge { bytes, limit: MOST }))
}

fn reply_value(out: &mut Vec<u8>, value: Option<&[u8]>) -> Result<(), Failure> {
    match value {
        Some(value) => reply(out, tag::VALUE, |draft| draft.raw(value)),
        None => reply(out, tag::ABSENT, |_| {}),
    }
}

fn reply_done(out: &mut Vec<u8>) -> Result<(), Failure> {
    reply(out, tag::DONE, |_| {})
}

fn reply_number(out: &mut Vec<u8>, number: usize) -> Result<(), Failure> {
    reply(out, tag::NUMBER, |draft| draft.number(number as u64))
}

fn reply_many<'a>(
    out: &mut Vec<u8>,
    fields: impl Iterator<Item = &'a [u8]>,
    count: usize,
) -> Result<(), Failure> {
    reply(out, tag::MANY, |draft| {
        draft.count(count as u32);
        fields.for_each(|field| draft.field(field));
    })
}

fn ask_dict(
    dict: &mut Ordered,
    ask: Ask<'_>,
    room: &mut Room<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    match ask {
        Ask::Len => reply_number(out, dict.len()),
        Ask::Items => {
            let fields = dict.iter().flat_map(|(key, value)| [key, value]);
            reply_many(out, fields, 2 * dict.len())
        }
        Ask::Keys => reply_many(out, dict.iter().map(|(key, _)| key), dict.len()),
        Ask::Clear => {
            let go = dict.iter().map(|(key, value)| entry(key, value)).sum();
            room.exchange(go, 0)?;
            *dict = Ordered::default();
            reply_done(out)
        }
        Ask::Get { key } => reply_value(out, dict.get(key)),
        Ask::Contains { key } => reply_number(out, dict.get(key).is_some().into()),
        Ask::Insert { key, value } => {
            let old = write_dict(dict, key, Some(value), room)?;
            reply_value(out, old.as_deref())
        }
        Ask::Remove { key } => {
            let old = write_dict(dict, key, None, room)?;
            reply_value(out, old.as_deref())
        }
        Ask::Swap { key, expected, new } => {
            let now = dict.get(key);
            if now != expected {
                return reply_value(out, now);
            }
            write_dict(dict, key, new, room)?;
            reply_done(out)
        }
        Ask::At { .. }
        | Ask::Set { .. }
        | Ask::Push { .. }
        | Ask::Pop
        | Ask::Extend { .. }
        | Ask::SwapAt { .. } => Err(Malformed("it asks a dict for what only lists do").into()),
    }
}

/// Writes or removes an entry; the value that was there.
fn write_dict(
    dict: &mut Ordered,
    key: &[u8],
    value: Option<&[u8]>,
    room: &mut Room<'_>,
) -> Result<Option<Box<[u8]>>, ManagerError> {
    let go = dict.get(key).map_or(0, |old| entry(key, old));
    room.exchange(go, value.map_or(0, |new| entry(key, new)))?;
    Ok(match value {
        Some(value) => dict.insert(key, value),
        None => dict.remove(key),
    })
}

fn ask_list(
    list: &mut Vec<Box<[u8]>>,
    ask: Ask<'_>,
    room: &mut Room<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    match ask {
        Ask::Len => reply_number(out, list.len()),
        Ask::Items => reply_many(out, list.iter().map(|value| &value[..]), list.len()),
        Ask::Clear => {
            room.exchange(list.iter().map(|value| entry(&[], value)).sum(), 0)?;
            *list = Vec::new();
            reply_done(out)
        }
        Ask::At { index } => {
            let value = usize::try_from(index)
                .ok()
                .and_then(|index| list.get(index));
            reply_value(out, value.map(|value| &value[..]))
        }
        Ask::Set { index, value } => {
            write_list(list, index, value, room)?;
            reply_done(out)
        }
        Ask::SwapAt {
            index,
            expected,
            new,
        } => {
            let now = element(list, index)?;
            if **now != *expected {
                return reply_value(out, Some(&**now));
            }
            write_list(list, index, new, room)?;
            reply_done(out)
        }
        Ask::Push { value } => {
            room.exchange(0, entry(&[], value))?;
            list.push(value.into());
            reply_done(out)
        }
        Ask::Pop => {
            let last = list.pop();
            room.exchange(last.as_ref().map_or(0, |last| entry(&[], last)), 0)?;
            reply_value(out, last.as_deref())
        }
        Ask::Extend { count, mut values } => {
            let bytes = values.0.len() - 4 * count as usize;
            room.exchange(0, bytes + count as usize * AROUND)?;
            for _ in 0..count {
                list.push(values.field()?.into());
            }
            reply_done(out)
        }
        Ask::Get { .. }
        | Ask::Insert { .. }
        | Ask::Remove { .. }
        | Ask::Contains { .. }
        | Ask::Keys
        | Ask::Swap { .. } => Err(Malformed("it asks a list for what only dicts do").into()),
    }
}

fn element(list: &mut [Box<[u8]>], index: u64) -> Result<&mut Box<[u8]>, ManagerError> {
    let len = list.len() as u64;
    usize::try_from(index)
        .ok()
        .and_then(|index| list.get_mut(index))
        .ok_or(ManagerError::OutOfRange { index, len })
}

fn write_list(
    list: &mut [Box<[u8]>],
    index: u64,
    value: &[u8],
    room: &mut Room<'_>,
) -> Result<(), ManagerError> {
    let there = element(list, index)?;
    room.exchange(entry(&[], there), entry(&[], value))?;
    *there = value.into();
    Ok(())
}
