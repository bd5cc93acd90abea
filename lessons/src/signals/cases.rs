//! Which payments of the log a night is made of, and how good the verdicts are.

use crate::fraud::{Label, Transactions, Verdict, detect};
use std::fmt;

/// For each case, whether one of the four detectors has a signal if each judges alone, to the end.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use lessons::signals::{one_by_one, quality};
/// let log = Transactions::load()?;
/// let all: Vec<usize> = (0..log.len()).collect();
/// let stopped = one_by_one(&log, &all);
/// println!("{}", quality(&log, &all, &stopped));
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn one_by_one(log: &Transactions, cases: &[usize]) -> Vec<bool> {
    cases.iter().map(|&case| has_signal(log, case)).collect()
}

fn has_signal(log: &Transactions, case: usize) -> bool {
    detect::judge(log, case).contains(&Verdict::Fraud)
}

/// How many thefts were found and missed, and how many alarms were false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Stopped thefts.
    pub found: usize,
    /// Thefts that were not stopped.
    pub missed: usize,
    /// Honest payments that were stopped.
    pub false_alarms: usize,
    cases: usize,
}

/// Compares what was `stopped` with the labels of the cases.
///
/// # Examples
/// As in [`one_by_one`].
pub fn quality(log: &Transactions, cases: &[usize], stopped: &[bool]) -> Quality {
    let count = |is_fraud: bool, is_stopped: bool| {
        let both = cases.iter().zip(stopped);
        both.filter(|(case, stopped)| {
            log[**case].label.is_fraud() == is_fraud && **stopped == is_stopped
        })
        .count()
    };
    Quality {
        found: count(true, true),
        missed: count(true, false),
        false_alarms: count(false, true),
        cases: cases.len(),
    }
}

impl Quality {
    /// The share of the thefts that were found.
    pub fn recall(&self) -> f64 {
        self.found as f64 / (self.found + self.missed) as f64
    }

    /// The share of the alarms that were thefts.
    pub fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.false_alarms) as f64
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quality {
            found,
            missed,
            false_alarms,
            cases,
        } = self;
        write!(
            f,
            "{cases} payments: {found} thefts found, {missed} missed, {false_alarms} false alarms\n\
             recall    {:.1} % of the thefts are found\n\
             precision {:.1} % of the alarms are thefts",
            100.0 * self.recall(),
            100.0 * self.precision()
        )
    }
}

labsupport::shown_in_words!(Quality);

/// The first payment from `from` on at which exactly these detectors have a signal, with a history that is long enough for all.
///
/// # Panics
/// There is none.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use lessons::signals::find_case;
/// let log = Transactions::load()?;
/// let theft = find_case(&log, 20_000, [true, false, false, false]); // only velocity
/// assert_eq!(detect::judge(&log, theft)[0], Verdict::Fraud);
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn find_case(log: &Transactions, from: usize, signals: [bool; 4]) -> usize {
    let fits = |case: &usize| {
        let verdicts = detect::judge(log, *case);
        verdicts.map(|verdict| verdict == Verdict::Fraud) == signals
            && log.history(*case, detect::STEPS).count() == detect::STEPS
    };
    (from..log.len())
        .find(fits)
        .expect("the log has such a payment")
}

/// All bursts and all copied cards of the log, and after every fourth of them an honest payment.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use lessons::signals::bad_night;
/// let log = Transactions::load()?;
/// let night = bad_night(&log);
/// let thefts = night.iter().filter(|&&case| log[case].label.is_fraud()).count();
/// assert!(thefts > 3 * (night.len() - thefts));
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn bad_night(log: &Transactions) -> Vec<usize> {
    let mut night = vec![];
    for (case, payment) in log.iter().enumerate() {
        if matches!(payment.label, Label::Velocity | Label::Travel) {
            night.push(case);
            if night.len() % 5 == 4 {
                night.extend((case..log.len()).find(|&i| log[i].label == Label::Honest));
            }
        }
    }
    night
}

/// So many payments, from number 30,000 on, at which no detector has a signal.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use lessons::signals::{one_by_one, quiet_day};
/// let log = Transactions::load()?;
/// let day = quiet_day(&log, 10);
/// assert_eq!(one_by_one(&log, &day), [false; 10]);
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn quiet_day(log: &Transactions, payments: usize) -> Vec<usize> {
    let quiet = (30_000..log.len()).filter(|&case| !has_signal(log, case));
    quiet.take(payments).collect()
}
