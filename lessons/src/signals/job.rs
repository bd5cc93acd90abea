use super::WORKERS;
use super::epoch::{Epoch, Look};
use super::night::Night;
use super::shift::Shift;
use super::sweep::NEVER;
use crate::fraud::Transactions;
use crate::running::{RunError, run_workers};
use figures::{Lane, Trace};
use labsupport::measure::Work;
use labsupport::shared::Barrier;
use manager::Manager;
use std::time::Instant;

/// A night's work for four detectors: which transactions, what a step costs, how often and how to look.
///
/// # Examples
/// Detectors that never look:
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::signals::Job;
/// use std::time::Duration;
/// let (log, step) = (Transactions::load()?, Work::costing(Duration::from_nanos(100)));
/// let night = Job::new(&log, &[40_000, 40_001], step).run(|shift| {
///     for me in 1..=shift.transactions() {
///         shift.begin.wait();
///         shift.begins(me);
///         let verdict = shift.judge(me, || false);
///         shift.ends(me, verdict);
///     }
/// })?;
/// assert_eq!(night.stopped().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub(super) log: &'a Transactions,
    pub(super) cases: &'a [usize],
    pub(super) work: Work,
    pub(super) interval: u64,
    pub(super) look: Look,
    manager: Option<&'a Manager>,
    trace: Option<&'a Trace>,
}

impl<'a> Job<'a> {
    /// These cases of the log, one after the other; each step of a detector costs `work`. Nobody looks, until [`look`](Job::look) says how.
    pub fn new(log: &'a Transactions, cases: &'a [usize], work: Work) -> Job<'a> {
        Job {
            log,
            cases,
            work,
            interval: NEVER,
            look: Look::Free,
            manager: None,
            trace: None,
        }
    }

    /// How to look, and after how many steps.
    pub fn look(self, look: Look, interval: u64) -> Job<'a> {
        Job {
            interval: interval.max(1),
            look,
            ..self
        }
    }

    /// The manager for looks that ask one.
    pub fn manager(self, manager: &'a Manager) -> Job<'a> {
        Job {
            manager: Some(manager),
            ..self
        }
    }

    /// Where to record what happens, for a timeline.
    pub fn recorded(self, trace: &'a Trace) -> Job<'a> {
        Job {
            trace: Some(trace),
            ..self
        }
    }

    pub(super) fn with_cases(self, cases: &'a [usize]) -> Job<'a> {
        Job { cases, ..self }
    }

    pub(super) fn lane(&self, detector: usize) -> Lane {
        match self.trace {
            Some(trace) => trace.lane(detector),
            None => Trace::off(WORKERS).lane(detector),
        }
    }

    /// Runs `detector` in four workers, each with a [`Shift`] of its own.
    ///
    /// # Errors
    /// A worker could not be started, or did not come home.
    ///
    /// # Panics
    /// The workers did not note all transactions.
    pub fn run(&self, detector: impl Fn(&mut Shift<'_>)) -> Result<Night, RunError> {
        let begin = Barrier::new(WORKERS)?;
        let epoch = Epoch::new(self.look, self.manager)?;
        let clock = Instant::now(); // all processes of a machine read the same one
        let notes = run_workers(WORKERS, |w| {
            let mut shift = Shift::new(self, w.index(), (&begin, &epoch), clock);
            detector(&mut shift);
            shift.notes
        })?;
        Ok(Night::of(&notes, self.cases.len()))
    }
}
