use std::path::PathBuf;

/// The folder `data` of these labs, or the folder that the environment variable `LABS_DATA` names.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// assert!(data_folder().join("transactions.csv").exists());
/// ```
pub fn data_folder() -> PathBuf {
    let committed = || concat!(env!("CARGO_MANIFEST_DIR"), "/../data").into();
    PathBuf::from(std::env::var_os("LABS_DATA").unwrap_or_else(committed))
}
