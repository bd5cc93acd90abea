//! Errors as a notebook should show them: what happened, in which cell, on which line, and what to do next.

use super::shorten;
use serde_json::{Value, json};
use std::path::Path;

/// An error of a cell: name, sentence, and the lines to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CellError {
    /// What kind: `Panic`, `Error`, `Interrupted`, …
    pub name: &'static str,
    /// What happened, in one sentence or as the program said it.
    pub value: String,
    /// The lines of the traceback, after the sentence.
    pub places: Vec<String>,
    /// What to do next, where that is not in the sentence.
    pub next: Option<String>,
}

impl CellError {
    /// An error that is a sentence and no more.
    pub(super) fn new(name: &'static str, value: impl Into<String>) -> CellError {
        CellError {
            name,
            value: value.into(),
            places: Vec::new(),
            next: None,
        }
    }

    /// As Jupyter wants it, for `error` messages and replies alike.
    pub(super) fn content(&self) -> Value {
        let value = shorten::text(&self.value);
        let mut traceback = wrapped(&format!("{}: {value}", self.name));
        if let Some(rest) = traceback[0].strip_prefix(self.name) {
            // Bold, and in the theme's own colour: no other is legible on the red of a light theme and on that of a dark one.
            traceback[0] = format!("\u{1b}[1m{}:\u{1b}[0m{}", self.name, &rest[1..]);
        }
        traceback.extend(self.places.iter().cloned());
        if let Some(next) = &self.next {
            traceback.extend(wrapped(&format!("→ {next}")));
        }
        json!({"ename": self.name, "evalue": value, "traceback": traceback})
    }
}

/// The page breaks long lines of errors in the middle of words, so this breaks them earlier, between words.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 90;
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut rest = line;
        while let Some((most, _)) = rest.char_indices().nth(WIDTH) {
            // If no word ends in time, as in a long value, the page may break the line.
            let Some(space) = rest[..most].rfind(' ') else {
                break;
            };
            lines.push(rest[..space].to_string());
            rest = &rest[space + 1..];
        }
        lines.push(rest.to_string());
    }
    lines
}

/// What the student's program wrote when it panicked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panic<'a> {
    /// What it had written before.
    pub before: &'a str,
    /// File, line and column, as the compiler knows them.
    pub place: &'a str,
    /// The message.
    pub message: &'a str,
}

/// Whether the report of a panic begins in `text`; it may not be whole yet.
pub(super) fn report_begins(text: &str) -> bool {
    text.contains("' panicked at ") || text.contains(") panicked at ")
}

/// Finds the last panic that `text` from standard error reports.
pub(super) fn last_panic(text: &str) -> Option<Panic<'_>> {
    let at = text.rfind(" panicked at ")?;
    let start = text[..at].rfind("thread '")?;
    let rest = &text[at + " panicked at ".len()..];
    let (place, message) = rest.split_once('\n')?;
    let message = message.split("\nnote: run with `RUST_BACKTRACE").next()?;
    Some(Panic {
        before: text[..start].trim_end_matches('\n'),
        place: place.trim_end_matches(':'),
        message: message.trim_end(),
    })
}

/// The cells that were run, by number: to find out in which of them, and where, a line of compiled code stands.
pub(super) struct Sources<'a> {
    /// The folder in which evcxr compiled.
    pub compiled: &'a Path,
    /// Number and source, the newest last.
    pub cells: &'a [(u32, String)],
}

