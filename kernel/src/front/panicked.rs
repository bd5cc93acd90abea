//! A panic in the process in which cells run.

use super::errors::Sources;
use serde::Deserialize;

/// What a panic said, as the hook that `labsupport` sets has reported it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Panicked {
    /// Whether it was the thread that runs cells.
    pub main: bool,
    /// The thread's name.
    pub thread: String,
    /// What it said.
    pub message: String,
    /// File, line and column, as the compiler knows them.
    pub place: String,
}

impl Panicked {
    /// As a program prints it, but with the place in the notebook.
    pub(super) fn as_text(&self, sources: &Sources) -> String {
        let place = sources.find(&self.place);
        format!(
            "thread '{}' panicked, {place}\n{}\n",
            self.thread, self.message
        )
    }
}

/// Panics that did not end the cell, as a program prints them.
pub(super) fn caught(panics: &[Panicked], sources: &Sources) -> String {
    panics.iter().map(|panic| panic.as_text(sources)).collect()
}
