use super::error::ExplorerError;
use super::steps::Steps;
use super::words::Words;
use std::collections::HashSet;
use std::rc::Rc;

/// What is explored: the steps of a few workers, the words that they share, and what must be true of these.
#[derive(Clone)]
pub(super) struct Protocol {
    /// The words at the start.
    pub(super) start: Words,
    /// By worker.
    pub(super) lists: Vec<Steps>,
    pub(super) rules: Vec<Rule>,
}

/// An invariant.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) when: When,
    pub(super) holds: Rc<dyn Fn(&Words) -> bool>,
}

/// When an invariant is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// When no worker can go on.
    End,
    /// At the start and after each step.
    Always,
}

impl Rule {
    /// Whether `words` break it. `is_end` says whether the schedule is over.
    pub(super) fn is_broken(&self, words: &Words, is_end: bool) -> bool {
        (is_end || self.when == When::Always) && !(self.holds)(words)
    }
}

impl Protocol {
    /// Whether there is something to explore.
    pub(super) fn check(&self) -> Result<(), ExplorerError> {
        let names = self.start.names();
        let rules: Vec<String> = self.rules.iter().map(|rule| rule.name.clone()).collect();
        for (what, names) in [("words", names), ("invariants", &rules)] {
            let mut known = HashSet::new();
            let twice = names.iter().find(|name| !known.insert(*name));
            if let Some(name) = twice.cloned() {
                return Err(ExplorerError::NamedTwice { what, name });
            }
        }
        let workers = self.lists.len();
        if workers == 0 {
            return Err(ExplorerError::NoWorkers);
        }
        if workers > ExplorerError::MOST_WORKERS {
            return Err(ExplorerError::TooManyWorkers { workers });
        }
        for (worker, steps) in self.lists.iter().enumerate() {
            steps.check(worker)?;
        }
        let steps = self.lists.iter().map(Steps::len).sum();
        if steps > ExplorerError::MOST_STEPS {
            return Err(ExplorerError::TooManySteps { steps });
        }
        Ok(())
    }
}
