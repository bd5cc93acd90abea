use super::{Finding, race};
use crate::running::RunError;
use figures::{Format, Lines, Progress};
use labsupport::measure::{Work, machine};
use std::time::Duration;

/// The time between the two writes, in microseconds.
const MICROS: [f64; 7] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// Runs [`race`] with windows from 0.1 µs to 100 µs, and draws the share of the rounds that went wrong: torn and overwritten without a lock,
/// overwritten with one.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```no_run
/// use labsupport::prelude::*;
/// use lessons::racing::{Finding, rounds_by_window};
/// fn no_lock(result: &Finding, me: u64, window: Work) -> bool {
///     result.finder.set(me);
///     window.run();
///     result.answer.set(100 * me);
///     true
/// }
/// fn locked(result: &Finding, me: u64, window: Work) -> bool {
///     let _guard = result.found.lock();
///     no_lock(result, me, window)
/// }
/// println!("{}", rounds_by_window(500, no_lock, locked)?.text());
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn rounds_by_window(
    rounds: u64,
    no_lock: fn(&Finding, u64, Work) -> bool,
    locked: fn(&Finding, u64, Work) -> bool,
) -> Result<Lines, RunError> {
    let mut shares: [Vec<(f64, f64)>; 3] = Default::default();
    for micros in Progress::over("windows", MICROS) {
        let seconds = micros * 1e-6;
        let window = Duration::from_secs_f64(seconds);
        let free = race(rounds, window, no_lock)?;
        let locked = race(rounds, window, locked)?;
        let counts = [free.torn(), free.overwritten(), locked.overwritten()];
        for (line, count) in shares.iter_mut().zip(counts) {
            line.push((seconds, 100.0 * count.share()));
        }
    }
    let [torn, overwritten, locked] = shares;
    Ok(
        Lines::new("Rounds that went wrong, by the time between the two writes")
            .x("time between the two writes")
            .log_x()
            .x_format(Format::Seconds)
            .y("share of the rounds")
            .y_format(Format::Percent)
            .series("no lock: torn", torn)
            .series("no lock: overwritten", overwritten)
            .series("lock, no second look: overwritten", locked)
            .level("7/16 of the rounds", 43.75)
            .caption(format!(
                "{rounds} rounds for each point, two workers, {}. Expected with two free cores or more: curves that rise. With one core: next \
                 to nothing.",
                machine()
            )),
    )
}
