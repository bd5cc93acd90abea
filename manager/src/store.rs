use crate::ManagerError;
use crate::frame::{self, Fields, FieldsWriter, Malformed};
use crate::ordered_map::OrderedMap;
use crate::protocol::{Bytes, DictOp, Kind, ListOp, Reply, Request};
use std::collections::HashMap;

/// What an entry costs besides its bytes: about as much as the maps and allocations around it take.
const AROUND: usize = 64;

/// Everything that the server keeps. Keys and values are bytes to it, which it compares and returns.
#[derive(Debug)]
pub(crate) struct Store {
    /// In the order in which they were first opened. None is ever removed, so a number stays valid.
    objects: Vec<Object>,
    numbers: HashMap<String, u32>,
    /// Bytes kept, including what they cost besides; never above `limit`.
    kept: usize,
    limit: usize,
    /// The fault point at which a test wants the server to die, from the next request on.
    #[cfg(test)]
    pub(crate) armed: Option<&'static str>,
}

#[derive(Debug)]
struct Object {
    /// Its types as text.
    types: String,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    Dict(OrderedMap),
    List(Vec<Box<[u8]>>),
}

/// Why a request was not done.
enum Failure {
    /// This can happen to a handle; the connection stays.
    Why(ManagerError),
    /// No handle sends this. The server stops listening to this client.
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
pub(crate) fn refuse(why: &str, out: &mut Vec<u8>) {
    answer_failed(Reply::Closed(ManagerError::Refused(why.into())), out);
}

/// The last word to a client that sent what no handle sends.
pub(crate) fn refuse_nonsense(Malformed(what): Malformed, out: &mut Vec<u8>) {
    refuse(
        &format!(
            "what this process sent makes no sense ({what}). Only handles of this version can talk to it."
        ),
        out,
    );
}

fn answer_failed(reply: Reply<'_>, out: &mut Vec<u8>) {
    let written = frame::write(&reply, out);
    debug_assert!(written.is_ok(), "a sentence fits into a frame");
}

impl Store {
    /// A store that keeps nothing yet, and later at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Store {
        Store {
            objects: Vec::new(),
            numbers: HashMap::new(),
            kept: 0,
            limit,
            #[cfg(test)]
            armed: None,
        }
    }

