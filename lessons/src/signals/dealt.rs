//! The lecture's sentence read word for word: each worker has a payment of its own, and a signal in one ends the work of all.

use super::WORKERS;
use super::night::Night;
use crate::fraud::detect::DETECTORS;
use crate::fraud::{Transactions, Verdict};
use crate::running::{RunError, run_workers};
use figures::Table;
use labsupport::measure::Work;
use labsupport::shared::{Barrier, Value};
use std::fmt;
use std::time::Instant;

/// What one worker has before it where payments are dealt out like cards, one to each of four workers, round by round. It keeps the worker's
/// notes.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Where all four meet before each round.
    pub begin: &'a Barrier,
    /// The flag, as an epoch: the number of the last round in which somebody had a signal. So nobody has to reset it.
    pub signalled: &'a Value<u64>,
    log: &'a Transactions,
    cases: &'a [usize],
    step: Work,
    me: usize,
    clock: Instant,
    notes: Vec<Note>,
}

/// Whether there was a signal, whether the payment was dropped, and the seconds on the clock.
type Note = (bool, bool, f64);

impl Desk<'_> {
    /// The worker's number, 0 to 3.
    pub fn me(&self) -> usize {
        self.me
    }

    /// How many rounds there are. They have the numbers 1, 2, and so on.
    pub fn rounds(&self) -> u64 {
        self.cases.len().div_ceil(WORKERS) as u64
    }

    fn case(&self, round: u64) -> Option<usize> {
        let dealt = WORKERS * (round as usize - 1) + self.me;
        self.cases.get(dealt).copied()
    }

    /// All four detectors, one after the other, at this worker's payment of the round. Each makes its steps, and asks `look` after each. Where
    /// that says true, it gives up, and the payment gets no verdict. In the last round some workers have no payment.
    pub fn judge(&self, round: u64, mut look: impl FnMut() -> bool) -> Verdict {
        let Some(case) = self.case(round) else {
            return Verdict::Honest;
        };
        let mut step = || {
            self.step.run();
            look()
        };
        let detectors = DETECTORS.iter();
        let mut verdicts = detectors.map(|(_, detector)| detector(self.log, case, &mut step));
        let not_honest = verdicts.find(|verdict| *verdict != Verdict::Honest);
        not_honest.unwrap_or(Verdict::Honest)
    }

    /// Notes how this worker's payment of the round ended.
    pub fn ends(&mut self, round: u64, verdict: Verdict) {
        if self.case(round).is_some() {
            let seconds = self.clock.elapsed().as_secs_f64();
            let note = (verdict == Verdict::Fraud, verdict == Verdict::Abandoned);
            self.notes.push((note.0, note.1, seconds));
        }
    }
}

/// What became of payments that were dealt out: see [`deal`].
#[derive(Clone, Debug)]
pub struct Dealt {
    stopped: Vec<bool>,
    dropped: usize,
    seconds: f64,
}

/// Deals the cases out to four workers, one each in every round, and runs `worker` in each. A step of a detector costs `step`.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// A worker has not noted all of its payments.
///
/// # Examples
/// Nobody looks, so nothing is dropped:
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::signals::deal;
/// use std::time::Duration;
/// let (log, step) = (Transactions::load()?, Work::costing(Duration::from_nanos(100)));
/// let dealt = deal(&log, &[40_000, 40_001, 40_002, 40_003, 40_004], step, |desk| {
///     for round in 1..=desk.rounds() {
///         desk.begin.wait();
///         let verdict = desk.judge(round, || false);
///         desk.ends(round, verdict);
///     }
/// })?;
/// assert_eq!(dealt.dropped(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn deal(
    log: &Transactions,
    cases: &[usize],
    step: Work,
    worker: impl Fn(&mut Desk<'_>),
) -> Result<Dealt, RunError> {
    let (begin, signalled) = (Barrier::new(WORKERS)?, Value::new(0)?);
    let clock = Instant::now(); // all processes of a machine read the same one
    let notes = run_workers(WORKERS, |w| {
        begin.wait(); // to start the workers does not count
        let begun = clock.elapsed().as_secs_f64();
        let mut desk = Desk {
            begin: &begin,
            signalled: &signalled,
            log,
            cases,
            step,
            me: w.index(),
            clock,
            notes: vec![],
        };
        worker(&mut desk);
        (begun, desk.notes)
    })?;
    Ok(Dealt::of(&notes, cases.len()))
}

