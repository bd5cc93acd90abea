//! The Rust toolchain that the checkout asks for.

use crate::place::Place;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where the toolchain is.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The folder with all of it.
    pub sysroot: PathBuf,
    /// The folder with the standard library as a shared library. Cells are shared libraries too, and need it when they are loaded.
    pub libraries: PathBuf,
}

impl Toolchain {
    /// The full name under which rustup has it, if rustup has it. A channel such as `1.95.0` is rustup's name for the same, but cargo looks
    /// for a folder of that name, and if there is none, it asks the compiler about itself at each call.
    pub fn name(&self) -> Option<String> {
        let folder = self.sysroot.parent()?;
        let name = self.sysroot.file_name()?.to_str()?;
        (folder.file_name()? == "toolchains").then(|| name.to_string())
    }
}

/// Finds it. Each process asks only once, because rustup takes its time.
pub fn find(place: &Place) -> Result<Toolchain> {
    static FOUND: OnceLock<Toolchain> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let output = place
        .rust("rustc")
        .args(["--print", "sysroot", "--print", "target-libdir"])
        .output()
        .context("rustc cannot be run. Install Rust from https://rustup.rs")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut lines = said.lines().map(PathBuf::from);
    let (Some(sysroot), Some(libraries)) = (lines.next(), lines.next()) else {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!(
            "rustc does not say where it is: {}",
            why.trim().lines().next().unwrap_or("it says nothing")
        );
    };
    Ok(FOUND
        .get_or_init(|| Toolchain { sysroot, libraries })
        .clone())
}
