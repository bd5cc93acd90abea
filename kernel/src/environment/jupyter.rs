//! The Python environment with JupyterLab.

use crate::place::{Place, make_private};
use anyhow::{Error, Result};
use labs_launcher::venv;
use std::path::PathBuf;

fn requirements(place: &Place) -> PathBuf {
    place.notebooks().join("requirements.txt")
}

/// Whether JupyterLab is installed as the requirements say.
pub fn is_fresh(place: &Place) -> bool {
    venv::is_made(&place.venv(), &requirements(place))
}

/// Installs it.
pub fn make(place: &Place) -> Result<()> {
    make_private(&place.home)?;
    venv::make(&place.venv(), &requirements(place)).map_err(Error::msg)
}
