//! The journal as a notebook uses it: through the environment, from one process after the other.

use lessons::prelude::*;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs the ignored test below in a process of its own, with this journal; what it printed.
fn a_try(journal: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_failed_try", "--ignored", "--nocapture"])
        .env("LABS_JOURNAL", journal)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "the tests below run it"]
fn one_failed_try() {
    // Looks at every iteration, whatever it costs.
    let wrong = |look: f64, cost: f64, overhead: f64, _: f64| (look / (overhead * cost), 1.0);
    check_lab("03-1", wrong).unwrap();
    let guess = predict("Lab 03: how long?", "2 ms").unwrap();
    println!("{}", guess.compare(Duration::from_millis(6)));
    println!("{}", journal("Lab 03"));
}

#[test]
#[ignore = "a test below runs it"]
fn one_right_try() {
    let right = |look: f64, cost: f64, overhead: f64, reaction: f64| {
        (look / (overhead * cost), 2.0 * reaction / cost)
    };
    check_lab("03-1", right).unwrap();
}

/// The sentence with the hint, from the text twin of the page.
fn hint(said: &str) -> &str {
    let hint = said.lines().rfind(|line| line.contains("Hint: "));
    hint.unwrap_or_else(|| panic!("no hint: {said}"))
}

#[test]
fn hints_go_on_from_one_run_of_a_notebook_to_the_next() {
    let folder = std::env::temp_dir().join(format!("labs-journal-tests-{}", std::process::id()));
    let file = folder.join("journal.tsv");
    let tries = [(); 3].map(|()| a_try(&file));
    for (number, said) in (1..).zip(&tries) {
        let start = format!("Try {number}. Hint: ");
        assert!(hint(said).starts_with(&start), "{said}");
        assert_eq!(said.contains("folder `solutions`"), number == 3, "{said}");
    }
    let text = |number: usize| hint(&tries[number]).split_once("Hint: ").unwrap().1;
    assert!(text(0) != text(1) && text(1) != text(2), "{tries:?}");
    let words = tries[2].split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Lab 03, exercise 1 3 not yet"), "{words}");
    assert!(words.contains("Lab 03: how long? 3 2 ms 6 ms"), "{words}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn while_nbgrader_grades_a_failed_check_is_an_error() {
    let run = |name: &str, how: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored"])
            .env("NBGRADER_EXECUTION", how)
            .env_remove("LABS_JOURNAL")
            .output()
            .unwrap()
    };
    for (how, is_error) in [("", false), ("autograde", true), ("validate", true)] {
        let failed = run("one_failed_try", how);
        assert_eq!(failed.status.success(), !is_error, "{how}: {failed:?}");
        let said = String::from_utf8_lossy(&failed.stdout).into_owned();
        assert_eq!(
            said.contains("Unsolved(\"of the facts of Lab 03, exercise 1, "),
            is_error,
            "{how}: {said}"
        );
        assert!(run("one_right_try", how).status.success(), "{how}");
    }
}

#[test]
fn without_a_journal_each_try_is_the_first() {
    let [first, second] = [(); 2].map(|()| a_try(Path::new("")));
    assert_eq!(hint(&first), hint(&second));
    assert!(!first.contains("Try 1"), "{first}");
}
