//! The task queue: see `README.md` beside this file for the protocol.

mod bell;
mod error;
#[cfg(all(test, loom))]
#[path = "../../../model/queue.rs"]
mod model;
mod ring;

pub use error::{GetError, PutError, PutErrorKind};

use super::SharedError;
use crate::sys::LOOK_AGAIN;
use ring::Ring;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A bounded first-in-first-out queue between processes: Python's `multiprocessing.Queue`.
///
/// It has any number of producers and consumers, and messages of any `serde` type. It survives `kill -9` of any of them at any instruction:
/// a killed consumer takes with it at most the one message that it held. It never takes another consumer's message, and it never breaks
/// the queue.
///
/// # Waiting, and what ends it
///
/// The process that made the queue is *alone* if it has no worker and no other thread left: then nothing more can come. A worker is never
/// alone, because its parent is alive.
///
/// | | no message, or no room | the same, and alone |
/// |---|---|---|
/// | [`get`](Queue::get) | waits | [`GetError::Disconnected`] |
/// | [`get_timeout`](Queue::get_timeout) | waits, then [`GetError::Empty`] | [`GetError::Disconnected`] |
/// | [`try_get`](Queue::try_get) | [`GetError::Empty`] at once | [`GetError::Empty`] at once |
/// | [`put`](Queue::put) | waits | [`PutErrorKind::Disconnected`] |
/// | [`put_timeout`](Queue::put_timeout) | waits, then [`PutErrorKind::Full`] | [`PutErrorKind::Disconnected`] |
/// | [`try_put`](Queue::try_put) | [`PutErrorKind::Full`] at once | [`PutErrorKind::Full`] at once |
///
/// # Pills
///
/// A *poison pill* is a message that tells a worker to stop. With `Queue<Option<Task>>` it is `None`:
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let tasks = Queue::<Option<u64>>::bounded(1024)?;
/// let workers = Workers::spawn(4, |_| {
///     let mut sum = 0;
///     while let Some(task) = tasks.get().unwrap() {
///         sum += task;
///     }
///     sum
/// })?;
/// for task in 1..=100 {
///     tasks.put(Some(task))?;
/// }
/// for _ in 0..4 {
///     tasks.put(None)?; // one pill each
/// }
/// assert_eq!(workers.join()?.values()?.iter().sum::<u64>(), 5050);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue<T> {
    ring: Ring,
    message: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue {
            ring: self.ring.clone(),
            message: PhantomData,
        }
    }
}

impl<T> Queue<T> {
    /// The addresses of the words on which consumers sleep, and of those on which producers sleep.
    pub(super) fn sides(&self) -> (Range<usize>, Range<usize>) {
        self.ring.sides()
    }
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// A queue of at most `capacity` messages. It has room for 64 bytes per message, and for at least 64 KiB in all.
    /// [`bounded_bytes`](Queue::bounded_bytes) makes one with more.
    ///
    /// # Errors
    /// A capacity of zero or over 2^30, or no room in shared memory.
    pub fn bounded(capacity: usize) -> Result<Queue<T>, SharedError> {
        Queue::bounded_bytes(
            capacity,
            capacity
                .saturating_mul(64)
                .clamp(64 << 10, ring::MOST_BYTES),
        )
    }

