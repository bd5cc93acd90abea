//! The file that a student hands in: what is in it, and how to read it when nobody knows where it comes from.
//!
//! It is JSON, so that a spreadsheet or the teacher's own script can read it too. It holds no code, and no name unless one was given. It
//! is read as if it were hostile: its size is limited, every number is checked, and no text brings characters that move a cursor or
//! reverse the direction of writing.

use anyhow::{Context, Result, bail};
use figures::Format;
use figures::numbers::{Scale, Shows};
use lessons::journal::{Entry, Noted};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Says what the file is.
pub const FORMAT: &str = "coordination-labs results";
/// The version of the format. It grows when older programs can no longer read a new file.
const VERSION: u32 = 1;
/// The largest file, in bytes; a semester of labs makes less than a tenth of it.
const MOST_BYTES: u64 = 4 << 20;
/// The most of each kind of entry; the newest are kept.
const MOST_ENTRIES: usize = 2_000;
/// The longest text, in characters.
const LONGEST: usize = 300;
/// Nothing that a lab measures is as large, in any unit.
const LARGEST: f64 = 1e18;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    format: String,
    version: u32,
    /// Only where the student gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Seconds since 1970.
    pub exported: u64,
    /// Where the labs ran.
    pub machine: Machine,
    /// The measurements that figures showed.
    pub measurements: Vec<Measurement>,
    /// Guesses that wait for their measurement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guesses: Vec<Guess>,
    /// Guesses, each with what was measured.
    pub predictions: Vec<Prediction>,
    /// Curves that were drawn, each with what was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sketches: Vec<Sketch>,
    /// Exercises, each with its tries.
    pub exercises: Vec<Exercise>,
}

/// The machine, as it was when the file was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many cores the machine has.
    pub cores: usize,
    /// How many this user's programs may use: less in a container or under `taskset`.
    pub cores_allowed: usize,
    /// How many cores' time a container's quota leaves, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<f64>,
    /// Bytes.
    pub memory: u64,
    /// The distribution and the kernel.
    pub system: String,
    /// What `rustc --version` says.
    pub rustc: String,
    /// The version of the labs.
    pub labs: String,
}

/// A line of a figure, or a bar or dot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The lab, such as `Lab 03`.
    pub lab: String,
    /// The figure's title.
    pub figure: String,
    /// The horizontal axis; missing if each number has a name instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub across: Option<Axis>,
    /// What was measured.
    pub measured: Axis,
    /// The name in the legend.
    pub series: String,
    /// How many cores the measurement could use.
    pub cores: usize,
    /// Seconds since 1970.
    pub when: u64,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// The numbers of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// Pairs of x and y.
    Points(Vec<(f64, f64)>),
    /// A bar or a dot.
    Value {
        /// The name beside it.
        row: String,
        /// The number.
        value: f64,
        /// The lower end of its spread.
        low: f64,
        /// The upper end of its spread.
        high: f64,
    },
}

/// An axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Axis {
    /// What it shows.
    pub label: String,
    /// Whether it is logarithmic.
    pub log: bool,
    /// How its numbers are written: number, percent, times, seconds or nanoseconds.
    pub format: String,
}

impl Axis {
    fn of(scale: &Scale) -> Axis {
        Axis {
            label: tidy(&scale.label),
            log: scale.log,
            format: scale.format.name().into(),
        }
    }

    /// How its numbers are written.
    pub fn format(&self) -> Format {
        Format::named(&self.format).unwrap_or_default()
    }
}

/// A guess, before anything is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// What was asked.
    pub question: String,
    /// The guess.
    pub guess: Amount,
    /// Seconds since 1970.
    pub when: u64,
}

/// A guess and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// What was asked.
    pub question: String,
    /// The guess, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guess: Option<Amount>,
    /// What was measured.
    pub measured: Amount,
    /// Seconds since 1970.
    pub when: u64,
}

/// A curve that was drawn before a run, and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    /// What was asked.
    pub question: String,
    /// The horizontal axis.
    pub across: Axis,
    /// The vertical axis.
    pub up: Axis,
    /// What was drawn, pairs of x and y; empty if nothing was.
    pub drawn: Vec<(f64, f64)>,
    /// What was measured.
    pub measured: Vec<(f64, f64)>,
    /// Seconds since 1970.
    pub when: u64,
}

