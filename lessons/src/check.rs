use super::journal::Journal;
use labsupport::cell::{self, Show, escape};
use labsupport::internal::thousands;
use labsupport::internal::{HELD_ALREADY, Waits};
use labsupport::measure::human;
use labsupport::process::{Exit, Report, Workers};
use labsupport::shared::{Segment, SharedError};
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many facts one check keeps.
const MOST_FACTS: usize = 1_000;

/// Bytes of text that a fact keeps in each of its columns. A student's vector of a million numbers would bury the table.
const MOST_TEXT: usize = 2_000;

/// Words of memory for one fact: its length, and three texts with theirs.
const SLOT: usize = 768;

/// How often the page hears how far a check has come.
const LOOK: Duration = Duration::from_millis(200);

// Words at the start of the memory; the slots follow them.
const REPORTED: usize = 0; // how many facts were reported
const OVERFLOW: usize = 1; // how many of those that found no slot do not hold
const SLOTS: usize = 2;

// Okabe and Ito's colours, as in the figures; the words beside them carry the meaning.
const GREEN: &str = "#009e73"; // bluish green
const RED: &str = "#d55e00"; // vermilion

/// After so many failed tries the place of the solution is told.
const TRIES: usize = 3;

/// Runs the test harness of an exercise and says which facts hold.
///
/// The closure runs the student's function, mostly in workers of its own, and reports what it saw. It runs in a worker
/// itself: a function that panics, leaves the process, hangs until `limit` or writes where it must not harms nothing else.
/// That becomes a row with the reason, the facts that were reported before are kept, and the workers that the closure
/// had started die with it.
///
/// A check that fails is no panic, so "Run All" goes on. As the last expression of a cell it shows itself.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let limit = Duration::from_secs(20);
///
/// // What a student wrote:
/// fn workers_that_stop(tasks: &Queue<Option<u64>>) -> u64 {
///     let mut sum = 0;
///     while let Ok(Some(task)) = tasks.get() {
///         sum += task;
///     }
///     sum
/// }
///
/// let checked = check("Poison pill", limit, |facts| {
///     let tasks = Queue::bounded(16).unwrap();
///     let workers = Workers::spawn(2, |_| workers_that_stop(&tasks)).unwrap();
///     for task in 1..=100 {
///         tasks.put(Some(task)).unwrap();
///     }
///     tasks.put(None).unwrap();
///     tasks.put(None).unwrap();
///     let report = workers.join_timeout(limit / 2).unwrap();
///     facts.returned(&report);
///     facts.holds("the queue is empty", tasks.is_empty(), "somebody went home too early");
///     facts.equal("the sum of all tasks", 5050, report.values().unwrap_or_default().iter().sum());
/// });
/// assert!(checked.passed());
/// assert!(checked.to_string().ends_with("\nPoison pill: all 3 facts hold.\n"));
/// ```
pub fn check(title: &str, limit: Duration, harness: impl Fn(&Facts)) -> Checked {
    let mut checked = judge(title, limit, harness, |_| ());
    let journal = Journal::of_this_student();
    let hold = checked.facts.iter().filter(|fact| fact.holds).count();
    journal.note_check(title, checked.passed(), hold, checked.facts.len());
    checked.tries = journal.tries(title).failed.max(1);
    checked
}

/// The same without a journal. `look` is called while it runs, with the number of facts so far.
pub(super) fn judge(
    title: &str,
    limit: Duration,
    harness: impl Fn(&Facts),
    look: impl FnMut(usize),
) -> Checked {
    let mut rows = Vec::new();
    match Facts::new() {
        Ok(facts) => {
            let end = run(&facts, limit, harness, look);
            facts.collect(&mut rows);
            rows.extend(end.err().map(|found| Fact {
                what: "the check came to its end".into(),
                expected: format!("by itself, within {}", human(limit)),
                found,
                holds: false,
            }));
        }
        Err(error) => rows.push(Fact {
            what: "the check could start".into(),
            expected: YES.into(),
            found: error.to_string(),
            holds: false,
        }),
    }
    Checked {
        title: title.into(),
        facts: rows,
        tries: 1,
        hints: Vec::new(),
        solution: None,
        words: None,
    }
}

