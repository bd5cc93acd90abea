//! One program, four roles. evcxr starts the program that it runs in again, as the runtime in which cells execute and as a
//! wrapper of rustc, and tells by environment variables which one is meant. So this is looked at before anything else.

use crate::commands::Command;
use crate::front::tap;
use crate::session::{launch, leash};
use crate::watch;
use clap::Parser;
use std::process::ExitCode;

/// Coordination labs: notebooks in Rust that run real processes, measure them and draw what happened.
#[derive(Parser)]
#[command(name = "labs", bin_name = "cargo labs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Finds out which role is meant and plays it.
pub fn run() -> ExitCode {
    let set = |name: &str| std::env::var_os(name).is_some();
    let result = if set("EVCXR_IS_RUNTIME") {
        // Cells run here. A cell that is busy does not notice that the kernel was killed; this thread does.
        watch::end_with_parent();
        tap::open();
        evcxr_jupyter::main()
    } else if set("EVCXR_RUSTC_WRAPPER") {
        evcxr_jupyter::main()
    } else if std::env::args().nth(1).as_deref() == Some("--control_file") {
        // The inner kernel, on a leash or, where it is stock evcxr for comparison, without.
        if set(launch::DIRECTORY) {
            leash::wear();
        } else {
            watch::be_killed_with_parent();
        }
        evcxr_jupyter::main()
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
