//! The exercises of the labs: what is checked, the hints, and what is counted as a try. A file for each lab.
//!
//! A lab holds the function that a student changes and one line, `check_lab("02-1", publish)?;`. The rest is here, where no click
//! on a folded cell shows it.

mod attempt;
mod lab00;
mod lab01;
mod lab02;
mod lab03;
mod lab04;
mod lab05;

use super::check::{Checked, Facts, judge, with_code};
use super::journal::{Journal, Tries, now};
use attempt::{Attempt, State};
use labsupport::cell::{Display, Show, escape};
use labsupport::internal::thousands;
use labsupport::measure::human;
use std::fmt;
use std::time::Duration;

/// After so many failed tries the place of the solution is told.
const TRIES: usize = 3;

/// What is fixed of an exercise.
struct Exercise {
    /// As `check_lab` is told it.
    name: &'static str,
    /// The function, or functions, that it asks for.
    asks_for: &'static str,
    /// How long all of it may take.
    limit: Duration,
    /// How many facts a right answer gives.
    facts: usize,
    /// What to say after a failed try: the first that is about a fact that does not hold.
    hints: &'static [Hint],
    /// What to try once it is solved.
    next: &'static str,
}

/// Hints about one thing that may be wrong, each more telling than the one before.
struct Hint {
    /// Parts of the names of the facts that it is about. The empty text is a part of all.
    about: &'static [&'static str],
    says: &'static [&'static str],
}

/// Before all others: no fact says anything else about a function that waits for itself.
const SECOND_LOCK: Hint = Hint {
    about: &[],
    says: &[
        "A worker asked for a lock that it held already, so it would have waited for itself. Which guard is still alive in that line?",
        "A guard lives to the end of its block, and one without a name to the end of its statement. Take the guard once, \
         `let mut guard = ….lock();`, and use only `guard` until you drop it.",
    ],
};

const EXERCISES: [&Exercise; 11] = [
    &lab00::COUNT,
    &lab01::SHUTDOWN,
    &lab01::PRODUCERS,
    &lab02::PUBLISH,
    &lab02::OFFER,
    &lab03::MEAN,
    &lab03::ITEMS,
    &lab04::VISITS,
    &lab04::REPORTS,
    &lab05::EPOCH,
    &lab05::BOUND,
];

/// A function, or a tuple of functions, that an exercise asks for. `Signature` is what the exercise hands out.
///
/// It is there for the compiler: a function with other parameters, or with another result, is refused where
/// [`check_lab`] is called.
///
/// # Examples
/// ```
/// use lessons::Answer;
/// use lessons::prelude::*;
/// use manager::prelude::*;
/// fn exercise_of<Signature, A: Answer<Signature>>(_: &A) -> &'static str {
///     A::EXERCISE
/// }
/// fn count_visit(_visits: &Dict<String, u64>, _page: &str) {}
/// assert_eq!(exercise_of(&count_visit), "04-1");
/// ```
#[diagnostic::on_unimplemented(
    message = "no exercise asks for a function with these parameters and this result",
    label = "not as the exercise hands it out",
    note = "put the line that begins with `fn` back as it was, and change only what stands between the braces",
    note = "`cargo labs reset` brings the whole lab back as it was handed out, and keeps yours as a copy"
)]
pub trait Answer<Signature> {
    /// The exercise, such as `02-1`.
    const EXERCISE: &'static str;

    /// Runs the function and reports what it did.
    fn report(&self, facts: &Facts);
}

/// Says for which signatures there are exercises, and which function runs what a student wrote.
macro_rules! answer {
    ($name:literal: fn($($parameter:ty),*) $(-> $result:ty)?, $harness:path) => {
        impl<F: Fn($($parameter),*) $(-> $result)?> $crate::Answer<fn($($parameter),*) $(-> $result)?> for F {
            const EXERCISE: &'static str = $name;

            fn report(&self, facts: &$crate::Facts) {
                $harness(facts, self);
            }
        }
    };
}
use answer;

