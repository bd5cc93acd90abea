//! The Python environment with JupyterLab.

use crate::place::{Place, make_private};
use anyhow::{Error, Result};
use labs_launcher::venv;

/// Whether JupyterLab came with the wheel from which the labs were installed, into the same environment, and the kernelspec too.
pub fn is_given(place: &Place) -> bool {
    place
        .environment()
        .is_some_and(|environment| environment == place.venv())
}

/// Whether JupyterLab is installed as the requirements say.
pub fn is_fresh(place: &Place) -> bool {
    is_given(place) || venv::is_made(&place.venv(), &place.requirements())
}

/// Installs it.
pub fn make(place: &Place) -> Result<()> {
    make_private(&place.home)?;
    venv::make(&place.venv(), &place.requirements()).map_err(Error::msg)
}
