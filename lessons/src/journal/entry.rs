use figures::Format;
use figures::numbers::{Numbers, Part, Scale, Shows};
use labsupport::measure::cores;

/// Of a curve with more points than this, only every second, third, … point is kept. A picture would not show the others.
const MOST_POINTS: usize = 1_000;

/// A line of the journal: what was written down, and when.
///
/// # Examples
/// ```
/// use lessons::journal::{self, Entry, Noted};
/// let file = std::env::temp_dir().join(format!("entry-{}.tsv", std::process::id()));
/// std::fs::write(&file, "1700000000\topened\tLab 03, exercise 1\n")?;
/// let noted = Noted::Opened { title: "Lab 03, exercise 1".into() };
/// assert_eq!(journal::read(&file)?, [Entry { when: 1_700_000_000, noted }]);
/// # std::fs::remove_file(file)?;
/// # Ok::<(), std::io::Error>(())
/// ```
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
    /// A guess, before anything is measured.
    Guess {
        /// What was asked.
        question: String,
        /// The guess with its unit.
        guess: String,
    },
    /// A guess and what was measured afterwards.
    Prediction {
        /// What was asked.
        question: String,
        /// The guess with its unit; empty if there was none.
        guess: String,
        /// The measurement with its unit.
        measured: String,
    },
    /// A curve that was drawn, and what was measured afterwards.
    Sketch {
        /// What was asked.
        question: String,
        /// The axis across.
        x: Scale,
        /// The axis up.
        y: Scale,
        /// What was drawn; empty if nothing was.
        drawn: Vec<(f64, f64)>,
        /// What was measured.
        measured: Vec<(f64, f64)>,
    },
    /// An exercise was checked for the first time, as it was handed out.
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
        /// How many of the facts held: `2 of 3`.
        facts: String,
        /// A fingerprint of the code; empty if it is not known.
        code: String,
        /// The number of what the hint was about; empty if there was no hint.
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

impl Entry {
    /// The line, without its end.
    pub(super) fn line(&self) -> String {
        format!("{}\t{}", self.when, self.noted.fields())
    }

    /// What [`line`](Entry::line) wrote; `None` if it did not write this.
    pub(super) fn of_line(line: &str) -> Option<Entry> {
        let (when, fields) = line.split_once('\t')?;
        let fields: Vec<&str> = fields.split('\t').collect();
        // An entry is worth keeping even if its time is damaged.
        let when = when.parse().unwrap_or(0);
        let noted = Noted::of_fields(&fields)?;
        Some(Entry { when, noted })
    }
}

impl Noted {
    /// One for each part of `figure` that has a number in it.
    pub(super) fn measured(lab: &str, figure: &Numbers) -> impl Iterator<Item = Noted> {
        let parts = (figure.parts.iter()).filter(|part| !points_text(&part.shows).is_empty());
        parts.map(move |part| Noted::Measured {
            lab: lab.into(),
            cores: cores(),
            numbers: Numbers {
                title: figure.title.clone(),
                x: figure.x.clone(),
                y: figure.y.clone(),
                parts: vec![part.clone()],
            },
        })
    }

    /// Lab, title, series and row, if this is a part of a figure. A part that was recorded again has the same.
    pub(super) fn part(&self) -> Option<[String; 4]> {
        let Noted::Measured { lab, numbers, .. } = self else {
            return None;
        };
        let part = numbers.parts.first()?;
        let (series, row) = (part.series.clone(), row(&part.shows).into());
        Some([lab.clone(), numbers.title.clone(), series, row])
    }

    fn fields(&self) -> String {
        match self {
            Noted::Guess { question, guess } => tabbed(&["guess", question, guess]),
            Noted::Prediction {
                question,
                guess,
                measured,
            } => tabbed(&["prediction", question, guess, measured]),
            Noted::Sketch {
                question,
                x,
                y,
                drawn,
                measured,
            } => tabbed(&[
                "sketch",
                question,
                &x.label,
                &scale_text(x),
                &y.label,
                &scale_text(y),
                &line_text(drawn),
                &line_text(measured),
            ]),
            Noted::Opened { title } => tabbed(&["opened", title]),
            Noted::Check {
                title,
                passed,
                facts,
                code,
                topic,
            } => {
                let passed = if *passed { PASSED } else { "not yet" };
                tabbed(&["check", title, passed, facts, code, topic])
            }
            Noted::Measured {
                lab,
                cores,
                numbers,
            } => {
                let Numbers { title, x, y, parts } = numbers;
                let across = x.as_ref().map_or("", |x| &x.label);
                let x = x.as_ref().map_or(String::new(), scale_text);
                let (up, y, cores) = (&y.label, scale_text(y), cores.to_string());
                let mut fields = tabbed(&["measured", lab, title, across, &x, up, &y, &cores]);
                for Part { series, shows } in parts {
                    fields = fields + "\t" + &tabbed(&[series, row(shows), &points_text(shows)]);
                }
                fields
            }
        }
    }

