use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a message was not put. A worker's closure may return it. The message is in here: [`into_message`](PutError::into_message) gives it back.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let tasks = Queue::<Vec<u8>>::bounded_bytes(4, 1024)?;
/// let error = tasks.put(vec![0; 5000]).unwrap_err();
/// assert!(error.to_string().starts_with("the message has 5002 bytes"));
/// assert_eq!(error.into_message().len(), 5000);
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone)]
pub struct PutError<T> {
    pub(super) message: T,
    pub(super) why: Refusal,
}

impl<T> PutError<T> {
    /// The message that was not put.
    pub fn into_message(self) -> T {
        self.message
    }

    /// Why not.
    pub fn why(&self) -> &Refusal {
        &self.why
    }
}

/// Why a queue takes no message.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// assert_eq!(Refusal::Full.to_string(), "the queue stayed full until the time was up.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The time is up and the queue is still full.
    Full,
    /// The message can never fit.
    TooLarge {
        /// Bytes of the message.
        bytes: usize,
        /// Bytes of the largest message that fits.
        limit: usize,
    },
    /// The queue is full and everybody who could take something has ended.
    NobodyTakes,
    /// `serde` could not turn the message into bytes.
    Unserialisable(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Full => write!(f, "the queue stayed full until the time was up."),
            Refusal::TooLarge { bytes, limit } => write!(
                f,
                "the message has {bytes} bytes, the whole queue room for {limit}: make the queue with \
                 Queue::bounded_bytes, or send less."
            ),
            Refusal::NobodyTakes => write!(
                f,
                "the queue is full and nobody is left to take anything: the process that made it has no worker and no other thread \
                 left."
            ),
            Refusal::Unserialisable(why) => write!(f, "the message cannot be sent: {why}."),
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PutError({:?})", self.why)
    }
}

impl<T> std::error::Error for PutError<T> {}

/// Why no message was taken.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let tasks = Queue::<u64>::bounded(8)?;
/// // This process made the queue, has no workers, and asks for a message that nobody can ever put:
/// assert_eq!(tasks.get(), Err(GetError::NobodyPuts));
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetError {
    /// Nothing there, or nothing until the time was up.
    Empty,
    /// The queue is empty and everybody who could put something has ended.
    NobodyPuts,
    /// The bytes are not what the type expects: its `Serialize` and `Deserialize` differ. The message is lost.
    Unreadable(String),
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GetError::Empty => write!(f, "the queue is empty."),
            GetError::NobodyPuts => write!(
                f,
                "the queue is empty and nobody is left to put anything: the process that made it has no worker and no other thread \
                 left."
            ),
            GetError::Unreadable(why) => write!(
                f,
                "a message could not be read back ({why}): its type must serialise and deserialise alike."
            ),
        }
    }
}

impl std::error::Error for GetError {}

// So that a worker's closure may end with `Ok(…)` and use `?` on the way; written by hand, since the derive macros would
// cost every student time at every kernel start.
impl Serialize for GetError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            GetError::Empty => (0u8, ""),
            GetError::NobodyPuts => (1, ""),
            GetError::Unreadable(why) => (2, why.as_str()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GetError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match <(u8, String)>::deserialize(deserializer)? {
            (0, _) => GetError::Empty,
            (1, _) => GetError::NobodyPuts,
            (_, why) => GetError::Unreadable(why),
        })
    }
}

impl Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Refusal::Full => (0u8, "", 0, 0),
            Refusal::NobodyTakes => (1, "", 0, 0),
            Refusal::TooLarge { bytes, limit } => (2, "", *bytes as u64, *limit as u64),
            Refusal::Unserialisable(why) => (3, why.as_str(), 0, 0),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (which, why, bytes, limit) = <(u8, String, u64, u64)>::deserialize(deserializer)?;
        Ok(match which {
            0 => Refusal::Full,
            1 => Refusal::NobodyTakes,
            2 => Refusal::TooLarge {
                bytes: bytes as usize,
                limit: limit as usize,
            },
            _ => Refusal::Unserialisable(why),
        })
    }
}

impl<T: Serialize> Serialize for PutError<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.message, &self.why).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PutError<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (message, why) = Deserialize::deserialize(deserializer)?;
        Ok(PutError { message, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_home_as_it_was() {
        let refusals = [
            Refusal::Full,
            Refusal::NobodyTakes,
            Refusal::TooLarge { bytes: 9, limit: 8 },
            Refusal::Unserialisable("because".into()),
        ];
        for why in refusals {
            let error = PutError {
                message: 7u64,
                why: why.clone(),
            };
            let bytes = postcard::to_stdvec(&error).unwrap();
            let back: PutError<u64> = postcard::from_bytes(&bytes).unwrap();
            assert_eq!((back.message, back.why), (7, why));
        }
        for error in [
            GetError::Empty,
            GetError::NobodyPuts,
            GetError::Unreadable("because".into()),
        ] {
            let bytes = postcard::to_stdvec(&error).unwrap();
            assert_eq!(postcard::from_bytes::<GetError>(&bytes).unwrap(), error);
        }
    }
}
