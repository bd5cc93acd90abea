//! What a Python notebook understands and a Rust notebook does not: lines that begin with `%` or `?`, and names that end with `?`.

use super::scan::{Token, statements};
use crate::front::errors::CellError;
use crate::front::prelude::Prelude;
use ra_ap_rustc_lexer::TokenKind;

/// The reason not to run the cell, if it has such a line. No Rust statement begins with `%` or `?`.
pub(super) fn refuse(tokens: &[Token], prelude: &Prelude) -> Option<CellError> {
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    if let [path @ .., last] = &words[..]
        && *last == "?"
        && path
            .iter()
            .all(|&word| word == ":" || word == "?" || is_word(word))
        && let Some(name) = path.iter().rev().find(|word| is_word(word))
        && (prelude.contains_key(*name) || is_type(name))
    {
        return Some(help(name));
    }
    // If brackets do not match, as in HTML, at least the beginning of the cell can be looked at.
    let begins = match statements(tokens) {
        Some(statements) => statements
            .iter()
            .map(|statement| &statement.tokens[statement.head..])
            .find_map(magic),
        None => magic(tokens),
    };
    match begins? {
        Magic::Help(name) => Some(help(name)),
        Magic::Percent(name) => Some(CellError::new(
            "NotRust",
            format!(
                "`%{name}` is a command of Python notebooks. {}",
                instead(name)
            ),
        )),
    }
}

enum Magic<'a> {
    Help(&'a str),
    Percent(&'a str),
}

fn magic<'a>(tokens: &[Token<'a>]) -> Option<Magic<'a>> {
    let sign = tokens.first()?;
    let name = tokens.iter().find(|token| token.kind != sign.kind)?;
    match sign.kind {
        TokenKind::Question => Some(Magic::Help(name.text)),
        // The name follows at once.
        TokenKind::Percent
            if is_word(name.text)
                && name.start - sign.start <= 2
                && name.start - sign.start == count(tokens, sign) =>
        {
            Some(Magic::Percent(name.text))
        }
        _ => None,
    }
}

/// How often the same token is repeated at the beginning.
fn count(tokens: &[Token], sign: &Token) -> usize {
    tokens
        .iter()
        .take_while(|token| token.kind == sign.kind)
        .count()
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Whether a name is written like that of a type: `AtomicU64`, but neither `r` nor `MAX`.
fn is_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

fn help(name: &str) -> CellError {
    CellError::new(
        "NotRust",
        format!(
            "A `?` asks nothing in a Rust notebook. Put the cursor on `{name}` and press Shift+Tab to read about it."
        ),
    )
}

/// What to do in a Rust notebook.
fn instead(name: &str) -> &'static str {
    match name {
        "matplotlib" | "pylab" => {
            "A Rust notebook needs none: a figure shows by itself when a cell ends with it."
        }
        "time" | "timeit" | "prun" => {
            "Write `time(|| …)` to measure something once, and `measure(n, || …)` for the cost of one of n repetitions."
        }
        "pip" | "conda" | "mamba" => {
            "Write `:dep name = \"version\"` in the first line of a cell to use another crate."
        }
        "bash" | "sh" | "system" | "sx" => {
            "Begin a line with `!` to run it in the shell: `!ls`, above the cell's Rust code."
        }
        "cd" => "Write `std::env::set_current_dir(\"folder\")?;`.",
        "pwd" => "Write `std::env::current_dir()?`.",
        "env" | "set_env" => {
            "Write `std::env::var(\"NAME\")?` to read a variable of the environment."
        }
        "run" | "load" => {
            "Write `include!(\"/absolute/path.rs\");` to take in a file of Rust code."
        }
        "who" | "whos" => "Write `:vars` to see the notebook's variables.",
        "reset" => "Write `:clear` to forget all variables and definitions.",
        _ => "This is a Rust notebook; `:help` lists the commands that it has.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::tokens;
    use super::*;

    fn refused(code: &str) -> Option<String> {
        let names = ["time", "Flag"].map(|name| (name.to_string(), "labsupport".to_string()));
        refuse(&tokens(code), &names.into()).map(|error| error.value)
    }

    #[test]
    fn magics_are_told_what_to_write_instead() {
        for (code, part) in [
            ("%matplotlib inline", "a figure shows by itself"),
            ("let a = 1;\n%timeit f(a)", "measure(n, || …)"),
            ("%%time\nf(", "time(|| …)"),
            ("%pip install x", ":dep"),
            ("%cd ..", "set_current_dir"),
            ("%load_ext x", ":help"),
            ("%%html\n<b>don't</b> {", ":help"),
            ("if a { b }\n%env", "environment"),
            ("?Flag", "Shift+Tab"),
            ("??Flag", "on `Flag`"),
            ("Flag?", "Shift+Tab"),
            ("time??", "on `time`"),
            ("std::sync::Mutex?", "on `Mutex`"),
        ] {
            let said = refused(code).unwrap_or_default();
            assert!(said.contains(part), "{code}: {said}");
        }
    }

    #[test]
    fn rust_is_never_taken_for_a_magic() {
        for code in [
            "a\n% b",
            "a\n%b",
            "f(a)\n  %b",
            "let c = a\n%matplotlib;",
            "% b",
            "r?",
            "read()?",
            "MAX?",
            "println!(\"%time\");",
            "// %time",
            "\"%matplotlib\"",
            "",
        ] {
            assert_eq!(refused(code), None, "{code}");
        }
    }
}
