//! Curves that a student draws before a run, and how far they are from what was measured.
//!
//! `sketch` shows a pad and keeps the curve, `all` has the pads of the labs, `distance` compares two curves, and `error` says why a curve
//! cannot be read.
//!
//! A curve comes to the notebook in one of two ways. The labs' kernel keeps what a page has drawn: the cell says which pad it shows, and asks
//! for the curve when it is needed. On every other kernel, and on every other page, the student copies the line below the pad into the cell.

mod all;
mod distance;
mod error;
mod sketch;

pub use distance::Distance;
pub use error::SketchError;
pub use sketch::{Compared, Sketch, sketch};
