//! Python beside the labs: it ends with the process that started it.

use labsupport::prelude::*;
use lessons::prelude::*;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn within_ten_seconds<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{what}: not in ten seconds"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

#[test]
fn nothing_of_python_is_left_when_its_parent_is_killed() {
    if Command::new("python3").arg("--version").output().is_err() {
        return println!("skipped: there is no python3 here");
    }
    let pid = Value::new(0u32).unwrap();
    // An hour, so that it does not notice for minutes that nobody reads what it prints.
    let workers = Workers::spawn(1, |_| {
        pid.set(std::process::id());
        python_baseline(3_600).map_err(|error| error.to_string())
    })
    .unwrap();
    // Killed when the script has children of its own: its Manager's server, and workers.
    let (script, theirs) = within_ten_seconds("the script has children", || {
        let script = *children(pid.get()).first()?;
        let theirs = children(script);
        (!theirs.is_empty()).then_some((script, theirs))
    });
    workers.kill(0);
    for process in theirs.into_iter().chain([script]) {
        within_ten_seconds("it is gone", || {
            let left = Path::new(&format!("/proc/{process}")).exists();
            (!left).then_some(())
        });
    }
    workers.join_timeout(Duration::from_secs(10)).unwrap();
}
