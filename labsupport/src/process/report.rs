use super::{Exit, WorkerError};
use crate::cell::{self, Show};
use crate::measure::human;
use std::fmt;
use std::time::Duration;

/// How all workers of one [`Workers::spawn`](super::Workers::spawn) ended, in order. As the last expression of a cell it is shown as a table.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let report = Workers::spawn(3, |w| w.index() * 10)?.join()?;
/// assert_eq!(report.values()?, [0, 10, 20]);
/// println!("{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report<T> {
    pub(super) outcomes: Vec<Outcome<T>>,
    pub(super) elapsed: Duration,
}

impl<T> Report<T> {
    /// One outcome per worker, in order.
    pub fn outcomes(&self) -> &[Outcome<T>] {
        &self.outcomes
    }

    /// The time from before the first fork until the last worker was collected.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The CPU time of all workers together, user and system, as the kernel counted it.
    pub fn cpu(&self) -> Duration {
        self.outcomes.iter().map(Outcome::cpu).sum()
    }

    /// The values, in the order of the workers.
    ///
    /// # Errors
    /// The first worker that did not return a value.
    pub fn into_values(self) -> Result<Vec<T>, WorkerError> {
        let count = self.outcomes.len();
        self.outcomes
            .into_iter()
            .map(|outcome| {
                outcome.value.ok_or(WorkerError {
                    index: outcome.index,
                    count,
                    exit: outcome.exit,
                })
            })
            .collect()
    }
}

impl<T: Clone> Report<T> {
    /// Copies of the values, in the order of the workers; the report can still be shown afterwards.
    ///
    /// # Errors
    /// The first worker that did not return a value.
    pub fn values(&self) -> Result<Vec<T>, WorkerError> {
        self.clone().into_values()
    }
}

impl<T: fmt::Debug> Report<T> {
    fn table(&self) -> (String, String) {
        // Workers that return nothing need no column for it.
        let has_values = std::any::type_name::<T>() != "()";
        let row = |outcome: &Outcome<T>| {
            let mut row = vec![outcome.index.to_string(), outcome.exit.to_string()];
            if has_values {
                let value = outcome.value.as_ref();
                row.push(value.map_or("–".into(), |value| shorten(&format!("{value:?}"))));
            }
            row.extend([outcome.wall, outcome.cpu].map(milliseconds));
            row
        };
        let rows: Vec<Vec<String>> = self.outcomes.iter().map(row).collect();
        let mut header = vec!["worker", "ended"];
        header.extend(has_values.then_some("value"));
        let words = header.len();
        header.extend(["wall time", "CPU time"]);
        cell::table(&header, &rows, words)
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl<T: fmt::Debug> Show for Report<T> {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (html, text) = self.table();
        vec![("text/html", html), ("text/plain", text)]
    }
}

impl<T: fmt::Debug> fmt::Display for Report<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table().1)
    }
}

pub(super) fn milliseconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.999_95 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// A value of a thousand numbers would bury the table.
fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        text.into()
    } else {
        text.chars().take(MOST - 1).chain(['…']).collect()
    }
}

/// How one worker ended.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let report = Workers::spawn(2, |w| w.index())?.join()?;
/// let last = &report.outcomes()[1];
/// assert_eq!((last.index(), last.value()), (1, Some(&1)));
/// assert!(last.exit().is_returned());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    pub(super) index: usize,
    pub(super) exit: Exit,
    pub(super) value: Option<T>,
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    /// The address of the word on which it slept when its time was up.
    pub(super) sleeps_on: Option<usize>,
}

impl<T> Outcome<T> {
    /// The worker's number, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How it ended.
    pub fn exit(&self) -> &Exit {
        &self.exit
    }

    /// The value that its closure returned, if it did.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The address of the word on which it slept when its time was up, if it did.
    #[doc(hidden)]
    pub fn sleeps_on(&self) -> Option<usize> {
        self.sleeps_on
    }

    /// Wall time from its fork to the end of its closure; if that is unknown, until it was collected.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// The CPU time that it used, user and system, as the kernel counted it.
    pub fn cpu(&self) -> Duration {
        self.cpu
    }
}

impl<T: fmt::Debug> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} {}", self.index(), self.exit())?;
        if let Some(value) = self.value() {
            write!(f, " {value:?}")?;
        }
        write!(f, " after {}", human(self.wall()))
    }
}
