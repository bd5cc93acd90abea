//! `cargo labs bench`: the labs beside their peers. The package `labs-bench` does the measuring. Nothing else depends on it or on its
//! peers, so it is built only when somebody measures.

use crate::place::Place;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::ffi::OsString;
use std::process::Command;

/// The options of `bench`.
#[derive(Args, Debug)]
pub struct Bench {
    /// What `labs-bench` is given; `cargo labs bench -- --help` tells what there is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Bench {
    /// Builds and runs it.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        place.require_checkout("bench")?;
        let program = std::env::current_exe().context("This program's own path is not known")?;
        let mut command = Command::new("cargo");
        command
            .args(["run", "--release", "--package", "labs-bench", "--"])
            .args(&self.arguments)
            .current_dir(&place.workspace)
            .env("LABS_PROGRAM", program);
        let status = command.status().context("cargo cannot be run")?;
        match status.success() {
            true => Ok(()),
            false => bail!("The measurement ended with {status}."),
        }
    }
}
