//! Errors of the compiler, in the words of the notebook. The stand-in for cargo keeps what the compiler said of a cell that it
//! refused ([`diagnostic`]); this looks for the place in the cells ([`place`]) and adds what to do next ([`advice`]).
//!
//! An error has the name `CompileError`, the compiler's headline, the places, each with its cell, its line and the code, and a
//! sentence after an arrow.

pub(super) mod advice;
mod diagnostic;
mod found;
mod place;

use super::errors::CellError;
use crate::session::stand_in::{FAILED, FAILED_CODE};
use advice::Notebook;
use diagnostic::Diagnostic;
use found::{Found, drop_consequences, sentence};
use place::{Map, Place};
use std::fs;
use std::path::Path;

/// Other errors are shown when these are mended. Most often they vanish together with these.
const MOST: usize = 3;

/// More places would confuse.
const PLACES: usize = 4;

/// What the compiler said of a cell that it refused, and the code it refused.
pub(super) struct Report {
    said: Vec<Diagnostic>,
    code: String,
}

/// Forgets what the compiler said of an earlier cell. Call it before a cell is compiled.
pub(super) fn forget(session: &Path) {
    for file in [FAILED, FAILED_CODE] {
        let _ = fs::remove_file(session.join(file));
    }
}

/// What evcxr says about a variable of a cell that it cannot keep, in our words.
pub(super) fn of_a_variable(said: &str, number: u32, source: &str) -> Option<CellError> {
    let told = advice::of_a_variable(said)?;
    let mut error = CellError::new("CompileError", told.headline);
    let place = said.split('`').nth(1);
    let place = place.and_then(|name| advice::let_of(number, source, name));
    error.places = place.map_or(Vec::new(), |place| place.picture(""));
    error.next = told.next;
    Some(error)
}

impl Report {
    /// What the compiler said when it refused the last cell of `session`.
    pub(super) fn read(session: &Path) -> Option<Report> {
        let said = fs::read_to_string(session.join(FAILED)).ok()?;
        let code = fs::read_to_string(session.join(FAILED_CODE)).ok()?;
        Report::of(&said, code)
    }

    fn of(said: &str, code: String) -> Option<Report> {
        let said = diagnostic::errors(said);
        (!said.is_empty()).then_some(Report { said, code })
    }

    /// The errors, as far as they are about the last cell of `notebook` or caused by it.
    pub(super) fn errors(&self, notebook: &Notebook) -> Vec<CellError> {
        let map = Map::new(&self.code, notebook.cells);
        let found = self
            .said
            .iter()
            .map(|said| Found::new(said, &map, &self.code));
        let mut found: Vec<Found> = found.collect();
        let number = notebook.number();
        let is_own = |found: &Found| {
            let first = found.places.first();
            first.is_some_and(|(place, _)| place.number == number)
        };
        // An error in the cell also causes errors in the code that evcxr adds to it.
        let best = found.iter().map(|found| found.certainty).max().unwrap_or(0);
        found.retain(|found| found.certainty == best);
        if found.iter().any(is_own) {
            found.retain(is_own);
        }
        found.sort_by_key(|found| found.places.first().map(|(place, _)| place.range.start));
        drop_consequences(&mut found);
        let mut errors: Vec<CellError> = Vec::new();
        for found in &found {
            let error = self.error(found, notebook, &map);
            let is_said = |said: &CellError| {
                let is_same = (said.value == error.value, said.next == error.next);
                is_same == (true, true)
                    || is_same != (false, false) && said.places.first() == error.places.first()
            };
            if !errors.iter().any(is_said) {
                errors.push(error);
            }
        }
        let more = errors.len().saturating_sub(MOST);
        errors.truncate(MOST);
        if let Some(last) = errors.last_mut()
            && more > 0
        {
            let next = last
                .next
                .take()
                .map_or(String::new(), |next| format!("{next}\n"));
            let more = match more {
                1 => "One more error follows; often it vanishes".to_string(),
                more => format!("{more} more errors follow; often they vanish"),
            };
            last.next = Some(format!("{next}{more} with the first."));
        }
        errors
    }

