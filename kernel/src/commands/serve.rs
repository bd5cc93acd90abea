//! `labs serve`: any Jupyter server with a spare kernel beside it.

use super::copy::copy_to;
use crate::place::Place;
use crate::spare::keeper::Keeper;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tokio::signal::unix::{SignalKind, signal};

/// The options of `serve`.
#[derive(Args)]
pub struct Serve {
    /// Copy the labs into this folder first; what is there already stays
    #[arg(long, value_name = "FOLDER")]
    copy_to: Option<PathBuf>,
    /// The server's command, such as `jupyterhub-singleuser`, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl Serve {
    /// Runs the command to its end, with a spare kernel for the notebooks that it opens. Signals to end are passed on.
    pub fn run(self) -> Result<()> {
        // Nothing is made here: an image may be read-only. Without what `setup` makes, kernels start more slowly.
        let place = Place::find()?;
        if let Some(folder) = &self.copy_to {
            copy_to(&place, folder)?;
        }
        let keeper = Keeper::start(&place)?;
        let (variable, address) = keeper.address();
        let program = &self.command[0];
        let mut command = Command::new(program);
        command
            .args(&self.command[1..])
            .env(variable, address)
            .stdin(Stdio::inherit());
        super::end_with_us(&mut command);

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let status = runtime.block_on(async {
            let mut interrupted = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            let mut child = tokio::process::Command::from(command)
                .spawn()
                .with_context(|| format!("{} cannot be started", program.display()))?;
            loop {
                let signal = tokio::select! {
                    status = child.wait() => return anyhow::Ok(status?),
                    _ = interrupted.recv() => libc::SIGINT,
                    _ = terminated.recv() => libc::SIGTERM,
                };
                if let Some(pid) = child.id() {
                    // SAFETY: a signal to a child that was not collected yet.
                    unsafe { libc::kill(pid as i32, signal) };
                }
            }
        })?;
        drop(keeper);
        match status.success() {
            true => Ok(()),
            false => bail!("{} ended with {status}.", program.display()),
        }
    }
}
