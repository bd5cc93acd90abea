//! What a student has predicted, measured and tried: one line each, in a file that only grows.
//!
//! ```text
//! seconds ⇥ guess      ⇥ question ⇥ guess
//! seconds ⇥ prediction ⇥ question ⇥ guess     ⇥ measured
//! seconds ⇥ sketch     ⇥ question ⇥ across ⇥ its scale ⇥ up ⇥ its scale ⇥ what was drawn ⇥ what was measured
//! seconds ⇥ opened     ⇥ title
//! seconds ⇥ check      ⇥ title    ⇥ passed    ⇥ facts that hold, of how many ⇥ code ⇥ topic
//! seconds ⇥ measured   ⇥ lab ⇥ figure ⇥ across ⇥ its scale ⇥ up ⇥ its scale ⇥ cores ⇥ series ⇥ row ⇥ numbers
//! ```
//!
//! The seconds count from 1970. The code is a fingerprint of what was checked, and the topic is the number of what its hint was about;
//! both may be missing. A scale is `number`, `log seconds` and so on. A curve has the numbers `x:y x:y …` and an empty row. A bar or a
//! dot has the numbers `value:low:high` and no scale across.
//!
//! Tabs and line ends inside a text become spaces, so a spreadsheet can read the file too. Each note is written with one call in append
//! mode: two notebooks that write at the same time do not tear each other's lines. A line that cannot be read is skipped.
//!
//! `entry` has what a line means and how it is written and read; `table` shows the lines to the student.

mod entry;
mod table;

pub use entry::{Entry, Noted};

use entry::one_line;
use figures::Table;
use figures::numbers::ShowsNumbers;
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The environment variable with the path of the journal. If it is not set, or empty, no journal is kept.
const PLACE: &str = "LABS_JOURNAL";

/// The file, if one is kept.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    file: Option<PathBuf>,
}

impl Journal {
    /// The one that the environment names.
    pub(crate) fn of_this_student() -> Journal {
        Journal {
            file: std::env::var_os(PLACE)
                .filter(|place| !place.is_empty())
                .map(PathBuf::from),
        }
    }

    /// The one in `file`.
    #[cfg(test)]
    pub(crate) fn in_file(file: PathBuf) -> Journal {
        Journal { file: Some(file) }
    }

    /// Whether one is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Writes down `noted`, now. If that fails, nothing else does: a full disk will be noticed elsewhere.
    pub(crate) fn note(&self, noted: impl IntoIterator<Item = Noted>) {
        if let Some(file) = &self.file {
            let _ = append(file, noted);
        }
    }

    /// The tries at the exercise `title` since it last passed.
    pub(crate) fn tries(&self, title: &str) -> Tries {
        let title = one_line(title);
        let mut tries = Tries::default();
        for Entry { when, noted } in self.entries() {
            match noted {
                Noted::Opened { title: of } if of == title => {
                    tries.since.get_or_insert(when);
                }
                Noted::Check {
                    title: of,
                    passed,
                    code,
                    topic,
                    ..
                } if of == title => {
                    if passed {
                        tries = Tries::default();
                    } else {
                        tries.failed += 1;
                        tries.topics.push(topic);
                        tries.since.get_or_insert(when);
                    }
                    tries.last = Some((passed, code));
                }
                _ => {}
            }
        }
        tries
    }

    fn entries(&self) -> Vec<Entry> {
        let read = self.file.as_ref().and_then(|file| read(file).ok());
        read.unwrap_or_default()
    }
}

/// The tries at an exercise since it last passed.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// How many have failed.
    pub(crate) failed: usize,
    /// What their hints were about.
    pub(crate) topics: Vec<String>,
    /// The last try of all: whether it passed, and its code.
    pub(crate) last: Option<(bool, String)>,
    /// When the exercise was first opened or tried, in seconds since 1970.
    pub(crate) since: Option<u64>,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

fn append(file: &Path, noted: impl IntoIterator<Item = Noted>) -> io::Result<()> {
    let when = now();
    let text: String = (noted.into_iter())
        .map(|noted| Entry { when, noted }.line() + "\n")
        .collect();
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(text.as_bytes())
}

/// All lines of the journal `file` that can be read, oldest first. If a part of a figure was recorded several times, only the last
/// recording is there.
///
/// # Examples
/// ```
/// use lessons::journal;
/// let file = std::env::temp_dir().join(format!("journal-{}.tsv", std::process::id()));
/// std::fs::write(&file, "1700000000\tcheck\tLab 03, exercise 1\tpassed\t3 of 3\nnonsense\n")?;
/// let entries = journal::read(&file)?;
/// std::fs::remove_file(&file)?;
/// assert_eq!((entries.len(), entries[0].when), (1, 1_700_000_000));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The file cannot be read.
pub fn read(file: &Path) -> io::Result<Vec<Entry>> {
    let text = std::fs::read(file)?;
    let text = String::from_utf8_lossy(&text);
    let mut entries: Vec<Entry> = text.lines().filter_map(Entry::of_line).collect();
    // The last recording of each part, found from the end.
    let mut seen = HashSet::new();
    let mut last: Vec<bool> = (entries.iter().rev())
        .map(|entry| entry.noted.part().is_none_or(|part| seen.insert(part)))
        .collect();
    entries.retain(|_| last.pop().unwrap_or(true));
    Ok(entries)
}

