//! Smaller sources of the standard library for the kernel's type inference.
//!
//! evcxr reads all of `library/` at every start, of which a large part is for other processors and other systems. A copy
//! without those starts seconds sooner and keeps a hundred megabytes less in memory; what is left out can never be compiled
//! here, so nothing is missed.

use crate::place::Place;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Which compiler the trimmed sources belong to.
const STAMP: &str = "labs-rustc";

/// The trimmed sources, where they were made for this compiler.
pub fn trimmed(place: &Place) -> Option<PathBuf> {
    let stamp = fs::read_to_string(place.rust_src().join(STAMP)).ok()?;
    (stamp == installed(place).ok()?.to_string_lossy()).then(|| place.rust_src().join("library"))
}

/// The toolchain's own `library/`, where its component rust-src is installed.
pub fn installed(place: &Place) -> Result<PathBuf> {
    let output = place
        .rust("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("rustc cannot be run. Install Rust from https://rustup.rs")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let library = sysroot.join("lib/rustlib/src/rust/library");
    if !library.join("std/src/lib.rs").is_file() {
        bail!(
            "The sources of the standard library are missing. Run: rustup component add rust-src"
        );
    }
    Ok(library)
}

/// Makes the trimmed copy.
pub fn make(place: &Place) -> Result<()> {
    let new = place.home.join("rust-src.new");
    let _ = fs::remove_dir_all(&new);
    let installed = installed(place)?;
    copy(&installed, &new.join("library"), Path::new(""))
        .context("The sources of the standard library cannot be copied")?;
    fs::write(new.join(STAMP), installed.to_string_lossy().as_bytes())?;
    let _ = fs::remove_dir_all(place.rust_src());
    fs::rename(&new, place.rust_src())?;
    Ok(())
}

fn copy(from: &Path, to: &Path, inside: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let inside = inside.join(entry.file_name());
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if !left_out(&inside) {
                copy(&entry.path(), &target, &inside)?;
            }
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Whether a folder of `library/` is for another machine or for tests of the library itself.
fn left_out(folder: &Path) -> bool {
    const PROCESSORS: [&str; 15] = [
        "aarch64",
        "arm",
        "arm_shared",
        "hexagon",
        "loongarch32",
        "loongarch64",
        "loongarch_shared",
        "mips",
        "nvptx",
        "powerpc",
        "powerpc64",
        "riscv32",
        "riscv64",
        "riscv_shared",
        "s390x",
    ];
    let parts: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
    match parts[..] {
        ["alloctests" | "coretests"] | [_, "tests" | "benches"] => true,
        ["stdarch", "crates", krate] => krate != "core_arch",
        ["stdarch", "crates", "core_arch", "src", processor] => {
            let own = match std::env::consts::ARCH {
                "aarch64" => ["aarch64", "arm_shared"],
                _ => ["", ""],
            };
            PROCESSORS.contains(&processor) && !own.contains(&processor)
                || processor.starts_with("wasm")
                || processor == "amdgpu"
        }
        ["std", "src", "os", system] => !matches!(system, "fd" | "linux" | "net" | "raw" | "unix"),
        _ => false,
    }
}
