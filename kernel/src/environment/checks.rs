//! Looks at the machine: what is there, what is missing, and what to do about it.

use super::{kernelspec, venv};
use crate::place::Place;
use crate::session::{config, rust_src, template};
use anyhow::bail;
use std::fs;
use std::io::ErrorKind;
use std::process::Command;

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// The labs run, but not as they should.
    Warning,
    /// The labs do not run.
    Problem,
}

/// One look: what was looked at, what was found, what to do.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, and what to do about it.
    pub text: String,
}

fn fine(name: &'static str, text: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Fine,
        text: text.into(),
    }
}

fn warning(name: &'static str, text: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Warning,
        text: text.into(),
    }
}

fn problem(name: &'static str, text: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Problem,
        text: text.into(),
    }
}

/// What every cell needs: a compiler, its library's sources, a linker.
fn toolchain(place: &Place) -> Vec<Check> {
    vec![rust(place), sources(place), linker()]
}

/// All looks.
pub fn all(place: &Place) -> Vec<Check> {
    let mut checks = vec![cores(), memory(), shared_memory()];
    checks.extend(toolchain(place));
    checks.extend([
        python(),
        disk(place),
        configuration(place),
        environment(place),
        warm(place),
    ]);
    checks
}

/// Fails with the first thing that must be installed: for cells, and with `to_install` for JupyterLab's environment too.
pub fn require(place: &Place, to_install: bool) -> anyhow::Result<()> {
    let mut checks = toolchain(place);
    if to_install {
        checks.push(python());
    }
    match checks
        .into_iter()
        .find(|check| check.verdict == Verdict::Problem)
    {
        Some(check) => bail!("{}: {}", check.name, check.text),
        None => Ok(()),
    }
}

/// The first line that `command` prints; where it cannot be run or fails, a sentence that says why.
pub fn first_line(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no `{name}`"),
        _ => format!("`{name}` cannot be run ({error})"),
    })?;
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        text.lines().map(str::to_string).collect()
    };
    if !output.status.success() {
        let said = lines(&output.stderr)
            .into_iter()
            .find(|line| line.contains(' '));
        return Err(match said {
            Some(said) => format!("`{name}` fails and says: {said}"),
            None => format!("`{name}` fails ({})", output.status),
        });
    }
    Ok(lines(&output.stdout).into_iter().next().unwrap_or_default())
}

fn rust(place: &Place) -> Check {
    const NAME: &str = "Rust";
    let rustc = first_line(place.rust("rustc").arg("--version"));
    match rustc.and_then(|rustc| {
        first_line(place.rust("cargo").arg("--version"))?;
        Ok(rustc)
    }) {
        Ok(rustc) => fine(NAME, rustc),
        Err(why) => problem(
            NAME,
            format!("{why}. Rust is installed from https://rustup.rs"),
        ),
    }
}

fn sources(place: &Place) -> Check {
    const NAME: &str = "Rust's sources";
    match rust_src::installed(place) {
        Ok(_) => fine(NAME, "rust-src is installed"),
        Err(error) => problem(NAME, error.to_string()),
    }
}

fn linker() -> Check {
    const NAME: &str = "C linker";
    match first_line(Command::new("cc").arg("--version")) {
        Ok(version) => fine(NAME, version),
        Err(why) => problem(
            NAME,
            format!(
                "{why}, and rustc links with it. On Debian and Ubuntu: sudo apt install gcc libc6-dev; on Fedora: sudo dnf \
                 install gcc"
            ),
        ),
    }
}

fn python() -> Check {
    const NAME: &str = "Python";
    let version = first_line(venv::python("python3").args([
        "-c",
        "import sys; print('.'.join(map(str, sys.version_info[:3])) + ('' if sys.version_info >= (3, 10) else ' old'))",
    ]));
    let version = match version {
        Ok(version) => version,
        Err(why) => {
            return problem(
                NAME,
                format!(
                    "{why}, and JupyterLab runs on it. On Debian and Ubuntu: sudo apt install python3 python3-venv"
                ),
            );
        }
    };
    if version.ends_with(" old") {
        return problem(
            NAME,
            format!("Python {version}: JupyterLab needs 3.10 or newer. Install one as python3"),
        );
    }
    match first_line(venv::python("python3").args(["-c", "import ensurepip, venv; print('ok')"])) {
        Ok(_) => fine(NAME, format!("{version}, with venv")),
        Err(_) => problem(
            NAME,
            format!(
                "Python {version} cannot make environments: its modules venv and ensurepip are missing. On Debian and Ubuntu: \
                 sudo apt install python3-venv"
            ),
        ),
    }
}

