//! The task queue: see `README.md` beside this file for the protocol.

mod bell;
mod codec;
mod error;
#[cfg(all(test, loom))]
#[path = "../../../model/queue.rs"]
mod model;
mod ring;

pub use error::{GetError, PutError, PutErrorKind};

use super::SharedError;
use crate::sys::LOOK_AGAIN;
use codec::{best_place, decode, encode_into, encoded_size};
use ring::{Ring, Room};
use serde::{Serialize, de::DeserializeOwned};
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Bytes of the largest message that is written before it goes into the ring.
const SMALL: usize = 128;

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
/// # Large messages
///
/// A message of more than 128 bytes is serialised straight into the queue, under the lock of the producers, and every message is deserialised
/// where it lies, under the lock of the consumers. So a `Serialize` or a `Deserialize` must not wait for something that another producer or
/// consumer may hold.
///
/// A `Queue<[u8]>` has messages without a type. They are not copied at all: [`put_with`](Queue::put_with) lends a producer the place where its
/// message will lie, and [`get_with`](Queue::get_with) lends a consumer the place where it lies.
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
pub struct Queue<T: ?Sized> {
    ring: Ring,
    message: PhantomData<fn(&T) -> &T>,
}

impl<T: ?Sized> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue {
            ring: self.ring.clone(),
            message: PhantomData,
        }
    }
}

impl<T: ?Sized> Queue<T> {
    /// The addresses of the words on which consumers sleep, and of those on which producers sleep.
    pub(super) fn sides(&self) -> (Range<usize>, Range<usize>) {
        self.ring.sides()
    }

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
    /// it but 8 bytes. It takes twice as much shared memory, so that each message lies in one piece wherever it begins.
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
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
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
        // Small messages, and nearly all are small, are written before any lock is taken.
        let mut small = [0u8; SMALL];
        let result = match postcard::to_slice(&message, &mut small) {
            Ok(bytes) => self.put_bytes(bytes, patience),
            Err(postcard::Error::SerializeBufferFull) => self.put_in_place(&message, patience),
            Err(error) => Err(unserialisable(error)),
        };
        result.map_err(|kind| PutError { message, kind })
    }

    fn put_bytes(&self, bytes: &[u8], patience: Patience) -> Result<(), PutErrorKind> {
        self.check_size(bytes.len())?;
        self.put_when_there_is_room(patience, || match self.ring.try_put(bytes) {
            true => Ok(Tried::Put),
            false => Ok(Tried::NoRoom(bytes.len())),
        })
    }

    /// Puts a message of any size by writing it straight into the ring.
    fn put_in_place(&self, message: &T, patience: Patience) -> Result<(), PutErrorKind> {
        self.put_when_there_is_room(patience, || {
            let mut room = 0;
            let write = |free: &mut [u8]| {
                room = free.len();
                encode_into(message, free)
            };
            match self.ring.try_put_with(Room::All, write) {
                Ok(true) => return Ok(Tried::Put),
                Ok(false) | Err(postcard::Error::SerializeBufferFull) => {}
                Err(error) => return Err(unserialisable(error)),
            }
            match encoded_size(message).map_err(unserialisable)? {
                // It would be tried again at once, and perhaps forever.
                size if size <= room => Err(PutErrorKind::Unserialisable(
                    "its `Serialize` writes something else each time".into(),
                )),
                size => self.check_size(size).map(|()| Tried::NoRoom(size)),
            }
        })
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
        self.get_when_there_is_one(patience, || self.ring.try_get(decode))?
    }
}

/// Bytes in place. The messages of a `Queue<[u8]>` are lent, not copied: a producer writes where its message will lie, and a consumer reads where
/// it lies.
impl Queue<[u8]> {
    /// Puts a message of `len` bytes that `write` writes in place, without a copy; waits while there is no room.
    ///
    /// The bytes begin at an address that is a multiple of 8. They are not zeros: what they hold is left over from earlier messages.
    ///
    /// While `write` runs, other producers wait. So do there what fills the bytes, and nothing that takes long or waits. If `write` panics, or if
    /// the process is killed in it, nothing is put.
    ///
    /// # Errors
    /// [`PutErrorKind::TooLarge`] and [`PutErrorKind::Disconnected`], as [`put`](Queue::put).
    ///
    /// # Panics
    /// `write` puts into this queue, or waits for a message of this queue. It cannot spawn workers either: that gives
    /// [`SpawnError::GuardHeld`](crate::process::SpawnError::GuardHeld).
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let frames = Queue::<[u8]>::bounded_bytes(16, 4096)?;
    /// frames.put_with(3, |bytes| bytes.copy_from_slice(&[1, 2, 3]))?;
    /// let sum = frames.put_with(100, |bytes| {
    ///     bytes.fill(7);
    ///     bytes.len()
    /// })?;
    /// assert_eq!((sum, frames.len()), (100, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_with<R>(
        &self,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, PutError<()>> {
        self.lend_within(len, write, Patience::Endless)
    }