    /// A queue of at most `capacity` messages and at most `bytes` bytes (rounded up to a power of two). A single message may take all of
    /// it but 8 bytes.
    ///
    /// # Errors
    /// A capacity or a number of bytes that is zero or over 2^30, or no room in shared memory.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let pages = Queue::<Vec<u8>>::bounded_bytes(4, 1 << 20)?;
    /// pages.put(vec![7; 100_000])?;
    /// assert_eq!(pages.get()?.len(), 100_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bounded_bytes(capacity: usize, bytes: usize) -> Result<Queue<T>, SharedError> {
        Ok(Queue {
            ring: Ring::new(capacity, bytes)?,
            message: PhantomData,
        })
    }

    /// Puts a message at the end; waits while the queue is full.
    ///
    /// # Errors
    /// [`PutErrorKind::TooLarge`] and [`PutErrorKind::Unserialisable`]: the message can never be put. [`PutErrorKind::Disconnected`]: the queue is full,
    /// and no process is left that could take anything. The message comes back in the error.
    pub fn put(&self, message: T) -> Result<(), PutError<T>> {
        self.put_within(message, Patience::Endless)
    }

    /// As [`put`](Queue::put), but waits at most for `limit`.
    ///
    /// # Errors
    /// As `put`, and [`PutErrorKind::Full`] when the time is up while a process is left that could take something.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let tasks = Queue::<u64>::bounded(1)?;
    /// tasks.put(1)?;
    /// let error = tasks.put_timeout(2, Duration::from_secs(20)).unwrap_err();
    /// assert_eq!(error.kind(), &PutErrorKind::Disconnected); // at once: no other process is left
    /// assert_eq!(error.into_inner(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_timeout(&self, message: T, limit: Duration) -> Result<(), PutError<T>> {
        self.put_within(message, Patience::until(limit))
    }

    /// Puts a message at the end, if there is room now.
    ///
    /// # Errors
    /// [`PutErrorKind::Full`], [`PutErrorKind::TooLarge`] and [`PutErrorKind::Unserialisable`]. The message comes back in the error.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let tasks = Queue::<u64>::bounded(1)?;
    /// tasks.try_put(1)?;
    /// let error = tasks.try_put(2).unwrap_err();
    /// assert_eq!(error.kind(), &PutErrorKind::Full);
    /// assert_eq!(error.into_inner(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_put(&self, message: T) -> Result<(), PutError<T>> {
        self.put_within(message, Patience::None)
    }

    fn put_within(&self, message: T, patience: Patience) -> Result<(), PutError<T>> {
        // Small messages, and nearly all are small, never touch the heap.
        let mut small = [0u8; 128];
        let result = match postcard::to_slice(&message, &mut small) {
            Ok(bytes) => self.put_bytes(bytes, patience),
            Err(postcard::Error::SerializeBufferFull) => match postcard::to_stdvec(&message) {
                Ok(bytes) => self.put_bytes(&bytes, patience),
                Err(error) => Err(PutErrorKind::Unserialisable(error.to_string())),
            },
            Err(error) => Err(PutErrorKind::Unserialisable(error.to_string())),
        };
        result.map_err(|kind| PutError { message, kind })
    }

    fn put_bytes(&self, bytes: &[u8], patience: Patience) -> Result<(), PutErrorKind> {
        let limit = self.ring.largest_message();
        if bytes.len() > limit {
            return Err(PutErrorKind::TooLarge {
                bytes: bytes.len(),
                limit,
            });
        }
        while !self.ring.try_put(bytes) {
            if let Patience::None = patience {
                return Err(PutErrorKind::Full);
            }
            self.ring.wait_for_room(bytes.len(), patience.slice());
            if self.ring.has_room(bytes.len()) {
                continue;
            }
            let kind = match (self.ring.is_alone(), patience.is_over()) {
                (true, _) => PutErrorKind::Disconnected,
                (false, true) => PutErrorKind::Full,
                (false, false) => continue,
            };
            // One more try: a consumer may have made room since, and ended.
            return if self.ring.try_put(bytes) {
                Ok(())
            } else {
                Err(kind)
            };
        }
        Ok(())
    }

    /// Takes the message at the front; waits while the queue is empty.
    ///
    /// # Errors
    /// [`GetError::Disconnected`]: the queue is empty, and no process is left that could put anything.
    /// [`GetError::Unreadable`]: the type cannot read the bytes that it has written.
    pub fn get(&self) -> Result<T, GetError> {
        self.get_within(Patience::Endless)
    }

    /// As [`get`](Queue::get), but waits at most for `limit`.
    ///
    /// # Errors
    /// As `get`, and [`GetError::Empty`] when the time is up while a process is left that could put something.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let tasks = Queue::<u64>::bounded(8)?;
    /// let worker = Workers::spawn(1, |_| tasks.get_timeout(Duration::from_millis(1)))?;
    /// assert_eq!(worker.join()?.values()?, [Err(GetError::Empty)]); // its parent could have put something
    /// assert_eq!(tasks.get_timeout(Duration::from_secs(20)), Err(GetError::Disconnected));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_timeout(&self, limit: Duration) -> Result<T, GetError> {
        self.get_within(Patience::until(limit))
    }

    /// Takes the message at the front, if there is one now.
    ///
    /// # Errors
    /// [`GetError::Empty`] and [`GetError::Unreadable`].
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let tasks = Queue::<u64>::bounded(8)?;
    /// assert_eq!(tasks.try_get(), Err(GetError::Empty));
    /// tasks.put(5)?;
    /// assert_eq!(tasks.try_get(), Ok(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_get(&self) -> Result<T, GetError> {
        self.ring.try_get(decode).unwrap_or(Err(GetError::Empty))
    }

    fn get_within(&self, patience: Patience) -> Result<T, GetError> {
        loop {
            if let Some(message) = self.ring.try_get(decode) {
                return message;
            }
            self.ring.wait_for_message(patience.slice());
            if !self.ring.is_empty() {
                continue;
            }
            let error = match (self.ring.is_alone(), patience.is_over()) {
                (true, _) => GetError::Disconnected,
                (false, true) => GetError::Empty,
                (false, false) => continue,
            };
            // One more try: a producer may have put a message since, and ended.
            return self.ring.try_get(decode).unwrap_or(Err(error));
        }
    }
}

