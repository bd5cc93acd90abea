//! Running workers from a cell: all home, or a sentence that says why not; and two ways of a thing in turns.

mod error;
mod turns;
mod workers;

use std::time::Duration;

/// No worker of a lab takes longer, on any machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub use error::RunError;
pub use turns::{Turns, in_turns};
pub use workers::run_workers;