    /// Does what a frame asks for and adds the reply to `out`. `false` if the connection must be closed.
    pub(crate) fn handle(&mut self, frame: &[u8], out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let done = frame::read(frame)
            .map_err(Failure::Nonsense)
            .and_then(|request| self.answer(request, out));
        match done {
            Ok(()) => true,
            Err(Failure::Why(why)) => {
                out.truncate(before);
                answer_failed(Reply::Failed(why), out);
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
        if let Request::Open { kind, types, name } = request {
            let number = self.open(kind, types, name)?;
            return reply_number(number as usize, out);
        }
        let (Request::Dict(number, _) | Request::List(number, _)) = request else {
            unreachable!("an open is answered above")
        };
        let object = self
            .objects
            .get_mut(number as usize)
            .ok_or(Malformed("it is about an object that does not exist"))?;
        let mut room = Room {
            kept: &mut self.kept,
            limit: self.limit,
        };
        match (&mut object.contents, request) {
            (Contents::Dict(dict), Request::Dict(_, op)) => apply_to_dict(dict, op, &mut room, out),
            (Contents::List(list), Request::List(_, op)) => apply_to_list(list, op, &mut room, out),
            _ => Err(Malformed("it takes a dict for a list, or a list for a dict").into()),
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
                Kind::Dict => Contents::Dict(OrderedMap::default()),
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

    /// Bytes kept, and the same counted anew: the tests and the fuzzer compare them.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn recount(&self) -> (usize, usize) {
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

/// A part of an error that a client chose; without a limit it could be longer than a frame.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.chars().count() <= LONGEST {
        text.into()
    } else {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

/// The bytes that an entry counts for.
fn entry(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + AROUND
}

/// The count of the bytes that are kept, while an operation is applied to one object.
struct Room<'a> {
    kept: &'a mut usize,
    limit: usize,
}

impl Room<'_> {
    /// Some bytes go and others come. If that would be too many it is an error, and nothing has changed. Fewer bytes than
    /// before are always allowed.
    fn exchange(&mut self, go: usize, come: usize) -> Result<(), ManagerError> {
        let kept = *self.kept - go + come;
        if come > go && kept > self.limit {
            return Err(ManagerError::Full { limit: self.limit });
        }
        *self.kept = kept;
        Ok(())
    }
}

fn reply(reply: Reply<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
    Ok(frame::write(&reply, out)?)
}

fn reply_value(value: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Failure> {
    reply(
        value.map_or(Reply::Absent, |value| Reply::Value(Bytes(value))),
        out,
    )
}

fn reply_number(number: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    reply(Reply::Number(number as u64), out)
}

fn reply_many<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut fields = FieldsWriter::default();
    values.for_each(|value| fields.push(value));
    reply(Reply::Many(Fields(&fields.finish()?)), out)
}

fn apply_to_dict(
    dict: &mut OrderedMap,
    op: DictOp<'_>,
    room: &mut Room<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    match op {
        DictOp::Len => reply_number(dict.len(), out),
        DictOp::Items => reply_many(dict.iter().flat_map(|(key, value)| [key, value]), out),
        DictOp::Keys => reply_many(dict.iter().map(|(key, _)| key), out),
        DictOp::Clear => {
            let go = dict.iter().map(|(key, value)| entry(key, value)).sum();
            room.exchange(go, 0)?;
            *dict = OrderedMap::default();
            reply(Reply::Done, out)
        }
        DictOp::Get { key: Bytes(key) } => reply_value(dict.get(key), out),
        DictOp::Contains { key: Bytes(key) } => reply_number(dict.get(key).is_some().into(), out),
        DictOp::Insert {
            key: Bytes(key),
            value: Bytes(value),
        } => {
            let old = write_dict(dict, key, Some(value), room)?;
            reply_value(old.as_deref(), out)
        }
        DictOp::Remove { key: Bytes(key) } => {
            let old = write_dict(dict, key, None, room)?;
            reply_value(old.as_deref(), out)
        }
        DictOp::CompareExchange {
            key: Bytes(key),
            current,
            new,
        } => {
            let now = dict.get(key);
            if now.map(Bytes) != current {
                return reply_value(now, out);
            }
            write_dict(dict, key, new.map(|Bytes(new)| new), room)?;
            reply(Reply::Done, out)
        }
    }
}

/// Writes or removes an entry and returns the value that was there.
fn write_dict(
    dict: &mut OrderedMap,
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

fn apply_to_list(
    list: &mut Vec<Box<[u8]>>,
    op: ListOp<'_>,
    room: &mut Room<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    match op {
        ListOp::Len => reply_number(list.len(), out),
        ListOp::Items => reply_many(list.iter().map(|value| &value[..]), out),
        ListOp::Clear => {
            room.exchange(list.iter().map(|value| entry(&[], value)).sum(), 0)?;
            *list = Vec::new();
            reply(Reply::Done, out)
        }
        ListOp::Get { index } => {
            let value = usize::try_from(index)
                .ok()
                .and_then(|index| list.get(index));
            reply_value(value.map(|value| &value[..]), out)
        }
        ListOp::Set {
            index,
            value: Bytes(value),
        } => {
            write_list(list, index, value, room)?;
            reply(Reply::Done, out)
        }
        ListOp::CompareExchange {
            index,
            current: Bytes(current),
            new: Bytes(new),
        } => {
            let now = element(list, index)?;
            if **now != *current {
                return reply_value(Some(now), out);
            }
            write_list(list, index, new, room)?;
            reply(Reply::Done, out)
        }
        ListOp::Push {
            value: Bytes(value),
        } => {
            room.exchange(0, entry(&[], value))?;
            list.push(value.into());
            reply(Reply::Done, out)
        }
        ListOp::Pop => {
            let last = list.pop();
            room.exchange(last.as_ref().map_or(0, |last| entry(&[], last)), 0)?;
            reply_value(last.as_deref(), out)
        }
        ListOp::Extend { values } => {
            // All or nothing: no element is added before all of them were seen to be whole and to have room.
            let mut come = 0;
            for value in values {
                come += entry(&[], value?);
            }
            room.exchange(0, come)?;
            for value in values {
                list.push(value?.into());
            }
            reply(Reply::Done, out)
        }
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
