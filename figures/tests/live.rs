//! What really goes to standard output, with a kernel that fills displays and without one.

use figures::prelude::*;
use labsupport::prelude::*;
use std::process::Command;
use std::time::Duration;

/// What a cell might do.
fn cell() {
    let mut live = Live::new();
    for n in 1..=100 {
        live.update(&Table::new(["count"]).row([n.to_string()]));
    }
    live.finish();
    for _ in Progress::over("quick", 0..3) {}
    let workers = Workers::spawn(2, |w| w.index()).unwrap();
    workers.join_live(Duration::from_secs(20)).unwrap();
}

/// Runs this test again in a process of its own, where it runs the cell; what that wrote.
fn output(test: &str, live: Option<&str>) -> Option<String> {
    if std::env::var_os("LABS_CELL").is_some() {
        cell();
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command.env("LABS_CELL", "1").env_remove("LABS_LIVE");
    if let Some(live) = live {
        command.env("LABS_LIVE", live);
    }
    Some(String::from_utf8(command.output().unwrap().stdout).unwrap())
}

#[test]
fn a_kernel_that_listens_gets_display_lines() {
    let Some(text) = output("a_kernel_that_listens_gets_display_lines", Some("1")) else {
        return;
    };
    // The test harness has begun the first line.
    let displays: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("LABS_DISPLAY "))
        .map(|(_, json)| json)
        .collect();
    assert!(
        displays
            .iter()
            .all(|json| json.starts_with("{\"display_id\":\"labs-") && json.ends_with("\"}}"))
    );
    assert!(displays[0].contains("\"update\":false"), "{text}");
    let last = |of: &str| displays.iter().rfind(|json| json.contains(of)).unwrap();
    assert!(last("count").contains(">100</td>"), "{text}");
    assert_eq!(last("wall time").matches("returned</td>").count(), 2);
    assert!(!text.contains("EVCXR"), "{text}");
    assert!(!text.contains("quick"), "{text}");
}

#[test]
fn a_kernel_that_does_not_gets_the_end_and_plain_lines() {
    let name = "a_kernel_that_does_not_gets_the_end_and_plain_lines";
    for live in [None, Some("0")] {
        let Some(text) = output(name, live) else {
            return;
        };
        assert!(!text.contains("LABS_DISPLAY"), "{text}");
        assert_eq!(text.matches("EVCXR_BEGIN_CONTENT").count(), 2, "{text}");
        assert!(text.contains("count\n100\n"), "{text}");
        for worker in ["worker 0 after ", "worker 1 after "] {
            assert_eq!(
                text.lines().filter(|line| line.starts_with(worker)).count(),
                1,
                "{text}"
            );
        }
    }
}
