use crate::{BrokerError, ErrorKind};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};

/// What the server answered, in its own types. A cell that ends in a reply shows it as `redis-cli` does.
///
/// [`Broker::ask`](crate::Broker::ask) turns a reply into a type of Rust's at once.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// let broker = Broker::start()?;
/// broker.call(["RPUSH", "tasks", "2", "3", "5"])?;
/// let tasks = broker.call(["LRANGE", "tasks", "0", "-1"])?;
/// assert_eq!(tasks.to_string(), "1) \"2\"\n2) \"3\"\n3) \"5\"");
/// assert_eq!(broker.call(["GET", "nothing"])?, Reply::Nil);
/// # Ok::<(), BrokerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing: no such key, or no element in time.
    Nil,
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// A word of the server's own, such as `OK` or `QUEUED`.
    Status(String),
    /// A value that is text.
    Text(String),
    /// A value that is not text (not UTF-8).
    Bytes(Vec<u8>),
    /// Several replies, in order.
    List(Vec<Reply>),
    /// Pairs of a key and a value.
    Map(Vec<(Reply, Reply)>),
    /// An error inside a list: one command of a transaction has failed.
    Error(String),
}

impl Reply {
    /// The whole number. Text that is a number counts too: the server keeps numbers as text.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`]: it is no whole number.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert_eq!(broker.call(["INCR", "epoch"])?.int()?, 1);
    /// assert_eq!(broker.call(["GET", "epoch"])?.int()?, 1);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn int(&self) -> Result<i64, BrokerError> {
        match self {
            Reply::Int(number) => Ok(*number),
            Reply::Text(text) => text.parse().map_err(|_| self.is_no("whole number")),
            _ => Err(self.is_no("whole number")),
        }
    }

    /// The text. A status such as `OK` counts too.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`]: it is no text.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// broker.call(["SET", "word", "pill"])?;
    /// assert_eq!(broker.call(["GET", "word"])?.text()?, "pill");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn text(&self) -> Result<&str, BrokerError> {
        match self {
            Reply::Text(text) | Reply::Status(text) => Ok(text),
            _ => Err(self.is_no("text")),
        }
    }

    /// The list.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`]: it is no list.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// broker.call(["RPUSH", "tasks", "2", "3"])?;
    /// assert_eq!(broker.call(["LRANGE", "tasks", "0", "-1"])?.list()?.len(), 2);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn list(&self) -> Result<&[Reply], BrokerError> {
        match self {
            Reply::List(list) => Ok(list),
            _ => Err(self.is_no("list")),
        }
    }

    /// Whether the server answered with nothing.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert!(broker.call(["GET", "nothing"])?.is_nil());
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn is_nil(&self) -> bool {
        matches!(self, Reply::Nil)
    }

    /// The error of a reply that is not what the caller asked for.
    #[cold]
    pub(crate) fn is_no(&self, wanted: &str) -> BrokerError {
        if let Reply::Error(words) = self {
            return BrokerError::server(words);
        }
        let (is, advice) = match self {
            Reply::Nil => (
                "nothing (nil)",
                " Ask for an Option if there may be nothing.",
            ),
            Reply::Int(_) => ("a whole number", ""),
            Reply::Double(_) => ("a floating-point number", ""),
            Reply::Bool(_) => ("true or false", ""),
            Reply::Status(_) => ("a status", ""),
            Reply::Text(_) => ("a text", ""),
            Reply::Bytes(_) => ("bytes that are no text", ""),
            Reply::List(_) => ("a list", ""),
            Reply::Map(_) => ("a map", ""),
            Reply::Error(_) => ("an error", ""),
        };
        let mut shown: String = self.to_string().replace('\n', " ");
        if let Some((end, _)) = shown.char_indices().nth(60) {
            shown.truncate(end);
            shown.push('…');
        }
        BrokerError::new(
            ErrorKind::WrongType,
            format!("the reply is {is}, and this asks for a {wanted}: {shown}.{advice}"),
        )
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_indented(f, self, 0)
    }
}

