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

    fn requirements(self, place: &Place) -> PathBuf {
        self.programs(place).join("requirements.txt")
    }

    /// Whether it is installed as its requirements say.
    pub fn is_made(self, place: &Place) -> bool {
        venv::is_made(&self.venv(place), &self.requirements(place))
    }

    /// Installs it, unless it is installed as its requirements say.
    pub fn set_up(self, place: &Place) -> Result<()> {
        if self.is_made(place) {
            return Ok(());
        }
        if place.is_read_only() {
            bail!(
                "The folder {} is read-only, and {} is not there. Have its owner run `cargo labs setup --with {}`, or set LABS_HOME to a \
                 folder of your own.",
                place.home.display(),
                self.venv(place).display(),
                self.name()
            );
        }
        make_private(&place.home)?;
        Steps::new(1)
            .step(
                "Installing Celery and Kafka's client (a download of 8 MB)",
                || venv::make(&self.venv(place), &self.requirements(place)).map_err(Error::msg),
            )
            .with_context(|| format!("`cargo labs setup --with {}` has failed", self.name()))
    }

    /// How it is named on the command line.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// A checkout whose appendix needs what `requirements` says, and a home.
    fn place(folder: &Path, requirements: &str) -> Place {
        let place = Place {
            workspace: folder.join("checkout"),
            home: folder.join("home"),
        };
        let programs = Appendix::Celery.programs(&place);
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join("requirements.txt"), requirements).unwrap();
        place
    }

    #[test]
    fn it_is_installed_once_until_it_needs_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = place(folder.path(), "# nothing\n");
        let environment = Appendix::Celery.venv(&nothing);
        Appendix::Celery.set_up(&nothing).unwrap();
        fs::write(environment.join("ours"), "").unwrap();
        Appendix::Celery.set_up(&nothing).unwrap();
        assert!(environment.join("ours").exists(), "it was not made again");
        let other = place(folder.path(), "# nothing else\n");
        assert!(!Appendix::Celery.is_made(&other));
    }

    #[test]
    fn what_cannot_be_downloaded_leaves_nothing_half_made() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(
            folder.path(),
            "./nowhere-1.0-py3-none-any.whl --hash=sha256:00\n",
        );
        let said = format!("{:#}", Appendix::Celery.set_up(&place).unwrap_err());
        assert!(!Appendix::Celery.venv(&place).exists());
        assert!(said.contains("setup --with celery"), "{said}");
        assert!(said.contains("run the same command again"), "{said}");
    }
}
