//! `cargo labs doctor`: checks the machine, and says what to do.

use crate::environment::checks::{self, Verdict};
use crate::place::{Place, in_words};
use anyhow::{Result, bail};

/// Prints a line for each check; fails if the labs cannot run.
pub(super) fn run() -> Result<()> {
    let checks = checks::all(&Place::find()?)?;
    for check in &checks {
        println!("{}", in_words(&check.to_string()));
    }
    let problems = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Problem)
        .count();
    match problems {
        0 => Ok(()),
        1 => bail!("1 problem stops the labs: see the line above."),
        n => bail!("{n} problems stop the labs: see the lines above."),
    }
}
