//! What the launcher and the kernel share: checks of the machine, repairs that a program can make, and Python environments.
//!
//! It uses only the standard library, because it is compiled on a machine of which nothing is known yet, while its user waits.

pub mod broker;
pub mod checks;
pub mod site;
pub mod sources;
pub mod venv;
