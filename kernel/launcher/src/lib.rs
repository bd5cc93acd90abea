//! What the launcher and the kernel share: looks at the machine, what can be mended on it, and Python environments.
//!
//! The standard library alone: this is compiled on a machine of which nothing is known yet, and its user waits.

pub mod checks;
pub mod site;
pub mod sources;
pub mod venv;
