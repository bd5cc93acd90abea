//! Stand-ins for cargo and rustup, with which cells always get the versions that were tested.
//!
//! evcxr compiles a project three ways in one folder: without any crate (its first look), with one crate alone (is there such a
//! one?), and with all crates of the cells. At each of the first two cargo forgets in `Cargo.lock` what that manifest does not need,
//! and later resolves it anew, without the network: it takes the newest versions that the user's downloads happen to hold, whatever
//! program they were for, or fails where it knows of a version that was never downloaded.
//!
//! So an inner kernel has a folder first in its `PATH`, in which `rustup which cargo`, which is what evcxr asks, names a cargo of
//! ours. That is a short script; for cells it runs the toolchain's cargo at once. In a session's directory it keeps
//!
//! | file | what it is |
//! |---|---|
//! | `tested.lock` | the lock file that cells are compiled with: the checkout's, until a cell asks for a crate that is not in it |
//! | `own.lock` | what the first crate of `evcxr.toml` needs; no `:dep` may change a version of these |
//! | `cells.toml` | the last manifest of cells |
//! | `forgotten` | is there when `Cargo.lock` is another manifest's, so that `tested.lock` takes its place before cells are compiled |
//!
//! A crate that a cell asks for is looked for on this machine first, then in the network. So what was lost of the downloads is
//! fetched again at a session's start, too, when evcxr asks about the crates of `evcxr.toml`.

use super::toolchain::Toolchain;
use crate::environment::kernelspec::on_path;
use crate::place::Place;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The scripts, by name.
pub const SCRIPTS: [(&str, &str); 2] = [
    ("cargo", include_str!("stand_in/cargo")),
    ("rustup", include_str!("stand_in/rustup")),
];

/// Puts them into a session's directory; the folder for its `PATH`.
pub fn install(place: &Place, toolchain: &Toolchain, directory: &Path) -> Result<PathBuf> {
    let tools = directory.join("tools");
    let real = tools.join("real");
    fs::create_dir_all(&real)?;
    for name in ["cargo", "rustc"] {
        let program = toolchain.sysroot.join("bin").join(name);
        // A distribution may have cargo elsewhere.
        let program = if program.is_file() {
            program
        } else {
            on_path(name).with_context(|| format!("there is no `{name}`"))?
        };
        symlink(program, real.join(name))?;
    }
    for (name, script) in SCRIPTS {
        let file = tools.join(name);
        fs::write(&file, script)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    let lock = place.workspace.join("Cargo.lock");
    fs::copy(&lock, directory.join("tested.lock"))
        .with_context(|| format!("{} cannot be copied", lock.display()))?;
    Ok(tools)
}
