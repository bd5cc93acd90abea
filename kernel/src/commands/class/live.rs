//! The page of a class that is at work: what the room guesses, and what it has measured, once the teacher shows that.
//!
//! A measurement reaches neither the page nor the bins of a guess before it is shown: no axis, no count and no order gives it away.

use super::figures::{picture, value_in};
use super::histogram::{bins, drawn};
use super::section::{Item, Section};
use super::students::{Student, median, students_words};
use crate::results::Amount;
use std::collections::{BTreeMap, HashSet};

/// The questions that somebody has guessed at. They keep their numbers while others come.
#[derive(Default)]
pub(super) struct Questions {
    texts: Vec<String>,
    shown: HashSet<String>,
    all_shown: bool,
}

impl Questions {
    /// No question yet. If all are shown, so is what was measured.
    pub(super) fn new(all_shown: bool) -> Questions {
        Questions {
            all_shown,
            ..Questions::default()
        }
    }

    /// Gives numbers to the questions that are new, in the order in which the class came to them.
    pub(super) fn note(&mut self, students: &[Student]) {
        let mut new: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for student in students {
            for (question, answer) in student.answers() {
                if answer.guess.is_some() && !self.texts.iter().any(|known| known == question) {
                    new.entry(question).or_default().push(answer.when as f64);
                }
            }
        }
        // One clock may be wrong; the median is not.
        let mut new: Vec<(f64, &str)> = (new.into_iter())
            .map(|(question, times)| (median(times), question))
            .collect();
        new.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.texts
            .extend(new.into_iter().map(|(_, question)| question.to_string()));
    }

    /// Shows what was measured at the question with this number, or hides it again. Returns what to say.
    pub(super) fn turn(&mut self, number: usize) -> String {
        let Some(text) = number
            .checked_sub(1)
            .and_then(|index| self.texts.get(index))
        else {
            return format!("There is no question {number}.");
        };
        self.all_shown = false;
        if self.shown.remove(text) {
            return format!("Hidden again: {number} · {text}");
        }
        self.shown.insert(text.clone());
        format!("Shown: what was measured at {number} · {text}")
    }

    /// Shows everything that was measured, or hides all of it.
    pub(super) fn turn_all(&mut self) -> String {
        self.shown.clear();
        self.all_shown = !self.all_shown;
        match self.all_shown {
            true => "Shown: everything that was measured.".into(),
            false => "Everything that was measured is hidden again.".into(),
        }
    }

    fn is_shown(&self, text: &str) -> bool {
        self.all_shown || self.shown.contains(text)
    }

    /// A line for each question.
    pub(super) fn list(&self) -> String {
        let lines = self.texts.iter().enumerate().map(|(index, text)| {
            let state = if self.is_shown(text) {
                "shown "
            } else {
                "hidden"
            };
            format!("{:>3}  {state}  {text}\n", index + 1)
        });
        let lines: String = lines.collect();
        match lines.is_empty() {
            true => "Nobody has guessed yet.".into(),
            false => lines.trim_end().into(),
        }
    }

    /// The page: the newest question first.
    pub(super) fn sections(&self, students: &[Student]) -> Vec<Section> {
        if self.texts.is_empty() {
            return vec![Section {
                title: "Nobody has guessed yet".into(),
                items: vec![Item::Words(
                    "A guess appears here as soon as a student has run its cell and handed in."
                        .into(),
                )],
            }];
        }
        let numbered = self.texts.iter().enumerate().rev();
        numbered
            .map(|(index, text)| self.section(index + 1, text, students))
            .collect()
    }

    fn section(&self, number: usize, text: &str, students: &[Student]) -> Section {
        let mut guessed: Vec<&Amount> = Vec::new();
        let mut seen: Vec<&Amount> = Vec::new();
        for student in students {
            if let Some(answer) = student.answers().get(text) {
                guessed.extend(answer.guess);
                seen.extend(answer.measured.filter(|_| self.is_shown(text)));
            }
        }
        let unit = unit_of(&guessed);
        let in_unit = |amounts: &[&Amount]| -> Vec<f64> {
            let numbers = amounts.iter().filter_map(|amount| value_in(amount, &unit));
            numbers.collect()
        };
        let (guesses, measured) = (in_unit(&guessed), in_unit(&seen));
        let words = |numbers: &[f64]| {
            lessons::Amount::new(median(numbers.iter().copied()), &unit).to_string()
        };
        let mut said = format!(
            "{} of {} guessed",
            guessed.len(),
            students_words(students.len())
        );
        if !guesses.is_empty() {
            said.push_str(&format!(", {} in the middle", words(&guesses)));
        }
        match (measured.is_empty(), self.is_shown(text)) {
            (false, _) => said.push_str(&format!(
                "; {} measured, {} in the middle",
                measured.len(),
                words(&measured)
            )),
            (true, true) => said.push_str("; nobody has measured yet"),
            (true, false) => {}
        }
        said.push('.');
        let others = guessed.len() - guesses.len();
        if others > 0 {
            said.push_str(&format!(" {others} guessed in another unit."));
        }
        let bins = bins(guesses.iter().chain(&measured).copied(), &unit);
        let mut items = vec![Item::Words(said)];
        for (title, numbers) in [
            ("What the room guesses", &guesses),
            ("What it has measured", &measured),
        ] {
            if !numbers.is_empty() {
                let figure = drawn(title, &bins, numbers);
                items.push(picture(figure.svg(), figure.text()));
            }
        }
        Section {
            title: format!("{number} · {text}"),
            items,
        }
    }
}

