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
    let checked = check("Lab 99, exercise 1", Duration::from_secs(20), |facts| {
        facts.equal("one", 1, 2)
    })
    .hints(["first hint", "second hint"])
    .solution("solutions/99.ipynb");
    println!("{checked}");
    let guess = predict("Lab 99: how long?", "2 ms").unwrap();
    println!("{}", guess.compare(Duration::from_millis(6)));
    println!("{}", journal("Lab 99"));
}

#[test]
fn hints_go_on_from_one_run_of_a_notebook_to_the_next() {
    let folder = std::env::temp_dir().join(format!("labs-journal-tests-{}", std::process::id()));
    let file = folder.join("journal.tsv");
    let tries = [(); 3].map(|()| a_try(&file));
    assert!(tries[0].contains("Hint 1 of 2: first hint"), "{}", tries[0]);
    assert!(
        tries[1].contains("Hint 2 of 2: second hint"),
        "{}",
        tries[1]
    );
    assert!(!tries[1].contains("solutions/"), "{}", tries[1]);
    assert!(
        tries[2].contains("The solution is in solutions/99.ipynb"),
        "{}",
        tries[2]
    );
    let words = tries[2].split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Lab 99, exercise 1 3 not yet"), "{words}");
    assert!(words.contains("Lab 99: how long? 3 2 ms 6 ms"), "{words}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn without_a_journal_each_try_is_the_first() {
    for _ in 0..2 {
        assert!(a_try(Path::new("")).contains("Hint 1 of 2: first hint"));
    }
}
