//! One session: what Jupyter starts when a notebook is opened, and what is gone when it is closed.
//!
//! ```text
//! JupyterLab ──► labs kernel (this: the supervisor) ──► labs --control_file (evcxr_jupyter) ──► runtime ──► workers
//!                  │ makes and removes                    │ compiles in
//!                  └────────────► sessions/PID-START ◄────┘
//! ```
//!
//! Every arrow is also a chain of ends: when the left one is gone, however it ended, the right one ends within moments.

pub mod config;
pub mod launch;
pub mod rust_src;
pub mod sweep;
pub mod template;

use crate::place::{Place, make_private};
use crate::watch;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Runs a kernel for the ports and the key in `connection_file` until Jupyter shuts it down, its parent ends, or a SIGTERM
/// comes. Its directory is removed at the end; a SIGKILL leaves it to the next start.
pub fn supervise(connection_file: &Path) -> Result<()> {
    let parent = watch::parent();
    let place = Place::find()?;
    let here = std::env::current_dir().context("The notebook's folder is gone")?;
    config::check(&here, &place)?;
    sweep::sweep(&place.sessions());
    let directory = Directory::make(&place)?;
    let mut inner = launch::inner(&place, &directory.0, connection_file)?;

    // One thread: the child's parent-death signal follows the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        // Jupyter interrupts by message; a Ctrl-C in its terminal is not meant for us.
        let _interrupted = signal(SignalKind::interrupt())?;
        let mut child = inner.spawn().context("The kernel cannot be started")?;
        let ended = tokio::select! {
            status = child.wait() => Some(status?),
            _ = terminated.recv() => None,
            () = orphaned(parent) => None,
        };
        match ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                bail!("The kernel ended with {status}; restart it from the Kernel menu.")
            }
            None => {
                let _ = child.kill().await;
                Ok(())
            }
        }
    })
}

async fn orphaned(parent: i32) {
    while watch::parent() == parent {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A session's directory, removed when dropped.
struct Directory(std::path::PathBuf);

impl Directory {
    fn make(place: &Place) -> Result<Directory> {
        make_private(&place.sessions())?;
        let directory = Directory(place.sessions().join(sweep::own_name()));
        make_private(&directory.0)?;
        template::copy(&place.template(), &directory.0.join(launch::EVAL))?;
        Ok(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A compiler that was just killed may leave one file more while we remove; so look twice.
        for _ in 0..20 {
            match fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => return,
            }
        }
    }
}