/// The unit that most of the guesses can be written in; the first of several.
fn unit_of(guessed: &[&Amount]) -> String {
    let fits = |unit: &str| {
        let fitting = guessed
            .iter()
            .filter(|guess| value_in(guess, unit).is_some());
        fitting.count()
    };
    let mut best = (0, String::new());
    for guess in guessed {
        let count = fits(&guess.unit);
        if count > best.0 {
            best = (count, guess.unit.clone());
        }
    }
    best.1
}

#[cfg(test)]
pub(super) use tests::hand_in;

#[cfg(test)]
mod tests {
    use super::super::students::{Handed, merge};
    use super::*;
    use serde_json::{Value, json};
    use std::fs;
    use std::path::Path;

    /// A file of a student who has guessed, and measured if there is a second number.
    pub(crate) fn hand_in(file: &Path, name: &str, guess: &str, measured: Option<&str>) {
        let amount = |text: &str| {
            let amount: lessons::Amount = text.parse().unwrap();
            json!({"written": text, "value": amount.value(), "unit": amount.unit()})
        };
        let mut all = json!({
            "format": crate::results::FORMAT, "version": 1, "exported": 1, "name": name,
            "machine": {"processor": "P", "cores": 2, "cores_allowed": 2, "memory": 1, "system": "L", "rustc": "r", "labs": "0"},
            "measurements": [], "predictions": [], "exercises": [],
        });
        let mut one = json!({"question": "Lab 03: one look?", "guess": amount(guess), "when": 9});
        match measured {
            Some(measured) => {
                one["measured"] = amount(measured);
                all["predictions"] = json!([one]);
            }
            None => all["guesses"] = Value::Array(vec![one]),
        }
        fs::write(file, all.to_string()).unwrap();
    }

    fn class(answers: &[(&str, Option<&str>)]) -> Vec<Student> {
        let folder = tempfile::tempdir().unwrap();
        let handed = answers
            .iter()
            .enumerate()
            .map(|(index, (guess, measured))| {
                let file = folder.path().join(format!("{index:04}.json"));
                hand_in(&file, &index.to_string(), guess, *measured);
                Handed::read(&file, None).unwrap()
            });
        merge(handed.collect()).0
    }

    fn page(questions: &Questions, students: &[Student]) -> String {
        super::super::page::html("x", None, &questions.sections(students))
    }

    #[test]
    fn nothing_measured_reaches_the_page_before_it_is_shown() {
        let before = class(&[("100 ns", None), ("300 ns", None)]);
        let after = class(&[("100 ns", Some("7 s")), ("300 ns", Some("8 s"))]);
        let mut questions = Questions::new(false);
        questions.note(&before);
        let hidden = page(&questions, &before);
        assert!(
            hidden.contains("2 of 2 students guessed, 200 ns in the middle."),
            "{hidden}"
        );
        assert_eq!(page(&questions, &after), hidden, "not in a single letter");
        assert!(questions.turn(1).starts_with("Shown"));
        let shown = page(&questions, &after);
        assert!(
            shown.contains("2 measured, 7.5 s in the middle")
                && shown.contains("What it has measured"),
            "{shown}"
        );
        assert!(page(&questions, &before).contains("nobody has measured yet"));
        assert!(questions.turn(1).starts_with("Hidden"));
        assert_eq!(page(&questions, &after), hidden);
        assert!(
            questions.turn(2).starts_with("There is no")
                && questions.turn(0).starts_with("There is no")
        );
        questions.turn_all();
        assert_eq!(page(&questions, &after), shown);
        assert_eq!(
            page(
                &Questions {
                    all_shown: true,
                    ..questions
                },
                &after
            ),
            shown
        );
    }

    #[test]
    fn a_guess_in_another_unit_is_told_and_a_thousand_students_are_drawn() {
        let mut answers = vec![("5 ms", None), ("3 %", None), ("4", None)];
        answers.extend([("900 µs", None)].repeat(997));
        let students = class(&answers);
        let mut questions = Questions::new(false);
        questions.note(&students);
        let page = page(&questions, &students);
        assert!(
            page.contains(
                "1000 of 1000 students guessed, 900 µs in the middle. 2 guessed in another unit."
            ),
            "{page}"
        );
        assert_eq!(questions.list(), "  1  hidden  Lab 03: one look?");
    }

    #[test]
    fn an_empty_class_says_so() {
        let mut questions = Questions::new(false);
        questions.note(&[]);
        assert!(page(&questions, &[]).contains("Nobody has guessed yet"));
        assert_eq!(questions.list(), "Nobody has guessed yet.");
    }
}