    fn of_fields(fields: &[&str]) -> Option<Noted> {
        Some(match *fields {
            ["guess", question, guess] => Noted::Guess {
                question: question.into(),
                guess: guess.into(),
            },
            ["prediction", question, guess, measured] => Noted::Prediction {
                question: question.into(),
                guess: guess.into(),
                measured: measured.into(),
            },
            ["sketch", question, across, x, up, y, drawn, measured] => Noted::Sketch {
                question: question.into(),
                x: scale(across, x)?,
                y: scale(up, y)?,
                drawn: line(drawn)?,
                measured: line(measured)?,
            },
            ["opened", title] => Noted::Opened {
                title: title.into(),
            },
            // The journals of earlier labs end here.
            ["check", title, passed, facts] => check(title, passed, facts, "", ""),
            ["check", title, passed, facts, code, topic] => {
                check(title, passed, facts, code, topic)
            }
            [
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
                        text => Some(scale(across, text)?),
                    },
                    y: scale(up, y)?,
                    parts: vec![Part {
                        series: series.into(),
                        shows: shows(row, points, !x.is_empty())?,
                    }],
                },
            },
            _ => return None,
        })
    }
}

const PASSED: &str = "passed";

fn check(title: &str, passed: &str, facts: &str, code: &str, topic: &str) -> Noted {
    Noted::Check {
        title: title.into(),
        passed: passed == PASSED,
        facts: facts.into(),
        code: code.into(),
        topic: topic.into(),
    }
}

fn tabbed(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| one_line(field)).collect();
    fields.join("\t")
}

/// The name of a bar or a dot; empty for a curve.
fn row(shows: &Shows) -> &str {
    match shows {
        Shows::Line(_) => "",
        Shows::Value { row, .. } => row,
    }
}

/// `text` as a field of the journal holds it.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn scale_text(scale: &Scale) -> String {
    let log = if scale.log { "log " } else { "" };
    format!("{log}{}", scale.format.name())
}

fn scale(label: &str, text: &str) -> Option<Scale> {
    let (log, format) = match text.strip_prefix("log ") {
        Some(format) => (true, format),
        None => (false, text),
    };
    Some(Scale {
        label: label.into(),
        log,
        format: Format::named(format)?,
    })
}

/// The finite numbers, with every digit: what is read is what was written.
fn points_text(shows: &Shows) -> String {
    match shows {
        Shows::Line(points) => line_text(points),
        Shows::Value {
            value, low, high, ..
        } if (value + low + high).is_finite() => format!("{value:?}:{low:?}:{high:?}"),
        Shows::Value { .. } => String::new(),
    }
}

fn line_text(points: &[(f64, f64)]) -> String {
    let points = points.iter().filter(|(x, y)| (x + y).is_finite());
    let step = points.clone().count().div_ceil(MOST_POINTS).max(1);
    let words: Vec<String> = points
        .step_by(step)
        .map(|(x, y)| format!("{x:?}:{y:?}"))
        .collect();
    words.join(" ")
}

fn shows(row: &str, text: &str, is_line: bool) -> Option<Shows> {
    if is_line {
        let points = line(text)?;
        return (!points.is_empty()).then_some(Shows::Line(points));
    }
    let [value, low, high] = numbers(text)?[..] else {
        return None;
    };
    Some(Shows::Value {
        row: row.into(),
        value,
        low,
        high,
    })
}

/// What [`line_text`] wrote.
fn line(text: &str) -> Option<Vec<(f64, f64)>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let pair = |text: &str| match numbers(text)?[..] {
        [x, y] => Some((x, y)),
        _ => None,
    };
    text.split(' ').map(pair).collect()
}

/// Finite numbers with colons between them.
fn numbers(text: &str) -> Option<Vec<f64>> {
    let numbers = text.split(':').map(|number| number.parse().ok());
    numbers
        .map(|number| number.filter(|number: &f64| number.is_finite()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_read_and_written_again_is_the_same() {
        for line in [
            "7\tguess\tLab 01: how long?\t2 ms",
            "7\tprediction\tLab 01: how long?\t2 ms\t6 ms",
            "7\tsketch\tLab 03: a curve?\tn\tlog number\ttime\tlog seconds\t1.0:2e-5 10.0:0.25\t1.0:1e-7",
            "7\tsketch\tLab 03: a curve?\tn\tnumber\tshare\tpercent\t\t1.0:40.0",
            "7\topened\tLab 03, exercise 1",
            "7\tcheck\tLab 03, exercise 1\tpassed\t3 of 3\tf00d\t",
            "7\tcheck\tLab 03, exercise 1\tnot yet\t2 of 3\t\t1",
            "7\tmeasured\tLab 03\tT\tn\tlog number\ttime\tseconds\t2\tone\t\t1.0:1e-7 10.0:0.25",
            "7\tmeasured\tLab 03\tT\t\t\tcost\tlog number\t2\ts\trow\t2.0:1.0:3.0",
        ] {
            assert_eq!(Entry::of_line(line).unwrap().line(), line);
        }
    }
}
