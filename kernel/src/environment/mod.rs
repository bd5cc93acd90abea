//! What a fresh machine needs before a lab can be opened, and the checks that tell whether it is there.

pub mod appendix;
pub mod broker;
pub mod checks;
pub mod extension;
pub mod facts;
pub mod jupyter;
pub mod kernelspec;
pub mod tls;

use crate::place::{Place, in_words, make_private};
use crate::progress::Steps;
use crate::session::{config, rust_src, template};
use anyhow::{Result, bail};

/// Makes whatever is missing or out of date. On a machine that is set up this takes a fraction of a second.
pub fn set_up(place: &Place) -> Result<()> {
    let python = !jupyter::is_fresh(place);
    let sources = !rust_src::is_fresh(place);
    checks::require(place, python)?;
    config::check(&place.notebooks(), place)?;
    if place.is_read_only() {
        return complete(place, python || sources);
    }
    make_private(&place.home)?;
    let server = !broker::is_fresh(place);
    let warm = !template::is_fresh(place)?;
    let mut steps = Steps::new(
        [python, server, sources, warm]
            .into_iter()
            .filter(|&missing| missing)
            .count(),
    );
    if python {
        steps.step(
            "Installing JupyterLab into an environment of its own (about 1 minute)",
            || jupyter::make(place),
        )?;
    }
    if !jupyter::is_given(place) {
        kernelspec::write(place)?;
        extension::write(place)?;
    }
    if server {
        let installed = steps.step("Downloading the message broker of lab 06 (seconds)", || {
            broker::make(place)
        });
        // The other labs do without it.
        if let Err(why) = installed {
            eprintln!("{}", in_words(&format!("warning: {why:#}")));
        }
    }
    if sources {
        steps.step("Copying the standard library's sources (seconds)", || {
            rust_src::make(place)
        })?;
    }
    if warm {
        steps.step(
            "Building what every notebook needs (about 1 minute)",
            || template::make(place),
        )?;
    }
    Ok(())
}

/// Fails if something is missing from a home that this user cannot write to.
fn complete(place: &Place, missing: bool) -> Result<()> {
    if missing || !template::is_fresh(place)? {
        bail!(
            "The folder {} is read-only, and what the labs need is not complete there. Have its owner run `labs setup`, or \
             set LABS_HOME to a folder of your own.",
            place.home.display()
        );
    }
    Ok(())
}