impl Sources<'_> {
    /// Says where `place` (`file:line:column`) is, in the words of the notebook.
    pub(super) fn find(&self, place: &str) -> String {
        let mut parts = place.rsplitn(3, ':');
        let (_column, line, file) = (parts.next(), parts.next(), parts.next());
        let (Some(line), Some(file)) = (line.and_then(|line| line.parse::<usize>().ok()), file)
        else {
            return format!("at {place}");
        };
        self.in_a_cell(file, line)
            .unwrap_or_else(|| format!("at {file}, line {line}"))
    }

    /// evcxr puts the lines of cells into a library, between lines of its own, so this looks for the same line in the cells.
    fn in_a_cell(&self, file: &str, line: usize) -> Option<String> {
        let path = Path::new(file);
        if path.is_absolute() && !path.starts_with(self.compiled) {
            return None; // of a crate, or of the standard library
        }
        let text = std::fs::read_to_string(self.compiled.join(path)).ok()?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.get(line.checked_sub(1)?)?;
        // evcxr puts the last expression of a cell into brackets, on lines of its own: `evcxr_send_text_plain(&format!("{:?}",&(`.
        let opens = |line: &&&str| **line == "(" || line.ends_with(",&(");
        let brackets = lines[line - 1..].iter().take_while(opens);
        let line = line + brackets.count();
        let cells = self.cells.iter().rev();
        let (number, source, found) = cells
            .filter_map(|(number, source)| {
                let source: Vec<&str> = source.lines().map(str::trim).collect();
                let found = best_match(&lines, line - 1, &source)?;
                Some((number, source, found))
            })
            .next()?;
        Some(format!(
            "cell [{number}], line {}:  {}",
            found + 1,
            source[found]
        ))
    }
}

/// The line of `source` that equals line `index` of `lines`. If there are several, the one whose neighbours fit best.
fn best_match(lines: &[&str], index: usize, source: &[&str]) -> Option<usize> {
    let neighbours = |candidate: usize| {
        let same = |step: &dyn Fn(usize, usize) -> Option<usize>| {
            (1..)
                .take_while(|&distance| {
                    let (Some(one), Some(other)) =
                        (step(index, distance), step(candidate, distance))
                    else {
                        return false;
                    };
                    matches!((lines.get(one), source.get(other)), (Some(a), Some(b)) if a == b)
                })
                .count()
        };
        same(&|at, distance| at.checked_sub(distance)) + same(&|at, distance| Some(at + distance))
    };
    // evcxr gives each statement lines of its own, so a line of the cell may be only a part of this one, or the other way round.
    let fits = |one: &str, other: &str| !one.is_empty() && other.contains(one);
    let same = |candidate: &usize| source[*candidate] == lines[index];
    let part = |candidate: &usize| {
        fits(source[*candidate], lines[index]) || fits(lines[index], source[*candidate])
    };
    let exact = (0..source.len()).any(|candidate| same(&candidate));
    let candidates = (0..source.len()).filter(|candidate| {
        if exact {
            same(candidate)
        } else {
            part(candidate)
        }
    });
    candidates
        .map(|candidate| (neighbours(candidate), candidate))
        // If several fit equally well, take the first.
        .max_by_key(|&(neighbours, candidate)| (neighbours, std::cmp::Reverse(candidate)))
        .map(|(_, candidate)| candidate)
}

