//! Where the labs are on this machine.

use std::path::Path;

/// What the checks are about.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The checkout.
    pub workspace: &'a Path,
    /// The folder with what is made for the labs.
    pub home: &'a Path,
    /// The kernel. Where it is not built yet, more is needed.
    pub program: &'a Path,
}
