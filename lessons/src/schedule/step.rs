use super::words::Words;
use std::fmt;
use std::rc::Rc;

/// A step, which nothing comes between.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The kinds of steps. What each of them means is in this file.
///
/// A new kind is a variant here, with its meaning in each `match` below, and a method in `steps.rs` that adds it to a list. A kind that
/// does something else with the lock, or waits for something else, is a variant of [`LockUse`] too. The compiler then points to the three
/// places that know of a lock: what makes a list right in `steps.rs`, the model in `state.rs` and the real processes in
/// `real_workers.rs`. It does not point to two comparisons: where a worker that leaves goes (`Steps::after`), and whether a worker is stuck
/// at the end (`End::Stuck`). A test in `tests.rs` asks for a protocol with
/// the new kind, which is then compared with a second, simpler model.
// The closures are behind pointers to `dyn`, so that a list has no type parameters and a notebook can keep it.
#[derive(Clone)]
pub(super) enum Kind {
    /// Changes words.
    Write(Rc<Change>),
    /// Reads words; if the closure returns `true`, the worker leaves.
    LeaveIf(Rc<Look>),
    /// Reads and changes words; if the closure returns `false`, the worker leaves.
    SwapOrLeave(Rc<Swap>),
    /// Takes the lock.
    Lock,
    /// Gives the lock back.
    Unlock,
}

type Change = dyn Fn(&mut Words, u64);
type Look = dyn Fn(&Words, u64) -> bool;
type Swap = dyn Fn(&mut Words, u64) -> bool;

/// What a step does with the lock. The model and the real processes have a lock each, and do it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockUse {
    Nothing,
    /// Takes it; possible only while no worker holds it.
    Take,
    /// Gives it back.
    GiveBack,
}

impl Step {
    /// Does to `words` what the step does, and says whether the worker goes on.
    pub(super) fn act(&self, words: &mut Words, me: u64) -> bool {
        match &self.kind {
            Kind::Write(change) => {
                change(words, me);
                true
            }
            Kind::LeaveIf(look) => !look(words, me),
            Kind::SwapOrLeave(swap) => swap(words, me),
            Kind::Lock | Kind::Unlock => true,
        }
    }

    pub(super) fn lock_use(&self) -> LockUse {
        match self.kind {
            Kind::Write(_) | Kind::LeaveIf(_) | Kind::SwapOrLeave(_) => LockUse::Nothing,
            Kind::Lock => LockUse::Take,
            Kind::Unlock => LockUse::GiveBack,
        }
    }

    /// What came of the step.
    pub(super) fn way(&self, goes_on: bool) -> Way {
        match self.kind {
            Kind::LeaveIf(_) | Kind::SwapOrLeave(_) if goes_on => Way::GoesOn,
            Kind::LeaveIf(_) | Kind::SwapOrLeave(_) => Way::Leaves,
            Kind::Write(_) | Kind::Lock | Kind::Unlock => Way::Only,
        }
    }
}

/// What comes of a step. The numbers are those of `figures/page/game.js`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing was decided.
    Only = 0,
    GoesOn = 1,
    Leaves = 2,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Only => "",
            Way::GoesOn => " → goes on",
            Way::Leaves => " → leaves",
        })
    }
}
