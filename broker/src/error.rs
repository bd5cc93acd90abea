use serde::{Deserialize, Serialize};
use std::fmt;

/// Why the broker did not do what it was asked to do: a [`kind`](BrokerError::kind) for programs, and a text that also says what to do next.
///
/// A text never contains a password. `serde` can write and read the error, so a worker's closure may return it.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// let broker = Broker::start()?;
/// broker.call(["SET", "stop", "1"])?;
/// let error = broker.call(["LPUSH", "stop", "pill"]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Server);
/// assert_eq!(error.code(), Some("WRONGTYPE"));
/// # Ok::<(), BrokerError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerError {
    kind: ErrorKind,
    /// The first word of a server's error; empty for all others.
    code: String,
    text: String,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no server program on this machine, or none for TLS.
    ServerMissing,
    /// The server program was run and did not answer; the text has its last words.
    DidNotStart,
    /// An address, a setting, a command or a delay that cannot be right. Nothing was sent.
    Invalid,
    /// Nothing listens at the address, the server turned the connection away, or its certificate cannot be trusted.
    Refused,
    /// The connection broke. The server may have carried out the call, or not.
    Disconnected,
    /// No answer came in time. The server may have carried out the call, may do it later, or not.
    TimedOut,
    /// The server answered with an error; [`BrokerError::code`] is its first word.
    Server,
    /// The reply is of another type than the caller asked for. The server has carried out the call.
    WrongType,
    /// What came is no reply at all.
    Unreadable,
    /// Only the process that made the thing may do this.
    NotOwner,
    /// The system refused something.
    Os,
}

const KINDS: [ErrorKind; 11] = [
    ErrorKind::ServerMissing,
    ErrorKind::DidNotStart,
    ErrorKind::Invalid,
    ErrorKind::Refused,
    ErrorKind::Disconnected,
    ErrorKind::TimedOut,
    ErrorKind::Server,
    ErrorKind::WrongType,
    ErrorKind::Unreadable,
    ErrorKind::NotOwner,
    ErrorKind::Os,
];

impl BrokerError {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> BrokerError {
        BrokerError {
            kind,
            code: String::new(),
            text: text.into(),
        }
    }

    /// An error that the server has sent, with what to do about the usual ones.
    pub(crate) fn server(words: &str) -> BrokerError {
        let code = words.split(' ').next().unwrap_or_default();
        let advice = match code {
            "OOM" => {
                "It keeps as much as it may. Remove what you no longer need (DEL, LTRIM, XTRIM, FLUSHALL), or start a broker with \
                 another \"maxmemory\"."
            }
            "WRONGTYPE" => {
                "The key holds another type than the command is for: TYPE says which. Choose another key, or DEL this one."
            }
            "NOSCRIPT" => {
                "The server does not know the script, or has forgotten it in a restart: send its text with EVAL."
            }
            "NOAUTH" | "WRONGPASS" => {
                "Put the user and the password into the address: redis://user:password@host:port."
            }
            "NOPERM" => {
                "Ask whoever runs the server for the permission, or connect as another user."
            }
            "READONLY" => "This server is a copy that only answers reads: connect to its primary.",
            "LOADING" => "It still reads what it had saved. Call again in a moment.",
            "MISCONF" => {
                "It cannot save to its disk, and takes no writes until it can: make room there, or start a broker without \"save\"."
            }
            "BUSY" => "A script runs for too long: SCRIPT KILL ends it.",
            "MOVED" | "ASK" => "The server is one of a cluster, and another one has this key.",
            "CROSSSLOT" => {
                "A cluster takes only keys of one slot in one command: give them the same word in braces, as in {tasks}:todo and \
                 {tasks}:doing, of which only the word counts."
            }
            "CLUSTERDOWN" => {
                "A part of the cluster is missing: `CLUSTER INFO` and `CLUSTER NODES` say which."
            }
            "TRYAGAIN" => {
                "The keys of the command are on their way to another node, and some have arrived."
            }
            "EXECABORT" => "A command of the transaction was refused, so none of it was done.",
            "NOGROUP" => "Make the group first: XGROUP CREATE key group 0 MKSTREAM.",
            _ => "",
        };
        let space = if advice.is_empty() { "" } else { ". " };
        BrokerError {
            kind: ErrorKind::Server,
            code: code.into(),
            text: format!(
                "the server answers: {}{space}{advice}",
                words.trim_end_matches('.')
            ),
        }
    }

    /// The same error, with another sentence.
    pub(crate) fn more(self, words: impl fmt::Display) -> BrokerError {
        BrokerError {
            text: format!("{} {words}", self.text),
            ..self
        }
    }

    /// What kind of thing went wrong.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let error = Broker::connect("http://localhost").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Invalid);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The first word of an error that the server has sent, such as `OOM` or `WRONGTYPE`; of any other error, `None`.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert_eq!(broker.call(["NONSENSE"]).unwrap_err().code(), Some("ERR"));
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn code(&self) -> Option<&str> {
        (self.kind == ErrorKind::Server).then_some(&self.code)
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)
    }
}

impl std::error::Error for BrokerError {}

// By hand, because rust-analyzer asks these for the types of a cell's variables, and in a kernel it expands no derive macro.
impl Serialize for BrokerError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = KINDS.iter().position(|kind| *kind == self.kind);
        (kind.unwrap_or_default() as u8, &self.code, &self.text).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BrokerError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, code, text) = <(u8, String, String)>::deserialize(deserializer)?;
        let kind = KINDS.get(kind as usize);
        let kind = *kind.ok_or_else(|| serde::de::Error::custom("an unknown kind of error"))?;
        Ok(BrokerError { kind, code, text })
    }
}
