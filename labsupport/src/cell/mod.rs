//! What a notebook cell shows: content by MIME type, written to standard output the way evcxr reads it.
//!
//! ```text
//! EVCXR_BEGIN_CONTENT text/plain
//! …lines…
//! EVCXR_END_CONTENT
//! ```
//!
//! evcxr keeps the last content of each MIME type of a cell and sends all of them when the cell ends; JupyterLab shows
//! the richest one. So a picture always travels with its text twin. Outside a notebook the same calls print the
//! markers; a program prints `figure.text()` instead.
//!
//! What changes while the cell runs has a [`Display`], a place on the page that is filled again and again, where the
//! kernel can do that.

pub(crate) mod display;
#[cfg(any(test, feature = "faults"))]
pub(crate) mod fake;
mod host;
pub(crate) mod json;
pub(crate) mod pace;
mod shown;
pub(crate) mod table;

pub use display::Display;
pub(crate) use display::Page;
#[cfg(test)]
pub(crate) use fake::Fake;
pub use host::ready;
pub(crate) use json::quote;
pub use table::table;
pub(crate) use table::thousands;

use std::io::{self, Write};

/// Something with contents for a notebook page: every figure, every table, every report.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
///
/// /// A verdict that a cell can end with.
/// struct Verdict(bool);
///
/// impl Show for Verdict {
///     fn contents(&self) -> Vec<(&'static str, String)> {
///         let word = if self.0 { "found" } else { "not found" };
///         vec![
///             ("text/html", format!("<b>{word}</b>")),
///             ("text/plain", word.to_string()),
///         ]
///     }
/// }
///
/// impl Verdict {
///     fn evcxr_display(&self) {
///         labsupport::cell::emit(&self.contents());
///     }
/// }
///
/// Verdict(true).evcxr_display();
/// ```
pub trait Show {
    /// Pairs of MIME type and content, the richest first; the last is always the text twin, `text/plain`.
    fn contents(&self) -> Vec<(&'static str, String)>;
}

/// Shows `contents`, pairs of MIME type and text, as the output of the running cell.
///
/// # Examples
/// ```
/// labsupport::cell::emit(&[
///     ("text/html", "<b>3</b> of 4 workers found it"),
///     ("text/plain", "3 of 4 workers found it"),
/// ]);
/// ```
pub fn emit(contents: &[(&str, impl AsRef<str>)]) {
    print(&block(contents));
}

/// `contents` between the markers that evcxr reads.
fn block(contents: &[(&str, impl AsRef<str>)]) -> String {
    let mut block = String::new();
    for (mime, content) in contents {
        block.push_str(&format!(
            "EVCXR_BEGIN_CONTENT {mime}\n{}\nEVCXR_END_CONTENT\n",
            content.as_ref().trim_end_matches('\n')
        ));
    }
    block
}

/// Writes whole lines to standard output: one write under one lock, so that no line of another thread lands between
/// them. A page that is gone is no reason to fail.
fn print(lines: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(lines.as_bytes());
    let _ = stdout.flush();
}

/// `text` with the five characters that mean something in HTML and XML replaced.
///
/// # Examples
/// ```
/// assert_eq!(labsupport::cell::escape("a < b & c"), "a &lt; b &amp; c");
/// ```
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_markers_on_lines_of_their_own() {
        let contents = [("text/html", "<b>3</b>"), ("text/plain", "3\n\n")];
        assert_eq!(
            block(&contents),
            "EVCXR_BEGIN_CONTENT text/html\n<b>3</b>\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT text/plain\n3\nEVCXR_END_CONTENT\n"
        );
    }
}
