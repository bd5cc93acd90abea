//! `cargo labs setup`: everything that `open` needs, and what an appendix needs if it is asked for.

use crate::environment::{self, appendix::Appendix};
use crate::place::{Place, in_words};
use anyhow::Result;
use clap::Args;

/// The options of `setup`.
#[derive(Args, Debug)]
pub struct Setup {
    /// Also install what this appendix needs; no lab does
    #[arg(long, value_name = "APPENDIX")]
    with: Vec<Appendix>,
}

impl Setup {
    /// Makes whatever is missing or out of date.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        environment::set_up(&place)?;
        for appendix in self.with {
            appendix.set_up(&place)?;
            println!(
                "The programs of this appendix are in {}; run them with {}.",
                appendix.programs(&place).display(),
                appendix.venv(&place).join("bin/python").display()
            );
        }
        println!(
            "{}",
            in_words("Everything is set up. `cargo labs open` opens the first lab.")
        );
        Ok(())
    }
}
