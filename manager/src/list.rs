use crate::frame::{Fields, FieldsWriter};
use crate::protocol::{Bytes, ListOp, Reply, Request};
use crate::proxy::{
    Exchanged, Proxy, bytes, decode, done, encode, exchanged, many, number, unexpected, value,
};
use crate::{ManagerError, type_names};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::marker::PhantomData;

/// A list that a [`Manager`](crate::Manager) keeps: Python's `manager.list()`. Every call is a round trip to the server.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use manager::prelude::*;
/// let manager = Manager::start()?;
/// let found = manager.list::<u64>("found")?;
/// let workers = Workers::spawn(4, |w| {
///     for n in w.share_of(0..1000).filter(|n| n % 100 == 0) {
///         found.push(n)?;
///     }
///     found.len()
/// })?;
/// workers.join()?.values()?;
/// let mut all = found.items()?;
/// all.sort(); // the workers pushed in any order
/// assert_eq!(all, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct List<T> {
    proxy: Proxy,
    types: PhantomData<fn() -> T>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        List::new(self.proxy.clone())
    }
}

impl<T> List<T> {
    pub(crate) fn new(proxy: Proxy) -> List<T> {
        List {
            proxy,
            types: PhantomData,
        }
    }

    /// One round trip.
    fn ask<R>(
        &self,
        op: ListOp<'_>,
        read: impl FnOnce(Reply<'_>) -> Result<R, ManagerError>,
    ) -> Result<R, ManagerError> {
        let request = Request::List(self.proxy.number(), op);
        self.proxy.call(&request, read)
    }

    /// How many elements there are.
    ///
    /// # Errors
    /// The server is gone or silent.
    pub fn len(&self) -> Result<usize, ManagerError> {
        Ok(self.ask(ListOp::Len, number)? as usize)
    }

    /// Whether there are no elements.
    ///
    /// # Errors
    /// The server is gone or silent.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Removes all elements.
    ///
    /// # Errors
    /// The server is gone or silent.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let found = manager.list::<u64>("found")?;
    /// found.push(7)?;
    /// found.clear()?;
    /// assert!(found.is_empty()?);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.ask(ListOp::Clear, done)
    }
}

impl<T: Serialize + DeserializeOwned> List<T> {
    /// Adds an element at the end.
    ///
    /// # Errors
    /// The server is gone, silent or full; the element is too large.
    pub fn push(&self, element: T) -> Result<(), ManagerError> {
        let element = encode(&element)?;
        let value = Bytes(&element);
        self.ask(ListOp::Push { value }, done)
    }

