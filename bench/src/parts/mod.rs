//! What is measured: one file for each building block.

pub(crate) mod broker;
pub(crate) mod early_exit;
pub(crate) mod flag;
pub(crate) mod kernel;
pub(crate) mod manager;
pub(crate) mod queue;
pub(crate) mod twice;
pub(crate) mod workers;
