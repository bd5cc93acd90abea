//! A student's copy of the labs: no notes for the teacher are in it, and commands that run in it act on it, from any terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs `labs` in `folder`, as a terminal that knows nothing of the copy would.
fn labs(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(arguments)
        .current_dir(folder)
        .env("LABS_COPY", "/nowhere/labs") // from another terminal
        .env("LABS_JOURNAL", "/nowhere/journal.tsv")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn what_is_run_in_a_copy_acts_on_the_copy() {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("my labs");
    let made = labs(home.path(), &["copy", "my labs"]);
    assert!(made.status.success(), "{}", said(&made));

    let handed_out = fs::read_to_string(copy.join("02_double_check.ipynb")).unwrap();
    assert!(handed_out.contains("check_lab(\\\"02-1\\\", publish)?;"));
    for folder in [copy.clone(), copy.join("solutions")] {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let text = fs::read_to_string(&path).unwrap();
                let is_clean = !text.contains("\"teacher-") && !text.contains("For the teacher");
                assert!(is_clean, "{}", path.display());
            }
        }
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebooks");
    let sign = fs::read_to_string(copy.join(".labs-copy")).unwrap();
    assert!(sign.contains("is a copy of the labs in /"), "{sign}");

    // In a folder of the copy, too.
    let of_the_checkout = fs::read(checkout.join("02_double_check.ipynb")).unwrap();
    fs::write(copy.join("02_double_check.ipynb"), "mine").unwrap();
    fs::write(copy.join(".journal.tsv"), "1\tcheck\tLab 02, exercise 1\tpassed\t3 of 3\n1\tcheck\tLab 03, exercise 1\tpassed\t3 of 3\n").unwrap();
    let reset = labs(&copy.join("solutions"), &["reset", "02"]);
    assert!(reset.status.success(), "{}", said(&reset));
    let read = |name: &str| fs::read_to_string(copy.join(name)).unwrap();
    assert_eq!(read("02_double_check.ipynb"), handed_out);
    assert_eq!(read("02_double_check-mine-1.ipynb"), "mine");
    assert!(!read(".journal.tsv").contains("Lab 02") && read(".journal.tsv").contains("Lab 03"));
    assert_eq!(
        fs::read(checkout.join("02_double_check.ipynb")).unwrap(),
        of_the_checkout
    );

    let export = labs(&copy, &["export"]);
    assert!(export.status.success(), "{}", said(&export));
    assert!(read("labs-results.json").contains("Lab 03, exercise 1"));
    // A second start keeps all of it.
    fs::write(copy.join("02_double_check.ipynb"), "mine again").unwrap();
    assert!(labs(home.path(), &["copy", "my labs"]).status.success());
    assert_eq!(read("02_double_check.ipynb"), "mine again");
}
