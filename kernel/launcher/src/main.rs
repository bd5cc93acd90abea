//! `cargo labs`: checks the machine, builds the kernel, and becomes it.
//!
//! Building the kernel takes minutes, so this program looks for problems first: on a machine without a linker or without Python, it says so
//! in seconds. If the kernel is built and nothing has changed since, this program becomes the kernel at once.

mod kernel;
mod progress;
mod python;

use kernel::{Kernel, forget_cargo};
use labs_launcher::checks::{self, Verdict};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[OsString]) -> Result<ExitCode, String> {
    let kernel = Kernel::find()?;
    let command = arguments.first().and_then(|first| first.to_str());
    if command == Some("doctor") {
        if !kernel.program.is_file() {
            return doctor(&kernel);
        }
    } else if !kernel.is_fresh() {
        let found = checks::require(kernel.site(), &[]).map_err(|why| {
            format!("{why}\nNothing was built yet. Fix this, then run the same command again.")
        })?;
        for check in found {
            if check.verdict == Verdict::Warning {
                eprintln!("warning: {}: {}", check.name, check.text);
            }
        }
        let python = python::install(&kernel, command);
        kernel.build(python)?;
    }
    let mut program = Command::new(&kernel.program);
    program.args(arguments);
    forget_cargo(&mut program);
    let error = program.exec();
    Err(format!(
        "{} cannot be run: {error}",
        kernel.program.display()
    ))
}

/// Runs only the launcher's checks, on a machine where the kernel is not built. The kernel has more of them.
fn doctor(kernel: &Kernel) -> Result<ExitCode, String> {
    let found = checks::run(kernel.site(), &[])?;
    let mut out = std::io::stdout().lock();
    let problems = found
        .iter()
        .filter(|check| check.verdict == Verdict::Problem)
        .count();
    for check in &found {
        let _ = writeln!(out, "{check}");
    }
    let _ = writeln!(
        out,
        "warning  Kernel          not built yet: `cargo labs open` builds it, which takes minutes"
    );
    match problems {
        0 => Ok(ExitCode::SUCCESS),
        1 => Err("1 problem stops the labs: see the line above.".into()),
        n => Err(format!("{n} problems stop the labs: see the lines above.")),
    }
}
