use crate::running::{RunError, run_workers};
use labsupport::measure::{Samples, measure};
use labsupport::shared::{Value, ValueGuard};
use manager::{Dict, Manager};

use super::WORKERS;

/// How a detector looks at the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// In shared memory, without the lock.
    Free,
    /// In shared memory, under its lock.
    Locked,
    /// In a dict of a Manager, which it asks.
    Asked,
}

impl Look {
    /// Its name in figures and tables.
    pub fn name(self) -> &'static str {
        match self {
            Look::Free => "no lock",
            Look::Locked => "locked",
            Look::Asked => "asks a Manager",
        }
    }
}

/// The number of the transaction that was decided last; 0 before the first one. It lies in shared memory, and where looks ask a Manager also
/// there.
///
/// # Examples
/// ```
/// use lessons::signals::{Epoch, Look};
/// let epoch = Epoch::new(Look::Free, None)?;
/// *epoch.lock() = 7;
/// epoch.tell_manager(7); // nobody looks there: does nothing
/// assert_eq!(epoch.read(), 7);
/// # Ok::<(), lessons::RunError>(())
/// ```
#[derive(Debug)]
pub struct Epoch {
    word: Value<u64>,
    look: Look,
    /// Where looks ask a Manager.
    dict: Option<Dict<u8, u64>>,
}

impl Epoch {
    /// An epoch that is looked at in this way. The manager is needed for [`Look::Asked`] only.
    ///
    /// # Errors
    /// There is no room in shared memory, or the manager does not answer.
    ///
    /// # Panics
    /// The look asks a manager and there is none.
    pub fn new(look: Look, manager: Option<&Manager>) -> Result<Epoch, RunError> {
        let dict = match look {
            Look::Asked => {
                let manager = manager.expect("a look that asks a Manager needs one: Job::manager");
                let dict = manager.dict("epoch")?;
                dict.clear()?;
                Some(dict)
            }
            Look::Free | Look::Locked => None,
        };
        Ok(Epoch {
            word: Value::new(0)?,
            look,
            dict,
        })
    }

    /// The number, read in the way of this epoch's look.
    ///
    /// # Panics
    /// The manager does not answer.
    #[inline]
    pub fn read(&self) -> u64 {
        match (self.look, &self.dict) {
            (Look::Free, _) => self.word.get_unlocked(),
            (Look::Locked, _) => self.word.get(),
            (Look::Asked, dict) => {
                let dict = dict.as_ref().expect("it has one");
                dict.get(&0)
                    .unwrap_or_else(|error| panic!("{error}"))
                    .unwrap_or(0)
            }
        }
    }

    /// The number under its lock, to change it.
    pub fn lock(&self) -> ValueGuard<'_, u64> {
        self.word.lock()
    }

    /// Tells the manager as well, where looks ask one; never a smaller number than it has.
    ///
    /// # Panics
    /// The manager does not answer.
    pub fn tell_manager(&self, me: u64) {
        if let Some(dict) = &self.dict {
            let told = dict.update(&0, |old| old.max(Some(me)));
            told.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// Whether the word in shared memory says this, read without the lock: only to count.
    #[inline]
    pub(super) fn is_now(&self, me: u64) -> bool {
        self.word.get_unlocked() == me
    }
}

/// Seconds of one look, with one detector, with two, three and four that look as fast as they can: medians.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use lessons::signals::{Look, look_prices};
/// assert_eq!(look_prices(Look::Locked, None)?.len(), 4);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn look_prices(look: Look, manager: Option<&Manager>) -> Result<Vec<f64>, RunError> {
    let epoch = Epoch::new(look, manager)?;
    let price = |crowd| {
        let looks = run_workers(crowd, |_| measure(5, || epoch.read()).values().to_vec())?;
        Ok(Samples::new("ns", looks.concat()).median() * 1e-9)
    };
    (1..=WORKERS).map(price).collect()
}