    /// As [`put_with`](Queue::put_with), but waits at most for `limit` until there is room.
    ///
    /// # Errors
    /// As `put_with`, and [`PutErrorKind::Full`] when the time is up while a process is left that could take something.
    ///
    /// # Panics
    /// As `put_with`.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let frames = Queue::<[u8]>::bounded_bytes(1, 64)?;
    /// frames.put_with(8, |bytes| bytes.fill(0))?;
    /// let error = frames.put_with_timeout(8, Duration::from_secs(20), |bytes| bytes.fill(0)).unwrap_err();
    /// assert_eq!(error.kind(), &PutErrorKind::Disconnected); // at once: no other process is left
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_with_timeout<R>(
        &self,
        len: usize,
        limit: Duration,
        write: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, PutError<()>> {
        self.lend_within(len, write, Patience::until(limit))
    }

    fn lend_within<R>(
        &self,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> R,
        patience: Patience,
    ) -> Result<R, PutError<()>> {
        let (mut write, mut result) = (Some(write), None);
        let put = self.check_size(len).and_then(|()| {
            self.put_when_there_is_room(patience, || {
                let lend = |room: &mut [u8]| {
                    let place = best_place(room, len);
                    let write = write.take().expect("it is lent once");
                    result = Some(write(&mut room[place.clone()]));
                    Ok::<_, Infallible>(place)
                };
                match self.ring.try_put_with(Room::For(len), lend) {
                    Ok(true) => Ok(Tried::Put),
                    Ok(false) => Ok(Tried::NoRoom(len)),
                }
            })
        });
        match put {
            Ok(()) => Ok(result.expect("it was written")),
            Err(kind) => Err(PutError { message: (), kind }),
        }
    }

    /// Takes the message at the front, which `read` reads in place, without a copy; waits while the queue is empty.
    ///
    /// The bytes begin at an address that is a multiple of 8. No process can change them while `read` runs.
    ///
    /// Meanwhile other consumers wait. So do there what needs the bytes, and nothing that takes long or waits; if several consumers are to work
    /// on large messages at the same time, copy the bytes. The message is taken when `read` returns or panics. If the process is killed in
    /// `read`, the message stays for the next consumer.
    ///
    /// # Errors
    /// [`GetError::Disconnected`]: the queue is empty, and no process is left that could put anything.
    ///
    /// # Panics
    /// `read` takes from this queue, or waits for room in it. It cannot spawn workers either: that gives
    /// [`SpawnError::GuardHeld`](crate::process::SpawnError::GuardHeld).
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let frames = Queue::<[u8]>::bounded_bytes(16, 4096)?;
    /// frames.put_with(3, |bytes| bytes.copy_from_slice(&[1, 2, 3]))?;
    /// assert_eq!(frames.get_with(|bytes| bytes.to_vec())?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_with<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, GetError> {
        self.borrow_within(read, Patience::Endless)
    }

    /// As [`get_with`](Queue::get_with), but waits at most for `limit` until there is a message.
    ///
    /// # Errors
    /// As `get_with`, and [`GetError::Empty`] when the time is up while a process is left that could put something.
    ///
    /// # Panics
    /// As `get_with`.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let frames = Queue::<[u8]>::bounded_bytes(16, 4096)?;
    /// let first = frames.get_with_timeout(Duration::from_secs(20), |bytes| bytes[0]);
    /// assert_eq!(first, Err(GetError::Disconnected)); // at once: no other process is left
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn get_with_timeout<R>(
        &self,
        limit: Duration,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, GetError> {
        self.borrow_within(read, Patience::until(limit))
    }

    fn borrow_within<R>(
        &self,
        read: impl FnOnce(&[u8]) -> R,
        patience: Patience,
    ) -> Result<R, GetError> {
        let mut read = Some(read);
        self.get_when_there_is_one(patience, || {
            let lend = |bytes: &[u8]| read.take().expect("it is lent once")(bytes);
            self.ring.try_get(lend)
        })
    }
}

/// What an attempt to put a message came to.
enum Tried {
    Put,
    /// There was no room for so many bytes.
    NoRoom(usize),
}

/// Waiting, for messages of any kind.
impl<T: ?Sized> Queue<T> {
    fn check_size(&self, bytes: usize) -> Result<(), PutErrorKind> {
        match self.ring.largest_message() {
            limit if bytes > limit => Err(PutErrorKind::TooLarge { bytes, limit }),
            _ => Ok(()),
        }
    }

    fn put_when_there_is_room(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<Tried, PutErrorKind>,
    ) -> Result<(), PutErrorKind> {
        while let Tried::NoRoom(len) = attempt()? {
            if let Patience::None = patience {
                return Err(PutErrorKind::Full);
            }
            self.ring.wait_for_room(len, patience.slice());
            if self.ring.has_room(len) {
                continue;
            }
            let kind = match (self.ring.is_alone(), patience.is_over()) {
                (true, _) => PutErrorKind::Disconnected,
                (false, true) => PutErrorKind::Full,
                (false, false) => continue,
            };
            // One more try: a consumer may have made room since, and ended.
            return match attempt()? {
                Tried::Put => Ok(()),
                Tried::NoRoom(_) => Err(kind),
            };
        }
        Ok(())
    }

    fn get_when_there_is_one<R>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Result<R, GetError> {
        loop {
            if let Some(message) = attempt() {
                return Ok(message);
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
            return attempt().ok_or(error);
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

impl<T: ?Sized> Queue<T> {
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

impl<T: ?Sized> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} of {} messages)", self.len(), self.capacity())
    }
}

fn unserialisable(error: postcard::Error) -> PutErrorKind {
    PutErrorKind::Unserialisable(error.to_string())
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
