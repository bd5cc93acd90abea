//! All interleavings of a small protocol: written as lists of steps, counted, replayed, and forced on real processes.
//!
//! Two workers that take turns in every possible order are few enough to try them all, and that is more than any number
//! of runs shows: a race that strikes once in a million runs is one of the schedules here.
//!
//! ```text
//!  A: check, write, set ─┐            ┌─ explore ─► how many schedules there are, and how many are bad
//!                        ├─► Explorer ┼─ replay ──► one schedule, step by step, as a picture
//!  B: check, write, set ─┘            └─ force ───► the same schedule on real processes
//! ```
//!
//! A *schedule* says who does the next step, from the start until nobody can go on. Schedules are numbered from 0 in the
//! order of a dictionary: `AABB`, `ABAB`, `ABBA`, … What comes after a *state* (where each worker stands, who holds the
//! lock, what the words hold) does not depend on how it was reached, so each state is looked at once, and what its
//! futures add up to is kept: billions of schedules take as long as their few thousand states.
//!
//! The model is sequentially consistent: every step is seen by all before the next one begins. Real processors promise
//! less for plain memory; for the atomics and locks of [`shared`](crate::shared), used as the labs use them, it is what
//! happens.

mod error;
mod exploration;
mod explorer;
mod forced;
mod graph;
mod letter;
mod protocol;
mod replay;
mod stage;
mod state;
mod step;
mod steps;
#[cfg(test)]
mod tests;
mod words;

pub use error::ExplorerError;
pub use exploration::Exploration;
pub use explorer::Explorer;
pub use forced::Forced;
pub use replay::Replay;
pub use steps::Steps;
pub use words::Words;
