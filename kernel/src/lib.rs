//! Opens, checks and measures the coordination labs, and is the Jupyter kernel they run on.
//!
//! `README.md` beside this crate's `Cargo.toml` draws who starts whom.

pub mod client;
pub mod commands;
pub mod environment;
pub mod front;
pub mod notebook;
pub mod place;
pub mod progress;
pub mod results;
pub mod role;
pub mod runtime;
pub mod session;
pub mod spare;
pub mod watch;
