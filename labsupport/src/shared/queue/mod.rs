//! The task queue: see `README.md` beside this file for the protocol.

mod bell;
mod error;
#[cfg(all(test, loom))]
mod model;
mod ring;
#[cfg(test)]
mod tests;

pub use error::{GetError, PutError, Refusal};

use super::SharedError;
use crate::sys::LOOK_AGAIN;
use ring::Ring;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// A bounded first-in-first-out queue between processes: Python's `multiprocessing.Queue`.
///
/// Any number of producers and consumers; messages are any `serde` type. It survives `kill -9` of any of them at any
/// instruction: a killed consumer takes at the most the one task that it held, never another's and never the queue.
///
/// A *poison pill* is a message that tells a worker to go home. With `Queue<Option<Task>>` it is `None`:
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

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// A queue of at the most `capacity` messages. It has room for 64 bytes per message, at least for 64 KiB in all;
    /// [`bounded_bytes`](Queue::bounded_bytes) gives more.
    ///
    /// # Errors
    /// Capacity zero or over 2^30, no shared memory.
    pub fn bounded(capacity: usize) -> Result<Queue<T>, SharedError> {
        Queue::bounded_bytes(
            capacity,
            capacity
                .saturating_mul(64)
                .clamp(64 << 10, ring::MOST_BYTES),
        )
    }

    /// A queue of at the most `capacity` messages and at the most `bytes` bytes (rounded up to a power of two). The
    /// largest single message takes all of it, less 8 bytes.
    ///
    /// # Errors
    /// Capacity or bytes zero, over 2^30, no shared memory.
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
    /// The message is larger than the queue; the queue is full and nobody is left who could take anything. The message
    /// comes back in the error.
    pub fn put(&self, message: T) -> Result<(), PutError<T>> {
        self.put_before(message, None)
    }

    /// As [`put`](Queue::put), but waits at the most for `limit`.
    ///
    /// # Errors
    /// As `put`, and [`Refusal::Full`] when the time is up.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let tasks = Queue::<u64>::bounded(1)?;
    /// tasks.put(1)?;
    /// let error = tasks.put_timeout(2, Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error.why(), &Refusal::Full);
    /// assert_eq!(error.into_message(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_timeout(&self, message: T, limit: Duration) -> Result<(), PutError<T>> {
        self.put_before(message, Some(Instant::now() + limit))
    }

    fn put_before(&self, message: T, deadline: Option<Instant>) -> Result<(), PutError<T>> {
        // Small messages, which are nearly all, never touch the heap.
        let mut small = [0u8; 128];
        let result = match postcard::to_slice(&message, &mut small) {
            Ok(bytes) => self.put_bytes(bytes, deadline),
            Err(postcard::Error::SerializeBufferFull) => match postcard::to_stdvec(&message) {
                Ok(bytes) => self.put_bytes(&bytes, deadline),
                Err(error) => Err(Refusal::Unserialisable(error.to_string())),
            },
            Err(error) => Err(Refusal::Unserialisable(error.to_string())),
        };
        result.map_err(|why| PutError { message, why })
    }

    fn put_bytes(&self, bytes: &[u8], deadline: Option<Instant>) -> Result<(), Refusal> {
        let limit = self.ring.largest_message();
        if bytes.len() > limit {
            return Err(Refusal::TooLarge {
                bytes: bytes.len(),
                limit,
            });
        }
        while !self.ring.try_put(bytes) {
            self.ring.wait_for_room(bytes.len(), until(deadline));
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                // One look more: there may have been room since.
                return if self.ring.try_put(bytes) {
                    Ok(())
                } else {
                    Err(Refusal::Full)
                };
            }
            if deadline.is_none() && !self.ring.has_room(bytes.len()) && self.ring.is_alone() {
                return Err(Refusal::NobodyTakes);
            }
        }
        Ok(())
    }

    /// Takes the message at the front; waits while the queue is empty.
    ///
    /// # Errors
    /// [`GetError::NobodyPuts`]: the queue is empty and nobody is left who could put anything.
    pub fn get(&self) -> Result<T, GetError> {
        self.get_before(None)
    }

    /// As [`get`](Queue::get), but waits at the most for `limit`.
    ///
    /// # Errors
    /// As `get`, and [`GetError::Empty`] when the time is up.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let tasks = Queue::<u64>::bounded(8)?;
    /// assert_eq!(tasks.get_timeout(Duration::from_millis(1)), Err(GetError::Empty));
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn get_timeout(&self, limit: Duration) -> Result<T, GetError> {
        self.get_before(Some(Instant::now() + limit))
    }

    /// Takes the message at the front, if there is one.
    ///
    /// # Errors
    /// [`GetError::Empty`].
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

    fn get_before(&self, deadline: Option<Instant>) -> Result<T, GetError> {
        loop {
            if let Some(message) = self.ring.try_get(decode) {
                return message;
            }
            self.ring.wait_for_message(until(deadline));
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return self.try_get();
            }
            if deadline.is_none() && self.ring.len() == 0 && self.ring.is_alone() {
                return Err(GetError::NobodyPuts);
            }
        }
    }
}

impl<T> Queue<T> {
    /// How many messages wait. With other processes at work it may have changed by the time you look at it.
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

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages it holds at the most.
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

/// How long to sleep before the next look.
fn until(deadline: Option<Instant>) -> Duration {
    deadline.map_or(LOOK_AGAIN, |deadline| {
        LOOK_AGAIN.min(deadline.saturating_duration_since(Instant::now()))
    })
}
