use labsupport::internal::Waits;
use labsupport::measure::human;
use labsupport::process::Exit;
use std::cell::RefCell;
use std::ops::Range;

/// What the workers of a harness may wait for: addresses in shared memory, each range with its words.
#[derive(Default)]
pub(super) struct Places {
    /// The newest last. It counts if the same memory was used twice.
    named: RefCell<Vec<(Range<usize>, String)>>,
}

impl Places {
    /// Gives `thing` a name.
    pub(super) fn name(&self, name: &str, thing: &dyn Waits) {
        self.named.borrow_mut().extend(thing.waits(name));
    }

    /// What is at the address where a worker sleeps, in words that follow "waiting".
    fn at(&self, address: usize) -> Option<String> {
        let named = self.named.borrow();
        let mut newest_first = named.iter().rev();
        let (_, words) = newest_first.find(|(range, _)| range.contains(&address))?;
        Some(words.clone())
    }

    /// How a worker ended, in words that follow "worker 2" and "all 4 workers".
    pub(super) fn end(&self, exit: &Exit, sleeps_on: Option<usize>) -> String {
        match exit {
            Exit::TimedOut { after, doing } => {
                let limit = human(*after);
                match sleeps_on.and_then(|address| self.at(address)) {
                    Some(place) => format!("did not end within {limit}, waiting {place}"),
                    None => format!("did not end within {limit}: {doing}"),
                }
            }
            Exit::Signaled(_) => format!("was {exit}"),
            other => other.to_string(),
        }
    }
}