/// The lines that have a `?`, in words; empty if there is none.
pub(super) fn question_marks(number: u32, source: &str) -> String {
    let mut lines = Vec::new();
    let mut at = 0;
    for token in ra_ap_rustc_lexer::tokenize(source, ra_ap_rustc_lexer::FrontmatterAllowed::No) {
        if token.kind == ra_ap_rustc_lexer::TokenKind::Question {
            lines.push(
                source[..at].lines().count().max(1) + usize::from(source[..at].ends_with('\n')),
            );
        }
        at += token.len as usize;
    }
    lines.dedup();
    match &lines[..] {
        [] => format!("cell [{number}]"),
        [line] => {
            let text = source.lines().nth(line - 1).unwrap_or_default().trim();
            format!("cell [{number}], line {line}:  {text}")
        }
        lines => {
            let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
            format!(
                "cell [{number}], at the ? in one of the lines {}",
                lines.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words() {
        let text = "word ".repeat(40);
        let error = CellError::new("Interrupted", text.trim());
        let content = error.content();
        let lines: Vec<&str> = content["traceback"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("\u{1b}[1mInterrupted:\u{1b}[0m word word"));
        assert!(lines.iter().all(|line| line.ends_with("word")));
        assert_eq!(wrapped(&"x".repeat(200)).len(), 1);
        assert_eq!(wrapped("a\n\nb"), ["a", "", "b"]);
    }

    /// The relative luminance of a colour (WCAG 2.2).
    fn luminance(colour: [f64; 3]) -> f64 {
        let [red, green, blue] = colour.map(|part| match part / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// `colour` over `below`, where it hides that much of it.
    fn over(colour: [f64; 3], hides: f64, below: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|part| colour[part] * hides + below[part] * (1.0 - hides))
    }

    #[test]
    fn every_colour_of_an_error_is_legible_in_both_themes() {
        const BLACK: [f64; 3] = [0.0; 3];
        const DARK: [f64; 3] = [17.0; 3]; // #111
        const WHITE: [f64; 3] = [255.0; 3];
        // JupyterLab 4, theme-light and theme-dark: --jp-rendermime-error-background over --jp-layout-color0, the text's
        // --jp-content-font-color1, and for inverse video --jp-ui-inverse-font-color0 on --jp-inverse-layout-color0.
        let light = [255.0, 221.0, 221.0];
        let dark = over([244.0, 67.0, 54.0], 0.28, DARK);
        for (what, text, ground) in [
            ("text, light", over(BLACK, 0.87, light), light),
            ("text, dark", WHITE, dark),
            ("marked, light", WHITE, DARK),
            ("marked, dark", BLACK, WHITE),
        ] {
            let contrast = contrast(text, ground);
            eprintln!("{what}: {contrast:.1}:1");
            assert!(contrast >= 4.5, "{what}: {contrast:.2}:1");
        }
        // Errors use no other colours.
        let mut error = CellError::new("Panic", "oh");
        error.next = Some("Do.".into());
        let shown = error.content()["traceback"].to_string();
        let codes: Vec<&str> = shown.split("\\u001b[").skip(1).collect();
        assert!(
            codes.iter().all(|code| ["0m", "1m", "7m"]
                .iter()
                .any(|known| code.starts_with(known))),
            "{shown}"
        );
    }

    #[test]
    fn a_panic_is_taken_apart() {
        let text = "hello\n\nthread '<unnamed>' (71) panicked at src/lib.rs:14:5:\nassertion failed\n  left: 1\n right: 2\n\
                    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert!(report_begins(text));
        assert_eq!(
            last_panic(text),
            Some(Panic {
                before: "hello",
                place: "src/lib.rs:14:5",
                message: "assertion failed\n  left: 1\n right: 2",
            })
        );
        assert_eq!(last_panic("nothing of the kind"), None);
    }

    #[test]
    fn a_line_of_the_library_is_found_in_its_cell() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        let cells = vec![
            (1, "fn half(n: u32) -> u32 {\n    n / 0\n}".to_string()),
            (
                2,
                "let a = 1;\nassert!(a > 1);\nlet b = 2;\nassert!(a > 1);".to_string(),
            ),
        ];
        std::fs::write(
            folder.path().join("src/lib.rs"),
            "generated\nfn half(n: u32) -> u32 {\n    n / 0\n}\nstart(\nlet a = 1;\nassert!(a > 1);\nlet b = 2;\nassert!(a > 1);\nend\n",
        )
        .unwrap();
        let sources = Sources {
            compiled: folder.path(),
            cells: &cells,
        };
        assert_eq!(
            sources.find("src/lib.rs:7:5"),
            "cell [2], line 2:  assert!(a > 1);"
        );
        assert_eq!(
            sources.find("src/lib.rs:9:5"),
            "cell [2], line 4:  assert!(a > 1);"
        );
        assert_eq!(sources.find("src/lib.rs:3:5"), "cell [1], line 2:  n / 0");
        assert_eq!(
            sources.find("/elsewhere/x.rs:3:5"),
            "at /elsewhere/x.rs, line 3"
        );
        assert_eq!(sources.find("nowhere"), "at nowhere");
    }

    #[test]
    fn question_marks_are_found_in_code_alone() {
        assert_eq!(
            question_marks(3, "// why?\nlet a = \"?\";\nlet b = read()?;"),
            "cell [3], line 3:  let b = read()?;"
        );
        assert_eq!(
            question_marks(3, "a()?;\nb()?;"),
            "cell [3], at the ? in one of the lines 1, 2"
        );
        assert_eq!(question_marks(3, "1"), "cell [3]");
    }
}
