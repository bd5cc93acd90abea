use super::run::{Run, run_until_set};
use crate::journal::record;
use crate::running::RunError;
use figures::{Format, Lines, Live, Progress, Table};
use labsupport::measure::{Samples, Work, human};
use labsupport::shared::Flag;
use std::fmt;
use std::time::Duration;

/// The costs of one iteration in the sweep, in nanoseconds.
pub(super) const COSTS: [u64; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The iterations between two looks.
pub(super) const INTERVALS: [u64; 5] = [1, 10, 100, 1_000, 10_000];

/// Nanoseconds between two looks. The sweep does not wait longer than that.
const LONGEST: u64 = 1_000_000_000;

/// Runs of each combination, where two looks are less than [`LONGEST`] apart.
const TURNS: u64 = 5;

/// One combination of the sweep: what it was, and the medians of its runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Nanoseconds of one iteration.
    pub cost: u64,
    /// Iterations between two looks.
    pub interval: u64,
    /// Whether each look took the lock.
    pub takes_lock: bool,
    /// How much less was done per second of CPU time than with hardly any looks: a share of 1.
    pub overhead: f64,
    /// The same per second on the clock.
    pub lost: f64,
    /// Seconds from setting the flag to the last worker's stop.
    pub reaction: f64,
}

/// What [`sweep`] has measured.
#[derive(Clone, Debug)]
pub struct Sweep {
    pub(super) workers: usize,
    pub(super) points: Vec<Point>,
}

/// A loop that looks at a flag until it is set: what a run is made of. From the interval, and whether to lock, to one run whose flag is set
/// after so long.
pub(super) type OneRun<'a> = &'a dyn Fn(Work, u64, bool, Duration) -> Result<Run, RunError>;

/// Runs `work_until` with iterations from 100 ns to 10 ms, with looks at every one to every 10,000, with the lock and without, and draws the
/// reactions meanwhile. `work_until` gets the flag, the work of one iteration, the interval and whether to lock, and returns how many
/// iterations it has done.
///
/// Each combination has five runs, one where two looks are a second apart; longer intervals are left out. The moment at which the flag is
/// set goes evenly over the time between two looks. In turn with each run goes one that hardly looks (every 10 ms, or at each iteration if
/// one takes longer), to which it is compared.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```no_run
/// use labsupport::prelude::*;
/// use lessons::looking::sweep;
/// let points = sweep(2, |stop, work, interval, locked| {
///     let mut done = 0;
///     while !(if locked { stop.is_set_locked() } else { stop.is_set() }) {
///         (0..interval).for_each(|_| work.run());
///         done += interval;
///     }
///     done
/// })?; // half a minute
/// println!("{}", points.reactions().text());
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn sweep(
    workers: usize,
    work_until: impl Fn(&Flag, Work, u64, bool) -> u64,
) -> Result<Sweep, RunError> {
    sweep_of(workers, &|work, interval, locked, wait| {
        run_until_set(workers, wait, |stop| {
            work_until(stop, work, interval, locked)
        })
    })
}

fn sweep_of(workers: usize, run: OneRun<'_>) -> Result<Sweep, RunError> {
    let pairs = COSTS
        .into_iter()
        .flat_map(|cost| INTERVALS.map(|interval| (cost, interval)));
    let worth: Vec<(u64, u64)> = pairs
        .filter(|(cost, interval)| cost * interval <= LONGEST)
        .collect();
    let mut sweep = Sweep {
        workers,
        points: vec![],
    };
    let mut live = Live::new();
    for (cost, interval) in Progress::over("the sweep", worth) {
        for locked in [true, false] {
            sweep.points.push(point(run, cost, interval, locked)?);
        }
        live.update(&sweep.reactions());
    }
    live.finish();
    record("Lab 03", &sweep.reactions());
    Ok(sweep)
}

fn point(run: OneRun<'_>, cost: u64, interval: u64, locked: bool) -> Result<Point, RunError> {
    let turns = if interval * cost < LONGEST { TURNS } else { 1 };
    let pairs = pairs(run, Duration::from_nanos(cost), interval, locked, turns)?;
    Ok(Point {
        cost,
        interval,
        takes_lock: locked,
        overhead: pairs.less(|run| run.per_cpu_second).median(),
        lost: pairs.less(|run| run.per_second).median(),
        reaction: pairs.reactions().median(),
    })
}

/// How long a run lasts at least: the flag is set after this, and after a part of the time between two looks.
const BEFORE: Duration = Duration::from_millis(10);

