//! Measuring: [`time`] once, [`measure`] many times into [`Samples`], and [`Work`] of known cost.

mod clock;
mod machine;
mod samples;
mod timed;
pub(crate) mod words;
mod work;

pub use clock::cpu_time;
pub use machine::{cores, machine, processor};
pub use samples::Samples;
pub use timed::{Timed, measure, time};
pub use words::human;
pub use work::Work;

use std::fmt;

crate::shown_in_words!(Work, @ <T: fmt::Debug> Timed<T>);
