//! The names that nearly every lab uses: `use labsupport::prelude::*;`. The other names are in the modules.

pub use crate::cell::Ending as _;
pub use crate::cell::Show;
pub use crate::measure::{
    Samples, Timed, Work, cores, cpu_time, human, machine, measure, processor, time,
};
pub use crate::process::{Exit, Outcome, Report, Share, Worker, Workers};
pub use crate::shared::{
    Array, Barrier, Flag, GetError, Lock, Plain, PutError, PutErrorKind, Queue, Segment,
    SharedError, Value,
};
