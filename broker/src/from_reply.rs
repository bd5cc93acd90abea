use crate::reply::pairs;
use crate::{BrokerError, Reply};
use std::collections::HashMap;

/// A type that [`Broker::ask`](crate::Broker::ask) can turn a reply into.
///
/// | type | made of |
/// |---|---|
/// | `i64`, `u64`, `f64` | a number, or text that is one |
/// | `bool` | 1 or 0, true or false; `OK` is true and nothing is false, so it fits `SET key value NX` |
/// | `String` | text, a status, a number |
/// | `Option<T>` | `None` if there is nothing |
/// | `Vec<T>`, `(A, B)` | a list; a map is a list of pairs |
/// | `HashMap<String, String>` | a map, or a list of keys and values |
/// | `Reply` | anything |
/// | `()` | anything, if only success matters |
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// let broker = Broker::start()?;
/// assert!(broker.ask::<bool>(["SET", "lock", "me", "NX"])?);
/// assert!(!broker.ask::<bool>(["SET", "lock", "you", "NX"])?);
/// broker.call(["LPUSH", "tasks", "7"])?;
/// let task: Option<(String, u64)> = broker.ask(["BRPOP", "tasks", "1"])?;
/// assert_eq!(task, Some(("tasks".into(), 7)));
/// # Ok::<(), BrokerError>(())
/// ```
pub trait FromReply: Sized {
    /// Turns `reply` into the type.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType): the reply is of another type.
    fn from_reply(reply: Reply) -> Result<Self, BrokerError>;
}

impl FromReply for Reply {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        Ok(reply)
    }
}

impl FromReply for () {
    fn from_reply(_: Reply) -> Result<Self, BrokerError> {
        Ok(())
    }
}

impl FromReply for i64 {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        reply.int()
    }
}

impl FromReply for u64 {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        const WANTED: &str = "whole number from 0 on";
        match &reply {
            Reply::Int(number) => u64::try_from(*number).map_err(|_| reply.is_no(WANTED)),
            Reply::Text(text) => text.parse().map_err(|_| reply.is_no(WANTED)),
            _ => Err(reply.is_no(WANTED)),
        }
    }
}

impl FromReply for f64 {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        match &reply {
            Reply::Double(number) => Ok(*number),
            Reply::Int(number) => Ok(*number as f64),
            Reply::Text(text) => text.parse().map_err(|_| reply.is_no("number")),
            _ => Err(reply.is_no("number")),
        }
    }
}

impl FromReply for bool {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        match &reply {
            Reply::Bool(truth) => Ok(*truth),
            Reply::Nil => Ok(false),
            Reply::Status(word) if word == "OK" => Ok(true),
            _ => match reply.int() {
                Ok(0) => Ok(false),
                Ok(1) => Ok(true),
                _ => Err(reply.is_no("yes or no (1 or 0)")),
            },
        }
    }
}

impl FromReply for String {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        match reply {
            Reply::Text(text) | Reply::Status(text) => Ok(text),
            Reply::Int(number) => Ok(number.to_string()),
            Reply::Double(number) => Ok(number.to_string()),
            other => Err(other.is_no("text")),
        }
    }
}

impl<T: FromReply> FromReply for Option<T> {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        match reply {
            Reply::Nil => Ok(None),
            reply => T::from_reply(reply).map(Some),
        }
    }
}

impl<T: FromReply> FromReply for Vec<T> {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        let list = match reply {
            Reply::List(list) => list,
            Reply::Map(pairs) => {
                let pair = |(key, value)| Reply::List(vec![key, value]);
                pairs.into_iter().map(pair).collect()
            }
            other => return Err(other.is_no("list")),
        };
        list.into_iter().map(T::from_reply).collect()
    }
}

impl<A: FromReply, B: FromReply> FromReply for (A, B) {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        match reply {
            Reply::List(list) if list.len() == 2 => {
                let mut list = list.into_iter();
                let mut next = || list.next().unwrap_or(Reply::Nil);
                Ok((A::from_reply(next())?, B::from_reply(next())?))
            }
            other => Err(other.is_no("list of two")),
        }
    }
}

impl FromReply for HashMap<String, String> {
    fn from_reply(reply: Reply) -> Result<Self, BrokerError> {
        let pairs = match reply {
            Reply::Map(pairs) => pairs,
            Reply::List(flat) if flat.len().is_multiple_of(2) => pairs(flat),
            other => return Err(other.is_no("map")),
        };
        pairs
            .into_iter()
            .map(|(key, value)| Ok((String::from_reply(key)?, String::from_reply(value)?)))
            .collect()
    }
}
