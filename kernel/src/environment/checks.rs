//! Checks of the machine and of the things that the labs have made on it. The launcher has the checks that need nothing of the kernel.

use super::{broker, jupyter, kernelspec};
use crate::place::Place;
use crate::session::{config, template};
use anyhow::{Error, Result};
use labs_launcher::checks as machine;
pub use labs_launcher::checks::{Check, Verdict};
use labs_launcher::site::Site;
use std::path::Path;

/// The launcher's checks that still matter once the program exists. Those for the downloads of the first start do not.
const MACHINE: [&str; 8] = [
    "cores",
    "memory",
    "shared_memory",
    "rust",
    "sources",
    "linker",
    "python",
    "disk",
];

fn check(name: &str, verdict: Verdict, text: impl Into<String>) -> Check {
    Check {
        name: name.into(),
        verdict,
        text: text.into(),
    }
}

fn fine(name: &str, text: impl Into<String>) -> Check {
    check(name, Verdict::Fine, text)
}

fn warning(name: &str, text: impl Into<String>) -> Check {
    check(name, Verdict::Warning, text)
}

fn problem(name: &str, text: impl Into<String>) -> Check {
    check(name, Verdict::Problem, text)
}

/// Runs all checks.
pub fn all(place: &Place) -> Result<Vec<Check>> {
    let program = std::env::current_exe()?;
    let mut names = MACHINE.to_vec();
    if jupyter::is_given(place) {
        names.retain(|name| *name != "python"); // no Python environment has to be made
    }
    let mut checks = machine::run(site(place, &program), &names).map_err(Error::msg)?;
    checks.extend([
        configuration(place),
        environment(place),
        message_broker(place),
        warm(place),
    ]);
    Ok(checks)
}

/// Fails if something is missing that must be installed: for cells, and with `to_install` for JupyterLab's environment too. Mends what it
/// can mend without asking.
pub fn require(place: &Place, to_install: bool) -> Result<()> {
    let toolchain = ["rust", "sources", "linker", "python"];
    let wanted = if to_install { 4 } else { 3 };
    let program = std::env::current_exe()?;
    machine::require(site(place, &program), &toolchain[..wanted]).map_err(Error::msg)?;
    Ok(())
}

fn site<'a>(place: &'a Place, program: &'a Path) -> Site<'a> {
    Site {
        workspace: &place.workspace,
        home: &place.home,
        program,
    }
}

fn configuration(place: &Place) -> Check {
    const NAME: &str = "Configuration";
    match config::check(&place.notebooks(), place) {
        Ok(()) => fine(NAME, "notebooks/evcxr.toml reads well"),
        Err(error) => problem(NAME, format!("{error:#}")),
    }
}

fn environment(place: &Place) -> Check {
    const NAME: &str = "JupyterLab";
    if jupyter::is_fresh(place) && kernelspec::folder(place).join("kernel.json").is_file() {
        fine(NAME, "installed, with the kernel")
    } else {
        warning(
            NAME,
            "not set up yet: `cargo labs setup` or `cargo labs open` does it",
        )
    }
}

/// Only lab 06 needs it.
fn message_broker(place: &Place) -> Check {
    const NAME: &str = "Message broker";
    let of_the_system = ["valkey-server", "redis-server"]
        .iter()
        .find_map(|program| kernelspec::on_path(program));
    match of_the_system {
        _ if broker::is_fresh(place) => fine(NAME, "installed, for lab 06"),
        Some(program) => fine(NAME, format!("{}, for lab 06", program.display())),
        None => warning(
            NAME,
            "not installed, and lab 06 needs it: `cargo labs setup` downloads it; or `apt install redis-server`",
        ),
    }
}

fn warm(place: &Place) -> Check {
    const NAME: &str = "Warm template";
    match template::is_fresh(place) {
        Ok(true) => match template::strays(place) {
            Ok(strays) if strays.is_empty() => fine(NAME, "built, with the versions of Cargo.lock"),
            Ok(strays) => problem(
                NAME,
                format!(
                    "built with {}, and Cargo.lock has another version: remove {} and run `cargo labs setup`",
                    strays.join(", "),
                    place.template().display()
                ),
            ),
            Err(error) => warning(NAME, format!("{error:#}")),
        },
        Ok(false) => warning(
            NAME,
            "missing or out of date: `cargo labs setup` or `cargo labs open` builds it",
        ),
        Err(error) => warning(NAME, format!("{error:#}")),
    }
}
