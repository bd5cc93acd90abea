//! What a lesson needs beyond measuring and drawing: [`Explorer`], which runs every interleaving of a small protocol, and
//! [`check()`], which runs a student's function against real workers and reports the facts.

mod check;
mod schedule;

pub use check::{Checked, Fact, Facts, check};
pub use schedule::{Exploration, Explorer, ExplorerError, Forced, Replay, Steps, Words};
