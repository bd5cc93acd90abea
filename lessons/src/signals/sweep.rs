use super::cases::quality;
use super::epoch::Look;
use super::job::Job;
use super::night::Night;
use super::shift::Shift;
use crate::fraud::Transactions;
use crate::running::RunError;
use figures::{Format, Lines, Progress, Table};
use labsupport::measure::{Samples, machine};
use std::fmt;

/// More steps than a detector ever makes: nobody looks.
pub const NEVER: u64 = 1_000;

const INTERVALS: [u64; 8] = [1, 2, 4, 8, 16, 32, 64, NEVER];
const LOOKS: [Look; 3] = [Look::Free, Look::Locked, Look::Asked];

/// How often each combination has its night.
const TURNS: usize = 7;

/// What [`sweep_nights`] has measured.
#[derive(Clone, Debug)]
pub struct Nights {
    /// Seconds of one step.
    step: f64,
    transactions: usize,
    points: Vec<Point>,
}

#[derive(Clone, Debug)]
struct Point {
    interval: u64,
    look: Look,
    /// In the order of the turns.
    nights: Vec<Night>,
}

/// Runs the job's night with eight intervals and three ways to look, seven times each, all in turn. Before each turn there is a night that is
/// thrown away: after a night with a Manager the next one is slower.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// The job has no manager.
///
/// # Examples
/// ```no_run
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::signals::{Job, Shift, bad_night, sweep_nights};
/// use manager::prelude::*;
/// use std::time::Duration;
/// # fn detector(_: &mut Shift) {}
/// let (log, manager) = (Transactions::load()?, Manager::start()?);
/// let (night, step) = (bad_night(&log), Work::costing(Duration::from_micros(2)));
/// let nights = sweep_nights(&Job::new(&log, &night, step).manager(&manager), detector)?;
/// println!("{}", nights.throughput().text());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sweep_nights(job: &Job<'_>, detector: impl Fn(&mut Shift<'_>)) -> Result<Nights, RunError> {
    sweep_of(job, &|job| job.run(&detector))
}

