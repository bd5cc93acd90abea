//! Worker processes, shared memory, queues, timing and figures for the coordination labs.

pub mod cell;
pub mod figure;
pub mod measure;
pub mod prelude;
pub mod process;
pub mod shared;
mod sys;
