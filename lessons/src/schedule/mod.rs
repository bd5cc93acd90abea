//! All interleavings of a small protocol: written as lists of steps, counted, replayed, and forced on real processes.
//!
//! Two workers with a few steps can take turns in only so many orders, so all of them can be tried. That shows more than any number of
//! runs: a race that happens once in a million runs is one of the schedules here.
//!
//! ```text
//!  A: check, write, set ─┐            ┌─ explore ─► how many schedules there are, and how many are bad
//!                        ├─► Explorer ┼─ replay ──► one schedule, step by step, as a picture
//!  B: check, write, set ─┘            ├─ force ───► the same schedule on real processes
//!                                     ├─ game ────► the student chooses a schedule; `play` forces it
//!                                     └─ chance ──► real processes that nobody forces, with the time of each step
//! ```
//!
//! A *schedule* says which worker does the next step, from the start until no worker can go on. Schedules are numbered from 0 in
//! dictionary order: `AABB`, `ABAB`, `ABBA`, … A *state* is where each worker is, who holds the lock, and what the words are. What comes
//! after a state does not depend on how it was reached. So each state is visited once, and the counts of everything after it are kept:
//! billions of schedules take no longer than their few thousand states.
//!
//! The model is sequentially consistent: all workers see a step before the next step begins. Real processors promise less for plain memory.
//! For the atomics and locks of [`labsupport::shared`], used as the labs use them, this is what happens.
//!
//! | file | |
//! |---|---|
//! | `explorer` | what a lab calls: build a protocol, explore, replay, force, play, leave to chance |
//! | `protocol`, `steps`, `step`, `words` | what is explored; `step` says what each kind of step means |
//! | `state`, `graph`, `exploration` | the model, all its states, and what they add up to |
//! | `replay` | one schedule in the model |
//! | `forced`, `real_workers` | one schedule on real processes, and what these share |
//! | `word` | a schedule that a student wrote: the worker of each letter, or why it cannot be |
//! | `game` | the student as the scheduler; its script is `figures/page/game.js` |
//! | `stamps`, `round`, `chance` | the times of a race, one round of it as a picture, and a race of the model's own steps |
//! | `mystery` | eight protocols with a mistake each, to be found out |

mod chance;
mod diagram;
mod error;
mod exploration;
mod explorer;
mod forced;
mod game;
mod graph;
mod letter;
mod mystery;
mod protocol;
mod real_workers;
mod replay;
mod round;
mod stamps;
mod state;
mod step;
mod steps;
#[cfg(test)]
mod tests;
mod word;
mod words;

pub use error::ExplorerError;
pub use exploration::Exploration;
pub use explorer::Explorer;
pub use forced::Forced;
pub use game::Game;
pub use mystery::{Diagnosis, Mystery, mystery};
pub use replay::Replay;
pub use round::Round;
pub use stamps::Stamps;
pub use steps::Steps;
pub use words::Words;