fn cores() -> Check {
    const NAME: &str = "Cores";
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    match cores {
        1 => warning(
            NAME,
            "1 core: workers take turns, so races show rarely; every lab has a forced version that shows them",
        ),
        cores => fine(NAME, format!("{cores} cores may be used")),
    }
}

/// What stands behind `key` in the first line of `file` that begins with it.
pub fn fact(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().to_string())
}

/// A number as the system writes it, with or without its ` kB`.
pub fn number(fact: &str) -> Option<u64> {
    fact.trim_end_matches(" kB").parse().ok()
}

/// Bytes as GiB or MiB.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= 10 * 1024 * MIB {
        format!("{} GiB", bytes / (1024 * MIB))
    } else if bytes >= 1024 * MIB {
        format!("{:.1} GiB", bytes as f64 / (1024 * MIB) as f64)
    } else {
        format!("{} MiB", bytes / MIB)
    }
}

fn memory() -> Check {
    const NAME: &str = "Memory";
    let line = |file: &str, key: &str| number(&fact(file, key)?);
    let available = line("/proc/meminfo", "MemAvailable:").map_or(u64::MAX, |kib| kib * 1024);
    // In a container its own limit counts, not the host's memory.
    let limit = line("/sys/fs/cgroup/memory.max", "")
        .or_else(|| line("/sys/fs/cgroup/memory/memory.limit_in_bytes", ""));
    let left = available.min(limit.unwrap_or(u64::MAX));
    let text = format!("{} may be used; a notebook needs about 1 GiB", size(left));
    if left < 1 << 30 {
        warning(
            NAME,
            text + ": close other programs, or give the container more",
        )
    } else {
        fine(NAME, text)
    }
}

/// Total and free bytes of the file system at `path`.
fn space(path: &str) -> Option<(u64, u64)> {
    let path = std::ffi::CString::new(path).ok()?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: a C string and a pointer to a live local of the right type; it was zeroed, and any bits are a valid statvfs.
    let stat = unsafe {
        if libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) != 0 {
            return None;
        }
        stat.assume_init()
    };
    Some((stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize))
}

fn shared_memory() -> Check {
    const NAME: &str = "Shared memory";
    match space("/dev/shm") {
        None => problem(
            NAME,
            "there is no /dev/shm. In a container: docker run --shm-size=1g",
        ),
        Some((total, free)) => {
            let text = format!("/dev/shm has {}, {} free", size(total), size(free));
            if free < 16 << 20 {
                warning(
                    NAME,
                    text + ": remove old files there, or give the container more (docker run --shm-size=1g)",
                )
            } else {
                fine(NAME, text)
            }
        }
    }
}

fn disk(place: &Place) -> Check {
    const NAME: &str = "Disk";
    // The folder may not be there yet.
    let there = place.home.ancestors().find(|folder| folder.is_dir());
    match there.and_then(|folder| space(folder.to_str()?)) {
        Some((_, free)) if free < 2 << 30 => warning(
            NAME,
            format!(
                "{} are free; the labs need about 2 GiB: make room or set LABS_HOME",
                size(free)
            ),
        ),
        Some((_, free)) => fine(NAME, format!("{} are free", size(free))),
        None => warning(NAME, "how much is free cannot be seen"),
    }
}

fn configuration(place: &Place) -> Check {
    const NAME: &str = "Configuration";
    match config::check(&place.notebooks(), place) {
        Ok(()) => fine(NAME, "notebooks/evcxr.toml reads well"),
        Err(error) => problem(NAME, format!("{error:#}")),
    }
}

fn environment(place: &Place) -> Check {
    const NAME: &str = "JupyterLab";
    if venv::is_fresh(place) && kernelspec::folder(place).join("kernel.json").is_file() {
        fine(NAME, "installed, with the kernel")
    } else {
        warning(
            NAME,
            "not set up yet: `cargo labs setup` or `cargo labs open` does it",
        )
    }
}

fn warm(place: &Place) -> Check {
    const NAME: &str = "Warm template";
    match template::is_fresh(place) {
        Ok(true) => match template::strays(place) {
            Ok(strays) if strays.is_empty() => fine(NAME, "built, with the versions of Cargo.lock"),
            Ok(strays) => problem(
                NAME,
                format!(
                    "built with {}, and Cargo.lock has another version: remove {} and run `cargo labs setup`",
                    strays.join(", "),
                    place.template().display()
                ),
            ),
            Err(error) => warning(NAME, format!("{error:#}")),
        },
        Ok(false) => warning(
            NAME,
            "missing or out of date: `cargo labs setup` or `cargo labs open` builds it",
        ),
        Err(error) => warning(NAME, format!("{error:#}")),
    }
}
