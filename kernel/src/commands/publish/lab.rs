//! A notebook on its way to a page: without the notes for the teacher, with the solutions, and with links that lead to pages. A lecture keeps
//! the notes, for the speaker's window.

use super::deck;
use super::page::Page;
use crate::notebook::{self, joined};
use anyhow::{Context, Result, anyhow};
use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};
use serde_json::{Value, json};
use std::path::Path;

/// A lab that has been run.
pub(super) struct Lab {
    /// The file's name without its ending.
    pub name: String,
    /// The heading of its first cell.
    pub title: String,
    notebook: Value,
    solutions: Option<Value>,
}

impl Lab {
    /// Reads the notebook, and the one of the same name in the folder `solutions` if there is one.
    pub(super) fn read(path: &Path, solutions: &Path) -> Result<Lab> {
        let notebook = notebook::read(path)?;
        let name = path.file_stem().context("a notebook has a name")?;
        let name = name.to_string_lossy().into_owned();
        let title = cells(&notebook).find_map(|cell| {
            let heading = source(cell).lines().next()?.strip_prefix("# ")?.to_string();
            Some(heading)
        });
        let solution = solutions.join(format!("{name}.ipynb"));
        let solutions = if solution.is_file() {
            Some(notebook::read(&solution)?)
        } else {
            None
        };
        Ok(Lab {
            title: title.unwrap_or_else(|| name.clone()),
            name,
            notebook,
            solutions,
        })
    }

    /// The notebook for the page; links lead to the pages of `labs`.
    pub(super) fn prepared(&self, labs: &[Lab]) -> Result<Value> {
        let mut prepared = Vec::new();
        for cell in cells(&self.notebook) {
            let id = id(cell);
            if notebook::is_for_the_teacher(cell) && !self.is_lecture() {
                continue;
            }
            let mut ours = cell.clone();
            if cell["cell_type"] == "markdown" {
                ours["source"] = json!(with_links(&with_formulas(&source(cell))?, labs));
            } else {
                ours["source"] = json!(source(cell));
            }
            prepared.push(ours);
            if let Some(number) = id.strip_prefix("check-") {
                prepared.extend(self.solution(number, labs)?);
            }
        }
        if self.is_lecture() {
            prepared = deck::on_slides(prepared, self.machine().as_deref());
        }
        Ok(self.with_cells(prepared))
    }

    /// Its cells.
    pub(super) fn cells(&self) -> impl Iterator<Item = &Value> {
        cells(&self.notebook)
    }

    /// Whether it is a lecture, whose page is a deck of slides.
    pub(super) fn is_lecture(&self) -> bool {
        notebook::is_lecture(&self.notebook)
    }

    /// Where it was run: what the cell `machine` has printed.
    fn machine(&self) -> Option<String> {
        let cell = cells(&self.notebook).find(|cell| id(cell) == "machine")?;
        let said = joined(&cell["outputs"][0]["text"]);
        Some(said.trim().to_string()).filter(|said| !said.is_empty())
    }

    /// The solution of an exercise, folded.
    fn solution(&self, number: &str, labs: &[Lab]) -> Result<Option<Value>> {
        let Some(solutions) = &self.solutions else {
            return Ok(None);
        };
        let of = |name: &str| {
            let wanted = format!("{name}-{number}");
            cells(solutions).find(|cell| id(cell) == wanted)
        };
        let (Some(words), Some(code)) = (of("about-exercise"), of("exercise")) else {
            return Ok(None);
        };
        // Its heading stands above already.
        let words = source(words);
        let words = match words.strip_prefix("## ") {
            Some(words) => words.split_once('\n').map_or("", |(_, words)| words),
            None => &words,
        };
        let words = with_links(&with_formulas(words)?, labs);
        Ok(Some(markdown(
            &format!("solution-{number}"),
            &format!(
                "<details><summary>Solution</summary>\n\n{words}\n\n```rust\n{}\n```\n\n</details>",
                source(code)
            ),
        )))
    }

    /// A notebook in the same language, with other cells.
    pub(super) fn with_cells(&self, cells: Vec<Value>) -> Value {
        let mut notebook = self.notebook.clone();
        notebook["cells"] = json!(cells);
        notebook
    }

    /// The figures of the lab: the place on the page, and the output.
    fn figures(&self) -> impl Iterator<Item = (&str, &Value)> {
        cells(&self.notebook).flat_map(|cell| {
            let outputs = cell["outputs"].as_array().into_iter().flatten();
            outputs
                .filter(|output| {
                    output["data"]["image/svg+xml"].is_string()
                        || output["data"]["image/svg+xml"].is_array()
                })
                .map(move |output| (id(cell), output))
        })
    }
}

