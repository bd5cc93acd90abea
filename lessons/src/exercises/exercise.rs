use crate::check::Checked;
use std::time::Duration;

/// What is fixed of an exercise.
pub(super) struct Exercise {
    /// As `check_lab` is told it.
    pub(super) name: &'static str,
    /// The function, or functions, that it asks for.
    pub(super) asks_for: &'static str,
    /// How long all of it may take.
    pub(super) limit: Duration,
    /// How many facts a right answer gives.
    pub(super) facts: usize,
    /// What to say after a failed try: the first that is about a fact that does not hold.
    pub(super) hints: &'static [Hint],
    /// What to try once it is solved.
    pub(super) next: &'static str,
}

/// Hints about one thing that may be wrong, each more telling than the one before.
pub(super) struct Hint {
    /// Parts of the names of the facts that it is about. The empty text is a part of all.
    pub(super) about: &'static [&'static str],
    pub(super) says: &'static [&'static str],
}

impl Exercise {
    /// As the journal has it.
    pub(super) fn title(&self) -> String {
        let (lab, number) = self.name.split_once('-').unwrap_or((self.name, ""));
        format!("Lab {lab}, exercise {number}")
    }

    /// What it asks for, in words.
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
            "{}: nothing was checked. The newest text of {} did not compile, so there is only an older version to run. Mend what \
             the message below its cell says, run that cell, then this one. No hint is used up.",
            self.title(),
            self.functions()
        )
    }

    /// The hint that is about the first fact that does not hold, and its number.
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

/// Before all others: no fact says anything else about a function that waits for itself.
pub(super) const SECOND_LOCK: Hint = Hint {
    about: &[],
    says: &[
        "A worker asked for a lock that it held already, so it would have waited for itself. Which guard is still alive in that line?",
        "A guard lives to the end of its block, and one without a name to the end of its statement. Take the guard once, \
         `let mut guard = ….lock();`, and use only `guard` until you drop it.",
    ],
};
