use crate::address::{Address, Login, Place};
use crate::deadline::Deadline;
use crate::stream::Stream;
use crate::{BrokerError, ErrorKind, Reply};
use labsupport::internal::Home;
use labsupport::measure::human;
use redis::Value;
use std::fmt;
use std::io;

/// The most bytes of a request for which the buffer is kept.
const KEEP: usize = 64 << 10;

/// A connection to a server. It carries one call at a time.
pub(crate) struct Connection {
    stream: Stream,
    replies: redis::Parser,
    request: Vec<u8>,
    /// The process that opened it. A fork copies it, but two processes that read from one stream would get each other's answers.
    home: Home,
    name: String,
}

impl Connection {
    /// Connects, and logs in if the address says how.
    pub(crate) fn open(address: &Address, deadline: Deadline) -> Result<Connection, BrokerError> {
        let stream = Stream::open(&address.place, deadline)
            .map_err(|error| not_connected(address, &error, deadline))?;
        let mut connection = Connection {
            stream,
            replies: redis::Parser::new(),
            request: Vec::new(),
            home: Home::here(),
            name: address.url(),
        };
        connection.log_in(&address.login, deadline)?;
        Ok(connection)
    }

    fn log_in(&mut self, login: &Login, deadline: Deadline) -> Result<(), BrokerError> {
        if let Some(password) = &login.password {
            match &login.user {
                Some(user) => self.exchange(&["AUTH", user, password], deadline)?,
                None => self.exchange(&["AUTH", password], deadline)?,
            };
        }
        if login.database != 0 {
            self.exchange(&["SELECT", &login.database.to_string()], deadline)?;
        }
        Ok(())
    }

    /// Whether this process opened it.
    pub(crate) fn is_ours(&self) -> bool {
        self.home.is_here()
    }

    /// Sends a command and waits for its reply. After any error but one that the server has sent, the connection is of no more use.
    pub(crate) fn exchange(
        &mut self,
        command: &[impl AsRef<[u8]>],
        deadline: Deadline,
    ) -> Result<Reply, BrokerError> {
        self.send(command, deadline)?;
        match self.receive(deadline)? {
            Reply::Error(words) => Err(BrokerError::server(&words)),
            reply => Ok(reply),
        }
    }

    /// Sends a command.
    pub(crate) fn send(
        &mut self,
        command: &[impl AsRef<[u8]>],
        deadline: Deadline,
    ) -> Result<(), BrokerError> {
        self.request.clear();
        write_command(command, &mut self.request);
        let sent = self.stream.send(&self.request, deadline);
        if self.request.capacity() > KEEP {
            self.request = Vec::new();
        }
        sent.map_err(|error| self.broken(&error, deadline))
    }

    /// Waits for a reply. An error of the server's is [`Reply::Error`].
    pub(crate) fn receive(&mut self, deadline: Deadline) -> Result<Reply, BrokerError> {
        let value = self.receive_value(deadline)?;
        Ok(reply_of(value))
    }

    pub(crate) fn receive_value(&mut self, deadline: Deadline) -> Result<Value, BrokerError> {
        let read = self.replies.parse_value(self.stream.until(deadline));
        read.map_err(|error| {
            if error.is_timeout() {
                return self.late(deadline);
            }
            if error.is_io_error() {
                let closed = error.to_string().contains("unexpected end of file");
                let why = match closed {
                    true => "the server closed it".into(),
                    false => error.to_string().to_lowercase(),
                };
                return self.cut(&why);
            }
            let why = error.detail().unwrap_or("it cannot be parsed").trim();
            BrokerError::new(
                ErrorKind::Unreadable,
                format!(
                    "what came from {} is no reply of a broker ({}). The address may be that of another program.",
                    self.name,
                    why.split_whitespace().take(20).collect::<Vec<_>>().join(" ")
                ),
            )
        })
    }

    /// Another handle on the stream, to end it while this one waits.
    pub(crate) fn stream(&self) -> Result<Stream, BrokerError> {
        self.stream
            .try_clone()
            .map_err(|error| BrokerError::new(ErrorKind::Os, no_socket(&error)))
    }

