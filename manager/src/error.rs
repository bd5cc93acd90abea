use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Why a manager did not do what it was asked to do.
///
/// `serde` can write and read it, so a worker's closure may return it.
///
/// # Examples
/// ```
/// use manager::prelude::*;
/// let manager = Manager::start()?;
/// let scores = manager.list::<u64>("scores")?;
/// scores.extend([3, 5])?;
/// let error = scores.set(2, 8).unwrap_err();
/// assert_eq!(error, ManagerError::OutOfRange { index: 2, len: 2 });
/// assert_eq!(
///     error.to_string(),
///     "there is no element 2: the list has 2, numbered from 0. Use push to add one."
/// );
///
/// drop(manager); // ends the server
/// assert_eq!(scores.get(0), Err(ManagerError::Gone));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagerError {
    /// The server process could not be started; the text says why.
    NotStarted(String),
    /// The server process has ended.
    Gone,
    /// The server process lives and has not answered. It may have done what it was asked, or may do it later.
    Silent {
        /// How long the call has waited.
        after: Duration,
        /// The server's process ID.
        pid: u32,
        /// What the server was doing then.
        doing: String,
    },
    /// The server takes no more connections, or closed this one; the text says why. The next call opens another.
    Refused(String),
    /// The name stands for an object of another kind or of other types.
    Clash {
        /// The name.
        name: String,
        /// What it stands for.
        is: String,
        /// What it was opened as.
        asked: String,
    },
    /// The list has no element at this index.
    OutOfRange {
        /// The index.
        index: u64,
        /// How many elements there are.
        len: u64,
    },
    /// A request or a reply is longer than one message may be.
    TooLarge {
        /// How long it would be, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// The server keeps as much as it may.
    Full {
        /// How many bytes it may keep.
        limit: usize,
    },
    /// `serde` could not turn a key or a value into bytes.
    Unserialisable(String),
    /// The bytes are not what the type expects.
    Unreadable(String),
    /// The system refused something; the text says what.
    Os(String),
}

impl fmt::Display for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ManagerError::NotStarted(why) => write!(f, "the manager could not be started: {why}"),
            ManagerError::Gone => write!(
                f,
                "the manager has ended (it was dropped or killed, or the thread that started it has ended), and what it kept \
                 is lost: start another with Manager::start and open its dicts and lists anew."
            ),
            ManagerError::Silent { after, pid, doing } => write!(
                f,
                "the manager has not answered for {after:?}; it was {doing}. It may still do what you asked for. Let it go on \
                 (`kill -CONT {pid}`), or start another with Manager::start."
            ),
            ManagerError::Refused(why) => {
                write!(f, "the manager has closed the connection: {why}")
            }
            ManagerError::Clash { name, is, asked } => write!(
                f,
                "{name:?} is a {is} and was opened as a {asked}: open it as what it is, or choose another name."
            ),
            ManagerError::OutOfRange { index, len } => write!(
                f,
                "there is no element {index}: the list has {len}, numbered from 0. Use push to add one."
            ),
            ManagerError::TooLarge { bytes, limit } => write!(
                f,
                "this needs a message of {bytes} bytes, and {limit} is the limit: send or ask for less at a time."
            ),
            ManagerError::Full { limit } => write!(
                f,
                "the manager would keep more than {limit} bytes, which is its limit: remove what you no longer need, or start \
                 another manager for a part of it."
            ),
            ManagerError::Unserialisable(why) => {
                write!(f, "a key or value cannot be sent to the manager: {why}.")
            }
            ManagerError::Unreadable(why) => write!(
                f,
                "what came from the manager could not be read back ({why}): the types must serialise and deserialise alike, \
                 and must be what the object was first opened with."
            ),
            ManagerError::Os(what) => write!(
                f,
                "the system gave no connection to the manager ({what}). Each handle that is used takes one in each process: \
                 drop those that you no longer need, or raise the limit of open files (`ulimit -n`)."
            ),
        }
    }
}

impl std::error::Error for ManagerError {}

// By hand, because rust-analyzer asks these for the types of a cell's variables, and in a kernel it expands no derive macro. All
// variants are written as one tuple: which it is, three texts and two numbers.
type Flat = (u8, [String; 3], [u64; 2]);

impl Serialize for ManagerError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |which: u8, text: &String| (which, [text.clone(), "".into(), "".into()], [0, 0]);
        let numbers = |which: u8, a: u64, b: u64| (which, Default::default(), [a, b]);
        let flat: Flat = match self {
            ManagerError::Gone => numbers(0, 0, 0),
            ManagerError::NotStarted(why) => text(1, why),
            ManagerError::Silent { after, pid, doing } => {
                let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
                let texts = [doing.clone(), "".into(), "".into()];
                (2, texts, [nanos, u64::from(*pid)])
            }
            ManagerError::Refused(why) => text(3, why),
            ManagerError::Clash { name, is, asked } => {
                (4, [name.clone(), is.clone(), asked.clone()], [0, 0])
            }
            ManagerError::OutOfRange { index, len } => numbers(5, *index, *len),
            ManagerError::TooLarge { bytes, limit } => numbers(6, *bytes as u64, *limit as u64),
            ManagerError::Full { limit } => numbers(7, *limit as u64, 0),
            ManagerError::Unserialisable(why) => text(8, why),
            ManagerError::Unreadable(why) => text(9, why),
            ManagerError::Os(what) => text(10, what),
        };
        flat.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ManagerError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (which, [first, second, third], [a, b]) = Flat::deserialize(deserializer)?;
        Ok(match which {
            0 => ManagerError::Gone,
            1 => ManagerError::NotStarted(first),
            2 => ManagerError::Silent {
                after: Duration::from_nanos(a),
                pid: b as u32,
                doing: first,
            },
            3 => ManagerError::Refused(first),
            4 => ManagerError::Clash {
                name: first,
                is: second,
                asked: third,
            },
            5 => ManagerError::OutOfRange { index: a, len: b },
            6 => ManagerError::TooLarge {
                bytes: a as usize,
                limit: b as usize,
            },
            7 => ManagerError::Full { limit: a as usize },
            8 => ManagerError::Unserialisable(first),
            9 => ManagerError::Unreadable(first),
            _ => ManagerError::Os(first),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_home_as_it_was_and_is_a_sentence() {
        let text = String::from("because");
        let errors = [
            ManagerError::Gone,
            ManagerError::NotStarted(text.clone()),
            ManagerError::Silent {
                after: Duration::from_secs(10),
                pid: 1234,
                doing: text.clone(),
            },
            ManagerError::Refused(text.clone()),
            ManagerError::Clash {
                name: "n".into(),
                is: "dict of u8 → u8".into(),
                asked: "list of u8".into(),
            },
            ManagerError::OutOfRange { index: 7, len: 3 },
            ManagerError::TooLarge { bytes: 9, limit: 8 },
            ManagerError::Full { limit: 8 },
            ManagerError::Unserialisable(text.clone()),
            ManagerError::Unreadable(text.clone()),
            ManagerError::Os(text),
        ];
        for error in errors {
            let bytes = postcard::to_stdvec(&error).unwrap();
            assert_eq!(postcard::from_bytes::<ManagerError>(&bytes).unwrap(), error);
            assert!(error.to_string().len() > 20, "{error}");
        }
    }
}