/// The first page: for each lab what it is about, and every figure in it; and what there is to print.
pub(super) fn gallery(labs: &[Lab], papers: &[Page]) -> Result<Value> {
    let first = labs.first().context("there is no notebook to publish")?;
    let mut gallery = vec![markdown(
        "about",
        &format!(
            "# Coordination labs\n\nHow worker processes coordinate, and what it costs: notebooks in Rust that run real processes \
             and draw what happened. These pages show one run of each, on **{}**. The numbers are that machine's; yours will \
             differ, and to see them you run the labs.",
            labsupport::measure::machine()
        ),
    )];
    for lab in labs {
        let about = cells(&lab.notebook).map(source).next().unwrap_or_default();
        let paragraphs: Vec<&str> = about.split("\n\n").collect();
        let about = paragraphs.get(1).copied().unwrap_or_default();
        let slides = if lab.is_lecture() {
            " · the lecture, as slides"
        } else {
            ""
        };
        gallery.push(markdown(
            &lab.name,
            &format!(
                "## [{}]({}.html){slides}\n\n{}",
                lab.title,
                lab.name,
                with_links(about, labs)
            ),
        ));
        let outputs: Vec<Value> = lab
            .figures()
            .map(|(cell, output)| {
                json!({
                    "output_type": "execute_result", "execution_count": 1,
                    "data": {"image/svg+xml": joined(&output["data"]["image/svg+xml"])},
                    "metadata": {"link": format!("{}.html#{cell}", lab.name)},
                })
            })
            .collect();
        if !outputs.is_empty() {
            gallery.push(json!({
                "cell_type": "code", "id": format!("figures-{}", lab.name), "metadata": {},
                "execution_count": 1, "source": "", "outputs": outputs,
            }));
        }
    }
    if !papers.is_empty() {
        let links = papers
            .iter()
            .map(|Page { name, title, .. }| format!("[{title}]({name}.html)"));
        let links: Vec<String> = links.collect();
        gallery.push(markdown(
            "paper",
            &format!("**To print, for a class:** {}", links.join(" · ")),
        ));
    }
    Ok(first.with_cells(gallery))
}

fn cells(notebook: &Value) -> impl Iterator<Item = &Value> {
    notebook["cells"].as_array().into_iter().flatten()
}

pub(super) fn id(cell: &Value) -> &str {
    cell["id"].as_str().unwrap_or("")
}

pub(super) fn source(cell: &Value) -> String {
    joined(&cell["source"])
}

pub(super) fn markdown(id: &str, text: &str) -> Value {
    json!({"cell_type": "markdown", "id": id, "metadata": {}, "source": text})
}

/// Links to notebooks become links to pages, or words where there is no such page.
pub(super) fn with_links(text: &str, labs: &[Lab]) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, next)) = after.split_once(')') else {
            break;
        };
        let is_page = |name: &str| labs.iter().any(|lab| lab.name == name);
        let notebook = target.split_once(".ipynb");
        match notebook {
            Some((name, anchor)) if is_page(name) => {
                done.push_str(&format!("{before}]({name}.html{anchor})"));
            }
            Some(_) => match before.rsplit_once('[') {
                Some((before, words)) => done.push_str(&format!("{before}{words}")),
                None => done.push_str(before),
            },
            None => done.push_str(&format!("{before}]({target})")),
        }
        rest = next;
    }
    done + rest
}

/// Formulas between dollars become MathML, which a browser draws without a script and without a network: `$…$` in a line of text,
/// `$$…$$` on their own. Text between backticks, or in a block of code, is no formula.
pub(super) fn with_formulas(text: &str) -> Result<String> {
    let converter = LatexToMathML::new(MathCoreConfig::default())
        .map_err(|error| anyhow!("formulas cannot be read: {error:?}"))?;
    let mathml = |formula: &str, display: MathDisplay| -> Result<String> {
        let converted = converter
            .convert_with_local_state(formula, display)
            .map_err(|error| anyhow!("the formula {formula} cannot be read: {error:?}"))?;
        Ok(converted.mathml.replace('\n', " "))
    };
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '`', '\\']) {
        done.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if let Some((formula, _)) = rest
            .strip_prefix("$$")
            .and_then(|after| after.split_once("$$"))
        {
            let formula_html = mathml(formula, MathDisplay::Block)?;
            done.push_str(&format!("<div class=\"formula\">{formula_html}</div>"));
            formula.len() + 4
        } else if let Some(formula) = in_line(rest) {
            done.push_str(&mathml(formula, MathDisplay::Inline)?);
            formula.len() + 2
        } else {
            let length = plain(rest);
            done.push_str(&rest[..length]);
            length
        };
        rest = &rest[taken..];
    }
    Ok(done + rest)
}