/// Runs that look at the interval, each in turn with one that hardly looks.
pub(super) fn pairs(
    run: OneRun<'_>,
    cost: Duration,
    interval: u64,
    locked: bool,
    turns: u64,
) -> Result<Pairs, RunError> {
    let work = Work::costing(cost);
    // At the least one, for a cost of zero.
    let seldom = (BEFORE.as_nanos() / cost.as_nanos().max(1)).max(1) as u64;
    let between = cost.as_secs_f64() * interval as f64;
    let pairs = (0..turns).map(|turn| {
        let part = between * (turn as f64 + 0.5) / turns as f64;
        let looking = run(
            work,
            interval,
            locked,
            BEFORE + Duration::from_secs_f64(part),
        )?;
        Ok((looking, run(work, seldom, false, BEFORE)?))
    });
    Ok(Pairs(pairs.collect::<Result<_, RunError>>()?))
}

/// Each a run with looks, and one with hardly any.
pub(super) struct Pairs(Vec<(Run, Run)>);

impl Pairs {
    /// How much less the looking run has than the other: a share of 1.
    pub(super) fn less(&self, of: fn(&Run) -> f64) -> Samples {
        Samples::new(
            "",
            self.0
                .iter()
                .map(|(looks, seldom)| 1.0 - of(looks) / of(seldom)),
        )
    }

    pub(super) fn reactions(&self) -> Samples {
        Samples::new("s", self.0.iter().map(|(looks, _)| looks.reaction))
    }
}

impl Sweep {
    /// All combinations that were measured.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// One combination.
    ///
    /// # Panics
    /// It was not measured.
    pub fn at(&self, cost: u64, interval: u64, locked: bool) -> Point {
        let is_it = |p: &&Point| (p.cost, p.interval, p.takes_lock) == (cost, interval, locked);
        let found = self.points.iter().find(is_it);
        *found.unwrap_or_else(|| {
            panic!("{cost} ns and a look at every {interval} is not in the sweep")
        })
    }

    /// The combinations of one cost, with the lock or without.
    pub(super) fn row(&self, cost: u64, locked: bool) -> impl Iterator<Item = &Point> {
        (self.points.iter()).filter(move |p| p.cost == cost && p.takes_lock == locked)
    }

    /// The reaction against the interval, lock-free, with a line for each cost.
    pub fn reactions(&self) -> Lines {
        let figure = Lines::new("The price of not looking")
            .x("iterations between two looks")
            .log_x()
            .y("reaction: flag set → last worker stopped")
            .log_y()
            .y_format(Format::Seconds)
            .caption("Lock-free looks, one line for each iteration cost. Medians.");
        COSTS.into_iter().fold(figure, |figure, cost| {
            let line = self.row(cost, false);
            let line: Vec<_> = line
                .map(|p| (p.interval as f64, p.reaction.max(1e-7)))
                .collect();
            match line.is_empty() {
                true => figure,
                false => figure.series(human(Duration::from_nanos(cost)), line),
            }
        })
    }

    /// The overhead against the interval, with the lock and without, for the iterations that cost less than 100 µs.
    pub fn overheads(&self) -> Lines {
        let mut figure = Lines::new("The price of looking")
            .x("iterations between two looks")
            .log_x()
            .y("overhead: share of the CPU time")
            .log_y()
            .y_format(Format::Percent)
            .level("2 %", 2.0)
            .caption(
                "What is less than 0.1 %, or below zero since one of the two runs was disturbed, is drawn at 0.1 %. Iterations of 100 µs and \
                 more are left out.",
            );
        for cost in CHEAP {
            for (locked, how) in [(true, "locked"), (false, "lock-free")] {
                let line = self.row(cost, locked);
                let line = line.map(|p| (p.interval as f64, (100.0 * p.overhead).max(0.1)));
                figure = figure.series(
                    format!("{}, {how}", human(Duration::from_nanos(cost))),
                    line,
                );
            }
        }
        figure
    }

    /// Overhead and lost throughput side by side, with a locked look at each iteration.
    pub fn lost_throughput(&self) -> Table {
        let table = Table::new([
            "a locked look at each iteration of",
            "overhead, %",
            "lost throughput, %",
        ]);
        CHEAP.into_iter().fold(table, |table, cost| {
            let point = self.at(cost, 1, true);
            let [overhead, lost] =
                [point.overhead, point.lost].map(|share| format!("{:.1}", 100.0 * share));
            table.row([human(Duration::from_nanos(cost)), overhead, lost])
        })
    }
}

/// The costs at which the overhead can be seen.
const CHEAP: [u64; 3] = [100, 1_000, 10_000];

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} combinations, each with the lock and without; {} workers\n\
             medians of {TURNS} turns; 1 turn where two looks are a second apart",
            self.points.len() / 2,
            self.workers
        )
    }
}

labsupport::shown_in_words!(Sweep);
