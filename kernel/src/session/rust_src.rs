//! Smaller sources of the standard library for the kernel's type inference.
//!
//! evcxr reads all of `library/` at every start. The largest part of it is for other processors and systems, or declares the vector
//! instructions of this processor one by one. A copy without those starts seconds sooner and keeps a hundred megabytes less in memory. What
//! is left is reduced to what types depend on (`rust_src/strip.rs`). Only the kernel's guess at a variable's type uses it: a cell that uses
//! such an instruction compiles as before, but must state the type itself.

mod strip;

use super::toolchain;
use crate::place::Place;
use anyhow::{Context, Result, bail};
use labs_runtime::directory::{HIDDEN, SHOWN};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The file that says which compiler the trimmed sources belong to, and in which way they were trimmed.
const STAMP: &str = "labs-rustc";
const WAY: &str = "4";

/// The trimmed sources, if they were made for the compiler in `sysroot`.
pub fn trimmed(place: &Place, sysroot: &Path) -> Option<PathBuf> {
    made_from(&library(sysroot), &place.rust_src())
}

/// The sources in `folder`, if they were made from those that are installed.
fn made_from(installed: &Path, folder: &Path) -> Option<PathBuf> {
    let stamp = fs::read_to_string(folder.join(STAMP)).ok()?;
    (stamp == mark(installed)).then(|| folder.join("library"))
}

/// Whether the trimmed sources are there and are those of this compiler.
pub fn is_fresh(place: &Place) -> bool {
    toolchain::find(place).is_ok_and(|found| trimmed(place, &found.sysroot).is_some())
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

fn mark(installed: &Path) -> String {
    format!("{WAY} {}", installed.display())
}

/// The toolchain's own `library/`, where its component rust-src is installed.
pub fn installed(place: &Place) -> Result<PathBuf> {
    let library = library(&toolchain::find(place)?.sysroot);
    if !library.join("std/src/lib.rs").is_file() {
        bail!(
            "The sources of the standard library are missing. Run: rustup component add rust-src"
        );
    }
    Ok(library)
}

/// Prepares `sources` in a session's directory, where evcxr finds nothing yet. Returns the path for evcxr.
///
/// evcxr reads all sources for the first time before it knows of any dependency, only to evaluate `42`, and again when the
/// dependencies come. The first reading serves no purpose, so this lets it find nothing. The runtime, which runs `42` between the two,
/// calls [`show_sources`](labs_runtime::directory::show_sources).
pub fn hide(sources: &Path, directory: &Path) -> Result<PathBuf> {
    let nothing = directory.join("nothing");
    fs::create_dir_all(nothing.join("core"))?; // the one folder that evcxr looks for
    symlink(&nothing, directory.join(SHOWN))?;
    symlink(sources, directory.join(HIDDEN))?;
    Ok(directory.join(SHOWN))
}

/// Makes the trimmed copy.
pub fn make(place: &Place) -> Result<()> {
    make_in(place, &place.rust_src(), strip::strip)
}

/// The same sources with the bodies of functions, to compare with. Makes them if they are missing or belong to another compiler.
pub fn with_bodies(place: &Place) -> Result<PathBuf> {
    let folder = place.home.join("rust-src-with-bodies");
    if let Some(sources) = made_from(&installed(place)?, &folder) {
        return Ok(sources);
    }
    make_in(place, &folder, |source, _| source.into())?;
    Ok(folder.join("library"))
}

fn make_in(place: &Place, folder: &Path, reduce: fn(&str, bool) -> String) -> Result<()> {
    let new = folder.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    let installed = installed(place)?;
    copy(&installed, &new.join("library"), Path::new(""), reduce)
        .context("The sources of the standard library cannot be copied")?;
    // The library itself is enough; the workspace's other members are its tests, and crates that only the compiler uses.
    let manifest = new.join("library/Cargo.toml");
    let mut text = fs::read_to_string(&manifest)?;
    for member in ["sysroot", "coretests", "alloctests"] {
        text = text.replace(&format!("  \"{member}\",\n"), "");
    }
    fs::write(manifest, text)?;
    for (file, text) in STUBS {
        let file = new.join("library").join(file);
        fs::create_dir_all(file.parent().unwrap_or(&new))?;
        fs::write(file, text)?;
    }
    fs::write(new.join(STAMP), mark(&installed))?;
    let _ = fs::remove_dir_all(folder);
    fs::rename(&new, folder)?;
    Ok(())
}

fn copy(from: &Path, to: &Path, inside: &Path, reduce: fn(&str, bool) -> String) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let inside = inside.join(entry.file_name());
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if !is_foreign(&inside) {
                copy(&entry.path(), &target, &inside, reduce)?;
            }
        } else if is_emptied(&inside) {
            // Cargo needs the file to exist, but does not read it. If cargo cannot describe the library's crates, rust-analyzer uses a list
            // of its own, with which it does not find the types of a HashMap.
            File::create(target)?;
        } else if target
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            let source = fs::read_to_string(entry.path())?;
            fs::write(target, reduce(&source, inside.starts_with("core/src/mem")))?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What `core` gets in the place of the parts that are left out.
const STUBS: [(&str, &str); 2] = [
    (
        "stdarch/crates/core_arch/src/mod.rs",
        "#![doc = \"Left out.\"]\npub mod arch {}\n",
    ),
    (
        "portable-simd/crates/core_simd/src/mod.rs",
        "#![doc = \"Left out.\"]\npub mod simd {}\n",
    ),
];

/// Whether a folder of `library/` is for another system, or a package of tests.
fn is_foreign(folder: &Path) -> bool {
    let parts: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
    match parts[..] {
        ["coretests" | "alloctests"] => true,
        ["std", "src", "os", system] => !matches!(system, "fd" | "linux" | "net" | "raw" | "unix"),
        _ => false,
    }
}

/// Whether a file is source that no cell's types need: vector instructions, what the compiler calls by itself, what only the library
/// itself uses, and tests.
fn is_emptied(file: &Path) -> bool {
    const CRATES: [&str; 4] = ["stdarch", "portable-simd", "compiler-builtins", "backtrace"];
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let unneeded = match parts[..] {
        [krate, ..] if CRATES.contains(&krate) => true,
        [_, "tests" | "benches", ..] => true,
        // Cells see this only through private fields of public types. The exceptions are the expansion of `thread_local!` and the number of
        // an error.
        ["std", "src", "sys", part, ..] => !matches!(part, "mod.rs" | "thread_local" | "io"),
        // The code that turns numbers into text and text into numbers, and the tables of letters.
        ["core", "src", "num", "flt2dec", ..] => true,
        ["core", "src", "num", "dec2flt", file] => file != "mod.rs",
        ["core", "src", "num", file] => matches!(file, "bignum.rs" | "diy_float.rs" | "libm.rs"),
        ["core", "src", "unicode", file] => matches!(file, "printable.rs" | "unicode_data.rs"),
        _ => false,
    };
    unneeded && file.extension().is_some_and(|extension| extension == "rs")
}
