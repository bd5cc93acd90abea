use labsupport::measure::{Samples, Work, time};

/// Pairs of runs, one with looks and one without.
const PAIRS: usize = 7;

/// The share of its time, in percent, that a worker loses to looks if it looks once in `interval` steps of `work`.
///
/// It is measured in pairs of runs, one with looks and one without, in turn. So what changes on the machine meanwhile changes both. A value
/// below zero is noise.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::across::lost_to_looks;
/// use std::time::Duration;
/// let step = Work::costing(Duration::from_micros(2));
/// let look = Work::costing(Duration::from_micros(20)); // as expensive as a question to another process
/// let often = lost_to_looks(&step, 1, || look.run());
/// let seldom = lost_to_looks(&step, 500, || look.run());
/// assert!(often.median() > seldom.median());
/// ```
///
/// # Panics
/// The interval is zero.
pub fn lost_to_looks(work: &Work, interval: u64, look: impl Fn()) -> Samples {
    assert!(
        interval > 0,
        "the interval is zero: look once in 1 step or more"
    );
    let steps = (4 * interval).max(1_000);
    let looking = || {
        for step in 0..steps {
            if step % interval == 0 {
                look();
            }
            work.run();
        }
    };
    let only_working = || (0..steps).for_each(|_| work.run());
    looking(); // the first time is slow: a connection has to be made
    let lost = (0..PAIRS).map(|pair| {
        let (with, without) = if pair % 2 == 0 {
            let with = time(looking).elapsed;
            (with, time(only_working).elapsed)
        } else {
            let without = time(only_working).elapsed;
            (time(looking).elapsed, without)
        };
        100.0 * (1.0 - without.as_secs_f64() / with.as_secs_f64())
    });
    Samples::new("%", lost.collect::<Vec<_>>())
}