/// An amount as it was written, and as a number with its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// As it was written.
    pub written: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: String,
}

impl Amount {
    fn read(text: &str) -> Option<Amount> {
        let amount: lessons::Amount = text.parse().ok()?;
        Some(Amount {
            written: tidy(text),
            value: amount.value(),
            unit: tidy(amount.unit()),
        })
    }
}

/// An exercise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exercise {
    /// Its title.
    pub title: String,
    /// Tries until it passed for the first time, or so far; 0 if it was only opened.
    pub tries: u64,
    /// Whether it ever passed.
    pub passed: bool,
    /// How many facts held in the last try, of how many.
    pub facts: String,
}

impl Results {
    /// Reads the results from a student's journal.
    pub fn from_journal(
        entries: &[Entry],
        name: Option<&str>,
        machine: Machine,
        now: u64,
    ) -> Results {
        let mut results = Results {
            format: FORMAT.into(),
            version: VERSION,
            name: name.map(tidy),
            exported: now,
            machine,
            measurements: Vec::new(),
            guesses: Vec::new(),
            predictions: Vec::new(),
            sketches: Vec::new(),
            exercises: Vec::new(),
        };
        for Entry { when, noted } in entries {
            match noted {
                Noted::Measured {
                    lab,
                    cores,
                    numbers,
                } => {
                    let parts = numbers.parts.iter().map(|part| Measurement {
                        lab: tidy(lab),
                        figure: tidy(&numbers.title),
                        across: numbers.x.as_ref().map(Axis::of),
                        measured: Axis::of(&numbers.y),
                        series: tidy(&part.series),
                        cores: *cores,
                        when: *when,
                        numbers: match &part.shows {
                            Shows::Line(points) => Numbers::Points(points.clone()),
                            Shows::Value {
                                row,
                                value,
                                low,
                                high,
                            } => Numbers::Value {
                                row: tidy(row),
                                value: *value,
                                low: *low,
                                high: *high,
                            },
                        },
                    });
                    results.measurements.extend(parts);
                }
                Noted::Guess { question, guess } => {
                    results.note_guess(tidy(question), Amount::read(guess), *when)
                }
                Noted::Prediction {
                    question,
                    guess,
                    measured,
                } => results
                    .predictions
                    .extend(Amount::read(measured).map(|measured| Prediction {
                        question: tidy(question),
                        guess: Amount::read(guess),
                        measured,
                        when: *when,
                    })),
                Noted::Sketch {
                    question,
                    x,
                    y,
                    drawn,
                    measured,
                } => results.sketches.push(Sketch {
                    question: tidy(question),
                    across: Axis::of(x),
                    up: Axis::of(y),
                    drawn: drawn.clone(),
                    measured: measured.clone(),
                    when: *when,
                }),
                Noted::Opened { title } => results.note_opened(tidy(title)),
                Noted::Check {
                    title,
                    passed,
                    facts,
                    ..
                } => results.note_try(tidy(title), *passed, tidy(facts)),
            }
        }
        // The measurement has its guess beside it.
        let measured: HashSet<&str> = (results.predictions.iter())
            .filter(|one| one.guess.is_some())
            .map(|one| one.question.as_str())
            .collect();
        results
            .guesses
            .retain(|one| !measured.contains(one.question.as_str()));
        // A broken measurement must not make the whole file unreadable.
        results.measurements.retain(|one| one.check().is_ok());
        results.guesses.retain(|one| one.check().is_ok());
        results.predictions.retain(|one| one.check().is_ok());
        results.sketches.retain(|one| one.check().is_ok());
        keep_newest(&mut results.measurements);
        keep_newest(&mut results.guesses);
        keep_newest(&mut results.predictions);
        keep_newest(&mut results.sketches);
        keep_newest(&mut results.exercises);
        results
    }

    /// Before the run, the last guess counts.
    fn note_guess(&mut self, question: String, guess: Option<Amount>, when: u64) {
        self.guesses.retain(|one| one.question != question);
        self.guesses.extend(guess.map(|guess| Guess {
            question,
            guess,
            when,
        }));
    }

    fn note_opened(&mut self, title: String) {
        if !self.exercises.iter().any(|one| one.title == title) {
            self.exercises.push(Exercise {
                title,
                tries: 0,
                passed: false,
                facts: String::new(),
            });
        }
    }

