//! What lab 04 measures: what one access costs, alone and in a crowd, in Rust and in Python, and what follows from it. A file for each.
//!
//! The lab shows the accesses themselves. Here is what repeats them in many workers, times them, and lays the results side by side.

mod crowd;
mod in_place;
mod in_python;
mod large;
mod pause;
mod prices;
mod rungs;
mod searches;
mod ways;

pub use crowd::{crowd, crowd_each, hand_off, starts, threads};
pub use in_place::{cache_lines, false_sharing};
pub use in_python::InPython;
pub use large::{Matrix, by_size, large_data, time_answers};
pub use pause::{after_pause, hand_off_after_pause};
pub use prices::Prices;
pub use rungs::{Ladder, ladder_figure, ladder_figure_named};
pub use searches::threads_or_processes;
pub use ways::{Ways, run_together, time_ways};
