//! `labs-bench`: the labs' building blocks beside their peers, measured in turn in one run. `cargo labs bench` starts it; `README.md` says
//! what is measured against what, and how fair that is.

mod bench;
mod contest;
mod cores;
mod dependencies;
mod growth;
mod keeper;
mod parts;
mod peers;
mod python;
mod report;
mod transfer;
mod versions;

use anyhow::Result;
use bench::{Bench, Options};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures the labs beside their peers, in turn in one run, and judges every target.
///
/// A ratio is ours divided by the peer's, in time or in memory: below 1 is better for us.
#[derive(Debug, Parser)]
#[command(name = "labs-bench", bin_name = "cargo labs bench", version)]
pub struct Arguments {
    /// What to measure; everything but `dependencies` and `growth` if nothing is named
    parts: Vec<Part>,
    #[command(flatten)]
    options: Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A look at a shared flag, with and without its lock
    Flag,
    /// Throughput and hand-off latency of the queue
    Queue,
    /// A read from the manager
    Manager,
    /// A message broker: a look, tasks put, claimed and handed on
    Broker,
    /// Starting and joining workers
    Workers,
    /// From setting a flag to the last worker's stop
    Exit,
    /// The notebook kernel: start, cells, figures, memory. Takes some minutes
    Kernel,
    /// What a student meets in a kernel for the first time: errors, panics, an interrupt, Tab. Takes some minutes
    Twice,
    /// What each dependency of labsupport adds to a kernel's first cell. Takes some minutes
    Dependencies,
    /// How cost grows with workers, queue depth, array size and notebooks
    Growth,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match keeper::folder() {
        Some(folder) => measure(&arguments, folder).map(|()| ExitCode::SUCCESS),
        None => keeper::keep(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn measure(arguments: &Arguments, folder: PathBuf) -> Result<()> {
    let all = [
        Part::Flag,
        Part::Queue,
        Part::Manager,
        Part::Broker,
        Part::Workers,
        Part::Exit,
        Part::Kernel,
        Part::Twice,
    ];
    let parts = if arguments.parts.is_empty() {
        &all[..]
    } else {
        &arguments.parts[..]
    };
    let contests = parts.iter().map(|part| part.contests()).sum();
    let mut bench = Bench::new(&arguments.options, folder, contests)?;
    for part in parts {
        match part {
            Part::Flag => parts::flag::run(&mut bench)?,
            Part::Queue => parts::queue::run(&mut bench)?,
            Part::Manager => parts::manager::run(&mut bench)?,
            Part::Broker => parts::broker::run(&mut bench)?,
            Part::Workers => parts::workers::run(&mut bench)?,
            Part::Exit => parts::early_exit::run(&mut bench)?,
            Part::Kernel => parts::kernel::run(&mut bench)?,
            Part::Twice => parts::twice::run(&mut bench)?,
            Part::Dependencies => dependencies::run(&mut bench)?,
            Part::Growth => growth::run(&mut bench)?,
        }
    }
    bench.finish()
}

impl Part {
    /// How many contests the part has, to show how far the run is.
    fn contests(self) -> usize {
        match self {
            Part::Flag => parts::flag::CONTESTS,
            Part::Queue => parts::queue::CONTESTS,
            Part::Manager => parts::manager::contests(),
            Part::Broker => parts::broker::CONTESTS,
            Part::Workers => parts::workers::CONTESTS,
            Part::Exit => parts::early_exit::CONTESTS,
            Part::Kernel => parts::kernel::CONTESTS,
            Part::Twice => parts::twice::CONTESTS,
            Part::Dependencies => dependencies::STEPS,
            Part::Growth => growth::STEPS,
        }
    }
}
