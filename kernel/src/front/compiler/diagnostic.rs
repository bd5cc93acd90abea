//! What rustc says of a cell, as cargo passes it on: one JSON object per line.

use serde::Deserialize;
use std::ops::Range;

/// The library that evcxr makes of the cells, as rustc names it. The crates that it uses have absolute paths.
const CELLS: &str = "src/lib.rs";

/// An error, a warning, or a remark below one.
#[derive(Debug, Deserialize)]
pub(super) struct Diagnostic {
    pub message: String,
    code: Option<Code>,
    pub level: String,
    pub spans: Vec<Span>,
    pub children: Vec<Diagnostic>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

/// A piece of code, and what is said of it.
#[derive(Debug, Deserialize)]
pub(super) struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    pub is_primary: bool,
    pub label: Option<String>,
    /// The compiler's suggestion for this place.
    pub suggested_replacement: Option<String>,
    expansion: Option<Box<Expansion>>,
}

/// The call of the macro that the code comes from.
#[derive(Debug, Deserialize)]
struct Expansion {
    span: Span,
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Diagnostic>,
}

/// The errors in what cargo passed on.
pub(super) fn errors(said: &str) -> Vec<Diagnostic> {
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok());
    lines
        .filter(|line| line.reason == "compiler-message")
        .filter_map(|line| line.message)
        .filter(|said| said.level == "error" && !said.message.starts_with("aborting due to"))
        .collect()
}

impl Diagnostic {
    /// `E0425`, say, or the name of a lint. A mistake of syntax has none.
    pub(super) fn code(&self) -> &str {
        self.code.as_ref().map_or("", |code| &code.code)
    }
}

impl Span {
    /// Where it is in the code of the cells. For code that a macro makes, this is the place in the call; if a cell defines the macro, the
    /// second range is the place in the macro.
    pub(super) fn place(&self) -> Option<(Range<usize>, Option<Range<usize>>)> {
        let mut places = Vec::new();
        let mut next = Some(self);
        while let Some(span) = next {
            if span.file_name == CELLS {
                places.push(span.byte_start..span.byte_end);
            }
            next = span.expansion.as_ref().map(|expansion| &expansion.span);
        }
        let (first, call) = (places.first()?.clone(), places.last()?.clone());
        let is_in_call = call.start <= first.start && first.end <= call.end;
        Some(match is_in_call {
            true => (first, None),
            false => (call, Some(first)),
        })
    }
}