    fn note_try(&mut self, title: String, passed: bool, facts: String) {
        match self.exercises.iter_mut().find(|one| one.title == title) {
            Some(one) => {
                one.tries += u64::from(!one.passed);
                one.passed |= passed;
                one.facts = facts;
            }
            None => self.exercises.push(Exercise {
                title,
                tries: 1,
                passed,
                facts,
            }),
        }
    }

    /// Keeps what belongs to a lab, such as `Lab 03`.
    pub fn keep_only(&mut self, lab: &str) {
        let is_of = |title: &str| title.starts_with(lab);
        self.measurements.retain(|one| is_of(&one.lab));
        self.guesses.retain(|one| is_of(&one.question));
        self.predictions.retain(|one| is_of(&one.question));
        self.sketches.retain(|one| is_of(&one.question));
        self.exercises.retain(|one| is_of(&one.title));
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.measurements.is_empty()
            && self.guesses.is_empty()
            && self.predictions.is_empty()
            && self.sketches.is_empty()
            && self.exercises.is_empty()
    }

    /// Reads a file that may be anything.
    ///
    /// # Errors
    /// It is not what `cargo labs export` writes; the sentence says what it is instead.
    pub fn read(file: &Path) -> Result<Results> {
        // Opening a pipe would wait for a writer.
        let kind = fs::metadata(file).context("it cannot be read")?;
        if kind.is_dir() {
            bail!("it is a folder; name the files in it");
        }
        if !kind.is_file() {
            bail!("it is not a plain file");
        }
        let mut bytes = Vec::new();
        let opened = File::open(file).context("it cannot be read")?;
        let mut opened = opened.take(MOST_BYTES + 1);
        opened
            .read_to_end(&mut bytes)
            .context("it cannot be read")?;
        Results::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Results> {
        if bytes.len() as u64 > MOST_BYTES {
            bail!(
                "it has more than {} MiB; no results are as large",
                MOST_BYTES >> 20
            );
        }
        if bytes.is_empty() {
            bail!("it is empty; let it be exported again");
        }
        let text = std::str::from_utf8(bytes)
            .ok()
            .context("it is not text: its bytes are no UTF-8")?;
        let json: Value = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(error) if error.is_eof() => {
                bail!(
                    "it is cut off in line {}; let it be sent again",
                    error.line()
                )
            }
            Err(error) => bail!("it is not JSON, or damaged: {error}"),
        };
        if json["format"] != FORMAT {
            bail!("it is JSON, but nothing that `cargo labs export` wrote");
        }
        match json["version"].as_u64() {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) if version > u64::from(VERSION) => {
                bail!(
                    "newer labs wrote it, in version {version} of the format; update the labs here"
                )
            }
            _ => bail!("it is damaged: it has no version that there ever was"),
        }
        let mut results: Results = serde_json::from_value(json)
            .map_err(|error| anyhow::anyhow!("it is damaged: {error}"))?;
        results.tidy();
        results.check().context("it is damaged")?;
        Ok(results)
    }

    fn tidy(&mut self) {
        let machine = &mut self.machine;
        let mut texts: Vec<&mut String> = vec![
            &mut machine.processor,
            &mut machine.system,
            &mut machine.rustc,
            &mut machine.labs,
        ];
        texts.extend(&mut self.name);
        for one in &mut self.measurements {
            texts.extend([&mut one.lab, &mut one.figure, &mut one.series]);
            texts.extend(one.across.as_mut().map(|axis| &mut axis.label));
            texts.push(&mut one.measured.label);
            if let Numbers::Value { row, .. } = &mut one.numbers {
                texts.push(row);
            }
        }
        for one in &mut self.guesses {
            let Amount { written, unit, .. } = &mut one.guess;
            texts.extend([&mut one.question, written, unit]);
        }
        for one in &mut self.predictions {
            texts.push(&mut one.question);
            for amount in one.guess.iter_mut().chain([&mut one.measured]) {
                texts.extend([&mut amount.written, &mut amount.unit]);
            }
        }
        for one in &mut self.sketches {
            let axes = [&mut one.across.label, &mut one.up.label];
            texts.extend([&mut one.question].into_iter().chain(axes));
        }
        for one in &mut self.exercises {
            texts.extend([&mut one.title, &mut one.facts]);
        }
        for text in texts {
            *text = tidy(text);
        }
    }

    fn check(&self) -> Result<()> {
        let most = (self.measurements.len())
            .max(self.guesses.len())
            .max(self.predictions.len())
            .max(self.sketches.len())
            .max(self.exercises.len());
        if most > MOST_ENTRIES {
            bail!("it has {most} entries of one kind; {MOST_ENTRIES} are the most");
        }
        for one in &self.measurements {
            one.check()
                .with_context(|| format!("in the figure `{}`", one.figure))?;
        }
        for one in &self.guesses {
            one.check()
                .with_context(|| format!("at the question `{}`", one.question))?;
        }
        for one in &self.predictions {
            one.check()
                .with_context(|| format!("at the question `{}`", one.question))?;
        }
        for one in &self.sketches {
            one.check()
                .with_context(|| format!("in the sketch `{}`", one.question))?;
        }
        Ok(())
    }
}