fn sweep_of(
    job: &Job<'_>,
    run: &dyn Fn(&Job<'_>) -> Result<Night, RunError>,
) -> Result<Nights, RunError> {
    let point = |look| {
        move |interval| Point {
            interval,
            look,
            nights: vec![],
        }
    };
    let points = LOOKS
        .into_iter()
        .flat_map(|look| INTERVALS.map(point(look)));
    let mut points: Vec<Point> = points.collect();
    for _ in Progress::over("the sweep", 0..TURNS) {
        run(&job.look(Look::Free, NEVER))?; // thrown away
        for point in &mut points {
            point
                .nights
                .push(run(&job.look(point.look, point.interval))?);
        }
    }
    Ok(Nights {
        step: job.work.cost().as_secs_f64(),
        transactions: job.cases.len(),
        points,
    })
}

impl Nights {
    fn at(&self, look: Look, interval: u64) -> &Point {
        let found = (self.points.iter()).find(|p| p.look == look && p.interval == interval);
        found.unwrap_or_else(|| {
            panic!("the sweep has no interval {interval}: it has 1, 2, 4, … 64, and {NEVER}")
        })
    }

    fn curve(&self, look: Look, of: impl Fn(&Night) -> f64) -> Vec<(f64, f64)> {
        let points = self.points.iter().filter(|point| point.look == look);
        points
            .map(|point| (point.interval as f64, point.median(&of)))
            .collect()
    }

    /// Transactions per second against the interval, a line for each look.
    pub fn throughput(&self) -> Lines {
        let figure = Lines::new("How many transactions in a second")
            .x("steps between two looks")
            .log_x()
            .y("transactions per second")
            .caption(format!(
                "Medians of {TURNS} nights, {}. At {NEVER} steps nobody ever looks.",
                machine()
            ));
        LOOKS.into_iter().fold(figure, |figure, look| {
            figure.series(look.name(), self.curve(look, Night::throughput))
        })
    }

    /// The times around the signal against the interval, for the look without lock.
    pub fn reactions(&self) -> Lines {
        let step = self.step;
        Lines::new("From the transaction to the signal, and from the signal to the next")
            .x("steps between two looks")
            .log_x()
            .y("time")
            .log_y()
            .y_format(Format::Seconds)
            .series("begin → signal", self.curve(Look::Free, |n| n.to_signal))
            .series("signal → last worker free", self.curve(Look::Free, |n| n.reaction))
            .series("work for nothing, all workers", self.curve(Look::Free, |n| n.late * step))
            .caption(format!(
                "Looks without lock; medians of the alarms of a night, then of {TURNS} nights. {}. The step in which the signal comes counts as \
                 work for nothing.",
                machine()
            ))
    }

    /// How many times the throughput, against never looking in the same turn: the median of the turns.
    ///
    /// # Panics
    /// The interval is not in the sweep.
    pub fn gain(&self, look: Look, interval: u64) -> f64 {
        let never = &self.at(Look::Free, NEVER).nights;
        let pairs = self.at(look, interval).nights.iter().zip(never);
        Samples::new(
            "",
            pairs.map(|(looks, never)| never.seconds / looks.seconds),
        )
        .median()
    }

    /// A table of the gains at some intervals.
    pub fn gains(&self) -> Table {
        self.table("throughput against never looking", |look, interval| {
            format!("{:.2}", self.gain(look, interval))
        })
    }

    /// A table of the times from the begin to the signal at some intervals.
    pub fn to_signal(&self) -> Table {
        self.table("from the begin to the signal", |look, interval| {
            Format::Seconds.write(self.at(look, interval).median(|night| night.to_signal))
        })
    }

    fn table(&self, what: &str, cell: impl Fn(Look, u64) -> String) -> Table {
        let table = Table::new([what, "every step", "every 8th", "every 32nd", "never"]);
        LOOKS.into_iter().fold(table, |table, look| {
            let cells = [1, 8, 32, NEVER].map(|interval| cell(look, interval));
            table.row([look.name().to_string()].into_iter().chain(cells))
        })
    }

    /// The median time from the signal until the last worker is free, for the look without lock.
    ///
    /// # Panics
    /// The interval is not in the sweep.
    pub fn reaction(&self, interval: u64) -> String {
        Format::Seconds.write(self.at(Look::Free, interval).median(|night| night.reaction))
    }

    /// In how many nights all verdicts were `truth`, and how many nights there were.
    pub fn same_as(&self, truth: &[bool]) -> (usize, usize) {
        let nights = || self.points.iter().flat_map(|point| &point.nights);
        let same = nights().filter(|night| night.stopped() == truth).count();
        (same, nights().count())
    }

    /// For each interval, in how many of the nights all verdicts were `truth`, and precision and recall of the first night.
    pub fn verdicts(&self, log: &Transactions, cases: &[usize], truth: &[bool]) -> Table {
        let table = Table::new([
            "interval",
            "nights",
            "same verdicts as one by one",
            "precision",
            "recall",
        ]);
        INTERVALS.into_iter().fold(table, |table, interval| {
            let here = self
                .points
                .iter()
                .filter(|point| point.interval == interval);
            let nights: Vec<&Night> = here.flat_map(|point| &point.nights).collect();
            let same = nights
                .iter()
                .filter(|night| night.stopped() == truth)
                .count();
            let seen = quality(log, cases, nights[0].stopped());
            table.row([
                interval.to_string(),
                nights.len().to_string(),
                same.to_string(),
                format!("{:.3}", seen.precision()),
                format!("{:.3}", seen.recall()),
            ])
        })
    }
}

impl Point {
    fn median(&self, of: impl Fn(&Night) -> f64) -> f64 {
        Samples::new("", self.nights.iter().map(of)).median()
    }
}

impl fmt::Display for Nights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nights = TURNS * self.points.len();
        write!(
            f,
            "{nights} nights of {} transactions, {}",
            self.transactions,
            machine()
        )
    }
}

labsupport::shown_in_words!(Nights);
