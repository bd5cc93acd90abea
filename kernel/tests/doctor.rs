//! What `labs doctor` and `labs setup` say on a machine that lacks something. The launcher's tests cover the checks of the machine itself,
//! which it has too.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap()
}

/// A folder with the tools that the labs need, less `without`: the whole search path of the doctor.
fn tools(without: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for tool in [
        "rustc", "cargo", "cc", "python3", "sh", "bash", "cat", "df", "readlink", "dirname", "env",
        "nproc",
    ] {
        if tool != without {
            symlink(which(tool), folder.path().join(tool)).unwrap();
        }
    }
    folder
}

fn script(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    let _ = fs::remove_file(&file);
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What the doctor says with `path` for a search path, and whether it found a problem.
fn doctor(path: &Path) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .arg("doctor")
        .env("PATH", path)
        .output()
        .unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        !output.status.success(),
    )
}

#[test]
fn a_machine_with_everything_has_no_problem() {
    let folder = tools("");
    script(folder.path(), "python3", "echo ok 3.11");
    let (said, failed) = doctor(folder.path());
    assert!(!failed, "{said}");
    for name in [
        "Cores",
        "Memory",
        "Shared memory",
        "Rust",
        "C linker",
        "Python",
        "Disk",
        "Configuration",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

/// Each thing that a student's machine may lack, hidden in turn from a machine that has it.
#[test]
fn setup_stops_with_the_same_sentence() {
    let no_sources = tempfile::tempdir().unwrap();
    let rustc = format!(
        "case $* in *sysroot*) echo {};; *) exec {} \"$@\";; esac",
        no_sources.path().display(),
        which("rustc").display()
    );
    let python = "case $* in *ensurepip*) exit 1;; *) echo 3.11.2;; esac";
    for (hidden, stand_in, expected) in [
        ("cc", None, "C linker: there is no `cc`"),
        ("rustc", Some(rustc), "Rust's sources: rust-src is missing"),
        (
            "python3",
            Some(python.to_string()),
            "its modules venv and ensurepip are missing",
        ),
    ] {
        let folder = tools(hidden);
        if let Some(text) = stand_in {
            script(folder.path(), hidden, &text);
        }
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_labs"))
            .arg("setup")
            .env("PATH", folder.path())
            .env("LABS_HOME", home.path().join("new"))
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(expected), "{said}");
        // It stopped before it made anything. A folder for downloading the sources does not count.
        for made in ["venv", "rust-src", "template"] {
            assert!(!home.path().join("new").join(made).exists(), "{made}");
        }
    }
}

#[test]
fn without_a_browser_its_tests_are_skipped_with_what_to_do() {
    crate::common::home(); // so that nothing is made here
    let folder = tools("");
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["test", "--only", "browser"])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let skipped =
        "skipped  browser            to run it: `sh deploy/doctor.sh browser` names the packages";
    assert!(said.contains(skipped), "{said}");
    assert!(
        said.ends_with("\nsteps: 1 passed, 0 failed, 1 skipped\n"),
        "{said}"
    );
}

/// What `labs` says with these settings when it fails.
fn refused(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(arguments)
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{settings:?}: {output:?}");
    [output.stdout, output.stderr]
        .map(|said| String::from_utf8(said).unwrap())
        .concat()
}

#[test]
fn settings_of_the_labs_that_make_no_sense_are_sentences() {
    for (name, value, expected) in [
        (
            "LABS_WORKSPACE",
            "/nowhere",
            "there is no /nowhere/notebooks/evcxr.toml",
        ),
        ("LABS_WORKSPACE", "", "LABS_WORKSPACE=/path/to/checkout"),
        ("LABS_HOME", "", "LABS_HOME is not a path"),
        (
            "LABS_HOME",
            "/dev/null",
            "The folder /dev/null cannot be made",
        ),
        (
            "LABS_HOME",
            "/proc/new",
            "The folder /proc/new cannot be made",
        ),
    ] {
        let said = refused(&["setup"], &[(name, value)]);
        assert!(said.contains(expected), "{name}={value}: {said}");
    }
}

#[test]
fn temporary_things_need_a_folder() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let notebook = concat!(env!("CARGO_MANIFEST_DIR"), "/../notebooks/tests/good.ipynb");
    let said = refused(
        &["check", notebook],
        &[("TMPDIR", file.path().to_str().unwrap())],
    );
    assert!(
        said.contains("Set TMPDIR to a folder that you may write to"),
        "{said}"
    );
}

#[test]
fn the_settings_of_another_python_are_not_passed_on() {
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .arg("doctor")
        .env("PYTHONHOME", "/nowhere")
        .env("PYTHONPATH", "/nowhere")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.contains("Python")).unwrap();
    assert!(line.starts_with("ok"), "{said}");
}
