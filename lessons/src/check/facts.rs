use super::fact::{Fact, YES};
use super::places::Places;
use labsupport::internal::{Waits, thousands};
use labsupport::process::Report;
use labsupport::shared::{Segment, SharedError};
use std::fmt;
use std::sync::atomic::Ordering;

/// Where the closure of a [`check`](super::check()) reports what it saw, itself or in workers that it started.
///
/// A check keeps the first 1,000 facts, and the first 2,000 bytes of each text. It counts the facts that it does not keep.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let checked = check("Counting", Duration::from_secs(20), |facts: &Facts| {
///     let count = Value::new(0).unwrap();
///     let workers = Workers::spawn(4, |_| *count.lock() += 1).unwrap();
///     facts.returned(&workers.join().unwrap());
///     facts.equal("all four counted", 4, count.get());
/// });
/// assert!(checked.passed());
/// ```
pub struct Facts {
    // An append-only list without a lock, so that a reporter that is killed or goes wild makes no other process wait:
    //
    //   ┌──────────┬──────────┬─────────────────────┬─────────────────────┬───
    //   │ reported │ overflow │ length │ fact       │ length │ fact       │ ...
    //   └──────────┴──────────┴─────────────────────┴─────────────────────┴───
    //
    // A reporter takes the number of its slot from the first word, fills the slot, and commits it by storing its length, which is
    // never zero. So if a slot has no length, its reporter was killed before it was done.
    pub(super) memory: Segment,
    /// What workers of the harness may wait for.
    places: Places,
}

impl Facts {
    pub(super) fn new() -> Result<Facts, SharedError> {
        Ok(Facts {
            memory: Segment::new((SLOTS + MOST_FACTS * SLOT) * 8)?,
            places: Places::default(),
        })
    }

    /// How many facts were reported so far.
    pub(super) fn reported(&self) -> usize {
        self.memory.word(REPORTED).load(Ordering::Relaxed) as usize
    }

    /// Gives `thing` a name for the rows about workers that wait for it.
    pub(crate) fn name(&self, name: &str, thing: &dyn Waits) {
        self.places.name(name, thing);
    }

    /// The fact that `found` equals `expected`.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Order", Duration::from_secs(20), |facts| {
    ///     facts.equal("tasks done", vec![1, 2, 3], (1..4).collect());
    ///     facts.equal("the first", Some(7), None);
    /// });
    /// assert_eq!(checked.facts()[0].found(), "[1, 2, 3]");
    /// assert!(checked.to_string().contains("the first   Some(7)    None       ✗ no"));
    /// ```
    pub fn equal<T: PartialEq + fmt::Debug>(&self, what: &str, expected: T, found: T) {
        let holds = expected == found;
        self.report(what, &format!("{expected:?}"), &format!("{found:?}"), holds);
    }

    /// The fact that something is so. `why_not` is shown only if it is not so: say where to look.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Pills", Duration::from_secs(20), |facts| {
    ///     facts.holds("the queue is empty", false, "a pill was left: which worker went home without one?");
    /// });
    /// assert!(checked.facts()[0].found().starts_with("a pill was left"));
    /// ```
    pub fn holds(&self, what: &str, ok: bool, why_not: &str) {
        self.report(what, YES, if ok { YES } else { why_not }, ok);
    }

    /// The fact that every worker came home, which means that it returned its value. For each worker that did not, the row says how it
    /// ended.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Workers", Duration::from_secs(20), |facts| {
    ///     let workers = Workers::spawn(2, |w| assert!(w.index() < 1, "too many"));
    ///     facts.returned(&workers.unwrap().join().unwrap());
    /// });
    /// assert_eq!(checked.facts()[0].what(), "every worker came home");
    /// assert!(checked.facts()[0].found().starts_with("1 of 2; worker 1 panicked: too many"));
    /// ```
    pub fn returned<T>(&self, report: &Report<T>) {
        self.home("every worker came home", report);
    }

    /// The same under the name `what`, which says which workers these are. Workers that ended in the same way share one sentence.
    pub(crate) fn home<T>(&self, what: &str, report: &Report<T>) {
        let outcomes = report.outcomes();
        let mut ends: Vec<(String, Vec<usize>)> = Vec::new();
        for outcome in outcomes.iter().filter(|one| !one.exit().is_returned()) {
            let end = self.places.end(outcome.exit(), outcome.sleeps_on());
            match ends.iter_mut().find(|(words, _)| *words == end) {
                Some((_, workers)) => workers.push(outcome.index()),
                None => ends.push((end, vec![outcome.index()])),
            }
        }
        let count = outcomes.len();
        let lost: usize = ends.iter().map(|(_, workers)| workers.len()).sum();
        let mut found = format!("{} of {count}", count - lost);
        for (end, workers) in &ends {
            found.push_str(&format!("; {} {end}", those(workers, count)));
        }
        self.report(what, &format!("{count} of {count}"), &found, lost == 0);
    }

