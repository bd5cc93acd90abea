use super::WORKERS;
use crate::Proportion;
use crate::running::{RunError, run_workers};
use figures::Progress;
use labsupport::measure::Samples;
use labsupport::shared::{Barrier, Value};
use std::ops::Range;

/// Records that are searched.
const RECORDS: u64 = 1_000_000;

/// What [`search_in_turns`] has found.
#[derive(Clone, Debug)]
pub struct Searches {
    /// The answer, and how many records were tested by all workers.
    runs: Vec<(u64, u64)>,
}

/// Lets four workers search a million records, so many times. Each gets a quarter of them and the shared word, which begins at `u64::MAX` and
/// is the answer at the end, and returns how many records it has tested. All begin together.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use lessons::signals::search_in_turns;
/// let found = search_in_turns("searches", 3, |mine, best| {
///     if mine.contains(&7) {
///         best.set(7);
///     }
///     1
/// })?;
/// assert_eq!((found.answered(7).share(), found.last(), found.tested()), (1.0, 7, 4.0));
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn search_in_turns(
    name: &str,
    times: usize,
    search: impl Fn(Range<u64>, &Value<u64>) -> u64,
) -> Result<Searches, RunError> {
    let once = |_| {
        let (best, start) = (Value::new(u64::MAX)?, Barrier::new(WORKERS)?);
        let tested = run_workers(WORKERS, |w| {
            start.wait();
            search(w.share_of(0..RECORDS), &best)
        })?;
        Ok((best.get(), tested.iter().sum()))
    };
    let runs = Progress::over(name, 0..times).map(once);
    Ok(Searches {
        runs: runs.collect::<Result<_, RunError>>()?,
    })
}

impl Searches {
    /// In how many of the searches the answer was this.
    ///
    /// # Panics
    /// There were no searches.
    pub fn answered(&self, answer: u64) -> Proportion {
        let right = self.runs.iter().filter(|run| run.0 == answer).count();
        Proportion::new(right as u64, self.runs.len() as u64)
    }

    /// The answer of the last search.
    ///
    /// # Panics
    /// There were no searches.
    pub fn last(&self) -> u64 {
        self.runs.last().expect("there was a search").0
    }

    /// How many records were tested: the median of the searches.
    ///
    /// # Panics
    /// There were no searches.
    pub fn tested(&self) -> f64 {
        Samples::new("", self.runs.iter().map(|run| run.1 as f64)).median()
    }
}
