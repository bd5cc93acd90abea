use crate::blocking::Wait;
use crate::broker::Route;
use crate::cluster::{Map, Way};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::resp::Received;
use crate::{BrokerError, ErrorKind, Reply};
use std::fmt;
use std::time::Duration;

/// Messages from channels, as they arrive. It is made by [`Broker::subscribe`](crate::Broker::subscribe).
///
/// The server keeps no message: what is published while nobody listens is gone. So subscribe first, and *then* look at whatever the messages
/// are about; a message between the two is not lost, and one before the two shows in the look.
///
/// A subscription works only in the process that made it. If its connection breaks, what was published since is lost, and so every
/// [`next`](Subscription::next) is an error: subscribe again, and look again.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use std::time::Duration;
/// let broker = Broker::start()?;
/// broker.call(["PUBLISH", "signals", "too early"])?;
/// let mut signals = broker.subscribe(["signals"])?;
/// assert_eq!(signals.next(Duration::from_millis(10))?, None);
/// # Ok::<(), BrokerError>(())
/// ```
pub struct Subscription {
    connection: Connection,
    route: Route,
    channels: Vec<String>,
    broken: Option<BrokerError>,
}

/// What was published.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    channel: String,
    payload: Reply,
}

impl Subscription {
    pub(crate) fn open(
        route: Route,
        mut map: Map,
        channels: impl IntoIterator<Item: AsRef<[u8]>>,
        patience: Duration,
    ) -> Result<Subscription, BrokerError> {
        let mut command = vec![b"SUBSCRIBE".to_vec()];
        command.extend(
            channels
                .into_iter()
                .map(|channel| channel.as_ref().to_vec()),
        );
        let names = &command[1..];
        if names.is_empty() {
            return Err(BrokerError::new(
                ErrorKind::Invalid,
                "there is no channel to listen to: name at least one.",
            ));
        }
        let channels: Vec<String> = names
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let deadline = Deadline::after(patience);
        // Every node of a cluster passes every message on.
        let mut open = || {
            let mut connection = Way::to(None, &route, deadline).connect(&mut map)?;
            connection.send(&command, deadline)?;
            // One reply for each channel.
            for _ in &channels {
                if let Reply::Error(words) = connection.receive(deadline)? {
                    return Err(BrokerError::server(&words));
                }
            }
            Ok(connection)
        };
        let connection = open().map_err(|error| match error.kind() {
            ErrorKind::TimedOut => route.late(error, "SUBSCRIBE", Wait::No),
            _ => error,
        })?;
        Ok(Subscription {
            connection,
            route,
            channels,
            broken: None,
        })
    }

    /// The next message; `None` if none comes within `limit`. A limit of zero takes only what has arrived already.
    ///
    /// # Errors
    /// The connection broke, now or before, or this is another process than the one that subscribed ([`ErrorKind::NotOwner`]).
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// use std::time::Duration;
    /// let broker = Broker::start()?;
    /// let mut both = broker.subscribe(["left", "right"])?;
    /// broker.call(["PUBLISH", "right", "7"])?;
    /// let message = both.next(Duration::from_secs(1))?.expect("it was published");
    /// assert_eq!((message.channel(), message.text()?), ("right", "7"));
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn next(&mut self, limit: Duration) -> Result<Option<Message>, BrokerError> {
        if !self.connection.is_ours() {
            return Err(BrokerError::new(
                ErrorKind::NotOwner,
                "a subscription works only in the process that made it: subscribe in the worker.",
            ));
        }
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let deadline = Deadline::after(limit);
        loop {
            match self.connection.receive_any(deadline) {
                Ok(received) => {
                    if let Some(message) = message(received) {
                        return Ok(Some(message));
                    }
                    // As in `Connection::receive`.
                    if deadline.left().is_none() {
                        return Ok(None);
                    }
                }
                // What has come of a message so far is kept for the next time.
                Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(None),
                Err(error) => {
                    let text = format!(
                        "{error} What was published since is lost: subscribe again, and then look at the thing itself."
                    );
                    let text = text.replace(" The next call connects anew.", "");
                    return Err(self
                        .broken
                        .insert(BrokerError::new(error.kind(), text))
                        .clone());
                }
            }
        }
    }

    /// The channels.
    ///
    /// # Examples
    /// ```
    /// use broker::prelude::*;
    /// let broker = Broker::start()?;
    /// assert_eq!(broker.subscribe(["signals"])?.channels(), ["signals"]);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn channels(&self) -> &[String] {
        &self.channels
    }
}

/// The message in what came; `None` for anything else.
fn message(received: Received) -> Option<Message> {
    // The older protocol has no type of its own for it.
    let (Received::Reply(Reply::List(parts)) | Received::Push(parts)) = received else {
        return None;
    };
    let mut parts = parts.into_iter();
    if parts.next()? != "message" {
        return None;
    }
    let channel = match parts.next()? {
        Reply::Text(channel) => channel,
        other => other.to_string(),
    };
    let payload = parts.next()?;
    Some(Message { channel, payload })
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Subscription({} at {})",
            self.channels.join(", "),
            self.route.address.url()
        )
    }
}

impl Message {
    /// The channel.
    ///
    /// # Examples
    /// ```
    /// # use broker::prelude::*;
    /// # use std::time::Duration;
    /// # let broker = Broker::start()?;
    /// let mut signals = broker.subscribe(["signals"])?;
    /// broker.call(["PUBLISH", "signals", "stop"])?;
    /// let message = signals.next(Duration::from_secs(1))?.expect("it was published");
    /// assert_eq!(message.channel(), "signals");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// What was published, as text.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`]: it is no text.
    ///
    /// # Examples
    /// ```
    /// # use broker::prelude::*;
    /// # use std::time::Duration;
    /// # let broker = Broker::start()?;
    /// let mut signals = broker.subscribe(["signals"])?;
    /// broker.call(["PUBLISH", "signals", "stop"])?;
    /// let message = signals.next(Duration::from_secs(1))?.expect("it was published");
    /// assert_eq!(message.text()?, "stop");
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn text(&self) -> Result<&str, BrokerError> {
        self.payload.text()
    }

    /// What was published.
    ///
    /// # Examples
    /// ```
    /// # use broker::prelude::*;
    /// # use std::time::Duration;
    /// # let broker = Broker::start()?;
    /// let mut signals = broker.subscribe(["signals"])?;
    /// broker.call(["PUBLISH", "signals", "7"])?;
    /// let message = signals.next(Duration::from_secs(1))?.expect("it was published");
    /// assert_eq!(message.payload().int()?, 7);
    /// # Ok::<(), BrokerError>(())
    /// ```
    pub fn payload(&self) -> &Reply {
        &self.payload
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.channel, self.payload)
    }
}
