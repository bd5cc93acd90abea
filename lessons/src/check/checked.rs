use super::fact::Fact;
use labsupport::cell::{self, Show, escape};
use labsupport::internal::thousands;
use std::fmt;

/// What a [`check`](super::check()) found. As the last expression of a cell it shows itself as a table with a verdict below.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let checked = check("First finder", Duration::from_secs(20), |facts| {
///     facts.equal("finders", 1, 2);
///     facts.holds("the answer is prime", true, "it is not");
/// });
/// assert_eq!(
///     checked.to_string(),
///     "fact                 expected  found  holds\n\
///      finders              1         2      ✗ no\n\
///      the answer is prime  yes       yes    ✓ yes\n\
///      \n\
///      First finder: not yet. 1 of 2 facts does not hold.\n"
/// );
/// ```
#[must_use = "a check helps only if it is seen: make it the last expression of the cell, or ask whether it passed"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    title: String,
    facts: Vec<Fact>,
    /// The sentences below the verdict.
    words: Vec<String>,
}

impl Checked {
    pub(super) fn new(title: &str, facts: Vec<Fact>) -> Checked {
        Checked {
            title: title.into(),
            facts,
            words: Vec::new(),
        }
    }

    /// With these sentences below the verdict.
    pub(crate) fn with_words(mut self, words: Vec<String>) -> Checked {
        self.words = words;
        self
    }

    /// Whether there is at least one fact, all facts hold, and the closure ended by itself.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// use std::time::Duration;
    /// let checked = check("Nothing", Duration::from_secs(20), |_| ());
    /// assert!(!checked.passed()); // no facts show nothing
    /// ```
    pub fn passed(&self) -> bool {
        !self.facts.is_empty() && self.facts.iter().all(Fact::holds)
    }

    /// How many of the facts hold: `2 of 3`.
    pub(crate) fn score(&self) -> String {
        let hold = self.facts.iter().filter(|fact| fact.holds()).count();
        format!("{hold} of {}", self.facts.len())
    }

    /// The facts, in the order in which they were reported. If the closure did not end by itself, the last fact says why.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    fn verdict(&self) -> String {
        let (title, count) = (&self.title, thousands(self.facts.len() as i64));
        match self.facts.iter().filter(|fact| !fact.holds).count() {
            _ if self.facts.is_empty() => format!("{title}: not yet. No fact was reported."),
            0 if self.facts.len() == 1 => format!("{title}: this fact holds."),
            0 => format!("{title}: all {count} facts hold."),
            1 if self.facts.len() == 1 => format!("{title}: not yet. This fact does not hold."),
            1 => format!("{title}: not yet. 1 of {count} facts does not hold."),
            bad => format!(
                "{title}: not yet. {} of {count} facts do not hold.",
                thousands(bad as i64)
            ),
        }
    }

    fn html(&self) -> String {
        let colour = if self.passed() { GREEN } else { RED };
        // The text keeps the colour of the page's theme. No other colour is readable on both white and black.
        let mut html = String::from("<table><thead><tr>");
        for head in HEADER {
            html.push_str(&format!("<th style=\"text-align:left\">{head}</th>"));
        }
        html.push_str("</tr></thead><tbody>");
        for fact in &self.facts {
            let (mark, colour) = mark(fact);
            html.push_str("<tr>");
            // The first column stays wide enough, however long the words beside it are.
            let columns = [
                (&fact.what, "min-width:16em"),
                (&fact.expected, "min-width:4em"),
                (&fact.found, "overflow-wrap:anywhere"),
            ];
            for (text, style) in columns {
                let text = escape(text);
                html.push_str(&format!(
                    "<td style=\"text-align:left;vertical-align:top;{style}\">{text}</td>"
                ));
            }
            html.push_str(&format!(
                "<td style=\"text-align:left;white-space:nowrap;border-left:4px solid {colour}\"><b>{mark}</b></td></tr>"
            ));
        }
        html.push_str(&format!(
            "</tbody></table><p style=\"border-left:4px solid {colour};padding-left:8px\"><b>{}</b></p>",
            escape(&self.verdict())
        ));
        for words in &self.words {
            html.push_str(&format!("<p>{}</p>", with_code(&escape(words))));
        }
        html
    }

    fn text(&self) -> String {
        let rows: Vec<Vec<String>> = (self.facts.iter())
            .map(|fact| {
                let texts = [&fact.what, &fact.expected, &fact.found].map(String::clone);
                let (mark, _) = mark(fact);
                texts.into_iter().chain([mark.into()]).collect()
            })
            .collect();
        let (_, table) = cell::table(&HEADER, &rows, HEADER.len());
        let mut text = format!("{table}\n{}\n", self.verdict());
        for words in &self.words {
            text.push_str(words);
            text.push('\n');
        }
        text
    }

    /// Shows the table and the verdict in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

const HEADER: [&str; 4] = ["fact", "expected", "found", "holds"];

impl Show for Checked {
    fn contents(&self) -> Vec<(&'static str, String)> {
        vec![("text/html", self.html()), ("text/plain", self.text())]
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

// Okabe and Ito's colours, as in the figures. The words beside them carry the meaning.
const GREEN: &str = "#009e73"; // bluish green
const RED: &str = "#d55e00"; // vermilion

/// The sign and the word for whether a fact holds, and the colour beside them.
fn mark(fact: &Fact) -> (&'static str, &'static str) {
    if fact.holds() {
        ("✓ yes", GREEN)
    } else {
        ("✗ no", RED)
    }
}

/// `html` with the text between each two backticks set as code.
pub(crate) fn with_code(html: &str) -> String {
    let mut parts = html.split('`');
    let mut set = parts.next().unwrap_or_default().to_string();
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(words) => set = set + "<code>" + code + "</code>" + words,
            None => set = set + "`" + code,
        }
    }
    set
}
