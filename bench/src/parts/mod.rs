//! What is measured: one file for each building block.

pub mod early_exit;
pub mod flag;
pub mod kernel;
pub mod manager;
pub mod queue;
pub mod twice;
pub mod workers;
