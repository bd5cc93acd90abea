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

/// Runs Python in a worker, and kills the worker when that Python has processes of its own.
fn nothing_is_left_of(python: impl Fn()) {
    if Command::new("python3").arg("--version").output().is_err() {
        return println!("skipped: there is no python3 here");
    }
    let pid = Value::new(0u32).unwrap();
    let workers = Workers::spawn(1, |_| {
        pid.set(std::process::id());
        python();
    })
    .unwrap();
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

#[test]
fn nothing_of_python_is_left_when_its_parent_is_killed() {
    // An hour, so that it does not notice for minutes that nobody reads what it prints. It has its Manager's server, and workers.
    nothing_is_left_of(|| drop(python_baseline(3_600)));
}

#[test]
fn nothing_of_a_cells_python_is_left_when_its_parent_is_killed() {
    let code = "from multiprocessing import Process\nfrom time import sleep\n\
                p = Process(target=sleep, args=(3600,)); p.start(); p.join()";
    nothing_is_left_of(|| drop(python_says(code)));
}
