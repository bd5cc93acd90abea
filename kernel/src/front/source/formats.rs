//! `:fmt` and `:types`: how evcxr shows the value that a cell ends with.
//!
//! The labs' prelude shows such values itself, so that their cells are compiled once (`Ending` in `labsupport`). From a cell on that has one of
//! these commands, it leaves that to evcxr.

use super::edit::Edit;

const COMMANDS: [&str; 2] = [":fmt", ":types"];

/// What takes the prelude's way of showing values out of the way.
const LEAVE: &str = "\nuse ::labsupport::cell::EndingAsAsked as _;";

pub(super) fn apply(code: &str, edit: &mut Edit) {
    let mut words = code
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    if words.any(|word| COMMANDS.contains(&word)) {
        edit.insert(code.len(), LEAVE);
    }
}
