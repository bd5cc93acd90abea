use super::error::ExplorerError;
use super::letter::letter;
use super::step::{Kind, LockUse, Step, Way};
use super::words::Words;
use std::fmt;
use std::rc::Rc;

/// What one worker does: a list of indivisible steps.
///
/// Between two steps of one worker, the others may do any number of theirs. A step's closure gets the shared [`Words`] and `me`, which is 1
/// for worker A, 2 for B, and so on. 0 is no worker, since words start at 0.
///
/// A worker that *leaves* is done, like a function that returns. If it holds the lock, it first goes straight to its next
/// [`unlock`](Steps::unlock), just as `return` drops a guard. If there is no `unlock`, it ends while it holds the lock, and any worker that
/// wants the lock afterwards is stuck.
///
/// # Examples
/// The double check: look, lock, look again, write.
/// ```
/// use lessons::prelude::*;
/// let double_check = Steps::new()
///     .leave_if("check", |s, _me| s["found"] != 0)
///     .lock()
///     .leave_if("recheck", |s, _me| s["found"] != 0)
///     .write("write finder", |s, me| s["finder"] = me)
///     .write("write answer", |s, me| s["answer"] = 100 * me)
///     .write("set found", |s, _me| s["found"] = 1)
///     .unlock();
/// assert_eq!(
///     double_check.to_string(),
///     "check, lock, recheck, write finder, write answer, set found, unlock",
/// );
/// ```
#[derive(Clone, Default)]
pub struct Steps {
    pub(super) steps: Vec<Step>,
    /// The steps show only their numbers.
    veiled: bool,
}

/// Where a worker is in its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Its next step; the length of the list once it is done. A byte holds `ExplorerError::MOST_STEPS`.
    pub(super) next: u8,
    /// It left and is on its way to an unlock. After that it is done.
    leaving: bool,
}

impl Steps {
    /// A list without steps.
    pub fn new() -> Steps {
        Steps::default()
    }

