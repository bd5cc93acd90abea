use crate::address::{Address, Login, Place};
use crate::deadline::Deadline;
use crate::resp::{Failure, Reader, Received};
use crate::stream::Stream;
use crate::{BrokerError, ErrorKind, Reply};
use labsupport::internal::Home;
use labsupport::measure::human;
use std::fmt;
use std::io;

/// The most bytes of a request for which the buffer is kept.
const KEEP: usize = 64 << 10;

/// A connection to a server. It carries one call at a time.
pub(crate) struct Connection {
    stream: Stream,
    replies: Reader,
    request: Vec<u8>,
    /// Something has come.
    heard: bool,
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
            replies: Reader::new(),
            request: Vec::new(),
            heard: false,
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

    /// Waits for a reply; what is none is passed over. An error of the server's is [`Reply::Error`].
    pub(crate) fn receive(&mut self, deadline: Deadline) -> Result<Reply, BrokerError> {
        loop {
            if let Received::Reply(reply) = self.receive_any(deadline)? {
                return Ok(reply);
            }
            // What comes fast enough never makes the stream wait, and only a wait looks at the clock.
            deadline.left().ok_or_else(|| self.late(deadline))?;
        }
    }

    /// Waits for whatever the server sends.
    pub(crate) fn receive_any(&mut self, deadline: Deadline) -> Result<Received, BrokerError> {
        let read = self.replies.read(&mut self.stream.until(deadline));
        self.heard |= read.is_ok();
        read.map_err(|failure| match failure {
            Failure::Io(error) => self.broken(&error, deadline),
            Failure::Unreadable(why) => BrokerError::new(
                ErrorKind::Unreadable,
                format!(
                    "what came from {} is no reply of a broker ({why}). The address may be that of another program.",
                    self.name
                ),
            ),
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
            // Only the program for TLS says so, as long as the server has answered nothing.
            io::ErrorKind::PermissionDenied if error.get_ref().is_some() => BrokerError::new(
                ErrorKind::Refused,
                format!("{} turned the connection away ({error}).", self.name),
            ),
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
        let hint = match (&self.stream, self.heard) {
            (Stream::Tcp(_), false) => " If it wants TLS, write rediss:// instead of redis://.",
            _ => "",
        };
        BrokerError::new(
            ErrorKind::Disconnected,
            format!(
                "the connection to {} broke ({why}). The server may have carried out the call, or not. The next call connects anew.{hint}",
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
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(error) = inner {
        return BrokerError::clone(error);
    }
    if error.kind() == io::ErrorKind::TimedOut {
        let limit = human(deadline.limit());
        if error.get_ref().is_some() {
            let text = format!("{url} was not ready within {limit}: {error}");
            return BrokerError::new(ErrorKind::TimedOut, text);
        }
        return BrokerError::new(
            ErrorKind::TimedOut,
            format!("{url} has not taken the connection within {limit}"),
        );
    }
    if error.kind() == io::ErrorKind::PermissionDenied && error.get_ref().is_some() {
        let text = format!("no connection to {url}: {error}.");
        return BrokerError::new(ErrorKind::Refused, text);
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
        // A sentence of the program for TLS.
        io::ErrorKind::Other => error.to_string(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    #[test]
    fn a_message_that_is_passed_over_gives_no_more_time() {
        let (mut server, client) = UnixStream::pair().unwrap();
        client.set_nonblocking(true).unwrap();
        let mut connection = Connection {
            stream: Stream::Unix(client),
            replies: Reader::new(),
            request: Vec::new(),
            heard: false,
            home: Home::here(),
            name: "a pair".into(),
        };
        let no_time = Deadline::after(Duration::ZERO);
        server.write_all(b">1\r\n+noise\r\n:1\r\n:2\r\n").unwrap();
        let error = connection.receive(no_time).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        for number in [1, 2] {
            assert_eq!(connection.receive(no_time).unwrap(), number);
        }
    }
}
