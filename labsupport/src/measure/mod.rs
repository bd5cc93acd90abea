//! Measuring: [`time`] once, [`measure`] many times into [`Samples`], and [`Work`] of known cost.

mod clock;
pub(crate) mod human;
mod machine;
mod samples;
mod timed;
mod work;

pub use clock::cpu_time;
pub use human::human;
pub use machine::{cores, machine, processor};
pub use samples::Samples;
pub use timed::{Timed, measure, time};
pub use work::Work;

use std::fmt;

crate::shown_in_words!(Work, @ <T: fmt::Debug> Timed<T>);