    /// The error of a call during which the stream failed.
    #[cold]
    fn broken(&self, error: &io::Error, deadline: Deadline) -> BrokerError {
        match error.kind() {
            io::ErrorKind::TimedOut => self.late(deadline),
            _ => self.cut(&in_words(error)),
        }
    }

    #[cold]
    fn late(&self, deadline: Deadline) -> BrokerError {
        let limit = human(deadline.limit());
        let text = format!("{} has not answered for {limit}", self.name);
        BrokerError::new(ErrorKind::TimedOut, text)
    }

    #[cold]
    fn cut(&self, why: &str) -> BrokerError {
        BrokerError::new(
            ErrorKind::Disconnected,
            format!(
                "the connection to {} broke ({why}). The server may have carried out the call, or not. The next call connects anew.",
                self.name
            ),
        )
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Workers may hold copies, and then closing it alone would tell the server nothing. In a worker it is such a copy, and
        // the connection still belongs to the worker's parent.
        if self.is_ours() {
            self.stream.shut_down();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.name)
    }
}

/// Writes a command as the protocol wants it: the number of its words, and each word after its length.
pub(crate) fn write_command(command: &[impl AsRef<[u8]>], request: &mut Vec<u8>) {
    let number = |mark: u8, number: usize, request: &mut Vec<u8>| {
        request.push(mark);
        request.extend_from_slice(number.to_string().as_bytes());
        request.extend_from_slice(b"\r\n");
    };
    number(b'*', command.len(), request);
    for word in command {
        let word = word.as_ref();
        number(b'$', word.len(), request);
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
}

fn not_connected(address: &Address, error: &io::Error, deadline: Deadline) -> BrokerError {
    let url = address.url();
    if error.kind() == io::ErrorKind::TimedOut {
        let limit = human(deadline.limit());
        return BrokerError::new(
            ErrorKind::TimedOut,
            format!("{url} has not taken the connection within {limit}"),
        );
    }
    let advice = match &address.place {
        Place::Unix(_) => {
            "If this program started the server, the server has ended: Broker::restart starts it again, Broker::start another."
        }
        Place::Tcp { .. } => {
            "Check the host and the port, and that the server runs and may be reached from here."
        }
    };
    BrokerError::new(
        ErrorKind::Refused,
        format!("{url} cannot be reached ({}). {advice}", in_words(error)),
    )
}

pub(crate) fn no_socket(error: &io::Error) -> String {
    format!(
        "the system gave no socket ({error}). Drop what you no longer need, or raise the limit of open files (`ulimit -n`)."
    )
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed it".into(),
        io::ErrorKind::ConnectionRefused => "nothing listens there".into(),
        io::ErrorKind::NotFound => "there is nothing of this name".into(),
        _ => error.to_string().to_lowercase(),
    }
}

/// A reply in our own types.
pub(crate) fn reply_of(value: Value) -> Reply {
    let list = |values: Vec<Value>| values.into_iter().map(reply_of).collect::<Vec<_>>();
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Int(number),
        Value::Double(number) => Reply::Double(number),
        Value::Boolean(truth) => Reply::Bool(truth),
        Value::Okay => Reply::Status("OK".into()),
        Value::SimpleString(word) => Reply::Status(word),
        Value::BulkString(bytes) => text_or_bytes(bytes),
        Value::BigNumber(bytes) => text_or_bytes(bytes.to_vec()),
        Value::VerbatimString { text, .. } => Reply::Text(text),
        Value::Array(values) | Value::Set(values) => Reply::List(list(values)),
        Value::Push { data, .. } => Reply::List(list(data)),
        Value::Map(pairs) => {
            let pair = |(key, value)| (reply_of(key), reply_of(value));
            Reply::Map(pairs.into_iter().map(pair).collect())
        }
        Value::Attribute { data, .. } => reply_of(*data),
        Value::ServerError(error) => Reply::Error(match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_string(),
        }),
        _ => Reply::Nil,
    }
}

fn text_or_bytes(bytes: Vec<u8>) -> Reply {
    match String::from_utf8(bytes) {
        Ok(text) => Reply::Text(text),
        Err(error) => Reply::Bytes(error.into_bytes()),
    }
}
