//! What somebody has predicted, measured and tried: a line for each, in a file that only grows.
//!
//! ```text
//! seconds ⇥ prediction ⇥ question ⇥ guess     ⇥ measured
//! seconds ⇥ opened     ⇥ title
//! seconds ⇥ check      ⇥ title    ⇥ passed    ⇥ facts that hold, of how many ⇥ code ⇥ topic
//! seconds ⇥ measured   ⇥ lab ⇥ figure ⇥ across ⇥ its scale ⇥ up ⇥ its scale ⇥ cores ⇥ series ⇥ row ⇥ numbers
//! ```
//!
//! The seconds are those since 1970. A scale is `number`, `log seconds` and so on; the one across is empty for bars and dots,
//! whose numbers are `value:low:high`. The code is a fingerprint of what was checked, and the topic a number for what its hint was
//! about; both may be missing. The numbers of a line are `x:y x:y …`, and its row is empty.
//!
//! Tabs and line ends inside a text become spaces, so a spreadsheet reads the file too. Each line is written with one call
//! in append mode: two notebooks that write at once do not tear each other's lines. A line that cannot be read is skipped.

use super::predict::Comparison;
use figures::numbers::{Numbers, Part, Scale, Shows};
use figures::{Format, Table};
use labsupport::measure::cores;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The environment variable with the path of the journal. Where it is not set, or empty, none is kept.
const PLACE: &str = "LABS_JOURNAL";

/// The file, if one is kept.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    file: Option<PathBuf>,
}

/// Of a line with more points than this, only each second, third, … is kept: a picture would not show the others.
const MOST_POINTS: usize = 1_000;

/// A line of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Seconds since 1970.
    pub when: u64,
    /// What was written down.
    pub noted: Noted,
}

/// What a line of the journal is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Noted {
    /// A guess, empty if there was none, and what was measured then.
    Prediction {
        /// What was asked.
        question: String,
        /// The guess, with its unit.
        guess: String,
        /// The measurement, with its unit.
        measured: String,
    },
    /// An exercise was checked as it was handed out, for the first time.
    Opened {
        /// The exercise.
        title: String,
    },
    /// An exercise was tried.
    Check {
        /// The exercise.
        title: String,
        /// Whether all facts held.
        passed: bool,
        /// How many held, of how many.
        facts: String,
        /// A fingerprint of the code; empty where it is not known.
        code: String,
        /// What the hint was about, as a number; empty where there was none.
        topic: String,
    },
    /// A part of a figure: see [`record`](super::record()).
    Measured {
        /// The lab, such as `Lab 03`.
        lab: String,
        /// How many cores the process could use.
        cores: usize,
        /// The figure, with this one part.
        numbers: Numbers,
    },
}

/// All lines of the journal `file` that can be read, oldest first. Of a part of a figure that was recorded several times, the
/// last is there.
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
    let mut entries: Vec<Entry> = text.lines().filter_map(entry).collect();
    // The last of each part, found from the end.
    let mut seen = HashSet::new();
    let mut last: Vec<bool> = (entries.iter().rev())
        .map(|entry| part_of(&entry.noted).is_none_or(|part| seen.insert(part)))
        .collect();
    entries.retain(|_| last.pop().unwrap_or(true));
    Ok(entries)
}

