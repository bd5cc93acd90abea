use super::error::ExplorerError;
use super::step::LockUse;
use super::steps::{Place, Steps};
use super::words::Words;

/// Everything that decides what can come next.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// By worker; beyond the last worker nothing changes.
    places: [Place; ExplorerError::MOST_WORKERS],
    /// Who holds the lock.
    pub(super) holder: Option<usize>,
    pub(super) words: Words,
}

impl State {
    pub(super) fn start(words: &Words) -> State {
        State {
            places: Default::default(),
            holder: None,
            words: words.clone(),
        }
    }

    /// Whether `worker` can do a step now.
    pub(super) fn can_go(&self, lists: &[Steps], worker: usize) -> bool {
        let next = lists[worker].at(self.places[worker]);
        next.is_some_and(|step| match step.lock_use() {
            LockUse::Take => self.holder.is_none(),
            LockUse::GiveBack | LockUse::Nothing => true,
        })
    }

    pub(super) fn is_done(&self, lists: &[Steps], worker: usize) -> bool {
        lists[worker].at(self.places[worker]).is_none()
    }

    /// Which step of its list `worker` does next.
    pub(super) fn next(&self, worker: usize) -> usize {
        self.places[worker].next.into()
    }

    /// The state after the next step of `worker`, which can go, and whether the worker goes on after that step.
    pub(super) fn after(&self, lists: &[Steps], worker: usize) -> (State, bool) {
        let steps = &lists[worker];
        let place = self.places[worker];
        let step = steps.at(place).expect("a worker that can go has a step");
        let mut after = self.clone();
        let goes_on = step.act(&mut after.words, worker as u64 + 1);
        match step.lock_use() {
            LockUse::Take => after.holder = Some(worker),
            LockUse::GiveBack => after.holder = None,
            LockUse::Nothing => {}
        }
        let holds = after.holder == Some(worker);
        after.places[worker] = steps.after(place, goes_on, holds);
        (after, goes_on)
    }
}
