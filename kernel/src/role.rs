//! One program, four roles. evcxr starts the program that it runs in again, as the runtime in which cells execute and as a
//! wrapper of rustc, and tells by environment variables which one is meant. So this is looked at before anything else.

use crate::commands::Command;
use crate::runtime;
use crate::session::{launch, leash};
use crate::watch;
use anyhow::Result;
use clap::Parser;
use std::process::ExitCode;

/// Coordination labs: notebooks in Rust that run real processes, measure them and draw what happened.
#[derive(Parser)]
#[command(name = "labs", bin_name = "cargo labs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Finds out which role is meant and plays it. `evcxr` is the main function of evcxr_jupyter: the program alone names it, so that the
/// tests, which link this library, need not link all of evcxr.
pub fn run(evcxr: fn() -> Result<()>) -> ExitCode {
    let set = |name: &str| std::env::var_os(name).is_some();
    let result = if set("EVCXR_IS_RUNTIME") {
        runtime::split();
        evcxr()
    } else if set("EVCXR_RUSTC_WRAPPER") {
        evcxr()
    } else if std::env::args().nth(1).as_deref() == Some("--control_file") {
        let parent = watch::expected_parent();
        // The runtime's parent will be this process.
        // SAFETY: this process has one thread so far.
        unsafe { std::env::set_var(watch::PARENT, std::process::id().to_string()) };
        // The inner kernel, on a leash or, where it is stock evcxr for comparison, without.
        if set(launch::DIRECTORY) {
            leash::wear();
        } else {
            watch::be_killed_with_parent(parent);
        }
        evcxr()
    } else {
        Arguments::parse().command.run()
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