impl Dealt {
    fn of(notes: &[(f64, Vec<Note>)], cases: usize) -> Dealt {
        let note = |case: usize| notes[case % WORKERS].1[case / WORKERS];
        let begun = notes
            .iter()
            .map(|worker| worker.0)
            .fold(f64::INFINITY, f64::min);
        let ended = (0..cases).map(|case| note(case).2).fold(begun, f64::max);
        Dealt {
            stopped: (0..cases).map(|case| note(case).0).collect(),
            dropped: (0..cases).filter(|&case| note(case).1).count(),
            seconds: ended - begun,
        }
    }

    /// The payments that got no verdict.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// The share of the payments that got no verdict, in percent.
    pub fn percent_dropped(&self) -> f64 {
        100.0 * self.dropped as f64 / self.stopped.len() as f64
    }

    /// For each payment, whether there was a signal.
    pub fn stopped(&self) -> &[bool] {
        &self.stopped
    }
}

impl fmt::Display for Dealt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, dropped) = (self.stopped.len(), self.dropped);
        write!(
            f,
            "{} of {all} payments have a verdict, {dropped} were dropped",
            all - dropped
        )
    }
}

labsupport::shown_in_words!(Dealt);

/// A table of both readings of the sentence, with the same payments: one payment for each worker, and one for all four. `truth` says for which payments some
/// detector has a signal if all go to the end.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::signals::{Job, both_readings, deal, one_by_one};
/// use std::time::Duration;
/// let (log, step) = (Transactions::load()?, Work::costing(Duration::from_nanos(100)));
/// let cases = [40_000, 40_001, 40_002, 40_003];
/// let dealt = deal(&log, &cases, step, |desk| {
///     let verdict = desk.judge(1, || true);
///     desk.ends(1, verdict);
/// })?;
/// let night = Job::new(&log, &cases, step).run(|shift| {
///     for me in 1..=shift.transactions() {
///         shift.begins(me);
///         let verdict = shift.judge(me, || false);
///         shift.ends(me, verdict);
///     }
/// })?;
/// println!("{}", both_readings(&dealt, &night, &one_by_one(&log, &cases)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn both_readings(dealt: &Dealt, night: &Night, truth: &[bool]) -> Table {
    let header = [
        "four workers have",
        "alarms",
        "alarms missed",
        "payments per second",
    ];
    let row = |name: &str, stopped: &[bool], seconds: f64| {
        let alarms = stopped.iter().filter(|stopped| **stopped).count();
        let missed =
            (truth.iter().zip(stopped)).filter(|(is_alarm, stopped)| **is_alarm && !**stopped);
        let rate = stopped.len() as f64 / seconds;
        [
            name.into(),
            alarms.to_string(),
            missed.count().to_string(),
            format!("{rate:.0}"),
        ]
    };
    Table::new(header)
        .row(row("a payment each", &dealt.stopped, dealt.seconds))
        .row(row("all the same payment", night.stopped(), night.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments_are_dealt_like_cards_and_missed_alarms_are_counted() {
        let notes = [
            (1.0, vec![(true, false, 2.0), (false, false, 4.0)]),
            (1.5, vec![(false, true, 2.5)]),
            (1.5, vec![(false, true, 2.5)]),
            (1.5, vec![(false, false, 2.0)]),
        ];
        let dealt = Dealt::of(&notes, 5);
        assert_eq!(dealt.stopped(), [true, false, false, false, false]);
        assert_eq!(
            (dealt.dropped(), dealt.percent_dropped(), dealt.seconds),
            (2, 40.0, 3.0)
        );
        assert_eq!(
            dealt.to_string(),
            "3 of 5 payments have a verdict, 2 were dropped"
        );
        let night = Night::of(&vec![vec![(0.0, Some(1.0), 1.0, 0); 5]; 4], 5);
        let table = both_readings(&dealt, &night, &[true, true, false, false, true]).to_string();
        let rows: Vec<&str> = table.lines().collect();
        assert!(
            rows[1]
                .split_whitespace()
                .eq(["a", "payment", "each", "1", "2", "2"]),
            "{table}"
        );
        assert!(
            rows[2]
                .split_whitespace()
                .eq(["all", "the", "same", "payment", "5", "0", "5"]),
            "{table}"
        );
    }
}