/// Runs the harness in a worker; the error is how it ended if it did not end by itself.
fn run(
    facts: &Facts,
    limit: Duration,
    harness: impl Fn(&Facts),
    mut look: impl FnMut(usize),
) -> Result<(), String> {
    let workers = Workers::spawn(1, |_| harness(facts)).map_err(|error| error.to_string())?;
    let report = workers
        .join_looking(limit, LOOK, || look(facts.reported()))
        .map_err(|error| error.to_string())?;
    match report.outcomes()[0].exit() {
        Exit::Returned => Ok(()),
        Exit::TimedOut { doing, .. } => Err(format!(
            "it did not end within {}; it was {doing}",
            human(limit)
        )),
        Exit::Signaled(_) => Err(format!("it was {}", report.outcomes()[0].exit())),
        other => Err(format!("it {}", line(&other.to_string()))),
    }
}

/// Where the closure of a [`check`] reports what it saw; it may do so from workers of its own too.
///
/// A check keeps the first 1,000 facts, and of each the first 2,000 bytes of every text. It counts the others.
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
    // An append-only list that never locks, so that no reporter that is killed or goes wild can make anybody wait:
    //
    //   ┌──────────┬──────────┬─────────────────────┬─────────────────────┬───
    //   │ reported │ overflow │ length │ fact       │ length │ fact       │ ...
    //   └──────────┴──────────┴─────────────────────┴─────────────────────┴───
    //
    // A reporter gets the number of its slot from the first word, fills the slot, and commits it with the store of its
    // length, which is never zero. So a slot without a length is one whose reporter was killed meanwhile.
    memory: Segment,
    /// What workers of the harness may wait for, each place with its words; the newest last.
    places: RefCell<Vec<(Range<usize>, String)>>,
}

impl Facts {
    fn new() -> Result<Facts, SharedError> {
        Ok(Facts {
            memory: Segment::new((SLOTS + MOST_FACTS * SLOT) * 8)?,
            places: RefCell::default(),
        })
    }

    /// How many were reported so far.
    fn reported(&self) -> usize {
        self.memory.word(REPORTED).load(Ordering::Relaxed) as usize
    }

    /// Gives `thing` a name for the rows about workers that wait for it.
    pub(super) fn name(&self, name: &str, thing: &dyn Waits) {
        self.places.borrow_mut().extend(thing.waits(name));
    }

