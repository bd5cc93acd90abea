//! Faults: processes killed, stopped and ended at every named point and at random moments, and a system that refuses.
//!
//! The README beside this file has the table of what was tried, what the user sees and what was left.

mod blind;
#[path = "../common/mod.rs"]
mod common;
mod kill_lock;
mod limits;
mod points;
mod random;
mod stage;
mod table;
