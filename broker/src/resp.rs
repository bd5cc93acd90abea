//! Reads what a server sends: the protocols RESP2 and RESP3, <https://valkey.io/topics/protocol>. What RESP3 adds is also in
//! <https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md>. Its streamed strings and lists, whose length is a question
//! mark, are refused: no server sends them.
//!
//! The sender may be any program. So an announced length takes no memory before its bytes have come, and all that a sender can make grow has
//! a limit: a line, the depth, a reply. No function calls itself.

use crate::Reply;
use crate::reply::pairs;
use std::io::{self, Read};

/// The most bytes of a line, as many as a server takes for one.
const LONGEST_LINE: usize = 64 << 10;

/// The most lists that lie within each other.
const DEEPEST: usize = 100;

/// The most bytes of a reply in memory, as many as a server takes for one string (`proto-max-bulk-len`).
const LARGEST: usize = 512 << 20;

const TOO_LARGE: &str = "it is larger than 512 MB";

/// What a value takes in memory, beside its text.
const VALUE: usize = size_of::<Reply>();

/// The most bytes that are read at once, and the most for which the buffer is kept.
const CHUNK: usize = 16 << 10;

/// What a server sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Received {
    Reply(Reply),
    /// A message that answers no command: what kind of message, and the rest.
    Push(Vec<Reply>),
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The stream failed or ended. After a time-out, the next read goes on where this one stopped.
    Io(io::Error),
    /// What came is no reply, and neither is anything that follows.
    Unreadable(&'static str),
}

/// Puts replies together from the pieces in which they come.
#[derive(Debug)]
pub(crate) struct Reader {
    /// What has come; from `at` on it has not been read yet.
    buffer: Vec<u8>,
    at: usize,
    /// The lists of which something is missing, the outermost first.
    open: Vec<Open>,
    /// What the reply takes in memory so far.
    taken: usize,
    largest: usize,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    missing: usize,
    values: Vec<Reply>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    List,
    Map,
    Push,
    /// Remarks on the value that follows. No command asks for them, so they are left out.
    Attribute,
}

/// What stands at one place in the stream.
enum Item {
    Value(Reply),
    /// A list begins, of so many values.
    Begin(Kind, usize),
}

impl Reader {
    pub(crate) fn new() -> Reader {
        Reader {
            buffer: Vec::new(),
            at: 0,
            open: Vec::new(),
            taken: 0,
            largest: LARGEST,
        }
    }

    /// Reads from `stream` until there is a reply.
    pub(crate) fn read(&mut self, stream: &mut impl Read) -> Result<Received, Failure> {
        loop {
            if let Some(received) = self.next().map_err(Failure::Unreadable)? {
                if self.at == self.buffer.len() {
                    self.forget();
                }
                return Ok(received);
            }
            let mut chunk = [0; CHUNK];
            match stream.read(&mut chunk).map_err(Failure::Io)? {
                0 => return Err(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
                count => self.feed(&chunk[..count]),
            }
        }
    }

    /// Takes the next piece.
    fn feed(&mut self, piece: &[u8]) {
        self.forget();
        self.buffer.extend_from_slice(piece);
    }

    /// Forgets what has been read.
    fn forget(&mut self) {
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > CHUNK {
            self.buffer = Vec::new();
        }
    }

    /// The next reply of what has come; `None` if more is needed.
    fn next(&mut self) -> Result<Option<Received>, &'static str> {
        loop {
            let value = match self.open.pop_if(|open| open.missing == 0) {
                Some(Open { kind, values, .. }) => match kind {
                    Kind::List => Reply::List(values),
                    Kind::Map => Reply::Map(pairs(values)),
                    Kind::Attribute => continue,
                    Kind::Push => {
                        self.taken = 0;
                        return Ok(Some(Received::Push(values)));
                    }
                },
                None => match self.item()? {
                    None => return Ok(None),
                    Some(Item::Value(value)) => value,
                    Some(Item::Begin(kind, count)) => {
                        self.begin(kind, count)?;
                        continue;
                    }
                },
            };
            match self.open.last_mut() {
                Some(open) => {
                    open.missing -= 1;
                    open.values.push(value);
                }
                None => {
                    self.taken = 0;
                    return Ok(Some(Received::Reply(value)));
                }
            }
        }
    }

