use super::attempt::{Attempt, State};
use super::exercise::Exercise;
use crate::check::Checked;
use crate::journal::{Journal, Noted, Tries, now};
use labsupport::internal::thousands;

/// After this many failed tries the student is told where the solution is.
const TRIES: usize = 3;

impl Exercise {
    /// The sentences below the verdict. Writes the try into the journal, if it is one.
    pub(super) fn reply(
        &self,
        journal: &Journal,
        checked: &Checked,
        attempt: Option<&Attempt>,
    ) -> Vec<String> {
        let title = self.title();
        let before = journal.tries(&title);
        let code = attempt.map_or("", |attempt| &attempt.code);
        let is_old = !code.is_empty() && before.last.as_ref().is_some_and(|(_, last)| last == code);
        let note_try = |topic: &str| {
            journal.note([Noted::Check {
                title: title.clone(),
                passed: checked.passed(),
                facts: checked.score(),
                code: code.into(),
                topic: topic.into(),
            }]);
        };
        if checked.passed() {
            let again = is_old && before.last.as_ref().is_some_and(|(passed, _)| *passed);
            if !again {
                note_try("");
            }
            let solved = solved(journal, &before, again);
            return vec![solved, format!("Next: {}", self.next)];
        }
        if attempt.is_some_and(|attempt| attempt.state == State::HandedOut) {
            if before.since.is_none() && before.last.is_none() {
                journal.note([Noted::Opened { title }]);
            }
            return vec![format!(
                "This is the exercise as it was handed out, which is no try and uses up no hint. Change {}, run the cell that you \
                 have changed, then run this cell again.",
                self.functions()
            )];
        }
        let (topic, hint) = self.hint(checked);
        let topic = topic.to_string();
        let told = before.topics.iter().filter(|one| **one == topic).count();
        let failed = before.failed;
        if is_old && failed > 0 {
            let hint = hint.says[told.clamp(1, hint.says.len()) - 1];
            let words = format!(
                "The code has not changed since try {}, so this does not count as another try. Hint: {hint}",
                thousands(failed as i64)
            );
            return [vec![words], self.solution(failed)].concat();
        }
        note_try(&topic);
        let hint = hint.says[told.min(hint.says.len() - 1)];
        let words = match journal.is_kept() {
            true => format!("Try {}. Hint: {hint}", thousands(failed as i64 + 1)),
            false => format!("Hint: {hint}"),
        };
        [vec![words], self.solution(failed + 1)].concat()
    }

    /// Where the solution is, once it is time to say so.
    fn solution(&self, failed: usize) -> Vec<String> {
        if failed < TRIES {
            return Vec::new();
        }
        let (lab, _) = self.name.split_once('-').unwrap_or((self.name, ""));
        vec![format!(
            "You have tried {} times. The solution is in the folder `solutions`, in the notebook of lab {lab}: read it, close it, and \
             write your own.",
            thousands(failed as i64)
        )]
    }
}

fn solved(journal: &Journal, before: &Tries, again: bool) -> String {
    if again {
        return "You have solved this exercise before, with the same code.".into();
    }
    if !journal.is_kept() {
        return "Solved.".into();
    }
    let since = before.since.map(|since| now().saturating_sub(since));
    let took = since
        .filter(|seconds| *seconds > 0)
        .map_or(String::new(), |seconds| {
            format!(", {} after you first ran this check", duration(seconds))
        });
    match before.failed {
        0 => format!("Solved on the first try{took}."),
        failed => format!("Solved on try {}{took}.", thousands(failed as i64 + 1)),
    }
}

/// A number of seconds, as a person would say it.
fn duration(seconds: u64) -> String {
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
