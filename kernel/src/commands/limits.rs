//! How much code a lab may show: the limits of `notebooks/STYLE.md`.

use crate::notebook::{has_tag, is_lecture, joined};
use serde_json::Value;

/// Lines of the median cell.
const MEDIAN: usize = 6;
/// Lines of any cell.
const CELL: usize = 15;
/// Lines of all cells between two headings.
const SECTION: usize = 60;
/// Lines of a cell that a lecture runs on a slide: the room reads them from the last row.
const DEMONSTRATION: usize = 8;

/// A sentence for each limit that the notebook exceeds. Lines without text do not count, nor does an exercise, which the student changes. In
/// a lecture nearly every cell is a demonstration, so the median says nothing there.
pub(super) fn exceeded(notebook: &Value) -> Vec<String> {
    let is_lecture = is_lecture(notebook);
    let mut warnings = vec![];
    let mut lines = vec![];
    let mut section = Section::new("the first heading");
    for cell in notebook["cells"].as_array().into_iter().flatten() {
        let source = joined(&cell["source"]);
        if cell["cell_type"] == "markdown" {
            if let Some(heading) = source.lines().find_map(|line| line.strip_prefix("## ")) {
                warnings.extend(section.exceeded());
                section = Section::new(heading);
            }
        } else if cell["cell_type"] == "code" && !has_tag(cell, "exercise") {
            let count = source
                .lines()
                .filter(|line| !line.trim().is_empty())
                .count();
            let limit =
                match is_lecture && (has_tag(cell, "demonstration") || has_tag(cell, "erratum")) {
                    true => DEMONSTRATION,
                    false => CELL,
                };
            if count > limit {
                let id = cell["id"].as_str().unwrap_or("without an id");
                warnings.push(format!("The cell {id} has {count} lines; at most {limit}."));
            }
            lines.push(count);
            section.lines += count;
        }
    }
    warnings.extend(section.exceeded());
    lines.sort();
    match lines.get(lines.len() / 2) {
        Some(&median) if median > MEDIAN && !is_lecture => {
            warnings.push(format!(
                "The median cell has {median} lines; at most {MEDIAN}."
            ));
        }
        _ => {}
    }
    warnings
}

struct Section {
    heading: String,
    lines: usize,
}

impl Section {
    fn new(heading: &str) -> Section {
        Section {
            heading: heading.into(),
            lines: 0,
        }
    }

    fn exceeded(&self) -> Option<String> {
        let Section { heading, lines } = self;
        (*lines > SECTION).then(|| {
            format!("The section \"{heading}\" has {lines} lines of code; at most {SECTION}.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use serde_json::json;

    fn code(id: &str, lines: usize, tags: &[&str]) -> Value {
        let source = "x\n\n".repeat(lines); // every other line is empty
        json!({"cell_type": "code", "id": id, "metadata": {"tags": tags}, "source": source})
    }

    fn heading(text: &str) -> Value {
        json!({"cell_type": "markdown", "id": text, "source": [format!("## {text}\n"), "Words."]})
    }

    #[test]
    fn every_limit_has_a_sentence() {
        let mut cells = vec![heading("1 · Long")];
        cells.extend((0..4).map(|_| code("fifteen", 15, &[])));
        assert_eq!(
            exceeded(&json!({"cells": cells})),
            ["The median cell has 15 lines; at most 6."]
        );
        cells.push(code("one-more", 16, &[]));
        cells.extend([heading("2 · Short"), code("short", 1, &[])]);
        assert_eq!(
            exceeded(&json!({"cells": cells})),
            [
                "The cell one-more has 16 lines; at most 15.",
                "The section \"1 · Long\" has 76 lines of code; at most 60.",
                "The median cell has 15 lines; at most 6."
            ]
        );
    }

    #[test]
    fn exercises_and_notebooks_without_code_have_no_limit() {
        let exercise = json!({"cells": [code("exercise-1", 99, &["exercise"])]});
        assert!(exceeded(&exercise).is_empty());
        assert!(exceeded(&json!({"cells": [heading("Words")]})).is_empty());
    }

    #[test]
    fn a_demonstration_of_a_lecture_is_short_and_what_prepares_it_may_be_longer() {
        let mut slide = heading("1 · Slide");
        slide["metadata"] = json!({"slideshow": {"slide_type": "slide"}});
        let shown = |lines| code("shown", lines, &["demonstration"]);
        let prepares = || code("tools", 15, &[]);
        assert!(exceeded(&json!({"cells": [slide, shown(8), prepares()]})).is_empty());
        assert_eq!(
            exceeded(
                &json!({"cells": [slide, shown(9), prepares(), code("more", 16, &["erratum"])]})
            ),
            [
                "The cell shown has 9 lines; at most 8.",
                "The cell more has 16 lines; at most 8."
            ]
        );
    }

    #[test]
    fn the_labs_keep_the_limits() {
        for lab in Place::find().unwrap().labs().unwrap() {
            let warnings = exceeded(&crate::notebook::read(&lab).unwrap());
            assert!(warnings.is_empty(), "{}: {warnings:?}", lab.display());
        }
    }
}
