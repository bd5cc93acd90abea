//! The extension of Jupyter's server that keeps the spare kernel. It lies inside the environment, beside the kernelspec: so exactly the
//! servers that are started from there have it.

use crate::place::{Place, replace};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The module, which goes where the environment's Python finds it.
pub const MODULE: (&str, &str) = (
    "labs_keeper.py",
    include_str!("../../jupyter/labs_keeper.py"),
);

/// The setting that turns it on, below the environment's folder.
pub const SETTING: (&str, &str) = (
    "etc/jupyter/jupyter_server_config.d/labs.json",
    include_str!("../../jupyter/labs.json"),
);

/// Writes the files that are missing or have changed.
pub fn write(place: &Place) -> Result<()> {
    let venv = place.venv();
    write_one(&packages(&venv)?.join(MODULE.0), MODULE.1)?;
    write_one(&venv.join(SETTING.0), SETTING.1)
}

/// Where the environment's Python has its packages.
fn packages(venv: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(venv.join("lib")).into_iter().flatten();
    let mut packages = versions
        .flatten()
        .map(|version| version.path().join("site-packages"));
    packages
        .find(|packages| packages.is_dir())
        .with_context(|| {
            format!(
                "There are no Python packages in {}. Remove that folder and run `cargo labs setup`",
                venv.display()
            )
        })
}

fn write_one(file: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(file).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    replace(file, text.as_bytes())?;
    // Where the labs are set up for others, they read it too.
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_written_where_python_and_jupyter_look_and_only_once() {
        let home = tempfile::tempdir().unwrap();
        let place = Place {
            workspace: home.path().into(),
            home: home.path().into(),
        };
        let said = write(&place).unwrap_err().to_string();
        assert!(said.contains("run `cargo labs setup`"), "{said}");
        let packages = place.venv().join("lib/python3.12/site-packages");
        fs::create_dir_all(&packages).unwrap();
        write(&place).unwrap();
        let module = packages.join("labs_keeper.py");
        let setting = fs::read(place.venv().join(SETTING.0)).unwrap();
        let setting: serde_json::Value = serde_json::from_slice(&setting).unwrap();
        assert_eq!(
            setting["ServerApp"]["jpserver_extensions"]["labs_keeper"],
            true
        );
        let before = fs::metadata(&module).unwrap();
        write(&place).unwrap();
        assert_eq!(fs::metadata(&module).unwrap().ino(), before.ino());
        fs::write(&module, "older").unwrap();
        write(&place).unwrap();
        assert_eq!(fs::read_to_string(&module).unwrap(), MODULE.1);
    }
}
