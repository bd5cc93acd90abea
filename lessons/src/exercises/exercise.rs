use crate::check::Checked;
use std::time::Duration;

/// What an exercise asks for, how it is checked, and what helps after a failed try.
pub(super) struct Exercise {
    /// The name that `check_lab` is given, such as `02-1`.
    pub(super) name: &'static str,
    /// The function, or functions, that it asks for.
    pub(super) asks_for: &'static str,
    /// How long the whole check may take.
    pub(super) limit: Duration,
    /// How many facts a right answer has.
    pub(super) facts: usize,
    /// What to say after a failed try. The first hint that is about a failed fact is given; the last should fit any.
    pub(super) hints: &'static [Hint],
    /// What to try once it is solved.
    pub(super) next: &'static str,
}

/// Hints about one thing that may be wrong, each more telling than the last.
pub(super) struct Hint {
    /// Parts of the names of the facts that they are about. The empty text is a part of every name.
    pub(super) about: &'static [&'static str],
    pub(super) says: &'static [&'static str],
}

impl Exercise {
    /// The title in the journal.
    pub(super) fn title(&self) -> String {
        let (lab, number) = self.name.split_once('-').unwrap_or((self.name, ""));
        format!("Lab {lab}, exercise {number}")
    }

    /// The names of the functions, for a sentence.
    pub(super) fn functions(&self) -> String {
        let names = self.asks_for.trim_matches(['(', ')']);
        let names = match names.rsplit_once(", ") {
            Some((first, last)) => format!("{}` and `{last}", first.replace(", ", "`, `")),
            None => names.into(),
        };
        format!("`{names}`")
    }

    pub(super) fn not_compiled(&self) -> String {
        format!(
            "{}: nothing was checked. The newest text of {} did not compile, so there is only an older version to run. Fix the error that \
             is shown below its cell, run that cell, then run this one. No hint is used up.",
            self.title(),
            self.functions()
        )
    }

    /// The first hint that is about a failed fact, and its number.
    pub(super) fn hint(&self, checked: &Checked) -> (usize, &'static Hint) {
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
}

/// This comes before all others: if a function waits for itself, no fact says anything else about it.
pub(super) const SECOND_LOCK: Hint = Hint {
    about: &[],
    says: &[
        "A worker asked for a lock that it held already, so it would have waited for itself. Which guard is still alive in that line?",
        "A guard lives until the end of its block, and a guard without a name until the end of its statement. Take the guard once, \
         `let mut guard = ….lock();`, and use only `guard` until you drop it.",
    ],
};
