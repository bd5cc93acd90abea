use super::run::{Run, run_until_set};
use crate::running::RunError;
use figures::{Progress, Table};
use labsupport::measure::{Samples, Work, human};
use labsupport::shared::Flag;
use std::fmt;
use std::time::Duration;

/// Runs with looks, each in turn with one that hardly looks.
const TURNS: usize = 9;

/// How long a run lasts at least: several turns on the processor, where workers share a core.
const RUN: Duration = Duration::from_millis(50);

/// Who hardly looks, looks this often.
const SELDOM: Duration = Duration::from_millis(10);

/// What [`locks_per_second`] has measured, for one iteration cost after the other.
#[derive(Clone, Debug)]
pub struct Locks {
    workers: usize,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    cost: Duration,
    /// Looks per second of all workers, and iterations per second where they hardly look.
    per_second: [f64; 2],
    /// The share of the CPU time that goes into looking.
    share: f64,
}

/// Lets `workers` workers take the lock for a look at *each* iteration, with iterations of these costs, and counts how many locks they take
/// per second, all together. In turn with each run goes one that hardly looks (every 10 ms, without the lock), to which it is compared.
/// Nine of each; what comes out are medians.
///
/// `work_until` gets the flag, the work of one iteration, the interval and whether to lock, and returns how many iterations it has done.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use lessons::looking::locks_per_second;
/// use std::time::Duration;
/// let locks = locks_per_second(2, &[Duration::from_micros(10)], |stop, work, interval, locked| {
///     let mut done = 0;
///     while !(if locked { stop.is_set_locked() } else { stop.is_set() }) {
///         (0..interval).for_each(|_| work.run());
///         done += interval;
///     }
///     done
/// })?;
/// assert!(locks.millions(0) > 0.0);
/// println!("{locks}");
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn locks_per_second(
    workers: usize,
    costs: &[Duration],
    work_until: impl Fn(&Flag, Work, u64, bool) -> u64,
) -> Result<Locks, RunError> {
    let row = |cost: &Duration| {
        let work = Work::costing(*cost);
        let seldom = (SELDOM.as_nanos() / cost.as_nanos().max(1)).max(1) as u64;
        let once = |interval, locked| {
            run_until_set(workers, RUN, |stop| {
                work_until(stop, work, interval, locked)
            })
        };
        let turns = (0..TURNS).map(|_| Ok((once(1, true)?, once(seldom, false)?)));
        Ok(Row::of(
            *cost,
            &turns.collect::<Result<Vec<_>, RunError>>()?,
        ))
    };
    let rows = Progress::over("iteration costs", costs).map(row);
    Ok(Locks {
        workers,
        rows: rows.collect::<Result<_, RunError>>()?,
    })
}

impl Row {
    /// Medians of the turns: each a run with looks, and one with hardly any.
    fn of(cost: Duration, turns: &[(Run, Run)]) -> Row {
        let median =
            |of: &dyn Fn(&(Run, Run)) -> f64| Samples::new("", turns.iter().map(of)).median();
        Row {
            cost,
            per_second: [
                median(&|(looks, _)| looks.per_second),
                median(&|(_, seldom)| seldom.per_second),
            ],
            share: median(&|(looks, seldom)| 1.0 - looks.per_cpu_second / seldom.per_cpu_second),
        }
    }
}

impl Locks {
    /// Millions of locks per second, of all workers together, with the cost at this index.
    ///
    /// # Panics
    /// There is no such cost.
    pub fn millions(&self, cost: usize) -> f64 {
        self.rows[cost].per_second[0] / 1e6
    }

    /// The share of the CPU time that goes into looking, in percent, with the cost at this index.
    ///
    /// # Panics
    /// There is no such cost.
    pub fn percent(&self, cost: usize) -> f64 {
        100.0 * self.rows[cost].share
    }

    fn table(&self) -> Table {
        let header = [
            "one iteration".to_string(),
            format!("locks per second, all {} workers", self.workers),
            "iterations per second, hardly looking".into(),
            "of the CPU time for looking".into(),
        ];
        self.rows.iter().fold(Table::new(header), |table, row| {
            let [locks, free] = row.per_second.map(count);
            let share = format!("{:.1} %", 100.0 * row.share);
            table.row([human(row.cost), locks, free, share])
        })
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        self.table().evcxr_display();
    }
}

impl fmt::Display for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table().fmt(f)
    }
}

/// Per second, in words: `1.93 million`, `48,200`.
fn count(per_second: f64) -> String {
    match per_second.round() as u64 {
        n if n >= 1_000_000 => format!("{:.2} million", n as f64 / 1e6),
        n if n >= 1_000 => format!("{},{:03}", n / 1_000, n % 1_000),
        n => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_aloud_as_they_are_written() {
        let words = [1_934_000.0, 48_207.0, 999_999.0, 12.0].map(count);
        assert_eq!(words, ["1.93 million", "48,207", "999,999", "12"]);
    }

    #[test]
    fn a_run_is_compared_with_the_one_of_its_turn() {
        let run = |per_second| Run {
            per_cpu_second: per_second / 2.0,
            per_second,
            reaction: 0.0,
        };
        // The machine was twice as fast in the second turn.
        let turns = [(run(3.0), run(4.0)), (run(6.0), run(8.0))];
        let row = Row::of(Duration::from_micros(1), &turns);
        assert_eq!((row.per_second, row.share), ([4.5, 6.0], 0.25));
    }

    #[test]
    fn the_first_cost_is_the_first_row() {
        let locks = Locks {
            workers: 4,
            rows: vec![Row {
                cost: Duration::from_micros(1),
                per_second: [1.5e6, 2e6],
                share: 0.25,
            }],
        };
        assert_eq!((locks.millions(0), locks.percent(0)), (1.5, 25.0));
        assert!(locks.to_string().contains("1.50 million"), "{locks}");
    }
}
