//! The file that keeps what a kernel's processes write to standard error.

use std::fs;
use std::path::Path;

/// The last lines of the file `log`, without those that only report progress.
pub(crate) fn last_lines(log: &Path) -> String {
    let said = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim_start().starts_with("Compiling "))
        .collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