impl Measurement {
    fn check(&self) -> Result<()> {
        (self.across.iter().chain([&self.measured])).try_for_each(Axis::check)?;
        match (&self.numbers, &self.across) {
            (Numbers::Points(points), Some(_)) => {
                (points.iter()).try_for_each(|(x, y)| sane(*x).and(sane(*y)))
            }
            (
                Numbers::Value {
                    value, low, high, ..
                },
                None,
            ) => [value, low, high].into_iter().try_for_each(|n| sane(*n)),
            (Numbers::Points(_), None) => bail!("a line has nothing that goes across"),
            (Numbers::Value { .. }, Some(_)) => bail!("a bar has two axes"),
        }
    }
}

impl Axis {
    fn check(&self) -> Result<()> {
        match Format::named(&self.format) {
            Some(_) => Ok(()),
            None => bail!("numbers are not written as `{}`", tidy(&self.format)),
        }
    }
}

impl Sketch {
    fn check(&self) -> Result<()> {
        [&self.across, &self.up]
            .into_iter()
            .try_for_each(Axis::check)?;
        let points = self.drawn.iter().chain(&self.measured);
        points
            .into_iter()
            .try_for_each(|(x, y)| sane(*x).and(sane(*y)))
    }
}

impl Guess {
    fn check(&self) -> Result<()> {
        sane(self.guess.value)
    }
}

impl Prediction {
    fn check(&self) -> Result<()> {
        sane(self.measured.value)?;
        self.guess
            .as_ref()
            .map_or(Ok(()), |guess| sane(guess.value))
    }
}

/// JSON has no NaN and serde_json no infinity, but one absurdly large or small number would squeeze all others in a figure into one point.
fn sane(number: f64) -> Result<()> {
    let size = number.abs();
    if number != 0.0 && !(1.0 / LARGEST..=LARGEST).contains(&size) {
        bail!("{number:e} is no number that anybody measured");
    }
    Ok(())
}

fn keep_newest<T>(entries: &mut Vec<T>) {
    let surplus = entries.len().saturating_sub(MOST_ENTRIES);
    entries.drain(..surplus);
}

