//! What somebody has predicted and which exercises they have tried: a line for each, in a file that only grows.
//!
//! ```text
//! seconds ⇥ prediction ⇥ question ⇥ guess     ⇥ measured
//! seconds ⇥ check      ⇥ title    ⇥ passed    ⇥ facts that hold, of how many
//! ```
//!
//! Tabs and line ends inside a text become spaces, so a spreadsheet reads the file too. Each line is written with one call
//! in append mode: two notebooks that write at once do not tear each other's lines. A line that cannot be read is skipped.

use super::predict::Comparison;
use crate::figure::Table;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

/// The environment variable with the path of the journal. Where it is not set, or empty, none is kept.
const PLACE: &str = "LABS_JOURNAL";

/// The file, if one is kept.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Prediction {
        question: String,
        guess: String,
        measured: String,
    },
    Check {
        title: String,
        passed: bool,
        facts: String,
    },
}

impl Journal {
    /// The one that the environment names.
    pub(super) fn of_this_student() -> Journal {
        Journal {
            file: std::env::var_os(PLACE)
                .filter(|place| !place.is_empty())
                .map(PathBuf::from),
        }
    }

    /// Writes down a guess and what was measured.
    pub(super) fn note_comparison(&self, seen: &Comparison) {
        let guess = seen
            .guess
            .as_ref()
            .map_or(String::new(), ToString::to_string);
        self.note(&[
            "prediction",
            &seen.question,
            &guess,
            &seen.measured.to_string(),
        ]);
    }

    /// Writes down that an exercise was checked.
    pub(super) fn note_check(&self, title: &str, passed: bool, hold: usize, facts: usize) {
        let passed = if passed { "passed" } else { "not yet" };
        self.note(&["check", title, passed, &format!("{hold} of {facts}")]);
    }

    /// Nobody's run shall fail because a note could not be written: a full disk is told by whatever else is on it.
    fn note(&self, fields: &[&str]) {
        if let Some(file) = &self.file {
            let _ = append(file, fields);
        }
    }

    /// How many times the check with this title has failed since it last passed.
    pub(super) fn failed_tries(&self, title: &str) -> usize {
        let tries = self.entries().into_iter().filter_map(|entry| match entry {
            Entry::Check {
                title: of, passed, ..
            } if of == line(title) => Some(passed),
            _ => None,
        });
        tries.fold(0, |failed, passed| if passed { 0 } else { failed + 1 })
    }

    fn entries(&self) -> Vec<Entry> {
        let text = self.file.as_ref().and_then(|file| std::fs::read(file).ok());
        let text = String::from_utf8_lossy(text.as_deref().unwrap_or_default()).into_owned();
        text.lines().filter_map(entry).collect()
    }
}

fn append(file: &PathBuf, fields: &[&str]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut text = now.map_or(0, |since| since.as_secs()).to_string();
    for field in fields {
        text = text + "\t" + &line(field);
    }
    let mut file: File = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    file.write_all((text + "\n").as_bytes())
}

fn line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn entry(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split('\t').collect();
    match fields[..] {
        [_, "prediction", question, guess, measured] => Some(Entry::Prediction {
            question: question.into(),
            guess: guess.into(),
            measured: measured.into(),
        }),
        [_, "check", title, passed, facts] => Some(Entry::Check {
            title: title.into(),
            passed: passed == "passed",
            facts: facts.into(),
        }),
        _ => None,
    }
}

/// What you have done so far: each exercise with its tries and its last result, and each prediction beside what was measured.
///
/// Only what begins with `lab` is shown; `""` shows all. It is kept in the file that the environment variable `LABS_JOURNAL`
/// names; `cargo labs open` sets that. Without it there is nothing to show.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// assert!(journal("Lab 04").to_string().contains("tries"));
/// ```
pub fn journal(lab: &str) -> Table {
    table(&Journal::of_this_student().entries(), lab)
}

fn table(entries: &[Entry], lab: &str) -> Table {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for entry in entries {
        let (what, cells) = match entry {
            Entry::Check {
                title,
                passed,
                facts,
            } => {
                let last = if *passed { "✓ passed" } else { "not yet" };
                (title, [last.to_string(), format!("{facts} facts")])
            }
            Entry::Prediction {
                question,
                guess,
                measured,
            } => (question, [guess.clone(), measured.clone()]),
        };
        if !what.starts_with(lab) {
            continue;
        }
        let [last, more] = cells;
        match rows.iter_mut().find(|row| row[0] == *what) {
            Some(row) => {
                let tries = row[1].parse::<usize>().unwrap_or(0) + 1;
                *row = [what.clone(), tries.to_string(), last, more];
            }
            None => rows.push([what.clone(), "1".into(), last, more]),
        }
    }
    let header = [
        "what",
        "tries",
        "your guess, or the last result",
        "measured",
    ];
    rows.into_iter()
        .fold(Table::new(header), |table, row| table.row(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::predict;

    fn journal_in(folder: &std::path::Path) -> Journal {
        Journal {
            file: Some(folder.join("new/journal.tsv")),
        }
    }

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("labs-journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn tries_are_counted_until_one_passes() {
        let folder = folder("tries");
        let journal = journal_in(&folder);
        assert_eq!(journal.failed_tries("E 1"), 0);
        journal.note_check("E 1", false, 1, 3);
        journal.note_check("E 2", false, 0, 3);
        journal.note_check("E 1", false, 2, 3);
        assert_eq!(journal.failed_tries("E 1"), 2);
        journal.note_check("E 1", true, 3, 3);
        assert_eq!(
            (journal.failed_tries("E 1"), journal.failed_tries("E 2")),
            (0, 1)
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_damaged_or_foreign_is_skipped_and_the_rest_kept() {
        let folder = folder("damaged");
        let journal = journal_in(&folder);
        journal.note_check("with\ta tab\nand lines", false, 1, 3);
        let file = journal.file.clone().unwrap();
        let mut text = std::fs::read(&file).unwrap();
        text.extend(b"garbage\n\xff\xfe\t\t\n12\tcheck\tcut o");
        std::fs::write(&file, text).unwrap();
        assert_eq!(journal.failed_tries("with\ta tab\nand lines"), 1);
        assert_eq!(journal.entries().len(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_place_nothing_is_kept_and_nothing_fails() {
        let none = Journal { file: None };
        none.note_check("E", false, 0, 1);
        assert_eq!(none.failed_tries("E"), 0);
        let nowhere = Journal {
            file: Some("/proc/no/such/place".into()),
        };
        nowhere.note_check("E", false, 0, 1);
        assert_eq!(nowhere.failed_tries("E"), 0);
    }

    #[test]
    fn the_table_has_a_row_for_each_with_the_last_result() {
        let folder = folder("table");
        let journal = journal_in(&folder);
        journal.note_check("Lab 1, exercise 1", false, 1, 3);
        journal.note_check("Lab 1, exercise 1", true, 3, 3);
        journal.note_check("Lab 2, exercise 1", false, 1, 3);
        journal.note_comparison(
            &predict("Lab 1: how long?", "5 ms")
                .unwrap()
                .compare((4.0, "ms")),
        );
        let shown = table(&journal.entries(), "Lab 1").to_string();
        let rows: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            rows[1],
            [
                "Lab", "1,", "exercise", "1", "2", "✓", "passed", "3", "of", "3", "facts"
            ]
        );
        assert_eq!(
            rows[2],
            ["Lab", "1:", "how", "long?", "1", "5", "ms", "4", "ms"]
        );
        assert_eq!(rows.len(), 3);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
