//! The program that does TLS for `broker`. Only an address that begins with `rediss://` needs it, and its libraries take a minute to
//! compile. So only `cargo labs setup --with tls` makes it.

use crate::place::Place;
use crate::progress::Steps;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package and its program.
const NAME: &str = "broker-tls";

/// The program, whether it is there or not: beside this one.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().context("This program's own path is not known")?;
    Ok(own.with_file_name(NAME))
}

/// Makes it, unless cargo knows that it is up to date.
pub fn make(place: &Place) -> Result<PathBuf> {
    let program = program()?;
    if !place.workspace.join("broker/tls/Cargo.toml").is_file() {
        // A wheel or an image has the program or not.
        return match program.is_file() {
            true => Ok(program),
            false => bail!(
                "The labs were installed without the program that does TLS, and it can be made only in a checkout: `cargo build --release \
                 --package {NAME}` there makes target/release/{NAME}. Put it beside {}.",
                std::env::current_exe()?.display()
            ),
        };
    }
    let target = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    Steps::new(1).step(
        "Building the program that does TLS (about 1 minute)",
        || {
            let output = Command::new("cargo")
                .args([
                    "build",
                    "--release",
                    "--locked",
                    "--quiet",
                    "--package",
                    NAME,
                ])
                .arg("--target-dir")
                .arg(target)
                .current_dir(&place.workspace)
                .output()
                .context("cargo cannot be run")?;
            if !output.status.success() {
                bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
            }
            Ok(())
        },
    )?;
    Ok(program)
}