/// Checks what you wrote for an exercise, and shows which facts hold.
///
/// `exercise` is the number of the lab and that of the exercise. `answer` is your function; where an exercise asks for
/// several, a tuple of them. It runs in workers, against a deadline, so that it may hang or crash and harms nothing. The page
/// shows at once that the check runs and how many facts it has found.
///
/// | exercise | asks for | tests |
/// |---|---|---|
/// | `00-1` | `count` | four workers and three share a range, no number is tested twice or left out, and no addition to the total is lost |
/// | `01-1` | `(run_worker, stop_pool)` | each task is done once, all workers come home, nothing is left in the queue: also with few tasks, and with late ones |
/// | `01-2` | `(produce, all_producers_are_done)` | the same with several producers, whoever ends first |
/// | `02-1` | `publish` | one of two finders writes, both parts are there once the flag is set, and nobody writes over it: forced, then up to 20,000 times by chance |
/// | `02-2` | `offer` | the smallest of two candidates wins, though the other one writes last: forced, then by chance |
/// | `03-1` | `mean_window` | the *mean* reaction keeps its budget, and is no shorter than it must be |
/// | `03-2` | `go_through` | a look for every so many steps, wherever an item ends |
/// | `04-1` | `count_visit` | no visit is lost, however many others write the same number |
/// | `04-2` | `count_primes` | a report for every 1,000 numbers, each in time, and a right sum |
/// | `05-1` | `(announce, begin, is_decided)` | no late signal stops a later transaction, and no signal is lost |
/// | `05-2` | `first_match` | the smallest match wins, and a worker that cannot find a smaller one stops within 100 records |
///
/// After a failed try there is a hint. It is about the fact that failed, and the next try at the same fact gets a more telling
/// one. A try is code that was not tried before: the exercise as it was handed out, code that has not changed since the last
/// try, and code that does not compile use up no hint. Only the kernel of the labs knows the code. On a stock evcxr kernel each
/// failed check is a try, and where no journal is kept (`LABS_JOURNAL`) every try is the first.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use manager::prelude::*;
/// // As it is handed out: two workers read, and then one writes over the other.
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
/// There is no such exercise, or it asks for another function. A fact that does not hold is no error: "Run All" goes on.
pub fn check_lab<Signature, A: Answer<Signature>>(
    exercise: &str,
    answer: A,
) -> Result<(), CheckLabError> {
    check_on(Display::new(), exercise, A::EXERCISE, &|facts| {
        answer.report(facts)
    })
}

fn check_on(
    mut display: Display,
    wanted: &str,
    given: &'static str,
    harness: &dyn Fn(&Facts),
) -> Result<(), CheckLabError> {
    let exercise = find(wanted, given)?;
    let attempt = attempt::of(exercise.name);
    let title = exercise.title();
    if attempt
        .as_ref()
        .is_some_and(|attempt| attempt.state == State::Broken)
    {
        display.end(&Words(exercise.not_compiled()));
        return Ok(());
    }
    display.fill(&Running { exercise, facts: 0 });
    display.line(&format!(
        "{title}: the check runs, for at most {}.",
        human(exercise.limit)
    ));
    let checked = judge(&title, exercise.limit, harness, |facts| {
        display.fill(&Running { exercise, facts });
    });
    let journal = Journal::of_this_student();
    let words = exercise.note(&journal, &checked, attempt.as_ref());
    display.end(&checked.with_words(words));
    Ok(())
}