    /// What lies where a worker sleeps, in words that follow "waiting".
    fn place(&self, address: usize) -> Option<String> {
        let places = self.places.borrow();
        let mut newest_first = places.iter().rev();
        let (_, words) = newest_first.find(|(range, _)| range.contains(&address))?;
        Some(words.clone())
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

    /// The fact that something is so. `why_not` is shown only if it is not: say what to look at.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Pills", Duration::from_secs(20), |facts| {
    ///     facts.holds("the queue is empty", false, "a pill was left: who went home without one?");
    /// });
    /// assert!(checked.facts()[0].found().starts_with("a pill was left"));
    /// ```
    pub fn holds(&self, what: &str, ok: bool, why_not: &str) {
        self.report(what, YES, if ok { YES } else { why_not }, ok);
    }

    /// The fact that every worker came home with its value; for each that did not, how it ended.
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

    /// The same under the name `what`, which says of which workers it is. Those that ended alike share their words.
    pub(super) fn home<T>(&self, what: &str, report: &Report<T>) {
        let outcomes = report.outcomes();
        let mut ends: Vec<(String, Vec<usize>)> = Vec::new();
        for outcome in outcomes.iter().filter(|one| !one.exit().is_returned()) {
            let end = self.end(outcome.exit(), outcome.sleeps_on());
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

    /// How a worker ended, in words that fit "worker 2 …" and "all 4 workers …".
    fn end(&self, exit: &Exit, sleeps_on: Option<usize>) -> String {
        match exit {
            Exit::TimedOut { after, doing } => {
                let limit = human(*after);
                match sleeps_on.and_then(|address| self.place(address)) {
                    Some(place) => format!("did not end within {limit}, waiting {place}"),
                    None => format!("did not end within {limit}: {doing}"),
                }
            }
            Exit::Signaled(_) => format!("was {exit}"),
            other => other.to_string(),
        }
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
        // Nobody else has this slot, and whoever reads it reads its length first.
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

    /// The facts that came, in the order in which they were reported. Takes nothing for granted: a harness that went wild
    /// may have written here too.
    fn collect(&self, rows: &mut Vec<Fact>) {
        let reported = self.memory.word(REPORTED).load(Ordering::Acquire);
        let kept = reported.min(MOST_FACTS as u64);
        rows.extend((0..kept as usize).map(|slot| {
            self.read(SLOTS + slot * SLOT).unwrap_or_else(|| Fact {
                what: "a fact came whole".into(),
                expected: YES.into(),
                found: "its reporter was stopped in the middle, or something was written over it"
                    .into(),
                holds: false,
            })
        }));
        let more = reported - kept;
        if more > 0 {
            let bad = self.memory.word(OVERFLOW).load(Ordering::Relaxed);
            let most = thousands(MOST_FACTS as i64);
            rows.push(Fact {
                what: format!("{more} more reported; {most} is the most that are kept"),
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

/// HTML in which what stands between two backticks is set as code.
pub(super) fn with_code(html: &str) -> String {
    let mut parts = html.split('`');
    let mut set = parts.next().unwrap_or_default().to_string();
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(words) => set = set + "<code>" + code + "</code>" + words,
            None => set = set + "`" + code,
        }
    }
    set
}

/// What stands in a column where there is nothing to count.
const YES: &str = "yes";

/// `text` in one line.
fn line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// `text` in one line that fits its column.
fn shorten(text: &str) -> String {
    let mut text = line(text);
    if text.len() > MOST_TEXT {
        text.truncate(text.floor_char_boundary(MOST_TEXT - '…'.len_utf8()));
        text.push('…');
    }
    text
}

/// One row of a check: what was looked at, and whether it holds.
///
/// # Examples
/// ```
/// use lessons::Fact;
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let checked = check("Sum", Duration::from_secs(20), |facts| facts.equal("1 + 1", 2, 1 + 1));
/// let fact: &Fact = &checked.facts()[0];
/// assert_eq!((fact.what(), fact.expected(), fact.found(), fact.holds()), ("1 + 1", "2", "2", true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    what: String,
    expected: String,
    found: String,
    holds: bool,
}

impl Fact {
    /// What was looked at.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What should be found, where that can be said in a word.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was found, or why it does not hold.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Whether a worker locked what it held already, which no other fact explains better.
    pub(super) fn is_a_second_lock(&self) -> bool {
        !self.holds && self.found.contains(HELD_ALREADY)
    }

    /// The sign and the word, and the colour beside them.
    fn mark(&self) -> (&'static str, &'static str) {
        if self.holds {
            ("✓ yes", GREEN)
        } else {
            ("✗ no", RED)
        }
    }
}

/// What a [`check`] found. As the last expression of a cell it shows itself as a table with a verdict below.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let checked = check("First finder", Duration::from_secs(20), |facts| {
///     facts.equal("finders", 1, 2);
///     facts.holds("the answer is prime", true, "it is not");
/// });
/// assert_eq!(
///     checked.to_string(),
///     "fact                 expected  found  holds\n\
///      finders              1         2      ✗ no\n\
///      the answer is prime  yes       yes    ✓ yes\n\
///      \n\
///      First finder: not yet. 1 of 2 facts does not hold.\n"
/// );
/// ```
#[must_use = "a check that nobody sees helps nobody: make it the last expression of the cell, or ask whether it passed"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    title: String,
    facts: Vec<Fact>,
    /// Failed tries so far, this one included; 1 where no journal is kept.
    tries: usize,
    hints: Vec<String>,
    solution: Option<String>,
    /// What stands below the verdict instead of the hints.
    words: Option<Vec<String>>,
}

impl Checked {
    /// With these sentences below the verdict, and no others.
    pub(super) fn with_words(mut self, words: Vec<String>) -> Checked {
        self.words = Some(words);
        self
    }

    /// What to show after a failed try: the first hint after the first, the next, more telling one after the next. Tries are
    /// counted in the student's journal (see [`journal`](super::journal())); where none is kept, the first hint stays.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Sum", Duration::from_secs(20), |facts| facts.equal("1 + 1", 3, 1 + 1))
    ///     .hints(["Count your fingers.", "It is less than three."])
    ///     .solution("solutions/sums.ipynb");
    /// assert!(checked.to_string().ends_with("\nHint 1 of 2: Count your fingers.\n"));
    /// ```
    pub fn hints<S: Into<String>>(mut self, hints: impl IntoIterator<Item = S>) -> Checked {
        self.hints = hints.into_iter().map(Into::into).collect();
        self
    }

    /// Where the solution is, which is told after three failed tries.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Sum", Duration::from_secs(20), |facts| facts.equal("1 + 1", 2, 1 + 1))
    ///     .solution("solutions/sums.ipynb");
    /// assert!(!checked.to_string().contains("solutions"), "nobody who passes needs it");
    /// ```
    pub fn solution(mut self, place: impl Into<String>) -> Checked {
        self.solution = Some(place.into());
        self
    }

    /// The hint for this try and, when it is time, where the solution is.
    fn help(&self) -> Vec<String> {
        if let Some(words) = &self.words {
            return words.clone();
        }
        if self.passed() {
            return Vec::new();
        }
        let number = self.tries.min(self.hints.len());
        let hint = (number > 0).then(|| {
            let of = self.hints.len();
            format!("Hint {number} of {of}: {}", self.hints[number - 1])
        });
        let solution = self.solution.as_ref().filter(|_| self.tries >= TRIES);
        let solution = solution.map(|place| {
            let tries = thousands(self.tries as i64);
            format!("That was try {tries}. The solution is in {place}; read it, close it, and write it again.")
        });
        hint.into_iter().chain(solution).collect()
    }

    /// Whether there is at least one fact, all hold, and the closure came to its end by itself.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Nothing", Duration::from_secs(20), |_| ());
    /// assert!(!checked.passed()); // who reports nothing has shown nothing
    /// ```
    pub fn passed(&self) -> bool {
        !self.facts.is_empty() && self.facts.iter().all(Fact::holds)
    }

    /// The rows, in the order in which they were reported; if the closure did not end by itself, the last says why.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    fn verdict(&self) -> String {
        let (title, count) = (&self.title, thousands(self.facts.len() as i64));
        match self.facts.iter().filter(|fact| !fact.holds).count() {
            _ if self.facts.is_empty() => format!("{title}: not yet. No fact was reported."),
            0 => format!("{title}: all {count} facts hold."),
            1 if self.facts.len() == 1 => format!("{title}: not yet. This fact does not hold."),
            1 => format!("{title}: not yet. 1 of {count} facts does not hold."),
            bad => format!(
                "{title}: not yet. {} of {count} facts do not hold.",
                thousands(bad as i64)
            ),
        }
    }

    fn html(&self) -> String {
        let colour = if self.passed() { GREEN } else { RED };
        // The text keeps the colour of the page's theme: no colour of ours is readable on both white and black.
        let mut html = String::from("<table><thead><tr>");
        for head in HEADER {
            html.push_str(&format!("<th style=\"text-align:left\">{head}</th>"));
        }
        html.push_str("</tr></thead><tbody>");
        for fact in &self.facts {
            let (mark, colour) = fact.mark();
            html.push_str("<tr>");
            // What was looked at keeps its room, however long the words beside it are.
            let columns = [
                (&fact.what, "min-width:16em"),
                (&fact.expected, "min-width:4em"),
                (&fact.found, "overflow-wrap:anywhere"),
            ];
            for (text, style) in columns {
                let text = escape(text);
                html.push_str(&format!(
                    "<td style=\"text-align:left;vertical-align:top;{style}\">{text}</td>"
                ));
            }
            html.push_str(&format!(
                "<td style=\"text-align:left;white-space:nowrap;border-left:4px solid {colour}\"><b>{mark}</b></td></tr>"
            ));
        }
        html.push_str(&format!(
            "</tbody></table><p style=\"border-left:4px solid {colour};padding-left:8px\"><b>{}</b></p>",
            escape(&self.verdict())
        ));
        for help in self.help() {
            html.push_str(&format!("<p>{}</p>", with_code(&escape(&help))));
        }
        html
    }

    fn text(&self) -> String {
        let rows: Vec<Vec<String>> = (self.facts.iter())
            .map(|fact| {
                let texts = [&fact.what, &fact.expected, &fact.found].map(String::clone);
                let (mark, _) = fact.mark();
                texts.into_iter().chain([mark.into()]).collect()
            })
            .collect();
        let (_, table) = cell::table(&HEADER, &rows, HEADER.len());
        let mut text = format!("{table}\n{}\n", self.verdict());
        for help in self.help() {
            text.push_str(&help);
            text.push('\n');
        }
        text
    }

    /// Shows the table and the verdict in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

const HEADER: [&str; 4] = ["fact", "expected", "found", "holds"];

impl Show for Checked {
    fn contents(&self) -> Vec<(&'static str, String)> {
        vec![("text/html", self.html()), ("text/plain", self.text())]
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = if self.holds() {
            "holds"
        } else {
            "does not hold"
        };
        let (what, expected, found) = (self.what(), self.expected(), self.found());
        write!(f, "{what}: expected {expected}, found {found}; it {holds}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labsupport::shared::{Array, Barrier, Flag};
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(20);

    /// The last row, which must not hold: why the closure did not end by itself.
    fn end(checked: &Checked) -> &str {
        let last = checked.facts().last().unwrap();
        assert!(!checked.passed() && !last.holds(), "{checked}");
        assert_eq!(last.what(), "the check came to its end");
        last.found()
    }

    #[test]
    fn each_failed_try_gets_the_next_hint_and_the_third_the_solution() {
        let mut checked = check("T", LONG, |facts| facts.holds("so", false, "no"))
            .hints(["small", "large"])
            .solution("s.ipynb");
        let helps = [1, 2, 3, 1_000].map(|tries| {
            checked.tries = tries;
            checked.help().join("|")
        });
        let place = "The solution is in s.ipynb; read it, close it, and write it again.";
        let expected = [
            "Hint 1 of 2: small".to_string(),
            "Hint 2 of 2: large".to_string(),
            format!("Hint 2 of 2: large|That was try 3. {place}"),
            format!("Hint 2 of 2: large|That was try 1,000. {place}"),
        ];
        assert_eq!(helps, expected);
        assert!(checked.html().ends_with(&format!("{place}</p>")));
        let passes = check("T", LONG, |facts| facts.holds("so", true, "")).hints(["never"]);
        assert!(!passes.to_string().contains("never"));
    }

    #[test]
    fn a_check_passes_when_all_facts_hold() {
        let checked = check("T", LONG, |facts| {
            facts.equal("a word", "pill", "pill");
            facts.holds("so", true, "never seen");
            facts.returned(&Workers::spawn(3, |w| w.index()).unwrap().join().unwrap());
        });
        assert!(checked.passed());
        assert_eq!(
            checked.to_string(),
            "fact                    expected  found   holds\n\
             a word                  \"pill\"    \"pill\"  ✓ yes\n\
             so                      yes       yes     ✓ yes\n\
             every worker came home  3 of 3    3 of 3  ✓ yes\n\
             \n\
             T: all 3 facts hold.\n"
        );
    }

    #[test]
    fn a_fact_that_does_not_hold_says_why_and_nothing_panics() {
        let checked = check("T", LONG, |facts| {
            facts.equal("sum", 3, 4);
            facts.holds("good", true, "never seen");
            facts.holds("so", false, "because");
            let workers = Workers::spawn(3, |w| match w.index() {
                0 => {}
                1 => panic!("no\nluck"),
                _ => std::process::exit(7),
            });
            facts.returned(&workers.unwrap().join().unwrap());
        });
        assert!(!checked.passed());
        let holds: Vec<bool> = checked.facts().iter().map(Fact::holds).collect();
        assert_eq!(holds, [false, true, false, false]);
        let found: Vec<&str> = checked.facts().iter().map(Fact::found).collect();
        assert_eq!(found[..3], ["4", "yes", "because"]);
        assert!(found[3].starts_with("1 of 3; worker 1 panicked: no luck (at "));
        assert!(found[3].ends_with("; worker 2 left through process::exit with code 7"));
        let text = checked.to_string();
        assert!(text.contains("\nT: not yet. 3 of 4 facts do not hold.\n"));
    }

    #[test]
    fn a_panic_becomes_a_row_and_keeps_the_facts_before_it() {
        let checked = check("T", LONG, |facts| {
            facts.equal("one", 1, 1);
            assert_eq!(1, 2, "numbers");
        });
        assert!(checked.facts()[0].holds());
        let said = end(&checked);
        assert!(said.starts_with("it panicked: assertion `left == right` failed: numbers left: 1"));
        assert!(said.contains("check.rs:") && !said.contains('\n'), "{said}");
        assert!(checked.to_string().contains("1 of 2 facts does not hold"));
    }

    #[test]
    fn a_hang_becomes_a_row_and_keeps_the_facts_before_it() {
        // Not at a moment when a sleeper looks again: every 50 ms.
        let limit = Duration::from_millis(325);
        let begun = Instant::now();
        let checked = check("T", limit, |facts| {
            facts.equal("one", 1, 1);
            let nobody_comes = Barrier::new(2).unwrap();
            nobody_comes.wait_timeout(LONG);
        });
        assert!(begun.elapsed() < LONG / 2);
        assert_eq!(
            (checked.facts().len(), checked.facts()[0].holds()),
            (2, true)
        );
        let said = end(&checked);
        assert!(
            said.starts_with("it did not end within 325 ms; it was asleep, waiting at a barrier, "),
            "{said}"
        );
    }

    #[test]
    fn a_function_that_leaves_the_process_or_is_killed_becomes_a_row() {
        for code in [0, 3] {
            let checked = check("T", LONG, |facts| {
                facts.equal("one", 1, 1);
                std::process::exit(code);
            });
            let said = format!("it left through process::exit with code {code}");
            assert_eq!(end(&checked), said);
        }
        let checked = check("T", LONG, |_| std::process::abort());
        assert_eq!(
            end(&checked),
            "it was killed by SIGABRT (it gave up: perhaps it got no more memory)"
        );
    }

    #[test]
    fn a_function_that_writes_where_it_must_not_harms_nobody() {
        let checked = check("T", LONG, |facts| {
            for _ in 0..4 {
                facts.equal("one", 1, 1);
            }
            let slot = |index: usize| SLOTS + index * SLOT;
            facts
                .memory
                .word(slot(1))
                .store(u64::MAX, Ordering::Relaxed);
            facts
                .memory
                .word(slot(2) + 1)
                .store(u64::MAX, Ordering::Relaxed);
            facts.memory.word(REPORTED).store(6, Ordering::Relaxed);
        });
        let holds: Vec<bool> = checked.facts().iter().map(Fact::holds).collect();
        assert_eq!(holds, [true, false, false, true, false, false]);
        let checked = check("T", LONG, |facts| {
            for word in 0..facts.memory.len() / 8 {
                facts.memory.word(word).store(u64::MAX, Ordering::Relaxed);
            }
        });
        assert!(!checked.passed());
    }

    #[test]
    fn no_facts_are_not_enough() {
        let checked = check("T", LONG, |_| {});
        assert!(!checked.passed() && checked.facts().is_empty());
        let text = checked.to_string();
        assert!(
            text.ends_with("\nT: not yet. No fact was reported.\n"),
            "{text}"
        );
    }

    #[test]
    fn more_facts_than_fit_are_counted_and_a_bad_one_among_them_is_not_lost() {
        let long = "ü".repeat(5_000);
        for (bad, last) in [
            (0, "all hold"),
            (1, "1 does not hold"),
            (3, "3 do not hold"),
        ] {
            let checked = check("T", LONG, |facts| {
                for n in 0..1_500 {
                    facts.holds(&long, n < 1_500 - bad, &long);
                }
            });
            assert_eq!(checked.facts().len(), MOST_FACTS + 1);
            assert_eq!(checked.passed(), bad == 0);
            let row = checked.facts().last().unwrap();
            assert_eq!(
                row.what(),
                "500 more reported; 1,000 is the most that are kept"
            );
            assert_eq!((row.found(), row.holds()), (last, bad == 0));
            let what = checked.facts()[999].what();
            assert!(what.len() <= MOST_TEXT && what.ends_with("ü…"), "{what}");
        }
        // The largest fact there can be fits its slot.
        let checked = check("T", LONG, |facts| facts.equal(&long, &long, &long));
        assert!(checked.passed());
    }

    #[test]
    fn workers_report_too_and_a_killed_one_harms_no_other() {
        let checked = check("T", LONG, |facts| {
            let workers = Workers::spawn(4, |w| -> () {
                if w.index() == 0 {
                    // As far as one comes that is killed in the middle.
                    facts.memory.word(REPORTED).fetch_add(1, Ordering::Relaxed);
                    std::process::abort();
                }
                for n in 0..100 {
                    facts.equal(&format!("worker {} fact {n}", w.index()), n, n);
                }
            });
            workers.unwrap().join().unwrap();
        });
        let (good, bad): (Vec<_>, Vec<_>) = checked.facts().iter().partition(|fact| fact.holds());
        assert_eq!((good.len(), bad.len()), (300, 1), "{checked}");
        assert!(bad[0].found().starts_with("its reporter was stopped"));
        for worker in 1..4 {
            let prefix = format!("worker {worker} ");
            let of_worker = good.iter().filter(|fact| fact.what().starts_with(&prefix));
            // Each in its own order.
            assert!(
                of_worker
                    .map(|fact| fact.expected().to_string())
                    .eq((0..100).map(|n| n.to_string()))
            );
        }
    }

    #[test]
    fn what_the_closure_started_dies_with_it() {
        let (pids, ready) = (Array::<u32>::new(2).unwrap(), Flag::new().unwrap());
        // Once it hangs, once it leaves.
        for leaves in [false, true] {
            ready.clear();
            let checked = check("T", Duration::from_millis(500), |_| {
                let workers = Workers::spawn(2, |_| -> () {
                    loop {
                        std::hint::spin_loop();
                    }
                });
                let workers = workers.unwrap();
                for (index, pid) in workers.pids().into_iter().enumerate() {
                    pids.set(index, pid);
                }
                ready.set();
                if leaves {
                    std::process::exit(0);
                }
                workers.join().unwrap();
            });
            assert!(!checked.passed() && ready.is_set(), "{checked}");
            let begun = Instant::now();
            let alive = |pid: &u32| {
                std::fs::read_to_string(format!("/proc/{pid}/stat"))
                    .is_ok_and(|stat| !stat.contains(") Z "))
            };
            while pids.lock().iter().any(alive) {
                assert!(begun.elapsed() < LONG, "they outlived the check");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn the_page_has_words_beside_the_colours_and_a_text_twin() {
        let checked = check("A < B", LONG, |facts| {
            facts.holds("x < y", true, "");
            facts.equal("list", vec!["<b>"], vec![]);
        });
        let contents = checked.contents();
        let mimes: Vec<&str> = contents.iter().map(|(mime, _)| *mime).collect();
        assert_eq!(mimes, ["text/html", "text/plain"]);
        let html = &contents[0].1;
        assert!(html.contains("4px solid #009e73\"><b>✓ yes</b>"), "{html}");
        assert!(html.contains("4px solid #d55e00\"><b>✗ no</b>"), "{html}");
        assert!(html.contains("<b>A &lt; B: not yet. 1 of 2 facts does not hold.</b>"));
        assert!(
            html.contains(">x &lt; y<") && !html.contains("<b>\""),
            "{html}"
        );
        // The theme's own colour of text, on white and on black.
        assert!(
            !html.contains(";color:") && !html.contains("\"color:"),
            "{html}"
        );
        assert_eq!(contents[1].1, checked.to_string());
    }
}
