use super::rungs::{Ladder, caption};
use crate::data::data_folder;
use crate::python::python_baseline;
use figures::{Dots, Format, Table};
use std::fmt;

/// The stored measurements, for a machine without Python.
const STORED: &str = "reference/python-3.11-2-cores.json";

/// The same ladder in Python.
#[derive(Clone, Debug)]
pub struct InPython {
    rungs: Vec<Rung>,
    /// Where it was measured.
    whose: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Rung {
    name: String,
    is_contended: bool,
    median: f64,
    low: f64,
    high: f64,
}

impl InPython {
    /// Measures for so many seconds, by running `data/python_baseline.py` with `python3`. If that does not work, says why and takes stored
    /// measurements.
    ///
    /// # Panics
    /// The stored measurements cannot be read.
    ///
    /// # Examples
    /// ```no_run
    /// use lessons::ladder::InPython;
    /// println!("{}", InPython::measure(12));
    /// ```
    pub fn measure(seconds: u32) -> InPython {
        match python_baseline(seconds) {
            Ok(lines) => InPython {
                rungs: rungs_of(&lines),
                whose: "on this machine".into(),
            },
            Err(why) => {
                println!("{why}");
                InPython::stored()
            }
        }
    }

    /// The stored measurements.
    ///
    /// # Panics
    /// They cannot be read.
    ///
    /// # Examples
    /// ```
    /// use lessons::ladder::InPython;
    /// assert!(InPython::stored().to_string().contains("measured on 20"));
    /// ```
    pub fn stored() -> InPython {
        let file = data_folder().join(STORED);
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{} cannot be read ({error})", file.display()));
        let said = |key| {
            text.lines()
                .find_map(|line| field(line, key))
                .unwrap_or("?")
        };
        InPython {
            rungs: rungs_of(&text),
            whose: format!(
                "{} on a machine with {} cores of an {}, measured on {}",
                said("python"),
                said("cores"),
                said("processor"),
                said("date")
            ),
        }
    }

    /// Nanoseconds of one rung, alone.
    ///
    /// # Panics
    /// Python has no such rung.
    pub fn at(&self, name: &str) -> f64 {
        let found = (self.rungs.iter()).find(|rung| rung.name == name && !rung.is_contended);
        found
            .unwrap_or_else(|| panic!("Python has no rung \"{name}\""))
            .median
    }

    /// Puts the dots of Python into the figure of the ladder, where it has the rung.
    pub fn beside(&self, figure: Dots, alone: &Ladder) -> Dots {
        let known = |rung: &&Rung| alone.rungs().any(|(name, _)| name == rung.name);
        let figure = figure.caption(caption(&format!(" Python {}.", self.whose)));
        self.rungs
            .iter()
            .filter(known)
            .fold(figure, |figure, rung| {
                let who = if rung.is_contended {
                    "Python, four"
                } else {
                    "Python, alone"
                };
                figure.dot(&rung.name, who, rung.median, rung.low, rung.high)
            })
    }

    /// A table: each rung alone in both languages.
    ///
    /// # Panics
    /// Python does not have these rungs.
    pub fn against(&self, alone: &Ladder) -> Table {
        let table = Table::new(["rung, alone", "Rust", "Python", "Python / Rust"]);
        alone.rungs().fold(table, |table, (name, cost)| {
            let (ours, theirs) = (cost.median(), self.at(name));
            let [rust, python] = [ours, theirs].map(|ns| Format::Nanoseconds.write(ns));
            table.row([
                name.to_string(),
                rust,
                python,
                format!("{:.1}", theirs / ours),
            ])
        })
    }
}

impl fmt::Display for InPython {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} measurements of Python {}",
            self.rungs.len(),
            self.whose
        )
    }
}

labsupport::shown_in_words!(InPython);

/// The lines that have a rung: `{"name": "Value locked", "contended": false, "median_ns": 83.1, …}`.
fn rungs_of(text: &str) -> Vec<Rung> {
    let rung = |line: &str| {
        Some(Rung {
            name: field(line, "name")?.into(),
            is_contended: field(line, "contended")? == "true",
            median: field(line, "median_ns")?.parse().ok()?,
            low: field(line, "low_ns")?.parse().ok()?,
            high: field(line, "high_ns")?.parse().ok()?,
        })
    };
    text.lines().filter_map(rung).collect()
}

/// The value of a key in a line of JSON, without its quotes. Enough for what our script writes: no value has a quote or a comma in it.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    Some(rest[..end].trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_measurements_have_every_rung_twice() {
        let stored = InPython::stored();
        let of = |is_contended| {
            stored
                .rungs
                .iter()
                .filter(move |r| r.is_contended == is_contended)
        };
        assert_eq!(of(true).count(), of(false).count());
        for name in [
            "in-process atomic",
            "Array whole",
            "Manager list read",
            "start a process",
        ] {
            assert!(stored.at(name) > 0.0);
        }
        assert!(!stored.whose.contains(['"', '?']), "{}", stored.whose);
    }

    #[test]
    fn a_line_of_the_script_is_read_as_json_would_be() {
        let line = r#"{"name": "Value locked", "contended": true, "median_ns": 83.1, "low_ns": 82, "high_ns": 1e3, "runs": 7, "cores": 2}"#;
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let rung = &rungs_of(line)[0];
        assert_eq!(rung.name, json["name"]);
        assert_eq!(rung.is_contended, json["contended"]);
        let numbers = [rung.median, rung.low, rung.high].map(Some);
        assert_eq!(
            numbers,
            ["median_ns", "low_ns", "high_ns"].map(|key| json[key].as_f64())
        );
        assert_eq!(rungs_of("no JSON\n{}\n"), []);
    }
}