/// What you have done so far: each exercise with its tries and its last result, and each prediction beside what was measured.
///
/// Only what begins with `lab` is shown; `""` shows everything. The journal is kept in the file that the environment variable
/// `LABS_JOURNAL` names, which `cargo labs open` sets. Without it there is nothing to show.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// assert!(journal("Lab 04").to_string().contains("tries"));
/// ```
pub fn journal(lab: &str) -> Table {
    table::table(&Journal::of_this_student().entries(), lab)
}

/// Writes down what `figure` shows, so that it can be laid over the figures of others: `cargo labs export` takes it along.
///
/// Each line, bar or dot goes into the journal with its axes and the number of cores. A figure that is recorded again replaces the
/// earlier recording. If no journal is kept, or it cannot be written, nothing happens.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use lessons::prelude::*;
/// let figure = Bars::new("What one look costs").format(Format::Nanoseconds).bar("locked", 13.0);
/// record("Lab 03", &figure);
/// ```
pub fn record(lab: &str, figure: &impl ShowsNumbers) {
    Journal::of_this_student().note(Noted::measured(lab, &figure.numbers()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use figures::numbers::{Numbers, Scale, Shows};
    use figures::{Dots, Format, Lines};

    impl Journal {
        fn note_check(&self, title: &str, passed: bool, facts: &str) {
            self.note([Noted::Check {
                title: title.into(),
                passed,
                facts: facts.into(),
                code: String::new(),
                topic: String::new(),
            }]);
        }

        fn note_figure(&self, lab: &str, figure: &Numbers) {
            self.note(Noted::measured(lab, figure));
        }
    }

    fn journal_in(folder: &Path) -> Journal {
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
        assert_eq!(journal.tries("E 1").failed, 0);
        journal.note_check("E 1", false, "1 of 3");
        journal.note_check("E 2", false, "0 of 3");
        journal.note_check("E 1", false, "2 of 3");
        assert_eq!(journal.tries("E 1").failed, 2);
        journal.note_check("E 1", true, "3 of 3");
        assert_eq!(
            (journal.tries("E 1").failed, journal.tries("E 2").failed),
            (0, 1)
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_damaged_or_foreign_is_skipped_and_the_rest_kept() {
        let folder = folder("damaged");
        let journal = journal_in(&folder);
        journal.note_check("with\ta tab\nand lines", false, "1 of 3");
        let file = journal.file.clone().unwrap();
        let mut text = std::fs::read(&file).unwrap();
        text.extend(b"garbage\n\xff\xfe\t\t\n12\tcheck\tcut o");
        std::fs::write(&file, text).unwrap();
        assert_eq!(journal.tries("with\ta tab\nand lines").failed, 1);
        assert_eq!(journal.entries().len(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_figure_shows_comes_back_as_it_was_and_the_last_one_counts() {
        let folder = folder("figure");
        let journal = journal_in(&folder);
        let lines = |y: f64| {
            Lines::new("a\ttitle")
                .x("n")
                .log_x()
                .y("time")
                .y_format(Format::Seconds)
                .series("one", [(1.0, 1e-7), (10.0, y), (100.0, f64::NAN)])
                .series("two", [(1.0, 1.0 / 3.0)])
                .series("none", [])
        };
        let dots = Dots::new("T")
            .value("cost")
            .log()
            .dot("row", "s", 2.0, 1.0, 3.0);
        journal.note_figure("Lab 03", &lines(1.0).numbers());
        journal.note_figure("Lab 03", &dots.numbers());
        journal.note_figure("Lab 04", &lines(3.0).numbers());
        journal.note_figure("Lab 03", &lines(2.0).numbers());
        let seen: Vec<(String, Numbers)> = (journal.entries().into_iter())
            .map(|entry| match entry.noted {
                Noted::Measured {
                    lab,
                    cores,
                    numbers,
                } => {
                    assert!(entry.when > 1_000_000_000 && cores == labsupport::measure::cores());
                    (lab, numbers)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let part = |lab: &str, figure: &dyn ShowsNumbers, part: usize| {
            let mut numbers = figure.numbers();
            numbers.title = one_line(&numbers.title);
            numbers.parts = vec![numbers.parts[part].clone()];
            if let Shows::Line(points) = &mut numbers.parts[0].shows {
                points.retain(|(_, y)| !y.is_nan());
            }
            (lab.to_string(), numbers)
        };
        assert_eq!(
            seen,
            [
                part("Lab 03", &dots, 0),
                part("Lab 04", &lines(3.0), 0),
                part("Lab 04", &lines(3.0), 1),
                part("Lab 03", &lines(2.0), 0),
                part("Lab 03", &lines(2.0), 1),
            ]
        );
        assert_eq!(
            table::table(&journal.entries(), "")
                .to_string()
                .lines()
                .count(),
            1
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_very_long_line_is_thinned_and_a_damaged_one_is_skipped() {
        let folder = folder("long");
        let journal = journal_in(&folder);
        let points = (0..25_000).map(|n| (f64::from(n), 1.0));
        journal.note_figure("Lab 03", &Lines::new("T").series("s", points).numbers());
        let file = journal.file.clone().unwrap();
        let good = std::fs::read_to_string(&file).unwrap();
        for bad in [":nan", ":inf", ":", " ", ":1:2"] {
            let damaged = good.trim_end().to_string() + bad + "\n";
            assert_eq!(
                Entry::of_line(damaged.trim_end_matches('\n')),
                None,
                "{bad}"
            );
        }
        let [
            Entry {
                noted: Noted::Measured { numbers, .. },
                ..
            },
        ] = &journal.entries()[..]
        else {
            panic!("one part")
        };
        let Shows::Line(points) = &numbers.parts[0].shows else {
            panic!("a line")
        };
        assert_eq!((points.len(), points[999].0), (1_000, 24_975.0));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_place_nothing_is_kept_and_nothing_fails() {
        let none = Journal { file: None };
        none.note_check("E", false, "0 of 1");
        assert_eq!(none.tries("E").failed, 0);
        let nowhere = Journal {
            file: Some("/proc/no/such/place".into()),
        };
        nowhere.note_check("E", false, "0 of 1");
        nowhere.note_figure("Lab 03", &Lines::new("T").numbers());
        assert_eq!(nowhere.tries("E").failed, 0);
    }

    #[test]
    fn a_sketch_is_kept_with_the_predictions() {
        let folder = folder("sketch");
        let journal = journal_in(&folder);
        let scale = |log| Scale {
            log,
            ..Scale::default()
        };
        let mut sketch = Noted::Sketch {
            question: "Lab 3: a curve?".into(),
            x: scale(true),
            y: scale(true),
            drawn: vec![(1.0, 1.0), (10.0, 4.0)],
            measured: vec![(1.0, 4.0), (10.0, 1.0)],
        };
        journal.note([sketch.clone()]);
        let entries = journal.entries();
        assert_eq!(entries[0].noted, sketch);
        let row = |entries: &[Entry]| table::table(entries, "Lab 3").to_string();
        assert!(row(&entries).contains("a curve of 2 points  off by a factor of 4"));
        if let Noted::Sketch { drawn, .. } = &mut sketch {
            drawn.clear();
        }
        journal.note([sketch]);
        let shown = row(&journal.entries());
        assert!(
            shown.contains("a curve?      2") && shown.ends_with("–\n"),
            "{shown}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_guess_stands_alone_until_its_run_and_never_hides_what_was_measured() {
        let folder = folder("guess");
        let journal = journal_in(&folder);
        let guess = Noted::Guess {
            question: "Lab 1: how long?".into(),
            guess: "5 ms".into(),
        };
        let row = || {
            let shown = table::table(&journal.entries(), "Lab 1").to_string();
            let rows: Vec<&str> = shown.lines().skip(1).collect();
            assert_eq!(rows.len(), 1, "{shown}");
            rows[0].split_whitespace().collect::<Vec<_>>().join(" ")
        };
        journal.note([guess.clone()]);
        assert_eq!(row(), "Lab 1: how long? 0 5 ms not run yet");
        journal.note([Noted::Prediction {
            question: "Lab 1: how long?".into(),
            guess: "5 ms".into(),
            measured: "4 ms".into(),
        }]);
        journal.note([guess]);
        assert_eq!(row(), "Lab 1: how long? 1 5 ms 4 ms");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_table_has_a_row_for_each_with_the_last_result() {
        let folder = folder("table");
        let journal = journal_in(&folder);
        journal.note_check("Lab 1, exercise 1", false, "1 of 3");
        journal.note_check("Lab 1, exercise 1", true, "3 of 3");
        journal.note_check("Lab 2, exercise 1", false, "1 of 3");
        journal.note([Noted::Prediction {
            question: "Lab 1: how long?".into(),
            guess: "5 ms".into(),
            measured: "4 ms".into(),
        }]);
        let shown = table::table(&journal.entries(), "Lab 1").to_string();
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