    fn begin(&mut self, kind: Kind, count: usize) -> Result<(), &'static str> {
        if self.open.len() == DEEPEST {
            return Err("it is nested too deeply");
        }
        if kind == Kind::Push && !self.open.is_empty() {
            return Err("a message stands inside a reply");
        }
        let missing = match kind {
            Kind::List | Kind::Push => count,
            Kind::Map | Kind::Attribute => count.saturating_mul(2),
        };
        if missing > (self.largest - self.taken) / VALUE {
            return Err(TOO_LARGE);
        }
        self.open.push(Open {
            kind,
            missing,
            values: Vec::new(),
        });
        Ok(())
    }

    /// Reads what stands next; `None` if it has not come completely.
    fn item(&mut self) -> Result<Option<Item>, &'static str> {
        let Some((&mark, rest)) = self.buffer[self.at..].split_first() else {
            return Ok(None);
        };
        // What a server with TLS sends to a client without: an alert, or a handshake.
        if matches!(mark, 0x15 | 0x16) {
            return Err("it is TLS, for which the address begins with rediss://");
        }
        if !b"+-:$*_#,(!=%~>|".contains(&mark) {
            return Err("it begins with a byte with which no reply begins");
        }
        let Some(line) = line(rest)? else {
            return Ok(None);
        };
        let mut end = line.len() + 2;
        let mut text = line;
        let announced = match mark {
            b'$' if line == b"-1" => None,
            b'$' | b'!' | b'=' => Some(parse::<usize>(line).ok_or("a length is no number")?),
            _ => None,
        };
        let taken = VALUE.saturating_add(announced.unwrap_or(line.len()));
        if taken > self.largest - self.taken {
            return Err(TOO_LARGE);
        }
        if let Some(length) = announced {
            let Some(blob) = rest.get(end..end + length + 2) else {
                return Ok(None);
            };
            text = blob
                .strip_suffix(b"\r\n")
                .ok_or("a text does not end where it should")?;
            end += length + 2;
        }
        let item = item(mark, line, text).ok_or("a value is not what its first byte says")?;
        self.at += 1 + end;
        self.taken += taken;
        Ok(Some(item))
    }
}

/// What stands behind `mark`: `line`, and for a mark with a length the text behind the line.
fn item(mark: u8, line: &[u8], text: &[u8]) -> Option<Item> {
    let begin = |kind| Some(Item::Begin(kind, parse(line)?));
    Some(Item::Value(match mark {
        b'$' | b'*' if line == b"-1" => Reply::Nil,
        b'*' | b'~' => return begin(Kind::List),
        b'%' => return begin(Kind::Map),
        b'>' => return begin(Kind::Push),
        b'|' => return begin(Kind::Attribute),
        b'+' => Reply::Status(parse(text)?),
        // A server repeats in an error what it was sent, text or not.
        b'-' | b'!' => Reply::Error(String::from_utf8_lossy(text).into_owned()),
        b':' => Reply::Int(parse(text)?),
        b',' => Reply::Double(parse(text)?),
        b'#' if text == b"t" => Reply::Bool(true),
        b'#' if text == b"f" => Reply::Bool(false),
        b'_' if text.is_empty() => Reply::Nil,
        b'(' if is_integer(text) => text_or_bytes(text),
        b'$' => text_or_bytes(text),
        // Three letters say what kind of text it is.
        b'=' if text.get(3) == Some(&b':') => text_or_bytes(&text[4..]),
        _ => return None,
    }))
}

/// The line at the beginning of `bytes`, without its end; `None` if its end has not come.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, &'static str> {
    let end = bytes
        .iter()
        .take(LONGEST_LINE)
        .position(|byte| *byte == b'\n');
    match end {
        Some(end) => match bytes[..end].strip_suffix(b"\r") {
            Some(line) => Ok(Some(line)),
            None => Err("a line ends in the wrong way"),
        },
        None if bytes.len() >= LONGEST_LINE => Err("a line is longer than 64 KB"),
        None => Ok(None),
    }
}

fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    let digits = digits.unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn parse<T: std::str::FromStr>(line: &[u8]) -> Option<T> {
    str::from_utf8(line).ok()?.parse().ok()
}

fn text_or_bytes(bytes: &[u8]) -> Reply {
    match str::from_utf8(bytes) {
        Ok(text) => Reply::Text(text.into()),
        Err(_) => Reply::Bytes(bytes.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.into())
    }

    fn reply(reply: Reply) -> Received {
        Received::Reply(reply)
    }

    /// All that is read of `pieces`, and the error at the end.
    fn read<'a>(
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<Received>, Option<&'static str>) {
        let mut reader = Reader::new();
        let mut all = Vec::new();
        for piece in pieces {
            reader.feed(piece);
            loop {
                match reader.next() {
                    Ok(Some(received)) => all.push(received),
                    Ok(None) => break,
                    Err(error) => return (all, Some(error)),
                }
            }
        }
        (all, None)
    }

    fn error_of(words: &[u8]) -> &'static str {
        let (all, error) = read([words]);
        assert_eq!(all, [], "{}", words.escape_ascii());
        error.unwrap_or_else(|| panic!("{} is no error", words.escape_ascii()))
    }

    /// A message of each type, and what is read of it.
    fn examples() -> Vec<(&'static [u8], Received)> {
        let ints = |ints: &[i64]| ints.iter().copied().map(Reply::Int).collect::<Vec<_>>();
        let map = vec![
            (Reply::Status("a".into()), Reply::Int(1)),
            (text("b"), Reply::Nil),
        ];
        vec![
            (b"+OK\r\n", reply(Reply::Status("OK".into()))),
            (b"+\r\n", reply(Reply::Status(String::new()))),
            (
                b"-ERR no such word\r\n",
                reply(Reply::Error("ERR no such word".into())),
            ),
            (
                b"-ERR what is '\xff'?\r\n",
                reply(Reply::Error("ERR what is '\u{fffd}'?".into())),
            ),
            (b":-42\r\n", reply(Reply::Int(-42))),
            (b":+7\r\n", reply(Reply::Int(7))),
            (b":-9223372036854775808\r\n", reply(Reply::Int(i64::MIN))),
            (b"$4\r\npill\r\n", reply(text("pill"))),
            (b"$0\r\n\r\n", reply(text(""))),
            (b"$4\r\n\r\n\r\n\r\n", reply(text("\r\n\r\n"))),
            (b"$2\r\n\xff\x00\r\n", reply(Reply::Bytes(vec![0xff, 0]))),
            (b"$-1\r\n", reply(Reply::Nil)),
            (b"*-1\r\n", reply(Reply::Nil)),
            (b"_\r\n", reply(Reply::Nil)),
            (b"*0\r\n", reply(Reply::List(Vec::new()))),
            (b"*2\r\n:1\r\n:2\r\n", reply(Reply::List(ints(&[1, 2])))),
            (
                b"*2\r\n*1\r\n:1\r\n*0\r\n",
                reply(Reply::List(vec![
                    Reply::List(ints(&[1])),
                    Reply::List(Vec::new()),
                ])),
            ),
            (b"~2\r\n:1\r\n:2\r\n", reply(Reply::List(ints(&[1, 2])))),
            (b"%0\r\n", reply(Reply::Map(Vec::new()))),
            (
                b"%2\r\n+a\r\n:1\r\n$1\r\nb\r\n_\r\n",
                reply(Reply::Map(map)),
            ),
            (b",3.25\r\n", reply(Reply::Double(3.25))),
            (b",-1e-3\r\n", reply(Reply::Double(-0.001))),
            (b",10\r\n", reply(Reply::Double(10.0))),
            (b",inf\r\n", reply(Reply::Double(f64::INFINITY))),
            (b",-inf\r\n", reply(Reply::Double(f64::NEG_INFINITY))),
            (b"#t\r\n", reply(Reply::Bool(true))),
            (b"#f\r\n", reply(Reply::Bool(false))),
            (
                b"(-3492890328409238509324850943850\r\n",
                reply(text("-3492890328409238509324850943850")),
            ),
            (b"=8\r\ntxt:pill\r\n", reply(text("pill"))),
            (b"=4\r\nmkd:\r\n", reply(text(""))),
            (
                b"!9\r\nERR a\r\n b\r\n",
                reply(Reply::Error("ERR a\r\n b".into())),
            ),
            (
                b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:7\r\n",
                Received::Push(vec![text("message"), text("c"), Reply::Int(7)]),
            ),
            (b"|1\r\n+ttl\r\n:3600\r\n:1\r\n", reply(Reply::Int(1))),
            (b"|0\r\n:1\r\n", reply(Reply::Int(1))),
            (
                b"*2\r\n:1\r\n|1\r\n+ttl\r\n*1\r\n_\r\n:2\r\n",
                reply(Reply::List(ints(&[1, 2]))),
            ),
            (
                b"|1\r\n+a\r\n:1\r\n>1\r\n:2\r\n",
                Received::Push(ints(&[2])),
            ),
        ]
    }

    #[test]
    fn each_type_is_read_also_when_it_comes_in_two_pieces() {
        for (words, received) in examples() {
            let shown = words.escape_ascii();
            for cut in 0..=words.len() {
                let mut reader = Reader::new();
                reader.feed(&words[..cut]);
                if cut < words.len() {
                    assert_eq!(reader.next(), Ok(None), "{shown} cut at {cut}");
                    reader.feed(&words[cut..]);
                }
                assert_eq!(
                    reader.next(),
                    Ok(Some(received.clone())),
                    "{shown} cut at {cut}"
                );
                assert_eq!(reader.next(), Ok(None), "{shown} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_follows_a_reply_is_the_next_one() {
        let (words, received): (Vec<_>, Vec<_>) = examples().into_iter().unzip();
        assert_eq!(read([&words.concat()[..]]), (received.clone(), None));
        assert_eq!(read(words.concat().chunks(1)), (received, None));
    }

    #[test]
    fn no_number_is_a_number_too() {
        for words in [&b",nan\r\n"[..], b",-nan\r\n"] {
            let (all, error) = read([words]);
            assert_eq!(error, None);
            assert!(matches!(all[..], [Received::Reply(Reply::Double(double))] if double.is_nan()));
        }
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for words in [
            "H",
            "\r\n",
            "\0",
            "+a\n",
            "+\n",
            ":\r\n",
            ":1 \r\n",
            ":0x1\r\n",
            ":9223372036854775808\r\n",
            ",\r\n",
            ",one\r\n",
            "#\r\n",
            "#true\r\n",
            "_x\r\n",
            "(\r\n",
            "(-\r\n",
            "(1.5\r\n",
            "$\r\n",
            "$-2\r\n",
            "$1.5\r\n",
            "$?\r\n",
            "*?\r\n",
            "*-2\r\n",
            "%-1\r\n",
            "~-1\r\n",
            ">-1\r\n",
            "|-1\r\n",
            "!-1\r\n",
            "=-1\r\n",
            "=3\r\ntxt\r\n",
            "=4\r\npill\r\n",
            "$1\r\npi\r\n",
            "$5\r\npi\r\n\r\n\r\n",
            "!2\r\nERR\r\n",
            "*1\r\n>1\r\n:1\r\n",
            "*2\r\n:1\r\nx",
        ] {
            error_of(words.as_bytes());
        }
        error_of(b"+\xff\r\n");
    }

    #[test]
    fn a_line_has_an_end() {
        let mut line = vec![b'+'; LONGEST_LINE];
        assert_eq!(read([&line[..]]), (Vec::new(), None));
        line.push(b'+');
        assert_eq!(error_of(&line), "a line is longer than 64 KB");
    }

    #[test]
    fn nesting_has_an_end() {
        for begin in ["*1\r\n", "%1\r\n:1\r\n", "|1\r\n:1\r\n"] {
            let deepest = begin.repeat(DEEPEST);
            assert_eq!(read([deepest.as_bytes()]), (Vec::new(), None));
            let deeper = begin.repeat(DEEPEST + 1);
            assert_eq!(error_of(deeper.as_bytes()), "it is nested too deeply");
        }
    }

    #[test]
    fn a_length_that_is_too_large_is_an_error_before_anything_has_come() {
        for words in [
            "$536870912\r\n",
            "!18446744073709551615\r\n",
            "=9223372036854775807\r\n",
            "*536870912\r\n",
            "~9223372036854775807\r\n",
            ">4000000000\r\n",
            "%9223372036854775808\r\n",
            "|18446744073709551615\r\n",
        ] {
            assert_eq!(error_of(words.as_bytes()), TOO_LARGE, "{words}");
        }
    }

    #[test]
    fn a_length_takes_no_memory() {
        let mut reader = Reader::new();
        reader.feed(b"*1000000\r\n:1\r\n$400000000\r\npill");
        assert_eq!(reader.next(), Ok(None));
        let values: usize = reader.open.iter().map(|open| open.values.capacity()).sum();
        assert!(
            values < 100 && reader.buffer.capacity() < CHUNK,
            "{reader:?}"
        );
    }

    #[test]
    fn a_reply_has_a_largest_size_and_the_next_one_may_have_it_again() {
        let reads = |largest, words: &[u8]| {
            let mut reader = Reader::new();
            reader.largest = largest;
            reader.feed(words);
            let mut count = 0;
            while reader.next()?.is_some() {
                count += 1;
            }
            Ok(count)
        };
        for part in [
            "$4\r\npill\r\n",
            "+pill\r\n",
            "*1\r\n+pil\r\n",
            "%0\r\n",
            "|0\r\n",
        ] {
            let words = format!("*9\r\n{}", part.repeat(9));
            let largest = 10 * VALUE + 1;
            assert_eq!(reads(largest, words.as_bytes()), Err(TOO_LARGE), "{words}");
        }
        for words in ["*1\r\n$4\r\npill\r\n", "|0\r\n+pill\r\n", ">1\r\n+pill\r\n"] {
            let largest = 2 * VALUE + 5;
            assert_eq!(reads(largest, words.repeat(3).as_bytes()), Ok(3), "{words}");
        }
    }

    #[test]
    fn the_end_of_the_stream_and_its_errors_are_told_apart_from_garbage() {
        let end = Reader::new().read(&mut &b"$4\r\npi"[..]);
        assert!(
            matches!(end, Err(Failure::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof)
        );
        let garbage = Reader::new().read(&mut &b"HTTP"[..]);
        assert!(matches!(garbage, Err(Failure::Unreadable(_))));
        let good = Reader::new().read(&mut &b":1\r\n"[..]);
        assert!(matches!(good, Ok(Received::Reply(Reply::Int(1)))));
    }

    #[test]
    fn a_large_reply_leaves_no_large_buffer() {
        let words = format!("${}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
        let mut reader = Reader::new();
        let read = reader.read(&mut words.as_bytes());
        assert!(matches!(read, Ok(Received::Reply(Reply::Text(text))) if text.len() == 1 << 20));
        assert!(reader.buffer.capacity() <= CHUNK);
    }

    /// Writes a reply. Where the protocol has several forms for it, `forms` chooses.
    fn write(reply: &Reply, forms: &mut dyn Iterator<Item = u8>, to: &mut Vec<u8>) {
        let form = forms.next().unwrap_or_default();
        if form >= 240 {
            to.extend(b"|1\r\n+remark\r\n*1\r\n:1\r\n");
        }
        let mut line = |mark: char, line: &str| to.extend(format!("{mark}{line}\r\n").as_bytes());
        let blob = |mark: char, parts: &[&[u8]], to: &mut Vec<u8>| {
            let parts = parts.concat();
            to.extend(format!("{mark}{}\r\n", parts.len()).as_bytes());
            to.extend(parts);
            to.extend(b"\r\n");
        };
        match reply {
            Reply::Nil => to.extend([&b"_\r\n"[..], b"$-1\r\n", b"*-1\r\n"][form as usize % 3]),
            Reply::Int(number) => line(':', &number.to_string()),
            Reply::Double(double) if form.is_multiple_of(2) => line(',', &format!("{double:e}")),
            Reply::Double(double) => line(',', &double.to_string()),
            Reply::Bool(truth) => line('#', if *truth { "t" } else { "f" }),
            Reply::Status(word) => line('+', word),
            Reply::Text(text) if form.is_multiple_of(2) => {
                blob('=', &[b"txt:", text.as_bytes()], to)
            }
            Reply::Text(text) => blob('$', &[text.as_bytes()], to),
            Reply::Bytes(bytes) => blob('$', &[bytes], to),
            Reply::Error(words) if form.is_multiple_of(2) => blob('!', &[words.as_bytes()], to),
            Reply::Error(words) => line('-', words),
            Reply::List(list) => {
                line(
                    if form.is_multiple_of(2) { '~' } else { '*' },
                    &list.len().to_string(),
                );
                list.iter().for_each(|value| write(value, forms, to));
            }
            Reply::Map(map) => {
                line('%', &map.len().to_string());
                for (key, value) in map {
                    write(key, forms, to);
                    write(value, forms, to);
                }
            }
        }
    }

    fn replies() -> impl Strategy<Value = Reply> {
        let words = "[^\r\n]{0,12}";
        let one = prop_oneof![
            Just(Reply::Nil),
            any::<i64>().prop_map(Reply::Int),
            any::<f64>().prop_map(Reply::Double),
            any::<bool>().prop_map(Reply::Bool),
            words.prop_map(Reply::Status),
            words.prop_map(Reply::Error),
            vec(any::<u8>(), 0..20).prop_map(|bytes| text_or_bytes(&bytes)),
            any::<String>().prop_map(Reply::Text),
        ];
        one.prop_recursive(4, 60, 6, |inside| {
            prop_oneof![
                vec(inside.clone(), 0..6).prop_map(Reply::List),
                vec((inside.clone(), inside), 0..4).prop_map(Reply::Map),
            ]
        })
    }

    /// Bytes that are often almost a reply.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            4 => proptest::sample::select(b"+-:$*_#,(!=%~>|".to_vec()).prop_map(|mark| vec![mark]),
            4 => Just(b"\r\n".to_vec()),
            3 => (-1..20i64).prop_map(|number| number.to_string().into_bytes()),
            1 => any::<u64>().prop_map(|number| number.to_string().into_bytes()),
            1 => vec(any::<u8>(), 0..4),
        ];
        vec(part, 0..60).prop_map(|parts| parts.concat())
    }

    /// `bytes` in pieces of these sizes, and what is left.
    fn pieces<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        for size in sizes {
            let (piece, after) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        pieces
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            replies in vec(replies(), 1..4),
            forms in vec(any::<u8>(), 1..50),
            sizes in vec(0usize..20, 0..50),
        ) {
            let mut bytes = Vec::new();
            let mut forms = forms.into_iter().cycle();
            for reply in &replies {
                write(reply, &mut forms, &mut bytes);
            }
            let all: Vec<Received> = replies.into_iter().map(Received::Reply).collect();
            // As text, because a NaN is not equal to itself.
            prop_assert_eq!(format!("{:?}", read(pieces(&bytes, &sizes))), format!("{:?}", (all, None::<&str>)));
        }

        #[test]
        fn any_bytes_are_replies_or_an_error_and_the_pieces_change_nothing(bytes in bytes(), sizes in vec(0usize..9, 0..50)) {
            prop_assert_eq!(format!("{:?}", read(pieces(&bytes, &sizes))), format!("{:?}", read([&bytes[..]])));
        }
    }
}
