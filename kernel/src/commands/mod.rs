//! The commands of `cargo labs`.

mod bench;
mod check;
mod class;
mod copy;
mod doctor;
mod export;
mod keep;
mod limits;
mod nbgrader;
mod open;
mod publish;
mod reset;
mod setup;
mod test;
mod wheel;

use crate::front;
use crate::session::{answers, compile};
use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;

/// The commands that work on the sources of the labs themselves.
pub const IN_A_CHECKOUT: [&str; 4] = ["test", "bench", "publish", "wheel"];

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Opens JupyterLab on the first lab; sets everything up when it is run for the first time
    Open(open::Open),
    /// Makes everything that `open` needs, and stops there
    Setup(setup::Setup),
    /// Runs notebooks on the real kernel; all labs if none is named
    Check(check::Check),
    /// Checks whether this machine has what the labs need, and says what to do
    Doctor,
    /// Copies the labs into a folder; what is there already stays
    Copy(copy::Copy),
    /// Gives a lab back as it was handed out, and keeps the student's as a copy
    Reset(reset::Reset),
    /// Writes what a student has measured, predicted and solved into one file, without a name
    Export(export::Export),
    /// Draws a class: the curves, predictions and exercises of many such files
    Class(class::Class),
    /// Runs all labs and writes them as web pages, for those who only want to look
    Publish(publish::Publish),
    /// Runs every test there is
    Test(test::Test),
    /// Measures the labs beside their peers, in turn in one run, and judges every target
    Bench(bench::Bench),
    /// Makes one file that `pip install` takes: the programs, the labs and what their cells need
    Wheel(wheel::Wheel),
    /// The kernel itself: Jupyter calls this
    #[command(hide = true)]
    Kernel {
        /// The file with the ports and the key
        #[arg(long)]
        connection_file: PathBuf,
    },
    /// The keeper of the spare kernel: an extension of Jupyter's server calls this
    #[command(hide = true)]
    Keep,
    /// Answers a question that only reads: the stand-ins for cargo call this
    #[command(hide = true)]
    Answer {
        /// cargo itself
        cargo: PathBuf,
        /// The session's directory
        session: PathBuf,
        /// The arguments for cargo
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compiles a cell: the stand-in for cargo calls this
    #[command(hide = true)]
    Compile {
        /// cargo itself
        cargo: PathBuf,
        /// The session's directory
        session: PathBuf,
        /// The arguments for cargo
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

impl Command {
    /// Runs the command. Returns the code with which the program is to end.
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Command::Answer {
                cargo,
                session,
                arguments,
            } => return answers::run(&cargo, &session, &arguments),
            Command::Compile {
                cargo,
                session,
                arguments,
            } => return compile::run(&cargo, &session, &arguments),
            Command::Open(open) => open.run(),
            Command::Setup(setup) => setup.run(),
            Command::Check(check) => check.run(),
            Command::Doctor => doctor::run(),
            Command::Copy(copy) => copy.run(),
            Command::Reset(reset) => reset.run(),
            Command::Export(export) => export.run(),
            Command::Class(class) => class.run(),
            Command::Publish(publish) => publish.run(),
            Command::Test(test) => test.run(),
            Command::Bench(bench) => bench.run(),
            Command::Wheel(wheel) => wheel.run(),
            Command::Kernel { connection_file } => front::run(&connection_file),
            Command::Keep => keep::run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
