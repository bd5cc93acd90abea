use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Index, IndexMut};
use std::rc::Rc;

/// The shared words of a protocol: 64-bit numbers, each with a name.
///
/// A step reads and writes them as `s["found"]`. A name that does not exist is a panic that lists the names that do.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let tick = Steps::new().write("tick", |s, _me| s["ticks"] += 1);
/// let replay = Explorer::new(["ticks"]).start("ticks", 5).workers(2, &tick).replay(0)?;
/// assert_eq!(replay.end()["ticks"], 7);
/// assert_eq!(replay.end().to_string(), "ticks = 7");
/// # Ok::<(), ExplorerError>(())
/// ```
/// A typing mistake:
/// ```should_panic
/// # use lessons::prelude::*;
/// let slip = Steps::new().write("set found", |s, _me| s["fund"] = 1);
/// // there is no word "fund": the words are found, answer.
/// let _ = Explorer::new(["found", "answer"]).worker(&slip).explore();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    // Both are shared until a step writes, so a state costs little more than its values.
    names: Rc<[String]>,
    values: Rc<[u64]>,
}

impl Words {
    /// Words of these names, all zero.
    pub(super) fn new(names: Vec<String>) -> Words {
        Words {
            values: vec![0; names.len()].into(),
            names: names.into(),
        }
    }

    /// The names, in the order in which they were given.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The values, in the order of the names.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let tick = Steps::new().write("tick", |s, _me| s["ticks"] += 1);
    /// let replay = Explorer::new(["ticks", "tocks"]).worker(&tick).replay(0)?;
    /// assert_eq!(replay.end().values(), [1, 0]);
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// The same names with other values.
    pub(super) fn with(&self, values: Vec<u64>) -> Words {
        Words {
            names: Rc::clone(&self.names),
            values: values.into(),
        }
    }

    pub(super) fn set(&mut self, place: usize, value: u64) {
        Rc::make_mut(&mut self.values)[place] = value;
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    fn place_or_panic(&self, name: &str) -> usize {
        self.place(name).unwrap_or_else(|| {
            panic!(
                "there is no word \"{name}\": the words are {}.",
                self.names.join(", ")
            )
        })
    }
}

impl Index<&str> for Words {
    type Output = u64;

    /// # Panics
    /// There is no word of this name.
    fn index(&self, name: &str) -> &u64 {
        &self.values[self.place_or_panic(name)]
    }
}

impl IndexMut<&str> for Words {
    /// # Panics
    /// There is no word of this name.
    fn index_mut(&mut self, name: &str) -> &mut u64 {
        let place = self.place_or_panic(name);
        &mut Rc::make_mut(&mut self.values)[place]
    }
}

impl Hash for Words {
    // Only the words of one explorer are ever compared, and these have the same names.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.hash(state);
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, value)) in self.names.iter().zip(self.values.iter()).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{name} = {value}")?;
        }
        Ok(())
    }
}