    /// Adds a step that reads. If the closure returns `true`, the worker leaves.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let first_only = Steps::new()
    ///     .leave_if("check", |s, _me| s["found"] != 0)
    ///     .write("set found", |s, me| s["found"] = me);
    /// let replay = Explorer::new(["found"]).workers(2, &first_only).replay(0)?;
    /// assert_eq!(replay.steps()[2], ('B', "check → leaves".to_string()));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn leave_if(
        self,
        name: impl Into<String>,
        look: impl Fn(&Words, u64) -> bool + 'static,
    ) -> Steps {
        self.with(name.into(), Kind::LeaveIf(Rc::new(look)))
    }

    /// Adds a step that changes words. Everything that the closure changes, it changes in one indivisible step. Two writes that other workers
    /// may come between are two steps.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let add = Steps::new().write("add one", |s, _me| s["sum"] += 1);
    /// let seen = Explorer::new(["sum"])
    ///     .workers(3, &add)
    ///     .invariant("none is lost", |s| s["sum"] == 3)
    ///     .explore()?;
    /// assert_eq!((seen.schedules(), seen.broken()), (6, 0));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn write(
        self,
        name: impl Into<String>,
        change: impl Fn(&mut Words, u64) + 'static,
    ) -> Steps {
        self.with(name.into(), Kind::Write(Rc::new(change)))
    }

    /// Adds a step that reads and writes at once, like a compare-and-swap. The closure returns whether the worker goes on; if it returns
    /// `false`, the worker leaves.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let claim = Steps::new()
    ///     .swap_or_leave("compare-and-swap", |s, _me| {
    ///         if s["found"] != 0 {
    ///             return false;
    ///         }
    ///         s["found"] = 1;
    ///         true
    ///     })
    ///     .write("count", |s, _me| s["finders"] += 1);
    /// let seen = Explorer::new(["found", "finders"])
    ///     .workers(3, &claim)
    ///     .invariant("one finder", |s| s["finders"] == 1)
    ///     .explore()?;
    /// assert_eq!(seen.broken(), 0);
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn swap_or_leave(
        self,
        name: impl Into<String>,
        swap: impl Fn(&mut Words, u64) -> bool + 'static,
    ) -> Steps {
        self.with(name.into(), Kind::SwapOrLeave(Rc::new(swap)))
    }

    /// Adds a step that takes the lock, which is possible only while no worker holds it. All workers share one lock.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let locked = Steps::new().lock().write("work", |s, me| s["last"] = me).unlock();
    /// let seen = Explorer::new(["last"]).workers(2, &locked).explore()?;
    /// assert_eq!(seen.schedules(), 2); // one after the other, this way or that
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn lock(self) -> Steps {
        self.with("lock".into(), Kind::Lock)
    }

    /// Adds a step that gives the lock back.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let hasty = Steps::new().unlock();
    /// let error = Explorer::new(["x"]).worker(&hasty).explore().unwrap_err();
    /// assert!(error.to_string().starts_with("step 1 of worker A unlocks"));
    /// ```
    pub fn unlock(self) -> Steps {
        self.with("unlock".into(), Kind::Unlock)
    }

    fn with(mut self, name: String, kind: Kind) -> Steps {
        self.steps.push(Step { name, kind });
        self
    }

    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The step at `place`; none once the worker is done.
    pub(super) fn at(&self, place: Place) -> Option<&Step> {
        self.steps.get(usize::from(place.next))
    }

    /// The same steps, of which everything shown has only numbers, and what any observer would see: that a worker left.
    pub(super) fn veiled(mut self) -> Steps {
        self.veiled = true;
        self
    }

    fn name(&self, index: usize) -> String {
        if self.veiled {
            format!("step {}", index + 1)
        } else {
            self.steps[index].name.clone()
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        (0..self.len()).map(|index| self.name(index)).collect()
    }

    /// What came of the step at `index`.
    pub(super) fn way(&self, index: usize, goes_on: bool) -> Way {
        match self.steps[index].way(goes_on) {
            Way::GoesOn if self.veiled => Way::Only,
            way => way,
        }
    }

    /// The name of the step at `index`, and what came of it if there are two ways.
    pub(super) fn label(&self, index: usize, goes_on: bool) -> String {
        format!("{}{}", self.name(index), self.way(index, goes_on))
    }

    /// The place after the step at `place`. `goes_on` says whether the worker goes on or leaves, and `holds` whether it now holds the lock.
    pub(super) fn after(&self, place: Place, goes_on: bool, holds: bool) -> Place {
        let leaving = place.leaving || !goes_on;
        let next = usize::from(place.next) + 1;
        let next = match (leaving, holds) {
            (false, _) => next,
            (true, true) => (next..self.len())
                .find(|&index| self.steps[index].lock_use() == LockUse::GiveBack)
                .unwrap_or(self.len()),
            (true, false) => self.len(),
        };
        Place {
            next: next as u8,
            // Two ways to be done are one state.
            leaving: leaving && next < self.len(),
        }
    }

    /// Whether the list uses the lock correctly. A worker that leaves skips only to its unlock, so what is true of the whole list is true of
    /// every way through it.
    pub(super) fn check(&self, worker: usize) -> Result<(), ExplorerError> {
        let worker = letter(worker);
        if self.steps.is_empty() {
            return Err(ExplorerError::NoSteps { worker });
        }
        let mut held = false;
        for (step, one) in (1..).zip(&self.steps) {
            match one.lock_use() {
                LockUse::Take if held => return Err(ExplorerError::LockedTwice { worker, step }),
                LockUse::GiveBack if !held => {
                    return Err(ExplorerError::NotLocked { worker, step });
                }
                LockUse::Take => held = true,
                LockUse::GiveBack => held = false,
                LockUse::Nothing => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Steps({self})")
    }
}
