use super::epoch::Look;
use super::job::Job;
use super::night::Night;
use super::shift::Shift;
use super::sweep::NEVER;
use crate::running::RunError;
use figures::{Format, Progress};
use labsupport::measure::Samples;
use std::fmt;

/// Turns of each comparison.
const TURNS: usize = 9;

type Runs<'a> = &'a dyn Fn(&Job<'_>) -> Result<Night, RunError>;

/// The same job twice, as it is and without looks; every second time the other way round.
fn pair(job: &Job<'_>, run: Runs<'_>, turn: usize) -> Result<(Night, Night), RunError> {
    let never = job.look(Look::Free, NEVER);
    if turn.is_multiple_of(2) {
        let looks = run(job)?;
        return Ok((looks, run(&never)?));
    }
    let never = run(&never)?;
    Ok((run(job)?, never))
}

/// What looks cost on a day without alarms, and how soon all had stopped in a bad night: see [`keeps_budgets`].
#[derive(Clone, Debug)]
pub struct Kept {
    /// Percent of the time.
    lost: Samples,
    /// Seconds that nine alarms of ten keep.
    late: Samples,
}

/// Runs the job on a `quiet` day, with looks and without, and then as it is; nine times, in turn.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```no_run
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::signals::{Job, Look, Shift, bad_night, keeps_budgets, quiet_day};
/// use std::time::Duration;
/// # fn detector(_: &mut Shift) {}
/// let (log, step) = (Transactions::load()?, Work::costing(Duration::from_micros(2)));
/// let (night, quiet) = (bad_night(&log), quiet_day(&log, 300));
/// let kept = keeps_budgets(&Job::new(&log, &night, step).look(Look::Locked, 10), &quiet, detector)?;
/// println!("{}", kept.beside(0.02, 100e-6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn keeps_budgets(
    job: &Job<'_>,
    quiet: &[usize],
    detector: impl Fn(&mut Shift<'_>),
) -> Result<Kept, RunError> {
    let run: Runs<'_> = &|job| job.run(&detector);
    let (mut lost, mut late) = (vec![], vec![]);
    for turn in Progress::over("trying it", 0..TURNS) {
        let (looks, never) = pair(&job.with_cases(quiet), run, turn)?;
        lost.push(100.0 * (1.0 - never.seconds / looks.seconds));
        late.push(run(job)?.slow_reaction);
    }
    Ok(Kept {
        lost: Samples::new("%", lost),
        late: Samples::new("s", late),
    })
}

impl Kept {
    /// In words, whether the budgets were kept: a share of 1 for the looks, and seconds for the reaction.
    pub fn beside(&self, overhead: f64, reaction: f64) -> String {
        format!(
            "On a day without alarms, looking took {} of the time.\n  The budget of {} %: {}.\n\
             In nine alarms of ten, all had stopped {} after the signal.\n  The budget of {}: {}.",
            self.lost,
            100.0 * overhead,
            verdict(&self.lost, 100.0 * overhead),
            Format::Seconds.write(self.late.median()),
            Format::Seconds.write(reaction),
            verdict(&self.late, reaction)
        )
    }
}

/// The middle half of the turns says whether it was kept.
fn verdict(seen: &Samples, most: f64) -> &'static str {
    match [25.0, 75.0].map(|percent| seen.percentile(percent) <= most) {
        [_, true] => "kept",
        [false, _] => "missed",
        [true, false] => "within the noise: this run cannot tell",
    }
}

/// How many times the throughput, against never looking: see [`gained_by_looking`].
#[derive(Clone, Debug)]
pub struct Gained {
    times: Samples,
    alarms: usize,
    transactions: usize,
}

/// Runs the job with looks and without, nine times, in turn.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// As in [`keeps_budgets`].
pub fn gained_by_looking(
    job: &Job<'_>,
    detector: impl Fn(&mut Shift<'_>),
) -> Result<Gained, RunError> {
    let run: Runs<'_> = &|job| job.run(&detector);
    let (mut times, mut alarms) = (vec![], 0);
    for turn in Progress::over("with looks and without", 0..TURNS) {
        let (looks, never) = pair(job, run, turn)?;
        times.push(never.seconds / looks.seconds);
        alarms = looks.stopped().iter().filter(|stopped| **stopped).count();
    }
    Ok(Gained {
        times: Samples::new("", times),
        alarms,
        transactions: job.cases.len(),
    })
}

impl Gained {
    /// How many times, the median of the turns.
    pub fn median(&self) -> f64 {
        self.times.median()
    }
}

impl fmt::Display for Gained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = &self.times;
        write!(
            f,
            "{} alarms among {}\nthroughput against never looking, {} turns: {:.2} times\n(middle half {:.2} to {:.2})",
            self.alarms,
            self.transactions,
            times.len(),
            times.median(),
            times.percentile(25.0),
            times.percentile(75.0)
        )
    }
}

labsupport::shown_in_words!(Gained);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_kept_missed_or_not_to_be_told() {
        let seen = Samples::new("%", [1.0, 2.0, 3.0]);
        assert_eq!(verdict(&seen, 4.0), "kept");
        assert_eq!(verdict(&seen, 1.0), "missed");
        assert_eq!(
            verdict(&seen, 2.0),
            "within the noise: this run cannot tell"
        );
        let kept = Kept {
            lost: seen,
            late: Samples::new("s", [1e-6]),
        };
        assert!(kept.beside(0.04, 1e-4).contains("The budget of 4 %: kept."));
    }
}
