//! What the front answers by itself, since evcxr answers it wrongly or not at all.

use super::message::Message;
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use serde_json::{Value, json};

/// The answer to `kernel_info_request`. `rust` is the compiler's version.
///
/// A page writes `language_info` into the notebook that it shows. The labs already contain exactly this, because otherwise each lab would
/// be marked as changed when it is opened.
pub(super) fn kernel_info(rust: &str) -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": "labs",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": rust,
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
            "nbconvert_exporter": "script"
        },
        "banner": format!("Coordination labs {}: Rust {rust} through evcxr", env!("CARGO_PKG_VERSION")),
        "debugger": false,
        "supported_features": [],
        "help_links": [
            {"text": "The standard library", "url": "https://doc.rust-lang.org/stable/std/"},
            {"text": "The Rust book", "url": "https://doc.rust-lang.org/stable/book/"}
        ]
    })
}

/// The answer to `comm_info_request`: the open comms, all of them of one target.
pub(super) fn comm_info(request: &Message, comms: Value) -> Value {
    let is_wanted = match request.content["target_name"].as_str() {
        None | Some("") => true,
        Some(target) => target == super::knobs::TARGET,
    };
    let comms = if is_wanted { comms } else { json!({}) };
    json!({"status": "ok", "comms": comms})
}

/// The answer to `history_request`, from the cells of this kernel.
pub(super) fn history(request: &Message, cells: &[(u32, String)]) -> Value {
    let number = |name: &str, otherwise: i64| request.content[name].as_i64().unwrap_or(otherwise);
    let last = |count: i64, cells: Vec<&(u32, String)>| {
        let skip = cells
            .len()
            .saturating_sub(usize::try_from(count).unwrap_or(0));
        cells.into_iter().skip(skip).cloned().collect::<Vec<_>>()
    };
    let cells: Vec<(u32, String)> = match request.text("hist_access_type") {
        "range" => {
            let (start, stop) = (number("start", 0), number("stop", i64::MAX));
            let wanted = |cell: &&(u32, String)| (start..stop).contains(&i64::from(cell.0));
            match number("session", 0) {
                0 => cells.iter().filter(wanted).cloned().collect(),
                _ => Vec::new(), // nothing is kept of earlier kernels
            }
        }
        "search" => {
            let pattern = request.text("pattern");
            let mut found: Vec<_> = cells
                .iter()
                .filter(|(_, source)| like(pattern, source))
                .collect();
            if request.flag("unique", false) {
                let mut seen = std::collections::HashSet::new();
                found.reverse();
                found.retain(|(_, source)| seen.insert(source));
                found.reverse();
            }
            last(number("n", i64::MAX), found)
        }
        _ => last(number("n", i64::MAX), cells.iter().collect()),
    };
    let output = request.flag("output", false);
    let entries = cells.into_iter().map(|(count, source)| match output {
        // The outputs of cells are not kept here.
        true => json!([0, count, [source, null]]),
        false => json!([0, count, source]),
    });
    json!({"status": "ok", "history": entries.collect::<Vec<_>>()})
}

/// Whether `text` fits `pattern`, in which `*` stands for anything and `?` for one character.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // possible[i]: the pattern so far fits the first i characters.
    let mut possible = vec![false; text.len() + 1];
    possible[0] = true;
    for &wanted in &pattern {
        if wanted == '*' {
            let first = possible
                .iter()
                .position(|&fits| fits)
                .unwrap_or(possible.len());
            possible[first..].fill(true);
        } else {
            for i in (0..text.len()).rev() {
                possible[i + 1] = possible[i] && (wanted == '?' || wanted == text[i]);
            }
            possible[0] = false;
        }
    }
    possible[text.len()]
}

