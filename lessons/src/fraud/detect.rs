//! Four detectors of card fraud, short enough to read: each walks back through the account's history and gives a
//! [`Verdict`] on one transaction.
//!
//! ```text
//!   the account's transactions, old ──────────────────────────► new
//!   ··· ─── ○ ─── ○ ─── ○ ─── ○ ─── ○ ─── ● the one in question
//!                             ◄──── ◄────
//!                               look() before each step: true means "stop, another worker has found it"
//! ```
//!
//! | detector | signals | when it knows |
//! |---|---|---|
//! | [`velocity`] | many payments in a short time | after a few steps |
//! | [`travel`] | two places too far apart for the time between | after a few steps, or at the end |
//! | [`amount`] | far more than the account is used to | at the end, when it knows the habit |
//! | [`takeover`] | new device, new category and unusual hours at once | at the end, when it knows the habit |
//!
//! The verdict *honest* always takes the whole walk: [`STEPS`] steps, or fewer if the account has fewer payments. So it pays to stop the
//! other three detectors when one of them signals.
//!
//! The caller decides what `look` does: burn the cost of a step, or read the shared flag at every tenth call. The verdict depends on it
//! only if it says stop.
//!
//! ```
//! use labsupport::prelude::*;
//! use lessons::prelude::*;
//! use std::time::Duration;
//! let (log, work, found) = (Transactions::load()?, Work::costing(Duration::from_micros(1)), Flag::new()?);
//! let (index, mut steps) = (30_000, 0);
//! let verdict = detect::velocity(&log, index, &mut || {
//!     work.run();
//!     steps += 1;
//!     steps % 10 == 0 && found.is_set()
//! });
//! assert_eq!(verdict, detect::judge(&log, index)[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::transaction::Transaction;
use super::transactions::Transactions;
use std::fmt;

/// What a detector says about a transaction.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// assert_eq!(detect::amount(&log, 40_000, &mut || true), Verdict::Abandoned);
/// assert_eq!(Verdict::Fraud.to_string(), "fraud");
/// # Ok::<(), TransactionsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It found nothing that it looks for.
    Honest,
    /// It found a signal.
    Fraud,
    /// It was told to stop before it knew.
    Abandoned,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Honest => "honest",
            Verdict::Fraud => "fraud",
            Verdict::Abandoned => "abandoned",
        })
    }
}

/// A detector. It takes the log, the index of the transaction in question, and what to do before each step: when that returns `true`,
/// the detector stops.
pub type Detector = fn(&Transactions, usize, &mut dyn FnMut() -> bool) -> Verdict;

/// The four detectors, with their names.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// for (name, detector) in detect::DETECTORS {
///     println!("{name}: {}", detector(&log, 40_000, &mut || false));
/// }
/// # Ok::<(), TransactionsError>(())
/// ```
pub const DETECTORS: [(&str, Detector); 4] = [
    ("velocity", velocity),
    ("travel", travel),
    ("amount", amount),
    ("takeover", takeover),
];

/// How far back a detector walks. Most accounts make 64 payments in six weeks: long enough for a habit, and short enough to follow when the
/// habit changes.
pub const STEPS: usize = 64;

/// This many payments are no surprise, however close together: the coffee, the ticket and the newspaper.
const AT_ONCE: u32 = 4;

/// One more payment is no surprise for each such interval, in seconds: half an hour, as on a day in the shops.
const ONE_MORE: u32 = 30 * 60;

/// Nobody travels faster, in kilometres per hour: an airliner flies at 900.
const FASTEST: f64 = 900.0;

/// This many conflicts settle it. A single conflict may be the fault of the other payment, if that was the thief's.
const CONFLICTS: u32 = 2;

/// This many payments make a habit. With fewer, it may be chance.
const ENOUGH: u32 = 12;

/// More than this many standard deviations above the mean of the logarithms is too much. If the logarithms were normally distributed, one honest
/// payment in 1,500 would be beyond 3.2.
const FAR: f64 = 3.2;

/// After this many seconds a theft would have been noticed. Older payments are the owner's habit; newer ones may belong to the same theft.
const SETTLED: u32 = 24 * 60 * 60;

/// Payments are at the same time of day if at most this many seconds lie between the two.
const SAME_HOURS: u32 = 2 * 60 * 60;

/// Something is unusual if fewer than one payment in this many has it.
const ONE_IN: u32 = 20;

/// Too many payments in too short a time, however long the burst: more than four payments, plus one for every half hour that the
/// burst takes.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// let theft = log.iter().rposition(|row| row.label == Label::Velocity).unwrap();
/// let mut steps = 0;
/// let verdict = detect::velocity(&log, theft, &mut || { steps += 1; false });
/// assert_eq!((verdict, steps), (Verdict::Fraud, 4)); // the fifth payment within minutes
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn velocity(log: &Transactions, index: usize, look: &mut dyn FnMut() -> bool) -> Verdict {
    let now = log[index];
    let mut payments = 1;
    for past in log.history(index, STEPS) {
        if look() {
            return Verdict::Abandoned;
        }
        payments += 1;
        if payments > AT_ONCE + (now.time - past.time) / ONE_MORE {
            return Verdict::Fraud;
        }
    }
    Verdict::Honest
}

