use std::fmt;
use std::io::{self, Write};

/// Something that a notebook page can show: every figure, every table, every report.
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
    /// Pairs of MIME type and content, the richest first. The last is always the same content as text, `text/plain`.
    fn contents(&self) -> Vec<(&'static str, String)>;

    /// What went wrong, if this is an error in the place of what was to be shown.
    fn error(&self) -> Option<String> {
        None
    }
}

/// A result shows its value, or its error in words.
impl<T: Show, E: fmt::Display> Show for Result<T, E> {
    fn contents(&self) -> Vec<(&'static str, String)> {
        match self {
            Ok(shown) => shown.contents(),
            Err(error) => vec![("text/plain", error.to_string())],
        }
    }

    fn error(&self) -> Option<String> {
        match self {
            Ok(shown) => shown.error(),
            Err(error) => Some(error.to_string()),
        }
    }
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
pub(super) fn block(contents: &[(&str, impl AsRef<str>)]) -> String {
    let mut block = String::new();
    for (mime, content) in contents {
        block.push_str(&format!(
            "EVCXR_BEGIN_CONTENT {mime}\n{}\nEVCXR_END_CONTENT\n",
            content.as_ref().trim_end_matches('\n')
        ));
    }
    block
}

/// Writes whole lines to standard output: one write under one lock, so that no line of another thread comes between them. A page that is
/// gone is no reason to fail.
pub(super) fn print(lines: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(lines.as_bytes());
    let _ = stdout.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_shows_its_value_or_its_error() {
        struct Three;
        impl Show for Three {
            fn contents(&self) -> Vec<(&'static str, String)> {
                vec![("text/plain", "3".into())]
            }
        }
        let (good, bad): (Result<Three, &str>, Result<Three, &str>) = (Ok(Three), Err("no <b>"));
        assert_eq!(good.contents(), [("text/plain", "3".into())]);
        assert_eq!((good.error(), bad.error()), (None, Some("no <b>".into())));
        assert_eq!(bad.contents(), [("text/plain", "no <b>".into())]);
    }

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
