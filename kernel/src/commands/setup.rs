//! `cargo labs setup`: everything that `open` needs, and what else is asked for.

use crate::environment::{self, appendix::Appendix, tls};
use crate::place::{Place, in_words};
use anyhow::Result;
use clap::{Args, ValueEnum};

/// The options of `setup`.
#[derive(Args, Debug)]
pub struct Setup {
    /// Also install this; no lab needs it
    #[arg(long)]
    with: Vec<Extra>,
}

/// What most do without.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Extra {
    /// Celery and Kafka, for the last section of lab 06
    Celery,
    /// TLS, for a broker whose address begins with rediss://
    Tls,
}

impl Setup {
    /// Makes whatever is missing or out of date.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        environment::set_up(&place)?;
        for extra in self.with {
            match extra {
                Extra::Celery => {
                    let appendix = Appendix::Celery;
                    appendix.set_up(&place)?;
                    println!(
                        "The programs of this appendix are in {}; run them with {}.",
                        appendix.programs(&place).display(),
                        appendix.venv(&place).join("bin/python").display()
                    );
                }
                Extra::Tls => {
                    let program = tls::make(&place)?;
                    println!(
                        "{} does TLS for kernels that start from now on.",
                        program.display()
                    );
                }
            }
        }
        println!(
            "{}",
            in_words("Everything is set up. `cargo labs open` opens the first lab.")
        );
        Ok(())
    }
}
