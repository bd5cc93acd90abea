//! Opens, checks and measures the coordination labs, and is the Jupyter kernel they run on.
//!
//! evcxr, which compiles the cells, is in another program, `labs-evcxr`, so a change here does not link it again.
//!
//! `README.md` beside this crate's `Cargo.toml` draws which process starts which.

pub mod client;
pub mod commands;
pub mod environment;
pub mod front;
mod log;
pub mod notebook;
pub mod place;
pub mod progress;
pub mod results;
pub mod session;
pub mod spare;
