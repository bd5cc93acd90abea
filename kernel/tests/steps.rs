//! `labs test` as a person runs it, with a cargo that is a stand-in, so that nothing is built.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// `labs test --only lint` where `cargo` is a script.
fn test(folder: &Path, cargo: &str) -> Command {
    let file = folder.join("cargo");
    fs::write(&file, format!("#!/bin/sh\n{cargo}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
    command
        .args(["test", "--only", "lint"])
        .env("PATH", format!("{}:{path}", folder.display()));
    command
}

#[test]
fn what_a_step_says_is_kept_together_and_its_failures_come_last() {
    let folder = tempfile::tempdir().unwrap();
    let says = "echo first >&2; printf 'failures:\\n---- one ----\\nwhy\\ntest result: FAILED\\n'; echo last; exit 1";
    let output = test(folder.path(), says).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let together =
        "first\nfailures:\n---- one ----\nwhy\ntest result: FAILED\nlast\n── lint: FAILED after ";
    assert!(said.contains(together), "{said}");
    let after = "── what failed in lint:\nfailures:\n---- one ----\nwhy\ntest result: FAILED\n\nFAILED   lint ";
    assert!(said.contains(after), "{said}");
    assert!(
        said.ends_with("\nsteps: 0 passed, 1 failed, 0 skipped\n"),
        "{said}"
    );

    let output = test(folder.path(), "echo well").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.ends_with("\nsteps: 1 passed, 0 failed, 0 skipped\n"),
        "{said}"
    );
}

#[test]
fn one_interrupt_ends_all_that_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let (pids, listed) = (folder.path().join("pids"), folder.path().join("listed"));
    let starts = format!(
        "setsid sleep 1000 & one=$!; sleep 1000 & echo $one $! $$ >{}; mv {} {}; wait",
        pids.display(),
        pids.display(),
        listed.display()
    );
    let mut labs = test(folder.path(), &starts)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(labs.stdout.take().unwrap()).lines();
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .starts_with("▸ lint: cargo clippy")
    );
    while !listed.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let started = fs::read_to_string(listed).unwrap();
    // SAFETY: a signal to a child that was not collected yet.
    assert_eq!(unsafe { libc::kill(labs.id() as i32, libc::SIGINT) }, 0);
    let output = labs.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("The tests were stopped"), "{errors}");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line.starts_with("stopped  lint")),
        "{rest:?}"
    );
    assert_eq!(rest.last().unwrap(), "steps: 0 passed, 0 failed, 0 skipped");
    let started: Vec<u32> = started
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(started.len(), 3);
    assert!(!started.iter().any(|&pid| crate::common::alive(pid)));
}