/// Writes `reply` as `redis-cli` does; all lines but the first begin with `indent` spaces.
fn write_indented(f: &mut fmt::Formatter<'_>, reply: &Reply, indent: usize) -> fmt::Result {
    match reply {
        Reply::Nil => f.write_str("(nil)"),
        Reply::Int(number) => write!(f, "(integer) {number}"),
        Reply::Double(number) => write!(f, "(double) {number}"),
        Reply::Bool(truth) => write!(f, "({truth})"),
        Reply::Status(word) => f.write_str(word),
        Reply::Text(text) => write!(f, "{text:?}"),
        Reply::Bytes(bytes) => write_bytes(f, bytes),
        Reply::Error(words) => write!(f, "(error) {words}"),
        Reply::List(list) if list.is_empty() => f.write_str("(empty list)"),
        Reply::Map(pairs) if pairs.is_empty() => f.write_str("(empty map)"),
        Reply::List(list) => {
            let width = list.len().to_string().len();
            for (index, element) in list.iter().enumerate() {
                start_line(f, index, indent)?;
                write!(f, "{:>width$}) ", index + 1)?;
                write_indented(f, element, indent + width + 2)?;
            }
            Ok(())
        }
        Reply::Map(pairs) => {
            let width = pairs.len().to_string().len();
            for (index, (key, value)) in pairs.iter().enumerate() {
                start_line(f, index, indent)?;
                write!(f, "{:>width$}# ", index + 1)?;
                write_indented(f, key, indent + width + 2)?;
                f.write_str(" => ")?;
                write_indented(f, value, indent + width + 6)?;
            }
            Ok(())
        }
    }
}

fn start_line(f: &mut fmt::Formatter<'_>, index: usize, indent: usize) -> fmt::Result {
    match index {
        0 => Ok(()),
        _ => write!(f, "\n{:indent$}", ""),
    }
}

fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for byte in bytes {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", *byte as char)?,
            b' '..=b'~' => f.write_char(*byte as char)?,
            byte => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_char('"')
}

impl PartialEq<&str> for Reply {
    fn eq(&self, other: &&str) -> bool {
        matches!(self, Reply::Text(text) | Reply::Status(text) if text == other)
    }
}

impl PartialEq<i64> for Reply {
    fn eq(&self, other: &i64) -> bool {
        matches!(self, Reply::Int(number) if number == other)
    }
}

// By hand, because rust-analyzer asks these for the types of a cell's variables, and in a kernel it expands no derive macro. All
// variants are written as one tuple: which it is, a number, bytes, and the replies inside.
type Flat = (u8, i64, Vec<u8>, Vec<Reply>);

impl Serialize for Reply {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NO_BYTES: &[u8] = &[];
        const NONE: &[Reply] = &[];
        match self {
            Reply::Nil => (0u8, 0i64, NO_BYTES, NONE).serialize(serializer),
            Reply::Int(number) => (1u8, number, NO_BYTES, NONE).serialize(serializer),
            Reply::Double(number) => {
                (2u8, number.to_bits() as i64, NO_BYTES, NONE).serialize(serializer)
            }
            Reply::Bool(truth) => (3u8, i64::from(*truth), NO_BYTES, NONE).serialize(serializer),
            Reply::Status(text) => (4u8, 0i64, text.as_bytes(), NONE).serialize(serializer),
            Reply::Text(text) => (5u8, 0i64, text.as_bytes(), NONE).serialize(serializer),
            Reply::Bytes(bytes) => (6u8, 0i64, &bytes[..], NONE).serialize(serializer),
            Reply::List(list) => (7u8, 0i64, NO_BYTES, &list[..]).serialize(serializer),
            Reply::Map(pairs) => {
                let flat: Vec<&Reply> =
                    pairs.iter().flat_map(|(key, value)| [key, value]).collect();
                (8u8, 0i64, NO_BYTES, flat).serialize(serializer)
            }
            Reply::Error(words) => (9u8, 0i64, words.as_bytes(), NONE).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (which, number, bytes, inside) = Flat::deserialize(deserializer)?;
        let text = |bytes| String::from_utf8(bytes).map_err(serde::de::Error::custom);
        Ok(match which {
            0 => Reply::Nil,
            1 => Reply::Int(number),
            2 => Reply::Double(f64::from_bits(number as u64)),
            3 => Reply::Bool(number != 0),
            4 => Reply::Status(text(bytes)?),
            5 => Reply::Text(text(bytes)?),
            6 => Reply::Bytes(bytes),
            7 => Reply::List(inside),
            8 => Reply::Map(pairs(inside)),
            9 => Reply::Error(text(bytes)?),
            _ => return Err(serde::de::Error::custom("an unknown kind of reply")),
        })
    }
}

/// A flat list of keys and values as pairs. A key without a value has none.
pub(crate) fn pairs(flat: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut flat = flat.into_iter();
    let mut pairs = Vec::new();
    while let Some(key) = flat.next() {
        pairs.push((key, flat.next().unwrap_or(Reply::Nil)));
    }
    pairs
}
