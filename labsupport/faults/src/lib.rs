//! Faults: processes killed, stopped and ended at every named point and at random moments, and a system that refuses.
//!
//! The README of this crate has the table of what was tried, what the user sees and what was left. There is nothing here but tests:
//! they use `labsupport` and the crates that are built on it, so they stand beside them.

#![cfg(test)]

mod blind;
#[path = "../../tests/common/mod.rs"]
mod common;
mod kill_lock;
mod limits;
mod points;
mod random;
mod stage;
mod table;
