use labsupport::shared::{Flag, SharedError, Value};

/// Who found something, and what: two words in shared memory, each with a lock of its own, and a flag that says that they are there.
///
/// # Examples
/// ```
/// use lessons::racing::Finding;
/// let result = Finding::new()?;
/// result.finder.set(1);
/// result.answer.set(100);
/// result.found.set();
/// assert!(result.belongs_together());
/// # Ok::<(), labsupport::prelude::SharedError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Finding {
    /// Set when something was found.
    pub found: Flag,
    /// The number of the worker that found it, from 1 on.
    pub finder: Value<u64>,
    /// What it found: in this lab 100 times its number.
    pub answer: Value<u64>,
}

impl Finding {
    /// Nothing is found yet.
    ///
    /// # Errors
    /// There is no room in shared memory.
    pub fn new() -> Result<Finding, SharedError> {
        Ok(Finding {
            found: Flag::new()?,
            finder: Value::new(0)?,
            answer: Value::new(0)?,
        })
    }

    /// Whether the answer is that of the finder: 100 times its number. If not, the result is torn.
    pub fn belongs_together(&self) -> bool {
        self.answer.get() == 100 * self.finder.get()
    }
}
