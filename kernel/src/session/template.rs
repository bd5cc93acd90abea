//! The warm template: a compile directory of evcxr with the dependencies built, of which every session gets a copy.
//!
//! A stale template is slow but never wrong: in the copy, cargo builds everything that has changed since.

use super::{config, launch, stand_in, toolchain};
use crate::client::{Connection, Kernel};
use crate::place::{Place, make_private};
use anyhow::{Context, Result, bail};
use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use toml::{Table, Value};

const STAMP: &str = "labs-fingerprint";

/// Whether the template is up to date.
pub fn is_fresh(place: &Place) -> Result<bool> {
    let stamp = fs::read_to_string(place.template().join(STAMP)).unwrap_or_default();
    Ok(stamp == fingerprint(place)?)
}

/// Makes the template, unless another process just did.
pub fn make(place: &Place) -> Result<()> {
    make_private(&place.home)?;
    let folder = place.template();
    let above = folder.parent().context("the template lies in a folder")?;
    make_private(above)?;
    let lock = File::create(above.join("template.lock"))?;
    if lock.try_lock().is_err() {
        eprintln!("Another process builds the same just now; waiting for it …");
        lock.lock()
            .context("Waiting for the process that builds the template failed")?;
    }
    if is_fresh(place)? {
        return Ok(());
    }
    let new = above.join("template.new");
    let _ = fs::remove_dir_all(&new);
    let eval = new.join(launch::EVAL);
    make_private(&eval)?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(async {
            let connection = Connection::new(&new)?;
            let mut inner = launch::inner(place, &new, &connection.file)?;
            // Crates that are not downloaded yet may need the network now.
            inner.env(launch::OFFLINE, "false");
            inner.current_dir(place.notebooks());
            let mut kernel = Kernel::start(inner.into(), connection).await?;
            kernel.ready(Duration::from_secs(900)).await?;
            let warm = kernel.execute("1 + 1", Duration::from_secs(120)).await?;
            if let Some(error) = warm.error() {
                bail!("The first cell failed: {error}");
            }
            kernel.shutdown(false).await
        })
        .context(
            "The warm template cannot be made. `cargo labs doctor` looks for what is missing",
        )?;

    fs::write(eval.join(STAMP), fingerprint(place)?)?;
    let _ = fs::remove_dir_all(&folder);
    fs::rename(&eval, &folder)?;
    let _ = fs::remove_dir_all(&new);
    Ok(())
}

/// Copies the template to `to`, including the times of its files, from which cargo knows that they are up to date. Without a template the
/// session starts cold.
pub fn copy(template: &Path, to: &Path) -> Result<()> {
    if !template.is_dir() {
        return make_private(to);
    }
    let status = Command::new("cp")
        .arg("-a")
        .arg(template.join(".")) // its contents, even if it is a link
        .arg(to)
        .status()
        .context("`cp` cannot be run")?;
    if !status.success() {
        bail!(
            "The template cannot be copied to {}: is the disk full?",
            to.display()
        );
    }
    Ok(())
}

/// The packages of the template that are not in the checkout's lock file: name and version.
pub fn strays(place: &Place) -> Result<Vec<String>> {
    let tested = packages(&place.workspace.join("Cargo.lock"))?;
    let mut built = packages(&place.template().join("Cargo.lock"))?;
    built.retain(|package| !tested.contains(package) && package != "ctx 1.0.0");
    Ok(built)
}

/// The packages that a lock file names.
fn packages(lock: &Path) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let table: Table = text
        .parse()
        .with_context(|| format!("{} is damaged", lock.display()))?;
    let packages = table.get("package").and_then(Value::as_array);
    Ok(packages
        .into_iter()
        .flatten()
        .filter_map(|package| {
            let text = |key: &str| package.get(key).and_then(Value::as_str);
            Some(format!("{} {}", text("name")?, text("version")?))
        })
        .collect())
}

/// A number that changes when anything changes that the template is made from.
pub fn fingerprint(place: &Place) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    compiler(place)?.hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    place.workspace.hash(&mut hasher);
    stand_in::SCRIPTS.hash(&mut hasher);
    let mut files = vec![
        place.workspace.join("Cargo.lock"),
        place.workspace.join("rust-toolchain.toml"),
        place.notebooks().join("evcxr.toml"),
    ];
    for (_, folder) in config::crates(place)? {
        files.push(folder.join("Cargo.toml"));
        for folder in config::sources(&folder) {
            list(&folder, &mut files)?;
        }
    }
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Which compiler it is: where it lies, how large it is, and when it was installed. Asking it for its version takes longer.
fn compiler(place: &Place) -> Result<(PathBuf, u64, i64)> {
    let program = toolchain::find(place)?.sysroot.join("bin/rustc");
    let about = fs::metadata(&program)
        .with_context(|| format!("The compiler {} is not there", program.display()))?;
    Ok((program, about.len(), about.mtime()))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
