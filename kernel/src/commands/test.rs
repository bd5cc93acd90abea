//! `cargo labs test`: every test there is, step by step.

use crate::environment;
use crate::place::Place;
use anyhow::{Result, bail};
use clap::Args;
use std::process::Command;
use std::time::Instant;

/// The options of `test`.
#[derive(Args)]
pub struct Test {
    /// Only the steps whose name contains this word
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
}

/// A name, and a program with its arguments.
///
/// The kernel's tests are built like the kernel itself, in release: evcxr takes minutes to build and is built once. clippy
/// leaves the kernel out for the same reason: it would check all of evcxr anew.
const STEPS: [(&str, &[&str]); 9] = [
    ("format", &["cargo", "fmt", "--all", "--check"]),
    (
        "lint",
        &[
            "cargo",
            "clippy",
            "--package",
            "labsupport",
            "--package",
            "labs-data",
            "--package",
            "labs-bench",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    (
        "documentation",
        &["cargo", "doc", "--package", "labsupport", "--no-deps"],
    ),
    ("labsupport", &["cargo", "test", "--package", "labsupport"]),
    ("data", &["cargo", "test", "--package", "labs-data"]),
    // Whether it measures at all; how fast things are is asked with `cargo labs bench`.
    ("bench", &["cargo", "test", "--package", "labs-bench"]),
    (
        "kernel",
        &["cargo", "test", "--release", "--package", "labs"],
    ),
    // Runs every lab, and makes the pages that the browser looks at.
    ("notebooks", &["cargo", "labs", "publish"]),
    (
        "browser",
        &["cargo", "test", "--release", "--package", "labs-browser"],
    ),
];

impl Test {
    /// Runs the steps, all of them even if one fails, and ends with a line that counts them.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        environment::set_up(&place)?;
        let wanted = |name: &str| {
            self.only
                .as_ref()
                .is_none_or(|word| name.contains(word.as_str()))
        };
        let mut results = Vec::new();
        for (name, step) in STEPS.iter().filter(|(name, _)| wanted(name)) {
            println!("\n── {name}: {}", step.join(" "));
            let start = Instant::now();
            let mut command = Command::new(step[0]);
            command
                .args(&step[1..])
                .current_dir(&place.workspace)
                .env("RUSTDOCFLAGS", "--deny warnings");
            super::forget_cargo(&mut command);
            let status = command.status();
            let passed = status.is_ok_and(|status| status.success());
            results.push((name, passed, start.elapsed()));
        }
        println!();
        for (name, passed, elapsed) in &results {
            let verdict = if *passed { "ok    " } else { "FAILED" };
            println!("{verdict}  {name:<14} {:>6.1} s", elapsed.as_secs_f64());
        }
        let failed = results.iter().filter(|(_, passed, _)| !passed).count();
        println!(
            "\nsteps: {} passed, {failed} failed",
            results.len() - failed
        );
        match failed {
            0 if results.is_empty() => bail!("No step's name contains that word."),
            0 => Ok(()),
            _ => bail!("The steps marked FAILED above did not pass."),
        }
    }
}
