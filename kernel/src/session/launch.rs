//! How an inner kernel is started: evcxr_jupyter in this same program, with everything it may touch in one directory.

use super::{config, rust_src, template};
use crate::place::Place;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// The part of a session's directory in which evcxr compiles.
pub const EVAL: &str = "eval";

/// The command that runs evcxr_jupyter for `connection_file`, with `directory` for its own.
pub fn inner(place: &Place, directory: &Path, connection_file: &Path) -> Result<Command> {
    let program = std::env::current_exe().context("This program's own path is not known")?;
    let mut command = Command::new(program);
    command
        .arg("--control_file")
        .arg(connection_file)
        .env("EVCXR_TMPDIR", directory.join(EVAL))
        // evcxr rewrites a kernelspec called "rust" where it finds one; here it finds none.
        .env("JUPYTER_PATH", directory.join("jupyter"))
        // For a notebook in a folder without an evcxr.toml of its own.
        .env(
            "EVCXR_CONFIG_DIR",
            config::write_absolute(place, directory)?,
        )
        // evcxr prints which configuration it read, which tells nobody anything; and a closed pipe would make it panic.
        .stdout(Stdio::null())
        .kill_on_drop(true);
    // Cells are compiled outside the checkout, where its rust-toolchain.toml does not reach.
    if std::env::var_os("RUSTUP_TOOLCHAIN").is_none()
        && let Some(channel) = config::toolchain(place)
    {
        command.env("RUSTUP_TOOLCHAIN", channel);
    }
    // All that the labs need was downloaded when the template was made, and evcxr's first look at a project without
    // dependencies makes cargo forget its lock file and ask the network again. A cell that wants another crate runs
    // `:env CARGO_NET_OFFLINE=false` before its `:dep`.
    if template::is_fresh(place).unwrap_or(false) {
        command.env("CARGO_NET_OFFLINE", "true");
    }
    if let Some(sources) = rust_src::trimmed(place) {
        command.env("RUST_SRC_PATH", sources);
    }
    Ok(command)
}
