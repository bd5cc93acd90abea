use crate::protocol::{Bytes, DictOp, Reply, Request};
use crate::proxy::{
    Exchanged, Proxy, bytes, decode, done, encode, exchanged, many, number, pairs, value,
};
use crate::{ManagerError, type_names};
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

/// A dict that a [`Manager`](crate::Manager) keeps: Python's `manager.dict()`. Every call is a round trip to the server.
///
/// Keys are equal if `serde` writes them as the same bytes. So a type without a fixed order, such as a `HashSet`, makes a bad key. As
/// with a `HashMap`, calls take a key in a borrowed form too, for instance a `&str` for a `String`. `serde` must write both as the same
/// bytes. It does so for `str` and for the slice of a `Vec`, but not for the slice of an array.
///
/// # Two calls are two round trips
///
/// Another worker may write between them. So reading, adding one and writing back loses what others have added in the meantime;
/// [`update`](Dict::update) does not:
///
/// ```
/// use labsupport::prelude::*;
/// use manager::prelude::*;
/// let manager = Manager::start()?;
/// let counts = manager.dict::<String, u64>("counts")?;
/// let (wrong, right) = (String::from("wrong"), String::from("right"));
/// let both_have_read = Barrier::new(2)?;
/// let workers = Workers::spawn(2, |_| {
///     let count = counts.get(&wrong)?.unwrap_or(0);
///     both_have_read.wait();
///     counts.insert(wrong.clone(), count + 1)?; // overwrites what the other worker wrote
///
///     counts.update(&right, |count| Some(count.unwrap_or(0) + 1))
/// })?;
/// workers.join()?.values()?;
/// assert_eq!(counts.get(&wrong)?, Some(1));
/// assert_eq!(counts.get(&right)?, Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use manager::prelude::*;
/// let manager = Manager::start()?;
/// let squares = manager.dict::<u64, u64>("squares")?;
/// let workers = Workers::spawn(4, |w| {
///     for n in w.share_of(0..100) {
///         squares.insert(n, n * n)?;
///     }
///     squares.len()
/// })?;
/// workers.join()?.values()?;
/// assert_eq!(squares.len()?, 100);
/// assert_eq!(squares.get(&12)?, Some(144));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Dict<K, V> {
    proxy: Proxy,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Dict<K, V> {
    fn clone(&self) -> Self {
        Dict::new(self.proxy.clone())
    }
}

impl<K, V> Dict<K, V> {
    pub(crate) fn new(proxy: Proxy) -> Dict<K, V> {
        Dict {
            proxy,
            types: PhantomData,
        }
    }

    /// One round trip.
    fn ask<R>(
        &self,
        op: DictOp<'_>,
        read: impl FnOnce(Reply<'_>) -> Result<R, ManagerError>,
    ) -> Result<R, ManagerError> {
        let request = Request::Dict(self.proxy.number(), op);
        self.proxy.call(&request, read)
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// The server is gone or silent.
    pub fn len(&self) -> Result<usize, ManagerError> {
        Ok(self.ask(DictOp::Len, number)? as usize)
    }

    /// Whether there are no keys.
    ///
    /// # Errors
    /// The server is gone or silent.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Removes all entries.
    ///
    /// # Errors
    /// The server is gone or silent.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let seen = manager.dict::<u64, bool>("seen")?;
    /// seen.insert(7, true)?;
    /// seen.clear()?;
    /// assert!(seen.is_empty()?);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.ask(DictOp::Clear, done)
    }
}

impl<K: Serialize + DeserializeOwned, V: Serialize + DeserializeOwned> Dict<K, V> {
    /// The value of `key`, or `None` if there is no such key.
    ///
    /// # Errors
    /// The server is gone or silent.
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let key = &encode(key)?;
        self.ask(DictOp::Get { key: Bytes(key) }, value)
    }

    /// Writes the value of `key` and returns the one that was there before.
    ///
    /// # Errors
    /// The server is gone, silent or full; the key and the value are too large.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let best = manager.dict::<String, f64>("best")?;
    /// assert_eq!(best.insert("score".into(), 0.5)?, None);
    /// assert_eq!(best.insert("score".into(), 0.75)?, Some(0.5));
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn insert(&self, key: K, new: V) -> Result<Option<V>, ManagerError> {
        let (key, new) = (encode(&key)?, encode(&new)?);
        let insert = DictOp::Insert {
            key: Bytes(&key),
            value: Bytes(&new),
        };
        self.ask(insert, value)
    }

