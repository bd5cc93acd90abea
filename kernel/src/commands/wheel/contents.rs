//! What is in a wheel: in `NAME.data/scripts` what goes into the environment's `bin`, in `NAME.data/data` what goes below its
//! `sys.prefix`, in `NAME.dist-info` what pip asks.
//!
//! ```text
//! bin/labs, bin/labs-evcxr    and bin/labs-broker, the message broker's server; bin/broker-tls if setup has made it
//! share/labs/                   what the programs take for the checkout (src/place.rs)
//!     labsupport/ and others    the crates of cells as source, without tests; the student's machine compiles them
//!     notebooks/, data/         with solutions, evcxr.toml and the pinned versions of JupyterLab
//!     Cargo.toml, Cargo.lock, rust-toolchain.toml, deploy/doctor.sh
//! share/jupyter/kernels/rust/   so that JupyterLab there has the kernel, whoever starts it
//! etc/jupyter/, labs_keeper.py  so that it keeps a spare one
//! share/jupyter/labextensions/  so that its pages show knobs
//! ```

use crate::environment::{extension, kernelspec};
use crate::place::{BROKER, INSTALLED, Place, WHEEL_FILE, notebooks_in, without_cargo};
use crate::session::config;
use anyhow::{Context, Result, bail};
use labs_launcher::broker;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::{Table, Value};

const NAME: &str = "coordination-labs";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files that are copied as they are, beside the crates of cells and the notebooks.
const FILES: [&str; 17] = [
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "data/README.md",
    "data/python_baseline.py",
    "data/reference/python-3.11-2-cores.json",
    "data/transactions.csv",
    "deploy/doctor.sh",
    "notebooks/broker.txt",
    "notebooks/evcxr.toml",
    "notebooks/peers/celery_lab.py",
    "notebooks/peers/celery_worker.py",
    "notebooks/peers/kafka_consumer.py",
    "notebooks/peers/kafka_lab.py",
    "notebooks/peers/requirements.txt",
    "notebooks/peers/supervisor.py",
    "notebooks/requirements.txt",
];

/// The licence of the message broker's server.
const BROKER_LICENSE: &str = "LICENSE-VALKEY";

/// Where a program is from the folder of the kernelspec. Jupyter puts in that folder's name.
const KERNEL: &str = "{resource_dir}/../../../../bin/labs";

/// Lays out the wheel in the new folder `to`.
pub(super) fn lay_out(place: &Place, programs: &[PathBuf], to: &Path) -> Result<()> {
    let base = format!("{}-{VERSION}", NAME.replace('-', "_"));
    let data = to.join(format!("{base}.data"));
    for program in programs {
        strip(program, &data.join("scripts"))?;
    }

    let server = data.join("scripts").join(BROKER);
    fs::copy(place.broker(), &server)
        .with_context(|| format!("{} cannot be copied", place.broker().display()))?;

    let labs = data.join("data").join(INSTALLED);
    let copy = |name: &str| bring(&place.workspace.join(name), &labs.join(name));
    for name in FILES {
        copy(name)?;
    }
    let crates: Vec<String> = (config::crates(place)?.into_iter().map(|(name, _)| name)).collect();
    for name in &crates {
        copy(&format!("{name}/Cargo.toml"))?;
        for folder in config::sources(&place.workspace.join(name)) {
            let to = folder.strip_prefix(&place.workspace)?;
            bring_sources(&folder, &labs.join(to))?;
        }
    }
    for folder in ["notebooks", "notebooks/solutions"] {
        for notebook in notebooks_in(&place.workspace.join(folder))? {
            let name = notebook.file_name().context("a file has a name")?;
            bring(&notebook, &labs.join(folder).join(name))?;
        }
    }
    let read = |name: &str| -> Result<Table> {
        let file = place.workspace.join(name);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(text.parse()?)
    };
    write(
        &labs.join("Cargo.toml"),
        &workspace(read("Cargo.toml")?, &crates).to_string(),
    )?;
    write(
        &labs.join("rust-toolchain.toml"),
        &toolchain(read("rust-toolchain.toml")?).to_string(),
    )?;
    write(
        &labs.join(WHEEL_FILE),
        &format!(
            "{NAME} {VERSION}, as `pip install` has put it here. Nothing is ever written into this folder.\n"
        ),
    )?;
    let kernel = data.join("data/share/jupyter/kernels/rust");
    fs::create_dir_all(&kernel)?;
    kernelspec::write_to(&kernel, KERNEL, Default::default())?;

    write(&to.join(extension::MODULE.0), extension::MODULE.1)?;
    for (file, text) in [extension::SETTING].iter().chain(&extension::PAGE) {
        write(&data.join("data").join(file), text)?;
    }

    let about = to.join(format!("{base}.dist-info"));
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        bring(
            &place.workspace.join(license),
            &about.join("licenses").join(license),
        )?;
    }
    bring(
        &place.broker_folder().join(broker::LICENSE),
        &about.join("licenses").join(BROKER_LICENSE),
    )?;
    let requirements = fs::read_to_string(place.requirements())?;
    write(&about.join("METADATA"), &metadata(&requirements))?;
    write(
        &about.join("WHEEL"),
        &format!(
            "Wheel-Version: 1.0\nGenerator: labs {VERSION}\nRoot-Is-Purelib: false\nTag: py3-none-linux_{}\n",
            std::env::consts::ARCH
        ),
    )?;
    readable(to)
}