/// Places too far apart for the time between. Two conflicts with earlier payments are a signal. A single conflict is one only in a city
/// where the account has not paid before.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let header = "id,time_s,account,merchant,category,city,latitude,longitude,amount_cents,device,label";
/// let in_berlin = "1,0,7,1,groceries,Berlin,52.52,13.41,2350,3,honest";
/// let hour_later_in_tokyo = "2,3600,7,2,cash,Tokyo,35.68,139.65,90000,3,travel";
/// let log = Transactions::parse(&[header, in_berlin, hour_later_in_tokyo].join("\n"))?;
/// assert_eq!(detect::travel(&log, 1, &mut || false), Verdict::Fraud);
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn travel(log: &Transactions, index: usize, look: &mut dyn FnMut() -> bool) -> Verdict {
    let now = log[index];
    let (mut conflicts, mut known) = (0, false);
    for past in log.history(index, STEPS) {
        if look() {
            return Verdict::Abandoned;
        }
        known |= past.city == now.city;
        let hours = f64::from(now.time - past.time) / 3600.0;
        if kilometres(past, &now) > FASTEST * hours {
            conflicts += 1;
        }
        if conflicts == CONFLICTS {
            return Verdict::Fraud;
        }
    }
    signal(conflicts > 0 && !known)
}

/// Far more than the account is used to: the logarithm of the amount is more than 3.2 standard deviations above the mean of the logarithms
/// before it. It takes logarithms because people spend twice as much about as often as half as much.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// let thefts = log.iter().enumerate().filter(|(_, row)| row.label == Label::Amount);
/// let found = thefts.filter(|(index, _)| detect::amount(&log, *index, &mut || false) == Verdict::Fraud);
/// assert!(found.count() * 2 > log.count(Label::Amount));
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn amount(log: &Transactions, index: usize, look: &mut dyn FnMut() -> bool) -> Verdict {
    let size = |payment: &Transaction| f64::from(payment.amount_cents).ln();
    let (mut count, mut sum, mut squares) = (0, 0.0, 0.0);
    for past in log.history(index, STEPS) {
        if look() {
            return Verdict::Abandoned;
        }
        count += 1;
        sum += size(past);
        squares += size(past) * size(past);
    }
    if count < ENOUGH {
        return Verdict::Honest;
    }
    let mean = sum / f64::from(count);
    let deviation = (squares / f64::from(count) - mean * mean).max(0.0).sqrt();
    signal(size(&log[index]) > mean + FAR * deviation)
}

/// A new device, a new category and unusual hours, all at once. Each alone is everyday life: a new phone, a first pair of shoes,
/// a late night.
///
/// What is new or unusual is judged by payments that are more than a day old. Otherwise the thief's last payment would make the thief's
/// device known.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// let new_phone_alone = |index: usize| {
///     let old = log.history(index, 64).all(|past| past.device != log[index].device);
///     old && log.history(index, 64).count() == 64 && log[index].label == Label::Honest
/// };
/// let index = (0..log.len()).find(|&index| new_phone_alone(index)).unwrap();
/// assert_eq!(detect::takeover(&log, index, &mut || false), Verdict::Honest);
/// # Ok::<(), TransactionsError>(())
/// ```
pub fn takeover(log: &Transactions, index: usize, look: &mut dyn FnMut() -> bool) -> Verdict {
    let now = log[index];
    let (mut habit, mut device, mut category, mut hours) = (0, 0, 0, 0);
    for past in log.history(index, STEPS) {
        if look() {
            return Verdict::Abandoned;
        }
        if now.time - past.time > SETTLED {
            habit += 1;
            device += u32::from(past.device == now.device);
            category += u32::from(past.category == now.category);
            hours += u32::from(apart(past.time, now.time) <= SAME_HOURS);
        }
    }
    let rare = |seen: u32| seen * ONE_IN < habit;
    signal(habit >= ENOUGH && device == 0 && rare(category) && rare(hours))
}

/// What each of the four [`DETECTORS`] says if nothing stops it. They run one after the other; four workers at once must agree with this.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// let signals = (0..1_000).filter(|&index| detect::judge(&log, index).contains(&Verdict::Fraud));
/// assert!(signals.count() < 50);
/// # Ok::<(), TransactionsError>(())
/// ```
///
/// # Panics
/// There is no transaction `index`.
pub fn judge(log: &Transactions, index: usize) -> [Verdict; 4] {
    DETECTORS.map(|(_, detector)| detector(log, index, &mut || false))
}

fn signal(fraud: bool) -> Verdict {
    if fraud {
        Verdict::Fraud
    } else {
        Verdict::Honest
    }
}

/// Kilometres along the surface of a sphere, by the haversine formula.
fn kilometres(from: &Transaction, to: &Transaction) -> f64 {
    let radians = |degrees: f32| f64::from(degrees).to_radians();
    let (north, south) = (radians(from.latitude), radians(to.latitude));
    let up = ((south - north) / 2.0).sin().powi(2);
    let along = (radians(to.longitude - from.longitude) / 2.0).sin().powi(2);
    2.0 * 6371.0
        * (up + north.cos() * south.cos() * along)
            .sqrt()
            .min(1.0)
            .asin()
}

/// Seconds between two times of day, across midnight if that is shorter.
fn apart(one: u32, other: u32) -> u32 {
    let day = 24 * 60 * 60;
    let between = one.abs_diff(other) % day;
    between.min(day - between)
}
