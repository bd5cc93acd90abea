//! Where the labs are on this machine.

use std::path::Path;

/// The places that the checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The checkout.
    pub workspace: &'a Path,
    /// The folder for everything that is made for the labs.
    pub home: &'a Path,
    /// The kernel's program. If it is not built yet, the machine needs more.
    pub program: &'a Path,
}