/// The formula that begins with the dollar at the start of `text`, by Pandoc's rule: no space within the dollars, and no digit
/// after the second, so that "from $5 to $10" is no formula.
fn in_line(text: &str) -> Option<&str> {
    let line = text.strip_prefix('$')?.lines().next()?;
    let end = line.find('$')?;
    let (formula, after) = (&line[..end], &line[end + 1..]);
    let is_formula = !formula.is_empty()
        && formula.trim() == formula
        && !formula.contains('`')
        && !after.starts_with(|c: char| c.is_ascii_digit());
    is_formula.then_some(formula)
}

/// How many bytes at the start of `text` to copy as they are: code up to the backticks that close it, or an escaped character, or a single
/// character.
fn plain(text: &str) -> usize {
    let ticks = text.len() - text.trim_start_matches('`').len();
    if ticks == 0 {
        let mut characters = text.chars();
        let first = characters.next().map_or(0, char::len_utf8);
        let second = characters.next().map_or(0, char::len_utf8);
        return if text.starts_with('\\') {
            first + second
        } else {
            first
        };
    }
    let (fence, mut from) = (&text[..ticks], ticks);
    while let Some(at) = text[from..].find(fence) {
        let start = from + at;
        let longer = text[start..].len() - text[start..].trim_start_matches('`').len();
        if longer == ticks {
            return start + ticks;
        }
        from = start + longer;
    }
    ticks
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn lab(name: &str, cells: Value) -> Lab {
        Lab {
            name: name.into(),
            title: name.into(),
            notebook: json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
            solutions: None,
        }
    }

    #[test]
    fn links_lead_to_pages_that_are_there_and_nowhere_else() {
        let labs = [lab("01_a", json!([]))];
        let text = "See [one](01_a.ipynb) and [its part](01_a.ipynb#x), not [two](02_b.ipynb); [web](https://example.org/x.html).";
        assert_eq!(
            with_links(text, &labs),
            "See [one](01_a.html) and [its part](01_a.html#x), not two; [web](https://example.org/x.html)."
        );
    }

    #[test]
    fn a_formula_becomes_mathml_and_an_unreadable_one_an_error() {
        let html = with_formulas("before\n\n$$\\frac{k}{b\\,c}\\;\\le\\;n$$\n\nafter").unwrap();
        assert!(
            html.contains("<mfrac>") && html.contains("</math></div>\n\nafter"),
            "{html}"
        );
        assert!(with_formulas("$$\\frac{k$$").is_err());
        let html = with_formulas("at $c \\cdot b$, not").unwrap();
        assert!(
            html.starts_with("at <math") && html.ends_with("</math>, not"),
            "{html}"
        );
        for text in [
            "from $5 to $10",
            "`let a = $x$;` and ``b ` $$y$$``",
            "```bash\necho $$ $HOME$\n```\nwords",
            "a \\$5 and \\$6",
            "one $ alone, and ` one tick",
            "no $ formula $ with spaces",
        ] {
            assert_eq!(with_formulas(text).unwrap(), text);
        }
    }

    #[test]
    fn the_page_has_the_solution_folded_and_nothing_for_the_teacher() {
        let mut lab = lab(
            "01_a",
            json!([markdown("teacher-x", "secret"), {"cell_type": "code", "id": "check-1", "source": ["check\n", "it"], "outputs": []}]),
        );
        lab.solutions = Some(json!({"cells": [
            markdown("about-exercise-1", "## Exercise 1 · X\n\nBecause."),
            {"cell_type": "code", "id": "exercise-1", "source": "fn f() {}"},
        ]}));
        let prepared = lab.prepared(&[]).unwrap();
        let words: Vec<String> = cells(&prepared).map(source).collect();
        assert_eq!(words[0], "check\nit");
        assert!(words[1].starts_with(
            "<details><summary>Solution</summary>\n\n\nBecause.\n\n```rust\nfn f() {}\n```"
        ));
        assert_eq!(words.len(), 2);
    }
}
