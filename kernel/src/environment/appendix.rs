//! The Python environments of appendices. No lab needs one, so only `cargo labs setup --with NAME` installs them.

use crate::place::{Place, make_private};
use crate::progress::Steps;
use anyhow::{Context, Error, Result, bail};
use clap::ValueEnum;
use labs_launcher::venv;
use std::path::PathBuf;

/// What an appendix needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Appendix {
    /// Celery and Kafka, for lab 06
    Celery,
}

impl Appendix {
    /// Its environment, whether it is there or not.
    pub fn venv(self, place: &Place) -> PathBuf {
        match self {
            Appendix::Celery => place.home.join("celery"),
        }
    }

    /// The folder with its programs and its requirements.
    pub fn programs(self, place: &Place) -> PathBuf {
        match self {
            Appendix::Celery => place.notebooks().join("peers"),
        }
    }

    /// Installs it, unless it is installed as its requirements say.
    pub fn set_up(self, place: &Place) -> Result<()> {
        let environment = self.venv(place);
        let requirements = self.programs(place).join("requirements.txt");
        if venv::is_made(&environment, &requirements) {
            return Ok(());
        }
        if place.is_read_only() {
            bail!(
                "The folder {} is read-only, and {} is not there. Have its owner run `cargo labs setup --with {}`, or set LABS_HOME to a \
                 folder of your own.",
                place.home.display(),
                environment.display(),
                self.name()
            );
        }
        make_private(&place.home)?;
        Steps::new(1)
            .step(
                "Installing Celery and Kafka's client (a download of 8 MB)",
                || venv::make(&environment, &requirements).map_err(Error::msg),
            )
            .with_context(|| format!("`cargo labs setup --with {}` has failed", self.name()))
    }

    /// How it is named on the command line.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_string())
    }
}
