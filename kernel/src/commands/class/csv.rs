//! `cargo labs class --csv`: one row for each student, for a gradebook or a spreadsheet.
//!
//! The names in it come from strangers' files, and a spreadsheet takes a text that begins with `=` for a formula. So such a text gets an
//! apostrophe in front of it. Apart from that it is RFC 4180: fields with commas, quotes or line ends stand between quotes.

use super::figures::value_in;
use super::students::{Answer, Student};
use super::tidy_path;
use crate::results::Exercise;
use std::collections::{BTreeMap, BTreeSet};

/// The whole file.
pub(super) fn csv(students: &[Student]) -> String {
    let exercises: BTreeSet<&str> = (students.iter())
        .flat_map(|student| student.results.exercises.iter())
        .map(|one| one.title.as_str())
        .collect();
    let answers: Vec<BTreeMap<&str, Answer>> = students.iter().map(Student::answers).collect();
    // A question's unit is the one in which it was measured, or guessed as long as nobody has measured.
    let all = || answers.iter().flatten();
    let measured = all().map(|(question, answer)| (*question, answer.measured));
    let guessed = all().map(|(question, answer)| (*question, answer.guess));
    let mut units: BTreeMap<&str, &str> = BTreeMap::new();
    for (question, amount) in measured.chain(guessed) {
        if let Some(amount) = amount {
            units.entry(question).or_insert(&amount.unit);
        }
    }
    let mut header: Vec<String> = ["name", "file", "exercises passed"]
        .map(String::from)
        .into();
    for title in &exercises {
        header.extend([format!("{title}: passed"), format!("{title}: attempts")]);
    }
    for (question, unit) in &units {
        let unit = match unit.is_empty() {
            true => String::new(),
            false => format!(" ({unit})"),
        };
        header.extend(["guess", "measured"].map(|what| format!("{question} {what}{unit}")));
    }
    let mut text = row(header.iter().map(|field| words(field)));
    for (student, answers) in students.iter().zip(&answers) {
        let results = &student.results;
        let find = |title: &str| results.exercises.iter().find(|one| one.title == title);
        let passed = results.exercises.iter().filter(|one| one.passed).count();
        let mut fields = vec![
            words(results.name.as_deref().unwrap_or_default()),
            words(&tidy_path(&student.file)),
            passed.to_string(),
        ];
        for title in &exercises {
            fields.extend(match find(title) {
                Some(Exercise { passed, tries, .. }) => {
                    [u8::from(*passed).to_string(), tries.to_string()]
                }
                None => [String::new(), String::new()],
            });
        }
        for (question, unit) in &units {
            let answer = answers.get(question);
            for amount in [
                answer.and_then(|answer| answer.guess),
                answer.and_then(|answer| answer.measured),
            ] {
                fields.push(amount.map_or(String::new(), |amount| {
                    // A number in another unit stays as it was written.
                    value_in(amount, unit).map_or_else(|| words(&amount.written), number)
                }));
            }
        }
        text += &row(fields);
    }
    text
}

/// A number without the last digits, in which a change of units shows.
fn number(number: f64) -> String {
    let rounded = format!("{number:.11e}").parse::<f64>();
    rounded.unwrap_or(number).to_string()
}

/// A text from a file, which no spreadsheet takes for a formula.
fn words(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text.into(),
    }
}

fn row(fields: impl IntoIterator<Item = String>) -> String {
    let quoted = fields
        .into_iter()
        .map(|field| match field.contains(['"', ',', '\r', '\n']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field,
        });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::super::live::hand_in;
    use super::super::students::{Handed, merge};
    use super::*;
    use serde_json::{Value, json};
    use std::fs;

    #[test]
    fn a_row_for_each_student_and_no_text_is_a_formula() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        hand_in(
            &file("a.json"),
            "=HYPERLINK(\"x\",\"y\")",
            "100 ns",
            Some("0.05 µs"),
        );
        hand_in(&file("b.json"), "Bob, \"B\"", "3 apples", None);
        hand_in(&file("c.json"), "Zoë", "1 µs", Some("-2 ns"));
        let mut one: Value = serde_json::from_slice(&fs::read(file("c.json")).unwrap()).unwrap();
        one["exercises"] = json!([
            {"title": "Lab 03, exercise 1", "tries": 2, "passed": true, "facts": "2 of 2"},
            {"title": "Lab 03, exercise 2", "tries": 0, "passed": false, "facts": ""},
        ]);
        fs::write(file("c.json"), one.to_string()).unwrap();
        let handed =
            ["a.json", "b.json", "c.json"].map(|name| Handed::read(&file(name), None).unwrap());
        let text = csv(&merge(handed.into()).0);
        let text = text.replace(&format!("{}/", folder.path().display()), "");
        let expected = [
            "name,file,exercises passed,\"Lab 03, exercise 1: passed\",\"Lab 03, exercise 1: attempts\",\
             \"Lab 03, exercise 2: passed\",\"Lab 03, exercise 2: attempts\",Lab 03: one look? guess (µs),Lab 03: one look? measured (µs)",
            "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\",a.json,0,,,,,0.1,0.05",
            "\"Bob, \"\"B\"\"\",b.json,0,,,,,3 apples,",
            "Zoë,c.json,1,1,2,0,0,1,-0.002",
            "",
        ];
        assert_eq!(text, expected.join("\r\n"));
    }
}
