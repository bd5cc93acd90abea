//! `evcxr.toml`, the one place that says which crates and which prelude a cell has.

use crate::place::Place;
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The name of the file.
pub const NAME: &str = "evcxr.toml";

/// The configuration that a notebook in `folder` gets: the folder's own, else that of the labs.
pub fn path(folder: &Path, place: &Place) -> PathBuf {
    let own = folder.join(NAME);
    if own.is_file() {
        own
    } else {
        place.notebooks().join(NAME)
    }
}

/// Checks the configuration, so that a broken one gives a sentence. evcxr itself would end without a word.
pub fn check(folder: &Path, place: &Place) -> Result<()> {
    read(&path(folder, place)).map(drop)
}

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("The labs' configuration {} cannot be read", path.display()))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        anyhow!(
            "The labs' configuration is broken: {}, line {line}: {}. Mend that line, or take the file as it was from git.",
            path.display(),
            error.message()
        )
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for (name, dependency) in dependencies(&table) {
        if let Some(crate_path) = dependency.get("path").and_then(Value::as_str)
            && !folder.join(crate_path).join("Cargo.toml").is_file()
        {
            bail!(
                "The labs' configuration {} names the crate {name} at {crate_path}, and there is none. Paths are relative to \
                 the file.",
                path.display()
            );
        }
    }
    Ok(table)
}

fn dependencies(table: &Table) -> impl Iterator<Item = (&String, &Value)> {
    table
        .get("dependencies")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
}

/// The labs' own crates that cells use: their names and their folders.
pub fn crates(place: &Place) -> Result<Vec<(String, PathBuf)>> {
    let table = read(&place.notebooks().join(NAME))?;
    let own = dependencies(&table).filter_map(|(name, dependency)| {
        let path = dependency.get("path").and_then(Value::as_str)?;
        Some((name.clone(), place.notebooks().join(path)))
    });
    own.map(|(name, folder)| Ok((name, folder.canonicalize()?)))
        .collect()
}

/// The folders that a crate of cells is compiled from: its sources and, where its figures move, the scripts for the page.
pub fn sources(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = ["src", "page"].map(|name| folder.join(name));
    folders.into_iter().filter(|folder| folder.is_dir())
}

/// The toolchain that the checkout asks for.
pub fn toolchain(place: &Place) -> Option<String> {
    let text = fs::read_to_string(place.workspace.join("rust-toolchain.toml")).ok()?;
    let table: Table = text.parse().ok()?;
    Some(
        table
            .get("toolchain")?
            .get("channel")?
            .as_str()?
            .to_string(),
    )
}

/// Writes the labs' configuration with absolute paths into `directory`, for notebooks in other folders. Returns the folder that the file is
/// in.
pub fn write_absolute(place: &Place, directory: &Path) -> Result<PathBuf> {
    let mut table = read(&place.notebooks().join(NAME))?;
    let folder = place.notebooks();
    if let Some(dependencies) = table.get_mut("dependencies").and_then(Value::as_table_mut) {
        for (_, dependency) in dependencies.iter_mut() {
            if let Some(Value::String(path)) =
                dependency.as_table_mut().and_then(|d| d.get_mut("path"))
            {
                let absolute = folder.join(&*path).canonicalize()?;
                *path = absolute
                    .to_str()
                    .context("The checkout's path is not UTF-8; move it")?
                    .into();
            }
        }
    }
    let config = directory.join("config");
    fs::create_dir_all(&config)?;
    fs::write(config.join(NAME), table.to_string())?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), text).unwrap();
        read(&folder.path().join(NAME)).unwrap_err().to_string()
    }

    #[test]
    fn a_broken_configuration_is_a_sentence_with_its_line() {
        let error = broken("[dependencies]\nlabsupport = { path = \n");
        assert!(error.contains("evcxr.toml, line 2: "), "{error}");
        assert!(
            broken("[dependencies]\nx = { path = \"nowhere\" }")
                .contains("names the crate x at nowhere")
        );
    }

    #[test]
    fn the_absolute_copy_finds_the_crates_from_anywhere() {
        let place = Place::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = write_absolute(&place, folder.path()).unwrap();
        let table = read(&config.join(NAME)).unwrap();
        let own = crates(&place).unwrap();
        assert_eq!(own.len(), 5);
        for (name, folder) in own {
            let path = table["dependencies"][&name]["path"].as_str().unwrap();
            assert_eq!(Path::new(path), folder);
        }
    }
}
