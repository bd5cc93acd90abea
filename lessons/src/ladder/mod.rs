//! What lab 04 measures: what one access costs, alone and in a crowd, in Rust and in Python, and what follows from it. A file for each.
//!
//! The lab shows the accesses themselves. Here is what repeats them in many workers, times them, and lays the results side by side.

mod crowd;
mod in_python;
mod pause;
mod prices;
mod rungs;
mod searches;
mod ways;

pub use crowd::{crowd, hand_off, starts, threads};
pub use in_python::InPython;
pub use pause::{after_pause, hand_off_after_pause};
pub use prices::Prices;
pub use rungs::{Ladder, ladder_figure};
pub use searches::threads_or_processes;
pub use ways::{Ways, run_together, time_ways};
