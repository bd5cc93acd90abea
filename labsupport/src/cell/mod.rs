//! What a notebook cell shows: content by MIME type, written to standard output the way evcxr reads it.
//!
//! ```text
//! EVCXR_BEGIN_CONTENT text/plain
//! …lines…
//! EVCXR_END_CONTENT
//! ```
//!
//! evcxr keeps the last content of each MIME type of a cell and sends all of them when the cell ends; JupyterLab shows the richest one. So a
//! picture always travels with the same content as text. Outside a notebook the same calls print the markers; a program prints
//! `figure.text()` instead.
//!
//! Content that changes while the cell runs has a [`Display`], a place on the page that can be filled again and again if the kernel supports
//! that.

pub(crate) mod display;
mod ending;
pub(crate) mod escape;
#[cfg(any(test, feature = "faults"))]
pub(crate) mod fake;
pub(crate) mod host;
pub(crate) mod pace;
mod show;
mod shown_in_words;
pub(crate) mod table;

pub use display::Display;
pub(crate) use display::Page;
pub use ending::{Ending, EndingAsAsked};
pub use escape::escape;
#[cfg(test)]
pub(crate) use fake::Fake;
pub use host::ready;
pub use show::{Show, emit};
pub use table::table;
pub(crate) use table::thousands;
