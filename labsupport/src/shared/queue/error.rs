use serde::{Deserialize, Serialize};
use std::fmt;

/// A message that was not put, and why. [`into_inner`](PutError::into_inner) gives the message back. A worker's closure may return it.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let tasks = Queue::<Vec<u8>>::bounded_bytes(4, 1024)?;
/// let error = tasks.put(vec![0; 5000]).unwrap_err();
/// assert!(error.to_string().starts_with("the message has 5002 bytes"));
/// assert_eq!(error.into_inner().len(), 5000);
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone)]
pub struct PutError<T> {
    pub(super) message: T,
    pub(super) kind: PutErrorKind,
}

impl<T> PutError<T> {
    /// The message that was not put.
    pub fn into_inner(self) -> T {
        self.message
    }

    /// Why it was not put.
    pub fn kind(&self) -> &PutErrorKind {
        &self.kind
    }
}

/// Why a message was not put.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// assert_eq!(PutErrorKind::Full.to_string(), "the queue is full.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutErrorKind {
    /// There is no room, or there was none until the time was up.
    Full,
    /// The message can never fit into this queue.
    TooLarge {
        /// Bytes of the message.
        bytes: usize,
        /// Bytes of the largest message that fits.
        limit: usize,
    },
    /// The queue is full, and no process is left that could take anything.
    Disconnected,
    /// `serde` could not turn the message into bytes. The text is its reason.
    Unserialisable(String),
}

impl fmt::Display for PutErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutErrorKind::Full => write!(f, "the queue is full."),
            PutErrorKind::TooLarge { bytes, limit } => write!(
                f,
                "the message has {bytes} bytes, and the whole queue has room for {limit}: make the queue with \
                 Queue::bounded_bytes, or send less."
            ),
            PutErrorKind::Disconnected => write!(
                f,
                "the queue is full, and no process is left to take anything: the one that made it has no worker and no other thread left. \
                 Spawn the consumers first, and see in the report how they ended."
            ),
            PutErrorKind::Unserialisable(why) => write!(f, "the message cannot be sent: {why}."),
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PutError({:?})", self.kind)
    }
}

impl<T> std::error::Error for PutError<T> {}

/// Why no message was taken. A worker's closure may return it.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let tasks = Queue::<u64>::bounded(8)?;
/// // This process made the queue, has no workers, and asks for a message that can never come:
/// assert_eq!(tasks.get(), Err(GetError::Disconnected));
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetError {
    /// There is no message, or none came until the time was up.
    Empty,
    /// The queue is empty, and no process is left that could put anything.
    Disconnected,
    /// The bytes are not what the type expects: its `Serialize` and `Deserialize` disagree. The message is lost.
    Unreadable(String),
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GetError::Empty => write!(f, "the queue is empty."),
            GetError::Disconnected => write!(
                f,
                "the queue is empty, and no process is left to put anything: the one that made it has no worker and no other thread \
                 left. Put the messages first, and see in the report how the producers ended."
            ),
            GetError::Unreadable(why) => write!(
                f,
                "a message could not be read back ({why}): make `Serialize` and `Deserialize` of its type agree."
            ),
        }
    }
}

impl std::error::Error for GetError {}

// A worker's closure may return these errors, so they must travel between processes. Written by hand: the derive macros would cost every
// student time at every kernel start.
impl Serialize for GetError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            GetError::Empty => (0u8, ""),
            GetError::Disconnected => (1, ""),
            GetError::Unreadable(why) => (2, why.as_str()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GetError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match <(u8, String)>::deserialize(deserializer)? {
            (0, _) => GetError::Empty,
            (1, _) => GetError::Disconnected,
            (_, why) => GetError::Unreadable(why),
        })
    }
}

impl Serialize for PutErrorKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PutErrorKind::Full => (0u8, "", 0, 0),
            PutErrorKind::Disconnected => (1, "", 0, 0),
            PutErrorKind::TooLarge { bytes, limit } => (2, "", *bytes as u64, *limit as u64),
            PutErrorKind::Unserialisable(why) => (3, why.as_str(), 0, 0),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PutErrorKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (which, why, bytes, limit) = <(u8, String, u64, u64)>::deserialize(deserializer)?;
        Ok(match which {
            0 => PutErrorKind::Full,
            1 => PutErrorKind::Disconnected,
            2 => PutErrorKind::TooLarge {
                bytes: bytes as usize,
                limit: limit as usize,
            },
            _ => PutErrorKind::Unserialisable(why),
        })
    }
}

impl<T: Serialize> Serialize for PutError<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.message, &self.kind).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PutError<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (message, kind) = Deserialize::deserialize(deserializer)?;
        Ok(PutError { message, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_survives_the_way_between_processes() {
        let kinds = [
            PutErrorKind::Full,
            PutErrorKind::Disconnected,
            PutErrorKind::TooLarge { bytes: 9, limit: 8 },
            PutErrorKind::Unserialisable("because".into()),
        ];
        for kind in kinds {
            let error = PutError {
                message: 7u64,
                kind: kind.clone(),
            };
            let bytes = postcard::to_stdvec(&error).unwrap();
            let back: PutError<u64> = postcard::from_bytes(&bytes).unwrap();
            assert_eq!((back.message, back.kind), (7, kind));
        }
        for error in [
            GetError::Empty,
            GetError::Disconnected,
            GetError::Unreadable("because".into()),
        ] {
            let bytes = postcard::to_stdvec(&error).unwrap();
            assert_eq!(postcard::from_bytes::<GetError>(&bytes).unwrap(), error);
        }
    }
}