    fn error(&self, found: &Found, notebook: &Notebook, map: &Map) -> CellError {
        let told = advice::tell(found, notebook);
        let mut error = CellError::new("CompileError", told.headline);
        // A mark without words adds nothing if another mark on its line has words.
        let line = |place: &Place| (place.number, place.line());
        let says_nothing = |(place, label): &&(Place, String)| {
            let others = found.places.iter();
            let mut others = others.filter(|(other, _)| line(other) == line(place));
            label.is_empty() && others.any(|(_, words)| !words.is_empty())
        };
        let places = found.places.iter().filter(|place| !says_nothing(place));
        for (place, label) in places.take(PLACES) {
            error.places.extend(place.picture(label));
        }
        let suggestion = || self.suggestion(found, map);
        error.next = told.next.or_else(suggestion);
        if let Some((place, _)) = found.places.first()
            && place.number != notebook.number()
        {
            let other = format!(
                "This is code of cell [{}], which is compiled with every cell. It does not fit what this cell defines: change one of \
                 the two.",
                place.number
            );
            error.next = Some(match error.next {
                Some(next) => format!("{other} {next}"),
                None => other,
            });
        }
        error
    }

    /// What the compiler suggests, with the line as it would be then.
    fn suggestion(&self, found: &Found, map: &Map) -> Option<String> {
        for child in &found.said.children {
            let mut parts: Vec<(std::ops::Range<usize>, &str)> = Vec::new();
            for span in &child.spans {
                if let (Some((range, None)), Some(new)) =
                    (span.place(), &span.suggested_replacement)
                {
                    parts.push((range, new));
                }
            }
            let is_one_line = parts.iter().all(|(_, new)| !new.trim_end().contains('\n'));
            if let [(range, new)] = &parts[..]
                && is_one_line
                && let Some(mut place) = map.find(range)
            {
                // An empty place in the cell may be before white space that it follows in the compiled code, and this white space may
                // contain a line's end.
                if range.is_empty() {
                    let before = &self.code[..range.start];
                    let skipped = before.len() - before.trim_end().len();
                    let after = &place.source[place.range.start..];
                    let white = after.len() - after.trim_start().len();
                    let at = place.range.start + skipped.min(white);
                    place.range = at..at;
                }
                let std::ops::Range { start, end } = place.line_range();
                let line = &place.source[start..end];
                let from = (place.range.start - start).min(line.len());
                let to = (place.range.end - start).clamp(from, line.len());
                let changed = match new.ends_with('\n') {
                    true => format!("{} {}", new.trim(), line.trim()),
                    false => format!("{}{new}{}", line.get(..from)?, line.get(to..)?),
                };
                return Some(format!(
                    "{}: `{}`",
                    sentence(&child.message),
                    changed.trim()
                ));
            }
        }
        let said = found.said.children.iter().filter(|child| {
            let text = &child.message;
            matches!(&child.level[..], "help" | "note")
                && !text.contains('\n')
                && !text.contains("evcxr")
                && !text.contains("Cargo.toml")
                && !text.starts_with("`#[deny(")
                && !text.starts_with("the trait `")
                && !text.to_lowercase().starts_with("require")
                && !text.contains("defined here")
                && !text.contains("takes ownership")
        });
        said.map(|child| format!("{}.", sentence(&child.message)))
            .next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::prelude::Prelude;
    use serde::Deserialize;
    use serde_json::json;

    /// A cell that rustc 1.97 refused: the cells so far, the library that evcxr made of them, and what rustc said.
    #[derive(Deserialize)]
    struct Recorded {
        name: String,
        cells: Vec<(u32, String)>,
        code: String,
        said: String,
    }

    /// What is told of each recorded mistake, as a page shows it, but for the inverse video.
    fn told(name: &str) -> String {
        let recorded: Vec<Recorded> = serde_json::from_str(include_str!("recorded.json")).unwrap();
        let mistake = recorded.into_iter().find(|one| one.name == name).unwrap();
        let notebook = Notebook {
            cells: &mistake.cells,
            prelude: &Prelude::from([("Workers".to_string(), "labsupport".to_string())]),
            file: None,
        };
        let report = Report::of(&mistake.said, mistake.code).unwrap();
        let errors = report.errors(&notebook);
        let lines = errors.iter().flat_map(|error| {
            let content = error.content();
            let lines = content["traceback"].as_array().unwrap().clone();
            lines
                .into_iter()
                .map(|line| line.as_str().unwrap().to_string())
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        ["\u{1b}[1m", "\u{1b}[7m", "\u{1b}[0m"]
            .iter()
            .fold(text, |text, code| text.replace(code, ""))
    }

    fn mark(before: &str, length: usize, said: &str) -> String {
        let space = " ".repeat(before.chars().count());
        format!("{space}{} {said}", "^".repeat(length))
            .trim_end()
            .to_string()
    }

    #[test]
    fn an_error_has_a_headline_a_place_the_code_and_what_to_do() {
        let expected = [
            "CompileError: cannot find value `coutn` in this scope",
            "cell [9], line 1:  println!(\"{}\", coutn);",
            &mark("cell [9], line 1:  println!(\"{}\", ", 5, ""),
            "→ Did you mean `count`, which cell [8] defines?",
        ];
        assert_eq!(told("undefined_value"), expected.join("\n"));
    }

    #[test]
    fn a_cell_may_hold_any_character() {
        let expected = [
            "CompileError: cannot find value `größer` in this scope",
            "cell [23], line 1:  let größe = 5; println!(\"µ {}\", größer);",
            &mark(
                "cell [23], line 1:  let größe = 5; println!(\"µ {}\", ",
                6,
                "",
            ),
            "→ Did you mean `größe`?",
        ];
        assert_eq!(told("nonascii"), expected.join("\n"));
    }

    #[test]
    fn an_error_in_a_macro_is_where_it_is_called() {
        let text = told("macro_user");
        assert!(
            text.contains("cell [26], line 1:  square!(\"a\");\n"),
            "{text}"
        );
        assert!(
            text.contains("cell [25], line 1:  macro_rules! square"),
            "{text}"
        );
        assert!(text.contains(" ^ in this macro"), "{text}");
        let text = told("macro_std");
        assert!(
            text.ends_with(
                "→ Each `{}` in the text needs a value after it, and each value a `{}`."
            ),
            "{text}"
        );
    }

    #[test]
    fn several_errors_come_in_the_order_of_their_lines() {
        let text = told("several");
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("cell ["))
            .collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[0].starts_with("cell [30], line 1:  let a1"), "{text}");
        assert!(lines[2].starts_with("cell [30], line 2:  let b1"), "{text}");
        assert!(lines[3].starts_with("cell [30], line 3:  let c1"), "{text}");
    }

    #[test]
    fn an_error_without_a_place_is_still_a_sentence() {
        let said = r#"{"reason":"compiler-message","message":{"message":"linking with `cc` failed","code":null,"level":"error","spans":[],"children":[]}}"#;
        let report = Report::of(said, "fn x() {}".into()).unwrap();
        let cells = [(1, "1 + 1".to_string())];
        let notebook = Notebook {
            cells: &cells,
            prelude: &Prelude::new(),
            file: None,
        };
        let errors = report.errors(&notebook);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].value, "linking with `cc` failed");
        assert!(errors[0].places.is_empty());
    }

    #[test]
    fn a_linker_that_fails_is_quoted() {
        let said = |remark: &str| {
            let remark = json!({"message": remark, "code": null, "level": "note", "spans": [], "children": []});
            let command = json!({"message": "\"cc\" \"-m64\"", "code": null, "level": "note", "spans": [], "children": []});
            let message = json!({"message": "linking with `cc` failed: exit status: 1", "code": null, "level": "error", "spans": [],
                                 "children": [command, remark]});
            json!({"reason": "compiler-message", "message": message}).to_string()
        };
        let cells = [(1, "1 + 1".to_string())];
        let notebook = Notebook {
            cells: &cells,
            prelude: &Prelude::new(),
            file: None,
        };
        for (remark, reason, is_full) in [
            (
                "rust-lld: error: failed to write output 'x.so': No space left on device\ncollect2: error: ld returned 1 exit status",
                "failed to write output 'x.so': No space left on device",
                true,
            ),
            (
                "/usr/bin/ld: final link failed: No space left on device",
                "/usr/bin/ld: final link failed: No space left on device",
                true,
            ),
            (
                "collect2: fatal error: ld terminated with signal 7 [Bus error], core dumped",
                "ld terminated with signal 7 [Bus error], core dumped",
                true,
            ),
            (
                "rust-lld: error: undefined symbol: nothing",
                "undefined symbol: nothing",
                false,
            ),
        ] {
            let report = Report::of(&said(remark), "fn x() {}".into()).unwrap();
            let error = report.errors(&notebook).remove(0);
            let asks = error.value.contains("is the disk full?");
            assert!(error.value.ends_with(reason), "{}", error.value);
            let next = error.next.unwrap_or_default();
            assert_eq!((asks, next.starts_with("Make room")), (is_full, is_full));
        }
    }

    #[test]
    fn what_only_the_kernel_wrote_is_not_shown() {
        for (name, headline, next) in [
            (
                "missing_semicolon_let",
                "expected `;` here",
                "→ Write `;` at the end of line 1: it ends a statement.",
            ),
            (
                "guard",
                "`guard_of` holds a lock, and no lock is held from one cell to the next",
                "→ Put braces around the lines that need the lock: `{ let guard_of = …; … }`. It is",
            ),
            (
                "serde",
                "the trait bound `Found: serde::Serialize` is not satisfied",
                "→ What a worker returns travels through a pipe, and a type of your own must say how.",
            ),
            (
                "never",
                "the trait bound `!: serde::Serialize` is not satisfied",
                "→ This worker never returns, so say what it would return: `|w| -> () { … }`.",
            ),
            (
                "div_const",
                "this operation will panic at runtime",
                "→ First check that it can be done, with `if`, or use `checked_div` or `get`, which give",
            ),
            (
                "captured",
                "cannot assign to `hits`, as it is a captured variable in a `Fn` closure",
                "→ A worker is a process of its own, and would change only its own copy of `hits`. For a",
            ),
            (
                "mismatched",
                "mismatched types",
                "→ Rust does not mix types of numbers. Write `b as u32`, which cuts off what does not fit,",
            ),
            (
                "moved",
                "borrow of moved value: `text`",
                "→ A value has one owner, and `text` was given away before. Lend it instead, with `&text`,",
            ),
            (
                "borrow",
                "cannot borrow `v7` as mutable because it is also borrowed as immutable",
                "→ A value cannot change while it is borrowed. Use the borrow for the last time before the",
            ),
            (
                "python2",
                "expected `;`, found `f`",
                "→ That is Python. In Rust a function is `fn name(x: u32) -> u32 { … }`.",
            ),
        ] {
            let text = told(name);
            assert!(
                text.starts_with(&format!("CompileError: {headline}\ncell [")),
                "{text}"
            );
            assert!(text.lines().any(|line| line == next), "{text}");
            assert_eq!(text.matches("CompileError").count(), 1, "{text}");
            for word in [
                "evcxr",
                "persisted",
                "ote: ",
                "prelude::",
                "serde_core",
                "}^",
            ] {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
        // That holds even if the student's cells have such a line.
        assert!(!told("guard").contains("cell [37]"));
    }
}
