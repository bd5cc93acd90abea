use super::{cpu_time, human};
use std::cell::Cell;
use std::fmt;
use std::hint::black_box;
use std::time::Duration;

/// An iteration of known cost, in place of real work: [`run`](Work::run) burns that much CPU time, without reading a clock, without system calls
/// and with one word of memory.
///
/// It is a chain of steps. Each step needs the result of the one before, and each run starts from the result of the last run. The processor can
/// overlap neither two steps nor two runs, so the cost does not depend on what happens between the runs. The number of steps is calibrated
/// against the thread's CPU clock; a step takes one to two nanoseconds in an optimised build, some twenty in a debug build. If the processor
/// changes its frequency afterwards, the cost changes too; [`measured`](Work::measured) tells the present cost.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use std::time::Duration;
/// let work = Work::costing(Duration::from_micros(5));
/// for _ in 0..10 {
///     work.run(); // 5 µs each
/// }
/// assert_eq!(work.cost(), Duration::from_micros(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    cost: Duration,
    steps: u64,
}

/// Steps in one calibration run, a millisecond or less.
const RUN: u64 = 100_000;

/// How often a rate is measured. The fastest counts, since every disturbance makes it slower.
const RUNS: usize = 9;

impl Work {
    /// Work of which one `run` costs `cost` of CPU time. Calibration takes some milliseconds.
    ///
    /// # Panics
    /// `cost` is zero or over a minute.
    pub fn costing(cost: Duration) -> Work {
        assert!(
            !cost.is_zero() && cost <= Duration::from_secs(60),
            "work that costs {} was asked for: ask for something between 1 ns and 60 s.",
            human(cost)
        );
        let nanos = cost.as_nanos() as f64;
        // Start from the rate of a long run, then correct the number of steps by what calls of that size really cost: with few steps, the
        // call itself counts.
        let mut steps = (nanos / time_per_call(RUN, 1) * RUN as f64).max(1.0);
        for _ in 0..3 {
            let tried = steps.clamp(1.0, RUN as f64).round();
            let call = time_per_call(tried as u64, (RUN as f64 / tried).max(1.0) as u64);
            steps = (nanos / call * tried).max(1.0);
        }
        Work {
            cost,
            steps: steps.round() as u64,
        }
    }

    /// Burns the CPU time.
    #[inline]
    pub fn run(&self) {
        black_box(chain(self.steps));
    }

    /// The cost that was asked for.
    pub fn cost(&self) -> Duration {
        self.cost
    }

    /// The CPU time of one run, measured now: the median of five batches. It takes ten milliseconds, or five runs if these take longer.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let work = Work::costing(Duration::from_micros(20));
    /// let off = work.measured().as_secs_f64() / 20e-6;
    /// assert!((0.5..2.0).contains(&off));
    /// ```
    pub fn measured(&self) -> Duration {
        let calls = (2_000_000 / self.cost.as_nanos().max(1)).clamp(1, 1_000_000) as u32;
        let mut batches: Vec<Duration> = (0..5)
            .map(|_| {
                let start = cpu_time();
                for _ in 0..calls {
                    self.run();
                }
                // Division of a `Duration` cuts off fractions of a nanosecond, which are 5 % of 20 ns.
                let nanos = (cpu_time() - start).as_nanos() as f64 / f64::from(calls);
                Duration::from_nanos(nanos.round() as u64)
            })
            .collect();
        batches.sort();
        batches[2]
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} of work", human(self.cost)))
    }
}

/// Nanoseconds of CPU time for one call with `steps` steps: the mean of `calls` calls, and of several means the smallest.
fn time_per_call(steps: u64, calls: u64) -> f64 {
    (0..RUNS)
        .map(|_| {
            let start = cpu_time();
            for _ in 0..calls {
                black_box(chain(black_box(steps)));
            }
            (cpu_time() - start).as_nanos() as f64 / calls as f64
        })
        .fold(f64::INFINITY, f64::min)
        .max(1e-3)
}

thread_local! {
    /// Where the chain continues. The number means nothing, so it does no harm that each cell of a notebook has its own.
    static LINK: Cell<u64> = const { Cell::new(1) };
}

/// A shift, an exclusive or and a multiplication per step (the mixing step of MurmurHash3, Appleby). Multiplication and addition alone would
/// not do: the compiler folds eight such steps into one.
// Not inlined: a cell's loop around it must not be merged with it.
#[inline(never)]
fn chain(steps: u64) -> u64 {
    LINK.with(|link| {
        // Start from the result of the last call. Otherwise twenty steps overlap with the twenty before and seem to cost 0.6 times what they
        // cost alone, and no number of steps fits both.
        let mut x = black_box(link.get());
        for _ in 0..steps {
            x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        }
        link.set(x);
        x
    })
}
