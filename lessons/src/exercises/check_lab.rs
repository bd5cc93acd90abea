use super::all::EXERCISES;
use super::answer::Answer;
use super::attempt::{self, State};
use super::error::CheckLabError;
use super::exercise::Exercise;
use crate::check::{Facts, judge, with_code};
use crate::journal::Journal;
use labsupport::cell::{Display, Show, escape};
use labsupport::measure::human;

/// Checks what you wrote for an exercise, and shows which facts hold.
///
/// `exercise` is the number of the lab and the number of the exercise. `answer` is your function, or a tuple if the exercise asks for
/// several. It runs in workers, against a deadline, so it harms nothing if it hangs or crashes. The page shows at once that the check
/// is running, and how many facts it has found.
///
/// | exercise | asks for | tests |
/// |---|---|---|
/// | `00-1` | `count` | four workers and three share a range, no number is tested twice or left out, and no addition to the total is lost |
/// | `01-1` | `(run_worker, stop_pool)` | each task is done once, all workers come home, nothing is left in the queue: also with few tasks, and with late ones |
/// | `01-2` | `(produce, all_producers_are_done)` | the same with several producers, whichever ends first |
/// | `02-1` | `publish` | one of two finders writes, both parts are there once the flag is set, and nothing is written over them: forced, then up to 20,000 times by chance |
/// | `02-2` | `offer` | the smaller of two candidates wins, though the other is written last: forced, then beside a process that offers 1,000 others |
/// | `03-1` | `mean_window` | the *mean* reaction keeps its budget, and is no shorter than it must be |
/// | `03-2` | `go_through` | a look after a fixed number of steps, wherever an item ends |
/// | `04-1` | `count_visit` | no visit is lost, however many others write the same number |
/// | `04-2` | `count_primes` | a report for every 1,000 numbers, each in time, and the right sum |
/// | `05-1` | `(announce, begin, is_decided)` | no late signal stops a later transaction, and no signal is lost |
/// | `05-2` | `first_match` | the smallest match wins, and a worker that cannot find a smaller one stops within 100 records |
/// | `06-1` | `(work, recover)` | a worker that is killed with a task in hand loses none, and no other task is done twice |
/// | `06-2` | `release` | a lease is given back by its holder only, also if it changes hands between two calls |
///
/// After a failed try there is a hint about the fact that failed. The next failed try at the same fact gives a more telling one, and after
/// three failed tries you are told where the solution is. A try is code that was not tried before: the exercise as it was handed out,
/// code that has not changed since the last try, and code that does not compile use up no hint. Only the kernel of the labs knows the
/// code. On a stock evcxr kernel, each failed check is a try. If no journal is kept (see [`journal`](crate::journal())), every try is
/// the first.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use manager::prelude::*;
/// // As it is handed out: two workers read the same number, and one then writes over the other.
/// fn count_visit(visits: &Dict<String, u64>, page: &str) {
///     let page = page.to_string();
///     let so_far = visits.get(&page).unwrap().unwrap_or(0);
///     visits.insert(page, so_far + 1).unwrap();
/// }
/// check_lab("04-1", count_visit)?;
///
/// let mistaken = check_lab("04-2", count_visit).unwrap_err();
/// assert!(mistaken.to_string().contains("write check_lab(\"04-1\", …)"));
/// # Ok::<(), CheckLabError>(())
/// ```
///
/// # Errors
/// There is no such exercise, or it asks for another function. A fact that does not hold is not an error, so "Run All" goes on; but it is one
/// while nbgrader grades a notebook, which gives no points for a cell with an error.
pub fn check_lab<Signature, A: Answer<Signature>>(
    exercise: &str,
    answer: A,
) -> Result<(), CheckLabError> {
    let unsolved = check_on(Display::new(), exercise, A::EXERCISE, &|facts| {
        answer.report(facts)
    })?;
    match unsolved {
        Some(unsolved) if is_graded() => Err(CheckLabError::Unsolved(unsolved)),
        _ => Ok(()),
    }
}

/// Whether nbgrader runs this notebook to grade or to validate it. It says so to all that it starts.
fn is_graded() -> bool {
    std::env::var_os("NBGRADER_EXECUTION").is_some_and(|how| !how.is_empty())
}

/// Returns what is wrong, if anything is.
pub(super) fn check_on(
    mut display: Display,
    wanted: &str,
    given: &'static str,
    harness: &dyn Fn(&Facts),
) -> Result<Option<String>, CheckLabError> {
    let exercise = find(wanted, given)?;
    let attempt = attempt::of(exercise.name);
    let title = exercise.title();
    if attempt
        .as_ref()
        .is_some_and(|attempt| attempt.state == State::Broken)
    {
        display.end(&Paragraph(exercise.not_compiled()));
        return Ok(Some(format!("{title} does not compile")));
    }
    display.fill(&Running { exercise, facts: 0 });
    display.line(&format!(
        "{title}: the check is running, for at most {}.",
        human(exercise.limit)
    ));
    let checked = judge(&title, exercise.limit, harness, |facts| {
        display.fill(&Running { exercise, facts });
    });
    let journal = Journal::of_this_student();
    let words = exercise.reply(&journal, &checked, attempt.as_ref());
    let score = checked.score();
    let unsolved = (!checked.passed()).then(|| format!("of the facts of {title}, {score} hold"));
    display.end(&checked.with_words(words));
    Ok(unsolved)
}

pub(super) fn find(wanted: &str, given: &'static str) -> Result<&'static Exercise, CheckLabError> {
    let exercise = EXERCISES.into_iter().find(|one| one.name == wanted);
    let exercise = exercise.ok_or_else(|| CheckLabError::Unknown(wanted.into()))?;
    if exercise.name != given {
        return Err(CheckLabError::AnotherFunction {
            asks_for: exercise.asks_for,
            exercise: exercise.name,
            given,
        });
    }
    Ok(exercise)
}

/// What the page shows while a check runs.
struct Running {
    exercise: &'static Exercise,
    facts: usize,
}

impl Show for Running {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (title, most) = (self.exercise.title(), self.exercise.facts);
        let facts = self.facts.min(most);
        let text = format!("{title}: checking … {facts} of {most} facts");
        let html = format!(
            "<div style=\"display:flex;flex-wrap:wrap;align-items:center;gap:0.25em 0.75em\">\
             <progress aria-label=\"{title}\" value=\"{facts}\" max=\"{most}\" style=\"width:16em;max-width:100%\"></progress>\
             <span>{text}</span></div>"
        );
        vec![("text/html", html), ("text/plain", text)]
    }
}

/// A paragraph.
struct Paragraph(String);

impl Show for Paragraph {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let html = format!("<p>{}</p>", with_code(&escape(&self.0)));
        vec![("text/html", html), ("text/plain", self.0.clone())]
    }
}