/// `text` without characters that control a terminal or reverse the direction of writing, and cut to a reasonable length.
pub fn tidy(text: &str) -> String {
    let strange = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let text: String = text.trim().chars().take(LONGEST).collect();
    text.replace(strange, " ").trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "format": FORMAT, "version": 1, "exported": 1,
            "machine": {"processor": "P", "cores": 2, "cores_allowed": 1, "memory": 1, "system": "L", "rustc": "r", "labs": "0"},
            "measurements": [{"lab": "Lab 03", "figure": "F", "series": "s", "cores": 2, "when": 5,
                "across": {"label": "n", "log": true, "format": "number"},
                "measured": {"label": "t", "log": false, "format": "seconds"},
                "points": [[1, 0.25], [10, 1e-7]]}],
            "predictions": [{"question": "Q?", "measured": {"written": "3 ns", "value": 3, "unit": "ns"}, "when": 4}],
            "sketches": [{"question": "C?", "across": {"label": "n", "log": true, "format": "number"},
                "up": {"label": "t", "log": true, "format": "seconds"}, "drawn": [[1, 0.5]], "measured": [[1, 0.25]], "when": 4}],
            "exercises": [{"title": "E", "tries": 2, "passed": true, "facts": "2 of 2"}]
        })
    }

    fn said(change: impl FnOnce(&mut Value)) -> String {
        let mut json = good();
        change(&mut json);
        format!(
            "{:#}",
            Results::parse(json.to_string().as_bytes()).unwrap_err()
        )
    }

    #[test]
    fn whatever_is_wrong_is_a_sentence() {
        assert!(Results::parse(good().to_string().as_bytes()).is_ok());
        // A file of earlier labs.
        let mut earlier = good();
        earlier.as_object_mut().unwrap().remove("sketches");
        assert!(Results::parse(earlier.to_string().as_bytes()).is_ok());
        for (said, part) in [
            (said(|json| json["version"] = 2.into()), "update the labs"),
            (said(|json| json["version"] = "1".into()), "no version"),
            (
                said(|json| json["format"] = "x".into()),
                "nothing that `cargo labs export`",
            ),
            (said(|json| *json = json!([1])), "nothing that"),
            (
                said(|json| json["measurements"][0]["points"][0][1] = "a".into()),
                "damaged",
            ),
            (
                said(|json| json["measurements"][0]["points"][0][1] = 1e300.into()),
                "1e300 is no number",
            ),
            (
                said(|json| json["measurements"][0]["measured"]["format"] = "x".into()),
                "not written as `x`",
            ),
            (
                said(|json| json["measurements"][0]["across"] = Value::Null),
                "nothing that goes across",
            ),
            (
                said(|json| json["sketches"][0]["drawn"][0][1] = 1e300.into()),
                "in the sketch `C?`: 1e300 is no number",
            ),
            (
                said(|json| json["sketches"][0]["up"]["format"] = "y".into()),
                "not written as `y`",
            ),
            (
                said(|json| {
                    json["guesses"] = json!([{"question": "G?", "guess": {"written": "", "value": 1e300, "unit": ""}, "when": 1}]);
                }),
                "at the question `G?`: 1e300 is no number",
            ),
            (
                said(|json| json["exercises"] = vec![good()["exercises"][0].clone(); 2001].into()),
                "2001 entries",
            ),
            (said(|json| json["machine"] = Value::Null), "damaged"),
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let text = good().to_string();
        for (bytes, part) in [
            (&text.as_bytes()[..text.len() - 30], "cut off"),
            (b"", "empty"),
            (b"\xff\xfe{}", "no UTF-8"),
            (b"{\"a\": NaN}", "not JSON"),
            (b"{\"a\": 1e999}", "not JSON"),
            ("[".repeat(100_000).as_bytes(), "not JSON"),
            (&vec![b' '; (MOST_BYTES + 1) as usize], "more than 4 MiB"),
        ] {
            let said = Results::parse(bytes).unwrap_err().to_string();
            assert!(said.contains(part), "{part} in {said}");
        }
    }

    #[test]
    fn no_text_moves_a_cursor_or_turns_writing_around() {
        let mut json = good();
        json["name"] = "a\u{1b}[2J\u{202e}b\u{9b}".into();
        json["predictions"][0]["question"] = "x".repeat(9_999).into();
        let results = Results::parse(json.to_string().as_bytes()).unwrap();
        assert_eq!(results.name.unwrap(), "a [2J b");
        assert_eq!(results.predictions[0].question.len(), LONGEST);
    }

    #[test]
    fn the_last_guess_counts_until_it_is_measured() {
        let guess = |question: &str, guess: &str| Noted::Guess {
            question: question.into(),
            guess: guess.into(),
        };
        let mut noted = vec![
            guess("A?", "1 ns"),
            guess("B?", "7 ns"),
            guess("A?", "2 ns"),
        ];
        let written = |noted: &[Noted]| {
            let entries: Vec<Entry> = (noted.iter().cloned())
                .map(|noted| Entry { when: 1, noted })
                .collect();
            let results = Results::from_journal(&entries, None, Machine::default(), 1);
            let guesses = results.guesses.into_iter();
            guesses
                .map(|one| one.question + " " + &one.guess.written)
                .collect::<Vec<_>>()
        };
        assert_eq!(written(&noted), ["B? 7 ns", "A? 2 ns"]);
        noted.push(Noted::Prediction {
            question: "A?".into(),
            guess: "2 ns".into(),
            measured: "5 ns".into(),
        });
        noted.push(guess("A?", "5 ns"));
        assert_eq!(written(&noted), ["B? 7 ns"]);
    }
}