/// The answer to `is_complete_request`: whether brackets, strings and comments are closed.
pub(super) fn is_complete(code: &str) -> Value {
    let mut open = Vec::new();
    for token in tokenize(code, FrontmatterAllowed::No) {
        let unfinished = match token.kind {
            TokenKind::OpenParen => {
                open.push(TokenKind::CloseParen);
                false
            }
            TokenKind::OpenBrace => {
                open.push(TokenKind::CloseBrace);
                false
            }
            TokenKind::OpenBracket => {
                open.push(TokenKind::CloseBracket);
                false
            }
            TokenKind::CloseParen | TokenKind::CloseBrace | TokenKind::CloseBracket => {
                if open.pop() != Some(token.kind) {
                    return json!({"status": "invalid"});
                }
                false
            }
            TokenKind::BlockComment { terminated, .. } => !terminated,
            TokenKind::Literal { kind, .. } => matches!(
                kind,
                LiteralKind::Str { terminated: false }
                    | LiteralKind::ByteStr { terminated: false }
                    | LiteralKind::CStr { terminated: false }
                    | LiteralKind::RawStr { n_hashes: None }
                    | LiteralKind::RawByteStr { n_hashes: None }
                    | LiteralKind::RawCStr { n_hashes: None }
            ),
            _ => false,
        };
        if unfinished {
            return json!({"status": "incomplete", "indent": ""});
        }
    }
    match open.len() {
        0 => json!({"status": "complete"}),
        depth => json!({"status": "incomplete", "indent": "    ".repeat(depth)}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::kernelspec;
    use crate::notebook;
    use crate::place::{Place, notebooks_in};
    use crate::session::config;

    #[test]
    fn a_lab_that_is_opened_has_already_what_a_page_would_write_into_it() {
        let place = Place::find().unwrap();
        let rust = config::toolchain(&place).unwrap();
        let written = json!({
            "kernelspec": kernelspec::IN_NOTEBOOKS.into_iter().collect::<std::collections::HashMap<_, _>>(),
            "language_info": kernel_info(&rust)["language_info"],
        });
        let solutions = notebooks_in(&place.notebooks().join("solutions")).unwrap();
        let all = [place.labs().unwrap(), solutions].concat();
        assert!(all.len() >= 12, "{all:?}");
        for file in all {
            let lab = notebook::read(&file).unwrap();
            let hint = "after a change of rust-toolchain.toml or of the kernel's answer, write this into it";
            for (key, value) in written.as_object().unwrap() {
                assert_eq!(lab["metadata"][key], *value, "{}: {hint}", file.display());
            }
        }
    }

    #[test]
    fn open_brackets_strings_and_comments_are_incomplete() {
        let status = |code: &str| is_complete(code)["status"].as_str().unwrap().to_string();
        for code in [
            "1 + 1",
            "",
            "fn f() { let s = \"}\"; }",
            "'{'",
            "// {",
            "let c: &'static str;",
        ] {
            assert_eq!(status(code), "complete", "{code}");
        }
        for code in ["fn f() {", "vec![1,", "\"open", "/* open", "r#\"open\""] {
            assert_eq!(status(code), "incomplete", "{code}");
        }
        assert_eq!(status("f())"), "invalid");
        assert_eq!(status("(]"), "invalid");
        assert_eq!(is_complete("if x { y(")["indent"], "        ");
    }

    #[test]
    fn history_is_told_by_range_tail_and_pattern() {
        let cells: Vec<(u32, String)> = ["a = 1", "b", "a = 1", "aa"]
            .iter()
            .zip(1..)
            .map(|(s, n)| (n, s.to_string()))
            .collect();
        let ask = |content: Value| {
            let request = Message::child("history_request", None, content);
            history(&request, &cells)["history"].clone()
        };
        assert_eq!(
            ask(json!({"hist_access_type": "tail", "n": 2})),
            json!([[0, 3, "a = 1"], [0, 4, "aa"]])
        );
        assert_eq!(
            ask(json!({"hist_access_type": "range", "session": 0, "start": 2, "stop": 3})),
            json!([[0, 2, "b"]])
        );
        assert_eq!(
            ask(json!({"hist_access_type": "range", "session": 5, "start": 1, "stop": 3})),
            json!([])
        );
        assert_eq!(
            ask(json!({"hist_access_type": "search", "pattern": "a*", "unique": true, "n": 10})),
            json!([[0, 3, "a = 1"], [0, 4, "aa"]])
        );
        assert_eq!(
            ask(json!({"hist_access_type": "tail", "n": 1, "output": true})),
            json!([[0, 4, ["aa", null]]])
        );
    }

    #[test]
    fn patterns_know_star_and_question_mark() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "a", false),
            ("*b", "ab\nb", true),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
