//! Running workers from a cell: all home, or a sentence that says why not; and two ways of a thing in turns.
//!
//! Where a student's closure is timed, hand it on as `|| look()` and not as `&look`. Each cell compiles the generic functions anew, in many
//! pieces. A closure is copied into every piece and inlined there. The call through a reference is a function of its own in the standard
//! library, is not inlined, and costs more than the read of a flag.

mod error;
mod turns;
mod workers;

use std::time::Duration;

/// No worker of a lab takes longer, on any machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub use error::RunError;
pub use turns::{Turns, in_turns};
pub use workers::run_workers;