fn find(wanted: &str, given: &'static str) -> Result<&'static Exercise, CheckLabError> {
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

impl Exercise {
    /// As the journal has it.
    fn title(&self) -> String {
        let (lab, number) = self.name.split_once('-').unwrap_or((self.name, ""));
        format!("Lab {lab}, exercise {number}")
    }

    /// What it asks for, in words.
    fn functions(&self) -> String {
        let names = self.asks_for.trim_matches(['(', ')']);
        let names = match names.rsplit_once(", ") {
            Some((first, last)) => format!("{}` and `{last}", first.replace(", ", "`, `")),
            None => names.into(),
        };
        format!("`{names}`")
    }

    fn not_compiled(&self) -> String {
        format!(
            "{}: nothing was checked. The newest text of {} did not compile, so there is only an older version to run. Mend what \
             the message below its cell says, run that cell, then this one. No hint is used up.",
            self.title(),
            self.functions()
        )
    }

    /// Writes the try down, if it is one; the sentences below the verdict.
    fn note(&self, journal: &Journal, checked: &Checked, attempt: Option<&Attempt>) -> Vec<String> {
        let title = self.title();
        let before = journal.tries(&title);
        let code = attempt.map_or("", |attempt| &attempt.code);
        let hold = checked.facts().iter().filter(|fact| fact.holds()).count();
        let facts = format!("{hold} of {}", checked.facts().len());
        let is_old = !code.is_empty() && before.last.as_ref().is_some_and(|(_, last)| last == code);
        if checked.passed() {
            let again = is_old && before.last.as_ref().is_some_and(|(passed, _)| *passed);
            if !again {
                journal.note_try(&title, true, &facts, code, "");
            }
            return vec![
                self.solved(journal, &before, again),
                format!("Next: {}", self.next),
            ];
        }
        if attempt.is_some_and(|attempt| attempt.state == State::HandedOut) {
            if before.since.is_none() && before.last.is_none() {
                journal.note_opened(&title);
            }
            return vec![format!(
                "This is the exercise as it was handed out, which is no try and uses up no hint. Change {}, run what you have \
                 changed, then this cell.",
                self.functions()
            )];
        }
        let (topic, hint) = self.hint(checked);
        let about = topic.to_string();
        let told = before.topics.iter().filter(|one| **one == about).count();
        let failed = before.failed;
        if is_old && failed > 0 {
            let hint = hint.says[told.clamp(1, hint.says.len()) - 1];
            let words = format!(
                "The code has not changed since try {}, so this is no new one. Hint: {hint}",
                thousands(failed as i64)
            );
            return [vec![words], self.solution(failed)].concat();
        }
        journal.note_try(&title, false, &facts, code, &about);
        let hint = hint.says[told.min(hint.says.len() - 1)];
        let words = match journal.is_kept() {
            true => format!("Try {}. Hint: {hint}", thousands(failed as i64 + 1)),
            false => format!("Hint: {hint}"),
        };
        [vec![words], self.solution(failed + 1)].concat()
    }

    /// The hint that is about the first fact that does not hold, and its number.
    fn hint(&self, checked: &Checked) -> (usize, &'static Hint) {
        let failed = || checked.facts().iter().filter(|fact| !fact.holds());
        if failed().any(|fact| fact.is_a_second_lock()) {
            return (0, &SECOND_LOCK);
        }
        let is_about = |hint: &&Hint| {
            let mut parts = hint.about.iter();
            parts.any(|part| failed().any(|fact| fact.what().contains(part)))
        };
        let last = self.hints.len() - 1;
        let index = self
            .hints
            .iter()
            .position(|hint| is_about(&hint))
            .unwrap_or(last);
        (index + 1, &self.hints[index])
    }

    fn solution(&self, failed: usize) -> Vec<String> {
        if failed < TRIES {
            return Vec::new();
        }
        let (lab, _) = self.name.split_once('-').unwrap_or((self.name, ""));
        vec![format!(
            "You have tried {} times. The solution is in the folder `solutions`, in the notebook of lab {lab}: read it, close it, and \
             write it again.",
            thousands(failed as i64)
        )]
    }

    fn solved(&self, journal: &Journal, before: &Tries, again: bool) -> String {
        if again {
            return "You have solved this one before, with the same code.".into();
        }
        if !journal.is_kept() {
            return "Solved.".into();
        }
        let since = before.since.map(|since| now().saturating_sub(since));
        let took = since
            .filter(|seconds| *seconds > 0)
            .map_or(String::new(), |seconds| {
                format!(", {} after you first ran this check", minutes(seconds))
            });
        match before.failed {
            0 => format!("Solved at the first try{took}."),
            failed => format!("Solved at try {}{took}.", thousands(failed as i64 + 1)),
        }
    }
}

/// Seconds in the words of a person.
fn minutes(seconds: u64) -> String {
    let count = |number: u64, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{} {one}s", thousands(number as i64)),
    };
    match seconds {
        0..100 => count(seconds, "second"),
        100..5_400 => count((seconds + 30) / 60, "minute"),
        5_400..129_600 => count((seconds + 1_800) / 3_600, "hour"),
        _ => count((seconds + 43_200) / 86_400, "day"),
    }
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
struct Words(String);

impl Show for Words {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let html = format!("<p>{}</p>", with_code(&escape(&self.0)));
        vec![("text/html", html), ("text/plain", self.0.clone())]
    }
}

/// What [`check_lab`] was asked for does not exist or does not fit.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use manager::prelude::*;
/// fn count_visit(_visits: &Dict<String, u64>, _page: &str) {}
/// let error = check_lab("4.1", count_visit).unwrap_err();
/// assert!(matches!(&error, CheckLabError::Unknown(name) if name == "4.1"));
/// assert!(error.to_string().starts_with("there is no exercise `4.1`; there are 00-1, 01-1,"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckLabError {
    /// No exercise has this name.
    Unknown(String),
    /// The function is that of another exercise.
    AnotherFunction {
        /// The exercise that was named.
        exercise: &'static str,
        /// The function that it asks for.
        asks_for: &'static str,
        /// The exercise that the function belongs to.
        given: &'static str,
    },
}

impl fmt::Display for CheckLabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckLabError::Unknown(name) => {
                let names = EXERCISES.map(|one| one.name).join(", ");
                write!(f, "there is no exercise `{name}`; there are {names}.")
            }
            CheckLabError::AnotherFunction {
                exercise,
                asks_for,
                given,
            } => write!(
                f,
                "exercise {exercise} asks for `{asks_for}`, and this is the function of exercise {given}: write \
                 check_lab(\"{given}\", …), or check_lab(\"{exercise}\", {asks_for})."
            ),
        }
    }
}

impl std::error::Error for CheckLabError {}

#[cfg(test)]
mod tests;