/// Lab, title, series and row of what was measured.
fn part_of(noted: &Noted) -> Option<[String; 4]> {
    let Noted::Measured { lab, numbers, .. } = noted else {
        return None;
    };
    let part = numbers.parts.first()?;
    let row = match &part.shows {
        Shows::Line(_) => String::new(),
        Shows::Value { row, .. } => row.clone(),
    };
    Some([lab.clone(), numbers.title.clone(), part.series.clone(), row])
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

    /// The one in `file`.
    #[cfg(test)]
    pub(super) fn in_file(file: PathBuf) -> Journal {
        Journal { file: Some(file) }
    }

    /// Writes down a guess and what was measured.
    pub(super) fn note_comparison(&self, seen: &Comparison) {
        let guess = seen
            .guess
            .as_ref()
            .map_or(String::new(), ToString::to_string);
        let measured = seen.measured.to_string();
        self.note(&[vec!["prediction", &seen.question, &guess, &measured]]);
    }

    /// Writes down that an exercise was checked.
    pub(super) fn note_check(&self, title: &str, passed: bool, hold: usize, facts: usize) {
        self.note_try(title, passed, &format!("{hold} of {facts}"), "", "");
    }

    /// The same with the code's fingerprint and what its hint is about.
    pub(super) fn note_try(&self, title: &str, passed: bool, facts: &str, code: &str, topic: &str) {
        let passed = if passed { "passed" } else { "not yet" };
        self.note(&[vec!["check", title, passed, facts, code, topic]]);
    }

    /// Writes down that an exercise was looked at.
    pub(super) fn note_opened(&self, title: &str) {
        self.note(&[vec!["opened", title]]);
    }

    /// Writes down what a figure shows, a line for each part that has a number in it.
    pub(super) fn note_figure(&self, lab: &str, figure: &Numbers) {
        let across = figure.x.as_ref().map_or(String::new(), scale_words);
        let label = figure.x.as_ref().map_or("", |x| &x.label);
        let (up, cores) = (scale_words(&figure.y), cores().to_string());
        let written: Vec<(&str, &str, String)> = (figure.parts.iter())
            .map(|part| {
                let row = match &part.shows {
                    Shows::Line(_) => "",
                    Shows::Value { row, .. } => row,
                };
                (part.series.as_str(), row, points_words(&part.shows))
            })
            .filter(|(_, _, points)| !points.is_empty())
            .collect();
        let lines: Vec<Vec<&str>> = (written.iter())
            .map(|(series, row, points)| {
                vec![
                    "measured",
                    lab,
                    &figure.title,
                    label,
                    &across,
                    &figure.y.label,
                    &up,
                    &cores,
                    series,
                    row,
                    points,
                ]
            })
            .collect();
        self.note(&lines);
    }

    /// Nobody's run shall fail because a note could not be written: a full disk is told by whatever else is on it.
    fn note(&self, lines: &[Vec<&str>]) {
        if let Some(file) = &self.file {
            let _ = append(file, lines);
        }
    }

    /// What became of the check with this title since it last passed.
    pub(super) fn tries(&self, title: &str) -> Tries {
        let title = line(title);
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

    /// Whether one is kept.
    pub(super) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    fn entries(&self) -> Vec<Entry> {
        let read = self.file.as_ref().and_then(|file| read(file).ok());
        read.unwrap_or_default()
    }
}

/// The tries at an exercise since it last passed.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// How many have failed.
    pub(super) failed: usize,
    /// What their hints were about.
    pub(super) topics: Vec<String>,
    /// The last try of all: whether it passed, and its code.
    pub(super) last: Option<(bool, String)>,
    /// When it was first opened or tried, in seconds since 1970.
    pub(super) since: Option<u64>,
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

fn append(file: &Path, lines: &[Vec<&str>]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let now = now().to_string();
    let mut text = String::new();
    for fields in lines {
        text.push_str(&now);
        for field in fields {
            text = text + "\t" + &line(field);
        }
        text.push('\n');
    }
    let mut file: File = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(text.as_bytes())
}

fn line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn scale_words(scale: &Scale) -> String {
    let log = if scale.log { "log " } else { "" };
    format!("{log}{}", scale.format.name())
}

fn scale(label: &str, words: &str) -> Option<Scale> {
    let (log, format) = match words.strip_prefix("log ") {
        Some(format) => (true, format),
        None => (false, words),
    };
    Some(Scale {
        label: label.into(),
        log,
        format: Format::named(format)?,
    })
}

/// The numbers, those that are numbers; every digit, so that what is read is what was written.
fn points_words(shows: &Shows) -> String {
    match shows {
        Shows::Line(points) => {
            let points = points.iter().filter(|(x, y)| (x + y).is_finite());
            let step = points.clone().count().div_ceil(MOST_POINTS).max(1);
            let words: Vec<String> = points
                .step_by(step)
                .map(|(x, y)| format!("{x:?}:{y:?}"))
                .collect();
            words.join(" ")
        }
        Shows::Value {
            value, low, high, ..
        } if (value + low + high).is_finite() => format!("{value:?}:{low:?}:{high:?}"),
        Shows::Value { .. } => String::new(),
    }
}

fn shows(row: &str, text: &str, is_line: bool) -> Option<Shows> {
    let numbers = |text: &str| -> Option<Vec<f64>> {
        let numbers = text.split(':').map(|number| number.parse().ok());
        numbers
            .map(|number| number.filter(|number: &f64| number.is_finite()))
            .collect()
    };
    if !is_line {
        let [value, low, high] = numbers(text)?[..] else {
            return None;
        };
        return Some(Shows::Value {
            row: row.into(),
            value,
            low,
            high,
        });
    }
    let pair = |text: &str| match numbers(text)?[..] {
        [x, y] => Some((x, y)),
        _ => None,
    };
    Some(Shows::Line(
        text.split(' ').map(pair).collect::<Option<_>>()?,
    ))
}

fn check(title: &str, passed: &str, facts: &str, code: &str, topic: &str) -> Noted {
    Noted::Check {
        title: title.into(),
        passed: passed == "passed",
        facts: facts.into(),
        code: code.into(),
        topic: topic.into(),
    }
}

fn entry(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split('\t').collect();
    let noted = match fields[..] {
        [_, "prediction", question, guess, measured] => Noted::Prediction {
            question: question.into(),
            guess: guess.into(),
            measured: measured.into(),
        },
        [_, "opened", title] => Noted::Opened {
            title: title.into(),
        },
        // Journals of earlier labs end here.
        [_, "check", title, passed, facts] => check(title, passed, facts, "", ""),
        [_, "check", title, passed, facts, code, topic] => check(title, passed, facts, code, topic),
        [
            _,
            "measured",
            lab,
            title,
            across,
            x,
            up,
            y,
            cores,
            series,
            row,
            points,
        ] => Noted::Measured {
            lab: lab.into(),
            cores: cores.parse().ok()?,
            numbers: Numbers {
                title: title.into(),
                x: match x {
                    "" => None,
                    words => Some(scale(across, words)?),
                },
                y: scale(up, y)?,
                parts: vec![Part {
                    series: series.into(),
                    shows: shows(row, points, !x.is_empty())?,
                }],
            },
        },
        _ => return None,
    };
    // Nothing is left out because its time is torn.
    let when = fields[0].parse().unwrap_or(0);
    Some(Entry { when, noted })
}

/// What you have done so far: each exercise with its tries and its last result, and each prediction beside what was measured.
///
/// Only what begins with `lab` is shown; `""` shows all. It is kept in the file that the environment variable `LABS_JOURNAL`
/// names; `cargo labs open` sets that. Without it there is nothing to show.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// assert!(journal("Lab 04").to_string().contains("tries"));
/// ```
pub fn journal(lab: &str) -> Table {
    table(&Journal::of_this_student().entries(), lab)
}

fn table(entries: &[Entry], lab: &str) -> Table {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for entry in entries {
        let (what, cells) = match &entry.noted {
            Noted::Check {
                title,
                passed,
                facts,
                ..
            } => {
                let last = if *passed { "✓ passed" } else { "not yet" };
                (title, [last.to_string(), format!("{facts} facts")])
            }
            Noted::Prediction {
                question,
                guess,
                measured,
            } => (question, [guess.clone(), measured.clone()]),
            Noted::Opened { title } => (title, ["opened".to_string(), String::new()]),
            Noted::Measured { .. } => continue,
        };
        if !what.starts_with(lab) {
            continue;
        }
        let [last, more] = cells;
        let more_tries = usize::from(!matches!(entry.noted, Noted::Opened { .. }));
        match rows.iter_mut().find(|row| row[0] == *what) {
            Some(row) => {
                let tries = row[1].parse::<usize>().unwrap_or(0) + more_tries;
                *row = [what.clone(), tries.to_string(), last, more];
            }
            None => rows.push([what.clone(), more_tries.to_string(), last, more]),
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
    use crate::predict;
    use figures::numbers::ShowsNumbers;
    use figures::{Dots, Lines};

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
        journal.note_check("E 1", false, 1, 3);
        journal.note_check("E 2", false, 0, 3);
        journal.note_check("E 1", false, 2, 3);
        assert_eq!(journal.tries("E 1").failed, 2);
        journal.note_check("E 1", true, 3, 3);
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
        journal.note_check("with\ta tab\nand lines", false, 1, 3);
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
            numbers.title = line(&numbers.title);
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
        assert_eq!(table(&journal.entries(), "").to_string().lines().count(), 1);
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
            assert_eq!(entry(damaged.trim_end_matches('\n')), None, "{bad}");
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
        none.note_check("E", false, 0, 1);
        assert_eq!(none.tries("E").failed, 0);
        let nowhere = Journal {
            file: Some("/proc/no/such/place".into()),
        };
        nowhere.note_check("E", false, 0, 1);
        nowhere.note_figure("Lab 03", &Lines::new("T").numbers());
        assert_eq!(nowhere.tries("E").failed, 0);
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
