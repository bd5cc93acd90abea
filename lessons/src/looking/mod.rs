//! What lab 03 measures: the price of a look, the price of not looking, and what a search wastes. A file for each.
//!
//! The lab shows the loops: each takes the flag, looks at it at its interval, and says what it has done. Here is what starts them again and
//! again, sets the flag, and counts.

mod budgets;
mod hunts;
mod in_python;
mod locks;
mod prices;
mod run;
mod sweep;
mod try_out;

pub use hunts::{Divisions, Hunts, in_hunts};
pub use in_python::{count_in_python, finders_in_python};
pub use locks::{Locks, locks_per_second};
pub use prices::{cpu_per_look, cpu_per_look_in_crowds, look_bars, measure_together};
pub use run::{Run, run_until_set};
pub use sweep::{Point, Sweep, sweep};
pub use try_out::{Beside, TriedOut, try_out};
