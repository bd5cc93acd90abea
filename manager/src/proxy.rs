use crate::ManagerError;
use crate::connection::Connection;
use crate::door::Door;
use crate::frame::{self, Malformed};
use crate::protocol::{Bytes, Kind, Reply, Request};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::sync::Arc;

/// One dict or list of the server, for any process that inherited the door. It opens a connection of its own in each process
/// that uses it, at the first call there.
pub(crate) struct Proxy {
    door: Arc<Door>,
    // Not Sync: a connection carries one call at a time.
    connection: Cell<Option<Connection>>,
    number: u32,
    name: Arc<str>,
}

impl Clone for Proxy {
    /// The copy opens a connection of its own.
    fn clone(&self) -> Proxy {
        Proxy {
            door: Arc::clone(&self.door),
            connection: Cell::new(None),
            number: self.number,
            name: Arc::clone(&self.name),
        }
    }
}

impl Proxy {
    /// The dict or list of this name; it is made if there is none.
    pub(crate) fn open(
        door: &Arc<Door>,
        kind: Kind,
        types: &str,
        name: &str,
    ) -> Result<Proxy, ManagerError> {
        let mut proxy = Proxy {
            door: Arc::clone(door),
            connection: Cell::new(None),
            number: 0,
            name: name.into(),
        };
        let open = Request::Open { kind, types, name };
        proxy.number = proxy.call(&open, number)? as u32;
        Ok(proxy)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The number by which requests name it.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// One round trip; `read` takes what it needs out of the reply.
    ///
    /// A connection that fails is thrown away, and the next call opens another. So the reply to a request that was given up
    /// is never taken for the reply to a later one.
    pub(crate) fn call<R>(
        &self,
        request: &Request<'_>,
        read: impl FnOnce(Reply<'_>) -> Result<R, ManagerError>,
    ) -> Result<R, ManagerError> {
        let taken = self.connection.take();
        let mut connection = match taken {
            Some(connection) if connection.is_ours() => connection,
            other => {
                drop(other);
                Connection::open(&self.door)?
            }
        };
        let prepared = connection.prepare(request);
        let result = match prepared {
            Err(error) => Err(error), // nothing was sent
            Ok(()) => match connection.exchange(&self.door)? {
                Reply::Closed(why) => return Err(why),
                Reply::Failed(why) => Err(why),
                reply => read(reply),
            },
        };
        self.connection.set(Some(connection));
        result
    }
}

/// A key or value, ready to be sent.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, ManagerError> {
    let mut bytes = Vec::with_capacity(64); // most keys and values fit without growing
    frame::append(value, &mut bytes)
        .map_err(|error| ManagerError::Unserialisable(error.to_string()))?;
    Ok(bytes)
}

/// A key or value that came back.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ManagerError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(ManagerError::Unreadable("bytes are left over".into())),
        Err(error) => Err(ManagerError::Unreadable(error.to_string())),
    }
}

/// The error of a reply that the request cannot have.
#[cold]
pub(crate) fn unexpected<R>() -> Result<R, ManagerError> {
    Err(ManagerError::Unreadable(
        "it is the answer to another question".into(),
    ))
}

pub(crate) fn done(reply: Reply<'_>) -> Result<(), ManagerError> {
    match reply {
        Reply::Done => Ok(()),
        _ => unexpected(),
    }
}

pub(crate) fn number(reply: Reply<'_>) -> Result<u64, ManagerError> {
    match reply {
        Reply::Number(number) => Ok(number),
        _ => unexpected(),
    }
}

/// A value that may not be there.
pub(crate) fn value<T: DeserializeOwned>(reply: Reply<'_>) -> Result<Option<T>, ManagerError> {
    match reply {
        Reply::Value(Bytes(bytes)) => decode(bytes).map(Some),
        Reply::Absent => Ok(None),
        _ => unexpected(),
    }
}

/// The same, as the bytes that came, for a compare-and-exchange to compare with.
pub(crate) fn bytes(reply: Reply<'_>) -> Result<Option<Vec<u8>>, ManagerError> {
    match reply {
        Reply::Value(Bytes(bytes)) => Ok(Some(bytes.into())),
        Reply::Absent => Ok(None),
        _ => unexpected(),
    }
}

/// Many values.
pub(crate) fn many<T: DeserializeOwned>(reply: Reply<'_>) -> Result<Vec<T>, ManagerError> {
    match reply {
        Reply::Many(fields) => fields.map(|field| decode(field?)).collect(),
        _ => unexpected(),
    }
}

/// Keys and values in turn.
pub(crate) fn pairs<K: DeserializeOwned, V: DeserializeOwned>(
    reply: Reply<'_>,
) -> Result<Vec<(K, V)>, ManagerError> {
    let Reply::Many(mut fields) = reply else {
        return unexpected();
    };
    let mut pairs = Vec::new();
    while let Some(key) = fields.next() {
        let value = fields.next().ok_or(Malformed("a key has no value"))?;
        pairs.push((decode(key?)?, decode(value?)?));
    }
    Ok(pairs)
}

/// How a compare-and-exchange went: `Err` has the bytes of what was there instead, if anything was.
pub(crate) type Exchanged = Result<(), Option<Vec<u8>>>;

pub(crate) fn exchanged(reply: Reply<'_>) -> Result<Exchanged, ManagerError> {
    match reply {
        Reply::Done => Ok(Ok(())),
        other => bytes(other).map(Err),
    }
}