/// The program without its symbols, which are larger than all the rest of it.
fn strip(program: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let name = program.file_name().context("a file has a name")?;
    let status = Command::new("strip")
        .arg("-o")
        .args([&folder.join(name), program])
        .status()
        .context("`strip` cannot be run. It comes with the C linker, in the package binutils")?;
    if !status.success() {
        bail!("`strip` fails for {}.", program.display());
    }
    Ok(())
}

/// Copies a file. Text says `labs` where the checkout says `cargo labs`.
fn bring(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
    match String::from_utf8(bytes) {
        Ok(text) => write(to, &without_cargo(&text)),
        Err(_) => bail!(
            "{} is not text, and nothing else is expected there.",
            from.display()
        ),
    }
}

/// Copies the sources of a crate without their tests.
fn bring_sources(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "tests" || name == "tests.rs" {
            continue;
        }
        let target = to.join(name);
        if entry.file_type()?.is_dir() {
            bring_sources(&entry.path(), &target)?;
        } else {
            bring(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// The workspace with the crates of cells alone. They inherit from it; the profiles are the kernel's.
fn workspace(mut manifest: Table, crates: &[String]) -> Table {
    manifest.remove("profile");
    if let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) {
        workspace.insert("members".into(), crates.to_vec().into());
        workspace.remove("exclude");
    }
    manifest
}

/// The toolchain without the components that only developers of the labs need.
fn toolchain(mut file: Table) -> Table {
    if let Some(toolchain) = file.get_mut("toolchain").and_then(Value::as_table_mut) {
        toolchain.insert("components".into(), vec![Value::from("rust-src")].into());
    }
    file
}

/// The metadata for pip. It cannot contain hashes; the requirements with their hashes are in `share/labs/notebooks`.
fn metadata(requirements: &str) -> String {
    let mut text = format!(
        "Metadata-Version: 2.4\nName: {NAME}\nVersion: {VERSION}\n\
         Summary: Notebooks in Rust that run real worker processes, measure them and draw what happened\n\
         License-Expression: (MIT OR Apache-2.0) AND BSD-3-Clause\nLicense-File: LICENSE-APACHE\nLicense-File: LICENSE-MIT\nLicense-File: {BROKER_LICENSE}\n\
         Classifier: Operating System :: POSIX :: Linux\nClassifier: Private :: Do Not Upload\nRequires-Python: >=3.10\n"
    );
    let is_pin = |line: &&str| line.contains("==") && !line.trim_start().starts_with('#');
    for line in requirements.lines().filter(is_pin) {
        let pin = line.trim_end_matches('\\').trim_end();
        text += &format!("Requires-Dist: {pin}\n");
    }
    text
}

/// Lets everybody read all files, whatever this process's mask is, because pip keeps the files' modes.
fn readable(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            readable(&path)?;
            continue;
        }
        let is_program = path
            .parent()
            .is_some_and(|above| above.ends_with("scripts"));
        let mode = if is_program { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_told_each_version_and_for_which_python() {
        let text = metadata(
            "# made from==this\nanyio==4.16 \\\n    --hash=sha256:00\n    # via\ntornado==6.5 ; python_full_version < '3.11' \\\n    --hash=sha256:00\n",
        );
        let wanted: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("Requires-Dist"))
            .collect();
        assert_eq!(
            wanted,
            [
                "Requires-Dist: anyio==4.16",
                "Requires-Dist: tornado==6.5 ; python_full_version < '3.11'"
            ]
        );
        assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    }

    #[test]
    fn the_manifests_name_what_is_there() {
        let checkout = Place::find().unwrap().workspace;
        let read = |name: &str| -> Table {
            fs::read_to_string(checkout.join(name))
                .unwrap()
                .parse()
                .unwrap()
        };
        let manifest = workspace(read("Cargo.toml"), &["labsupport".into()]);
        let about = &manifest["workspace"];
        assert_eq!(about["members"].as_array().unwrap(), &["labsupport".into()]);
        assert_eq!(about["package"]["version"].as_str(), Some(VERSION));
        assert!(manifest.get("profile").is_none());
        let own = toolchain(read("rust-toolchain.toml"));
        assert_eq!(
            own["toolchain"]["channel"],
            read("rust-toolchain.toml")["toolchain"]["channel"]
        );
        assert_eq!(
            own["toolchain"]["components"].as_array().unwrap(),
            &["rust-src".into()]
        );
    }
}