impl<T: Serialize + DeserializeOwned> Queue<Option<T>> {
    /// The messages up to the pill: calls [`get`](Queue::get) until a `None` comes, and takes that too.
    ///
    /// An error is the last item.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let tasks = Queue::<Option<u64>>::bounded(8)?;
    /// let worker = Workers::spawn(1, |_| tasks.iter().sum::<Result<u64, GetError>>())?;
    /// for task in [1, 2, 3] {
    ///     tasks.put(Some(task))?;
    /// }
    /// tasks.put(None)?;
    /// assert_eq!(worker.join()?.values()?, [Ok(6)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Result<T, GetError>> {
        let mut over = false;
        std::iter::from_fn(move || {
            if over {
                return None;
            }
            let message = self.get().transpose();
            over = !matches!(message, Some(Ok(_)));
            message
        })
    }
}

impl<T> Queue<T> {
    /// How many messages wait, at most [`capacity`](Queue::capacity). While other processes use the queue, the answer may already be old
    /// when you read it.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let tasks = Queue::<u64>::bounded(8)?;
    /// tasks.put(5)?;
    /// assert_eq!((tasks.len(), tasks.is_empty(), tasks.capacity()), (1, false, 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The largest number of messages that it holds.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} of {} messages)", self.len(), self.capacity())
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, GetError> {
    postcard::from_bytes(bytes).map_err(|error| GetError::Unreadable(error.to_string()))
}

/// How long a call waits.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Instant),
    Endless,
}

impl Patience {
    /// A limit too long for the clock is no limit.
    fn until(limit: Duration) -> Patience {
        let deadline = Instant::now().checked_add(limit);
        deadline.map_or(Patience::Endless, Patience::Until)
    }

    /// How long to sleep before the next look.
    fn slice(self) -> Duration {
        match self {
            Patience::None => Duration::ZERO,
            Patience::Until(deadline) => {
                LOOK_AGAIN.min(deadline.saturating_duration_since(Instant::now()))
            }
            Patience::Endless => LOOK_AGAIN,
        }
    }

    fn is_over(self) -> bool {
        match self {
            Patience::None => true,
            Patience::Until(deadline) => Instant::now() >= deadline,
            Patience::Endless => false,
        }
    }
}
