use labsupport::internal::thousands;
use std::fmt;

/// Why a protocol cannot be explored, replayed or forced.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let error = Explorer::new(["found"]).explore().unwrap_err();
/// assert_eq!(error.to_string(), "there are no workers: add some with .workers(2, &steps).");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExplorerError {
    /// No worker was added.
    NoWorkers,
    /// There are more workers than the explorer takes.
    TooManyWorkers {
        /// How many there are.
        workers: usize,
    },
    /// A worker's list is empty.
    NoSteps {
        /// Which worker.
        worker: char,
    },
    /// A worker locks while it holds the lock.
    LockedTwice {
        /// Which worker.
        worker: char,
        /// Which of its steps, from 1.
        step: usize,
    },
    /// A worker unlocks while it does not hold the lock.
    NotLocked {
        /// Which worker.
        worker: char,
        /// Which of its steps, from 1.
        step: usize,
    },
    /// `.start` names a word that does not exist.
    UnknownWord {
        /// The name.
        name: String,
        /// The names there are.
        words: Vec<String>,
    },
    /// Two words or two invariants have the same name.
    NamedTwice {
        /// `words` or `invariants`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// All workers together have more steps than the explorer takes.
    TooManySteps {
        /// How many there are.
        steps: usize,
    },
    /// There are more different states than the explorer visits.
    TooManyStates {
        /// How many it visits.
        limit: usize,
    },
    /// There are more states than a game puts into a page.
    TooManyStatesForAGame {
        /// How many there are.
        states: usize,
        /// How many it takes.
        limit: usize,
    },
    /// There are more schedules than a 128-bit number can count.
    TooManySchedules,
    /// There is no schedule with this number.
    NoSuchSchedule {
        /// The number.
        id: u128,
        /// How many there are.
        schedules: u128,
    },
    /// A word asks for a step that its worker cannot take.
    NoSuchStep {
        /// The word.
        word: String,
        /// Which of its letters, from 1.
        letter: usize,
        /// Why the worker cannot take it, and which workers can take a step there.
        why: String,
    },
    /// A word ends while workers can still take steps.
    EndsEarly {
        /// The word.
        word: String,
        /// A word that begins like it and goes on to the end.
        whole: String,
    },
    /// Real processes could not be started, or did not reach the end of the schedule.
    Processes(String),
}

impl ExplorerError {
    pub(super) const MOST_WORKERS: usize = 4;
    pub(super) const MOST_STEPS: usize = 200;
    pub(super) const MOST_STATES: usize = 1_000_000;
}

impl fmt::Display for ExplorerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExplorerError::NoWorkers => {
                write!(
                    f,
                    "there are no workers: add some with .workers(2, &steps)."
                )
            }
            ExplorerError::TooManyWorkers { workers } => write!(
                f,
                "{workers} workers are more than the explorer takes: use at most {}. Two or three show nearly every \
                 race that a small protocol has.",
                Self::MOST_WORKERS
            ),
            ExplorerError::NoSteps { worker } => write!(
                f,
                "worker {worker} has no steps: add some to its Steps, such as .write(\"name\", |s, me| …)."
            ),
            ExplorerError::LockedTwice { worker, step } => write!(
                f,
                "step {step} of worker {worker} locks while the worker holds the lock, so the worker would wait for itself \
                 forever: put an .unlock() before it."
            ),
            ExplorerError::NotLocked { worker, step } => write!(
                f,
                "step {step} of worker {worker} unlocks, but the worker does not hold the lock: put a .lock() before it."
            ),
            ExplorerError::UnknownWord { name, words } => write!(
                f,
                "there is no word \"{name}\" to start with another value: the words are {}.",
                words.join(", ")
            ),
            ExplorerError::NamedTwice { what, name } => write!(
                f,
                "two {what} are named \"{name}\": give each a name of its own."
            ),
            ExplorerError::TooManySteps { steps } => write!(
                f,
                "{steps} steps, all workers together, are more than the explorer takes ({}): use fewer workers or \
                 shorter lists.",
                Self::MOST_STEPS
            ),
            ExplorerError::TooManyStates { limit } => write!(
                f,
                "there are more than {} different states: use fewer workers or shorter lists, or words that take fewer \
                 values.",
                thousands(*limit as u128)
            ),
            ExplorerError::TooManyStatesForAGame { states, limit } => write!(
                f,
                "{} different states are more than a page should carry ({}): use fewer workers or shorter lists. Exploring and \
                 forcing work all the same.",
                thousands(*states as u128),
                thousands(*limit as u128)
            ),
            ExplorerError::TooManySchedules => write!(
                f,
                "there are more schedules than a 128-bit number can count: use fewer workers or shorter lists."
            ),
            ExplorerError::NoSuchSchedule { id, schedules } => write!(
                f,
                "there is no schedule {}: there are {}, numbered from 0 to {}.",
                thousands(*id),
                thousands(*schedules),
                thousands(schedules.saturating_sub(1))
            ),
            ExplorerError::NoSuchStep { word, letter, why } => {
                write!(f, "\"{word}\" cannot be played: at letter {letter}, {why}")
            }
            ExplorerError::EndsEarly { word, whole } => write!(
                f,
                "\"{word}\" ends before the workers do: go on until none of them can take a step, such as \"{whole}\"."
            ),
            ExplorerError::Processes(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ExplorerError {}
