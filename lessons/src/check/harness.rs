use super::checked::Checked;
use super::fact::{Fact, YES};
use super::facts::{Facts, one_line};
use crate::journal::{Journal, Noted};
use labsupport::measure::human;
use labsupport::process::{Exit, Workers};
use std::time::Duration;

/// How often the page is told how far a check has come.
const LOOK: Duration = Duration::from_millis(200);

/// Runs a student's function in a test harness and says which facts hold.
///
/// The closure is the harness. It calls the student's function, usually in workers, and reports what it saw. It runs in a worker itself:
/// a function that panics, exits the process, hangs until `limit` or writes where it must not harms nothing else. The last row then says
/// what happened, the facts that were reported before are kept, and the workers that the closure started die with it.
///
/// A check that fails does not panic, so "Run All" goes on. As the last expression of a cell it shows itself.
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
///     facts.holds("the queue is empty", tasks.is_empty(), "a worker went home too early");
///     facts.equal("the sum of all tasks", 5050, report.values().unwrap_or_default().iter().sum());
/// });
/// assert!(checked.passed());
/// assert!(checked.to_string().ends_with("\nPoison pill: all 3 facts hold.\n"));
/// ```
pub fn check(title: &str, limit: Duration, harness: impl Fn(&Facts)) -> Checked {
    let checked = judge(title, limit, harness, |_| ());
    Journal::of_this_student().note([Noted::Check {
        title: title.into(),
        passed: checked.passed(),
        facts: checked.score(),
        code: String::new(),
        topic: String::new(),
    }]);
    checked
}

/// The same without a journal. While the harness runs, `look` is called with the number of facts so far.
pub(crate) fn judge(
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
                what: "the check ran to its end".into(),
                expected: format!("within {}", human(limit)),
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
    Checked::new(title, rows)
}

/// Runs the harness in a worker. If it did not end by itself, the error says how it ended.
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
        other => Err(format!("it {}", one_line(&other.to_string()))),
    }
}