    /// Removes `key` and returns the value that it had. If several workers try, one of them gets it.
    ///
    /// # Errors
    /// The server is gone or silent.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let tasks = manager.dict::<u64, String>("tasks")?;
    /// tasks.insert(1, "sweep".into())?;
    /// assert_eq!(tasks.remove(&1)?, Some("sweep".into()));
    /// assert_eq!(tasks.remove(&1)?, None);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let key = &encode(key)?;
        self.ask(DictOp::Remove { key: Bytes(key) }, value)
    }

    /// Whether there is such a key.
    ///
    /// # Errors
    /// The server is gone or silent.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let primes = manager.dict::<u64, ()>("primes")?;
    /// primes.insert(7, ())?;
    /// assert!(primes.contains_key(&7)? && !primes.contains_key(&8)?);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let key = &encode(key)?;
        Ok(self.ask(DictOp::Contains { key: Bytes(key) }, number)? != 0)
    }

    /// The keys, in the order in which they were inserted.
    ///
    /// # Errors
    /// The server is gone or silent; all keys together are too large for one reply.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let ages = manager.dict::<String, u8>("ages")?;
    /// for (name, age) in [("Zoe", 31), ("Ada", 36), ("Zoe", 32)] {
    ///     ages.insert(name.into(), age)?;
    /// }
    /// assert_eq!(ages.keys()?, ["Zoe", "Ada"]); // a key that is written again keeps its place
    /// assert_eq!(ages.items()?, [("Zoe".into(), 32), ("Ada".into(), 36)]);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn keys(&self) -> Result<Vec<K>, ManagerError> {
        self.ask(DictOp::Keys, many)
    }

    /// The keys with their values, in the order in which the keys were inserted: a copy of the whole dict as it was at one moment.
    ///
    /// # Errors
    /// The server is gone or silent; all entries together are too large for one reply.
    pub fn items(&self) -> Result<Vec<(K, V)>, ManagerError> {
        self.ask(DictOp::Items, pairs)
    }

    /// Writes `new` if the value of `key` is `current`, in one step. `None` stands for no value: as `current` it means that there must be
    /// no such key, and as `new` that the key is removed.
    ///
    /// As with the atomics of the standard library, the inner result is what was there: `Ok` if that was `current`, which `new` has now
    /// replaced, and `Err` if it was something else, which stays. Values are equal if `serde` writes them as the same bytes.
    ///
    /// # Errors
    /// The server is gone, silent or full; the key and the values are too large.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let found = manager.dict::<String, usize>("found")?;
    /// let workers = Workers::spawn(4, |w| {
    ///     found.compare_exchange("by", None, Some(w.index())) // only the first finder writes
    /// })?;
    /// let said = workers.join()?.values()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// let by = found.get("by")?;
    /// assert_eq!(said.iter().filter(|&&said| said == Ok(None)).count(), 1);
    /// assert_eq!(said.iter().filter(|&&said| said == Err(by)).count(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // The outer result is whether the server answered, the inner one its answer.
    #[allow(clippy::type_complexity)]
    pub fn compare_exchange<Q>(
        &self,
        key: &Q,
        current: Option<V>,
        new: Option<V>,
    ) -> Result<Result<Option<V>, Option<V>>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let key = encode(key)?;
        let before = current.as_ref().map(encode).transpose()?;
        let after = new.as_ref().map(encode).transpose()?;
        match self.exchange(&key, before.as_deref(), after.as_deref())? {
            Ok(()) => Ok(Ok(current)),
            Err(there) => Ok(Err(there.as_deref().map(decode).transpose()?)),
        }
    }

    fn exchange(
        &self,
        key: &[u8],
        current: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<Exchanged, ManagerError> {
        let exchange = DictOp::CompareExchange {
            key: Bytes(key),
            current: current.map(Bytes),
            new: new.map(Bytes),
        };
        self.ask(exchange, exchanged)
    }

    /// Changes the value of `key` with `change`, and loses nothing that others write in the meantime. Returns the new value. `None`
    /// stands for no value, before and after.
    ///
    /// `change` cannot run in the server, which does not know it. So this call reads the value, and writes the new one with
    /// [`compare_exchange`](Dict::compare_exchange). If another worker has written in the meantime, it calls `change` again with what is
    /// there now. That is two round trips, and one more each time that another worker was faster. `change` may be called several times
    /// and may use this dict; it should be quick and have no side effects.
    ///
    /// # Errors
    /// The server is gone, silent or full; the key and the value are too large.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let words = manager.dict::<String, u64>("words")?;
    /// for word in ["pill", "flag", "pill"] {
    ///     words.update(word, |count| Some(count.unwrap_or(0) + 1))?;
    /// }
    /// assert_eq!(words.items()?, [("pill".into(), 2), ("flag".into(), 1)]);
    /// assert_eq!(words.update("flag", |_| None)?, None); // removes it
    /// assert_eq!(words.keys()?, ["pill"]);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn update<Q>(
        &self,
        key: &Q,
        mut change: impl FnMut(Option<V>) -> Option<V>,
    ) -> Result<Option<V>, ManagerError>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let key = encode(key)?;
        let mut there = self.ask(DictOp::Get { key: Bytes(&key) }, bytes)?;
        loop {
            let new = change(there.as_deref().map(decode).transpose()?);
            let after = new.as_ref().map(encode).transpose()?;
            // The bytes that came, and not the value encoded again: a HashMap in it would have another order.
            match self.exchange(&key, there.as_deref(), after.as_deref())? {
                Ok(()) => return Ok(new),
                Err(now) => there = now,
            }
        }
    }
}

impl<K, V> fmt::Debug for Dict<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.proxy.name();
        write!(f, "Dict({name:?}: {})", type_names::of_dict::<K, V>())
    }
}
