//! The program as a person runs it, on its cheap parts.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn bench(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs-bench"));
    command.arg("--quick").args(arguments);
    command
}

fn lines(output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    let parsed = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    parsed.collect()
}

#[test]
fn every_line_of_the_json_has_its_ratio_and_where_it_comes_from() {
    let lines = lines(
        &bench(&["flag", "workers", "exit", "--json"])
            .output()
            .unwrap(),
    );
    assert!(lines.len() >= 10, "{lines:?}");
    for line in lines {
        if line["skipped"].is_string() {
            continue;
        }
        for name in ["name", "peer_name", "unit"] {
            assert!(line[name].is_string(), "{name} of {line}");
        }
        let number = |name: &str| {
            line[name]
                .as_f64()
                .unwrap_or_else(|| panic!("{name} of {line}"))
        };
        let ratio = number("ours") / number("peer");
        assert!((number("ratio") / ratio - 1.0).abs() < 1e-9, "{line}");
        assert_eq!(number("runs"), 3.0, "{line}");
        assert!(!line["cores"].as_array().unwrap().is_empty(), "{line}");
    }
}

#[test]
fn what_is_not_there_is_named_and_no_failure() {
    let empty = tempfile::tempdir().unwrap();
    let mut command = bench(&["flag", "manager", "workers", "--json"]);
    let lines = lines(&command.env("PATH", empty.path()).output().unwrap());
    let reasons: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["skipped"].as_str())
        .collect();
    for missing in [
        "there is no python3 here",
        "there is no redis-server here",
        "there is no program `true` here",
    ] {
        assert!(
            reasons.iter().any(|reason| reason.contains(missing)),
            "{missing}: {reasons:?}"
        );
    }
    assert!(
        lines.iter().any(|line| line["ratio"].is_number()),
        "the others were measured"
    );
}

#[test]
fn figures_and_their_text_twins_are_saved() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(&["flag", "--save"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("\ntargets: "), "{said}");
    for file in [
        "ratios.svg",
        "ratios.txt",
        "all_ratios.svg",
        "all_ratios.txt",
        "numbers.jsonl",
    ] {
        let content = fs::read_to_string(folder.path().join(file)).expect(file);
        assert!(content.contains("Flag::is_set"), "{file}");
    }
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    // The queue's part has processes of every kind, files, and names in /dev/shm.
    let mut child = Command::new(env!("CARGO_BIN_EXE_labs-bench"))
        .arg("queue")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it works", || {
        fs::read_dir(folder.path()).unwrap().count() > 0
    });
    thread::sleep(Duration::from_secs(2));
    let own = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let mark = own.path();
    assert!(users_of(&mark) > 0, "somebody works for it");

    // SAFETY: a signal to a child that was not collected.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(users_of(&mark), 0, "a process was left behind");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a file was left behind"
    );
    let prefix = own.file_name().to_string_lossy().replace('-', "_");
    let shared = fs::read_dir("/dev/shm")
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = shared
        .filter(|name| name.to_string_lossy().starts_with(&prefix))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// How many processes have that folder in their environment.
fn users_of(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap().as_bytes();
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let environments = processes.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    environments
        .filter(|all| all.windows(folder.len()).any(|part| part == folder))
        .count()
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within ten seconds");
        thread::sleep(Duration::from_millis(20));
    }
}