    /// Adds elements at the end, all in one round trip and in one step, so that no element of another worker comes between them.
    ///
    /// # Errors
    /// The server is gone, silent or full; the elements together are too large. Then none of them was added.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let tasks = manager.list::<u64>("tasks")?;
    /// tasks.extend(1..=3)?;
    /// tasks.extend([7])?;
    /// assert_eq!(tasks.items()?, [1, 2, 3, 7]);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn extend(&self, elements: impl IntoIterator<Item = T>) -> Result<(), ManagerError> {
        let mut values = FieldsWriter::default();
        for element in elements {
            values.push(&encode(&element)?);
        }
        let values = &values.finish()?;
        let values = Fields(values);
        self.ask(ListOp::Extend { values }, done)
    }

    /// The element at `index`, counted from 0; `None` if the list is shorter.
    ///
    /// # Errors
    /// The server is gone or silent.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let tasks = manager.list::<String>("tasks")?;
    /// tasks.push("sweep".into())?;
    /// assert_eq!(tasks.get(0)?, Some("sweep".into()));
    /// assert_eq!(tasks.get(1)?, None);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn get(&self, index: usize) -> Result<Option<T>, ManagerError> {
        let index = index as u64;
        self.ask(ListOp::Get { index }, value)
    }

    /// Replaces the element at `index`.
    ///
    /// # Errors
    /// There is no such element; the server is gone, silent or full; the element is too large.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let scores = manager.list::<u64>("scores")?;
    /// scores.extend([3, 5])?;
    /// scores.set(1, 8)?;
    /// assert_eq!(scores.items()?, [3, 8]);
    /// assert!(scores.set(2, 13).is_err());
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn set(&self, index: usize, element: T) -> Result<(), ManagerError> {
        let element = encode(&element)?;
        let set = ListOp::Set {
            index: index as u64,
            value: Bytes(&element),
        };
        self.ask(set, done)
    }

    /// Removes the last element and returns it, if there is one.
    ///
    /// # Errors
    /// The server is gone or silent.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let tasks = manager.list::<u64>("tasks")?;
    /// tasks.extend([1, 2])?;
    /// assert_eq!((tasks.pop()?, tasks.pop()?, tasks.pop()?), (Some(2), Some(1), None));
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn pop(&self) -> Result<Option<T>, ManagerError> {
        self.ask(ListOp::Pop, value)
    }

    /// All elements: a copy of the whole list as it was at one moment.
    ///
    /// # Errors
    /// The server is gone or silent; all elements together are too large for one reply.
    pub fn items(&self) -> Result<Vec<T>, ManagerError> {
        self.ask(ListOp::Items, many)
    }

    /// Replaces the element at `index` with `new` if it is `current`, in one step.
    ///
    /// As with the atomics of the standard library, the inner result is what was there: `Ok` if that was `current`, which `new` has now
    /// replaced, and `Err` if it was something else, which stays. Elements are equal if `serde` writes them as the same bytes.
    ///
    /// # Errors
    /// There is no such element; the server is gone, silent or full; the elements are too large.
    ///
    /// # Examples
    /// ```
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let owners = manager.list::<Option<usize>>("owners")?;
    /// owners.extend([None; 3])?;
    /// assert_eq!(owners.compare_exchange(1, None, Some(7))?, Ok(None));
    /// assert_eq!(owners.compare_exchange(1, None, Some(8))?, Err(Some(7))); // it has an owner
    /// assert_eq!(owners.items()?, [None, Some(7), None]);
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn compare_exchange(
        &self,
        index: usize,
        current: T,
        new: T,
    ) -> Result<Result<T, T>, ManagerError> {
        match self.exchange(index, &encode(&current)?, &encode(&new)?)? {
            Ok(()) => Ok(Ok(current)),
            Err(Some(there)) => Ok(Err(decode(&there)?)),
            Err(None) => unexpected(),
        }
    }

    fn exchange(
        &self,
        index: usize,
        current: &[u8],
        new: &[u8],
    ) -> Result<Exchanged, ManagerError> {
        let exchange = ListOp::CompareExchange {
            index: index as u64,
            current: Bytes(current),
            new: Bytes(new),
        };
        self.ask(exchange, exchanged)
    }

    /// Changes the element at `index` with `change`, and loses nothing that others write in the meantime. Returns the new element.
    ///
    /// As with [`Dict::update`](crate::Dict::update), `change` runs in the calling process and may be called several times.
    ///
    /// # Errors
    /// There is no such element; the server is gone, silent or full; the element is too large.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use manager::prelude::*;
    /// let manager = Manager::start()?;
    /// let counts = manager.list::<u64>("counts")?;
    /// counts.extend([0, 0])?;
    /// let workers = Workers::spawn(4, |w| counts.update(w.index() % 2, |count| count + 1))?;
    /// workers.join()?.values()?;
    /// assert_eq!(counts.items()?, [2, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update(&self, index: usize, mut change: impl FnMut(T) -> T) -> Result<T, ManagerError> {
        let get = ListOp::Get {
            index: index as u64,
        };
        let mut there = self.ask(get, bytes)?;
        loop {
            let Some(before) = there else {
                let len = self.ask(ListOp::Len, number)?;
                let index = index as u64;
                return Err(ManagerError::OutOfRange { index, len });
            };
            let new = change(decode(&before)?);
            match self.exchange(index, &before, &encode(&new)?)? {
                Ok(()) => return Ok(new),
                Err(now) => there = now,
            }
        }
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.proxy.name();
        write!(f, "List({name:?}: {})", type_names::of_list::<T>())
    }
}