    fn report(&self, what: &str, expected: &str, found: &str, holds: bool) {
        let slot = self.memory.word(REPORTED).fetch_add(1, Ordering::Relaxed) as usize;
        if slot >= MOST_FACTS {
            let bad = u64::from(!holds);
            self.memory.word(OVERFLOW).fetch_add(bad, Ordering::Relaxed);
            return;
        }
        let fact = (shorten(what), shorten(expected), shorten(found), holds);
        let bytes = postcard::to_stdvec(&fact).expect("texts always serialise");
        let slot = SLOTS + slot * SLOT;
        // No other reporter has this slot, and a reader reads its length first.
        for (index, word) in bytes.chunks(8).enumerate() {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            let word = u64::from_ne_bytes(whole);
            let place = self.memory.word(slot + 1 + index);
            place.store(word, Ordering::Relaxed);
        }
        let length = self.memory.word(slot);
        length.store(bytes.len() as u64, Ordering::Release);
    }

    /// Adds the facts to `rows`, in the order in which they were reported. It takes nothing for granted: a harness that went wild may
    /// have written here too.
    pub(super) fn collect(&self, rows: &mut Vec<Fact>) {
        let reported = self.memory.word(REPORTED).load(Ordering::Acquire);
        let kept = reported.min(MOST_FACTS as u64);
        rows.extend((0..kept as usize).map(|slot| {
            self.read(SLOTS + slot * SLOT).unwrap_or_else(|| Fact {
                what: "a fact was reported in full".into(),
                expected: YES.into(),
                found: "its reporter was stopped halfway, or something was written over it".into(),
                holds: false,
            })
        }));
        let more = reported - kept;
        if more > 0 {
            let bad = self.memory.word(OVERFLOW).load(Ordering::Relaxed);
            let most = thousands(MOST_FACTS as i64);
            rows.push(Fact {
                what: format!("{more} more were reported; a check keeps {most}"),
                expected: "all hold".into(),
                found: match bad {
                    0 => "all hold".into(),
                    1 => "1 does not hold".into(),
                    bad => format!("{bad} do not hold"),
                },
                holds: bad == 0,
            });
        }
    }

    fn read(&self, slot: usize) -> Option<Fact> {
        let length = self.memory.word(slot).load(Ordering::Acquire) as usize;
        if !(1..=(SLOT - 1) * 8).contains(&length) {
            return None;
        }
        let bytes: Vec<u8> = (1..SLOT)
            .flat_map(|index| {
                let word = self.memory.word(slot + index).load(Ordering::Relaxed);
                word.to_ne_bytes()
            })
            .take(length)
            .collect();
        let (what, expected, found, holds) = postcard::from_bytes(&bytes).ok()?;
        Some(Fact {
            what,
            expected,
            found,
            holds,
        })
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reported = self.memory.word(REPORTED).load(Ordering::Relaxed);
        write!(f, "Facts({reported} reported)")
    }
}

/// The workers `indices` of `count`, as the subject of a sentence.
fn those(indices: &[usize], count: usize) -> String {
    match indices {
        [index] => format!("worker {index}"),
        _ if indices.len() == count => format!("all {count} workers"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(usize::to_string).collect();
            format!("workers {} and {last}", first.join(", "))
        }
        [] => String::new(),
    }
}

/// How many facts one check keeps.
pub(super) const MOST_FACTS: usize = 1_000;

/// How many bytes of text a fact keeps in each of its columns. A vector of a million numbers would bury the table.
pub(super) const MOST_TEXT: usize = 2_000;

/// Words of memory for one fact: its length, and three texts with their lengths.
pub(super) const SLOT: usize = 768;

// Words at the start of the memory; the slots follow them.
pub(super) const REPORTED: usize = 0; // how many facts were reported
const OVERFLOW: usize = 1; // how many of those that found no slot do not hold
pub(super) const SLOTS: usize = 2;

/// `text` in one line.
pub(super) fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// `text` in one line that fits its column.
fn shorten(text: &str) -> String {
    let mut text = one_line(text);
    if text.len() > MOST_TEXT {
        text.truncate(text.floor_char_boundary(MOST_TEXT - '…'.len_utf8()));
        text.push('…');
    }
    text
}
