use super::TASKS;
use figures::{Recording, Table, Timeline, Timelines, Trace};
use labsupport::measure::human;
use labsupport::process::Report;
use std::fmt;
use std::time::Duration;

/// How a pool ended that had got [`TASKS`] tasks.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use lessons::pools::{Ended, TASKS};
/// use std::time::Duration;
/// let trace = Trace::new(1)?;
/// let ended = Ended::of(&trace, 20, Duration::from_millis(3)); // nobody has done anything, and 20 are in the queue
/// assert_eq!((ended.done(), ended.lost()), (0, TASKS as usize - 20));
/// assert_eq!(ended.to_string(), "0 done, 40 lost, 20 left behind in the queue");
/// # Ok::<(), labsupport::prelude::SharedError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ended {
    seen: Recording,
    left: usize,
    waiting: usize,
    quiet: Option<Duration>,
}

impl Ended {
    /// A pool whose workers are all home: its diary, how many messages are left in the queue, and how long it took from the signal until all
    /// was quiet.
    pub fn of(trace: &Trace, left: usize, quiet: Duration) -> Ended {
        Ended {
            seen: trace.recording(),
            left,
            waiting: 0,
            quiet: Some(quiet),
        }
    }

    /// A pool that would never have come home: those that had not when the deadline passed are still waiting.
    pub fn never<T>(trace: &Trace, left: usize, ends: &Report<T>) -> Ended {
        let waiting = ends
            .outcomes()
            .iter()
            .filter(|outcome| !outcome.exit().is_returned());
        Ended {
            seen: trace.recording(),
            left,
            waiting: waiting.count(),
            quiet: None,
        }
    }

    /// The tasks that were done.
    pub fn done(&self) -> usize {
        self.seen.tasks_done()
    }

    /// The tasks that were taken and not done.
    pub fn lost(&self) -> usize {
        (TASKS as usize).saturating_sub(self.done() + self.left)
    }

    /// The messages that are left in the queue.
    pub fn left(&self) -> usize {
        self.left
    }

    /// From the signal until all was quiet; zero if it never would have been.
    pub fn quiet(&self) -> Duration {
        self.quiet.unwrap_or_default()
    }

    /// What each worker did when.
    pub fn timeline(&self, title: &str) -> Timeline {
        Timeline::new(title, &self.seen).left(self.left)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, lost, left) = (self.done(), self.lost(), self.left);
        write!(
            f,
            "{done} done, {lost} lost, {left} left behind in the queue"
        )?;
        match self.waiting {
            0 => Ok(()),
            1 => write!(f, "; 1 worker still waiting when the deadline passed"),
            n => write!(f, "; {n} workers still waiting when the deadline passed"),
        }
    }
}

labsupport::shown_in_words!(Ended);

/// A table of the ways in which pools ended.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use lessons::pools::{Ended, autopsy};
/// use std::time::Duration;
/// let trace = Trace::new(1)?;
/// let ended = Ended::of(&trace, 0, Duration::from_millis(3));
/// assert!(autopsy(&[("terminate()", &ended)]).to_string().contains("3 ms"));
/// # Ok::<(), labsupport::prelude::SharedError>(())
/// ```
pub fn autopsy(ways: &[(&str, &Ended)]) -> Table {
    let table = Table::new([
        "way",
        "tasks",
        "done",
        "lost",
        "left behind",
        "still waiting",
        "time to quiet",
    ]);
    ways.iter().fold(table, |table, (way, ended)| {
        let counts = [
            TASKS as usize,
            ended.done(),
            ended.lost(),
            ended.left,
            ended.waiting,
        ];
        let quiet = ended.quiet.map_or("never".into(), human);
        let counts = counts.map(|count| count.to_string());
        table.row([way.to_string()].into_iter().chain(counts).chain([quiet]))
    })
}

/// The timelines of the pools on one clock, which says zero when the workers were told to go home.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use lessons::pools::{Ended, side_by_side};
/// use std::time::Duration;
/// let trace = Trace::new(1)?;
/// trace.parent().record(Event::FlagSet);
/// let flagged = Ended::of(&trace, 0, Duration::from_millis(3));
/// assert!(side_by_side(&[("flag", &flagged)]).text().contains("The signal to go home"));
/// # Ok::<(), labsupport::prelude::SharedError>(())
/// ```
pub fn side_by_side(ways: &[(&str, &Ended)]) -> Timelines {
    let clock = Timelines::new("Ways to go home, on one clock");
    let all = ways.iter().fold(clock, |clock, (way, ended)| {
        clock.run(*way, ended.timeline(way).useful_after_flag())
    });
    all.caption("The clock says zero when the workers were told to go home: by the first pill, the flag, or terminate().")
}
