//! The program `labs`: see the library of the same name.

use clap::{CommandFactory, FromArgMatches, Parser};
use labs::commands::{Command, IN_A_CHECKOUT};
use labs::place;
use labs::session::compile;
use std::process::ExitCode;

/// Coordination labs: notebooks in Rust that run real processes, measure them and draw what happened.
#[derive(Parser)]
#[command(name = "labs", bin_name = "cargo labs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    if let Some(code) = compile::as_wrapper() {
        return code;
    }
    let mut arguments = Arguments::command();
    if place::is_from_wheel() {
        arguments = arguments.bin_name("labs");
        for name in IN_A_CHECKOUT {
            arguments = arguments.mut_subcommand(name, |command| command.hide(true));
        }
    }
    let arguments = match Arguments::from_arg_matches(&arguments.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match arguments.command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", place::in_words(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
