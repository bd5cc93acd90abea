//! The message broker's server, which lab 06 starts. The other labs do without it.

use crate::place::{Place, make_private};
use anyhow::{Error, Result};
use labs_launcher::broker;
use std::path::Path;

/// Whether the server came with the wheel from which the labs were installed.
pub fn is_given(place: &Place) -> bool {
    place.broker().is_file() && !place.broker().starts_with(place.broker_folder())
}

/// Whether the server is installed, in the version that the requirements name.
pub fn is_fresh(place: &Place) -> bool {
    is_given(place) || broker::is_made(&place.broker_folder(), &place.broker_requirements())
}

/// Installs it, with the pip of JupyterLab's environment.
pub fn make(place: &Place) -> Result<()> {
    make_with(place, &place.venv())
}

/// Installs it, with the pip of the environment `venv`.
pub fn make_with(place: &Place, venv: &Path) -> Result<()> {
    make_private(&place.home)?;
    broker::make(&place.broker_folder(), venv, &place.broker_requirements()).map_err(Error::msg)
}
