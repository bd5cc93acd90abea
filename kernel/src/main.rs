//! The program `labs`: see the library of the same name.

use clap::Parser;
use labs::commands::Command;
use std::process::ExitCode;

/// Coordination labs: notebooks in Rust that run real processes, measure them and draw what happened.
#[derive(Parser)]
#[command(name = "labs", bin_name = "cargo labs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
