//! A cell's code without the order of evcxr's tables.
//!
//! evcxr writes items and variables in the order of tables, which is another one in each session ([`code`](super::code)). So items are
//! sorted, and so are neighbouring lines that check, take or put a variable. Macros are the exception, since one may be used only below its
//! definition: with one among the items, they stay as they are.

use super::code::{ForVariable, parts};
use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// `code`, such that two cells have the same where they differ only in the order of evcxr's tables.
pub(super) fn comparable(code: &str) -> String {
    let (items, rest) = parts(code);
    // The attributes of the whole come first.
    let (mut out, items) = match items.split_once('\n') {
        Some((line, items)) if line.starts_with("#![") => (format!("{line}\n"), items),
        _ => (String::new(), items),
    };
    let mut pieces = pieces(items);
    if !pieces.iter().any(|piece| piece.contains("macro_rules")) {
        pieces.sort_unstable();
    }
    out += &pieces.join("\n");
    let mut lines: Vec<&str> = rest.split('\n').collect();
    let mut start = 0;
    while start < lines.len() {
        let end = start + same(&lines[start..]);
        lines[start..end].sort_unstable();
        start = end;
    }
    out.push('\n');
    out += &lines.join("\n");
    out
}

/// How many of the first lines do the same with a variable each. An empty line may be in the place of a variable that the cell leaves alone.
fn same(lines: &[&str]) -> usize {
    let does = |line: &str| ForVariable::read(line).map(|line| line.does);
    let Some(first) = lines.iter().find(|line| !line.is_empty()) else {
        return lines.len();
    };
    let Some(here) = does(first) else { return 1 };
    let same = lines.iter();
    same.take_while(|line| line.is_empty() || does(line) == Some(here))
        .count()
}

/// The items, each with its attributes. Where an item cannot be told from the next, both are one piece.
fn pieces(items: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0_i32);
    // Whether the last token can be an item's end, and has a line break after it.
    let (mut ended, mut broken) = (false, false);
    for token in tokenize(items, FrontmatterAllowed::No) {
        let text = &items[at..at + token.len as usize];
        match token.kind {
            TokenKind::Whitespace => broken |= text.contains('\n'),
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => {}
            kind => {
                if ended && broken && depth == 0 && begins_an_item(kind, text) {
                    pieces.push(items[start..at].trim());
                    start = at;
                }
                depth += match kind {
                    TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => 1,
                    TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => -1,
                    _ => 0,
                };
                ended = matches!(kind, TokenKind::Semi | TokenKind::CloseBrace);
                broken = false;
            }
        }
        at += token.len as usize;
    }
    pieces.push(items[start..].trim());
    pieces
}

/// Whether an item may begin with this token, and nothing that follows a `}` inside an item does.
fn begins_an_item(kind: TokenKind, text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "async", "const", "enum", "extern", "fn", "impl", "mod", "pub", "static", "struct",
        "trait", "type", "union", "use",
    ];
    kind == TokenKind::Pound || (kind == TokenKind::Ident && WORDS.contains(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(items: &str, body: &str) -> String {
        format!(
            "#![allow(unused_imports, unused_mut, dead_code)]\n{items}\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_1() {{\n{body}\n}}\n"
        )
    }

    #[test]
    fn the_order_of_items_and_variables_has_no_meaning() {
        let one = cell(
            "use std::io::Read;\n#[derive(Debug)]\nstruct P { x: [u8; { 3 }] }\nfn f() -> u32 {\n    2\n}\nconst C: u32 = { 3 };",
            "vars_ok &= evcxr_variable_store.check_variable::<i32>(stringify!(a));\n\
             vars_ok &= evcxr_variable_store.check_variable::<u8>(stringify!(b));\n\
             let a = evcxr_variable_store.take_variable::<i32>(stringify!(a));\n\
             let mut b = evcxr_variable_store.take_variable::<u8>(stringify!(b));\n\
             work();\n\
             evcxr_variable_store.put_variable::<i32>(stringify!(a), a);\n\
             evcxr_variable_store.put_variable::<u8>(stringify!(b), b);",
        );
        let other = cell(
            "const C: u32 = { 3 };\nfn f() -> u32 {\n    2\n}\nuse std::io::Read;\n#[derive(Debug)]\nstruct P { x: [u8; { 3 }] }",
            "vars_ok &= evcxr_variable_store.check_variable::<u8>(stringify!(b));\n\
             vars_ok &= evcxr_variable_store.check_variable::<i32>(stringify!(a));\n\
             let mut b = evcxr_variable_store.take_variable::<u8>(stringify!(b));\n\
             let a = evcxr_variable_store.take_variable::<i32>(stringify!(a));\n\
             work();\n\
             evcxr_variable_store.put_variable::<u8>(stringify!(b), b);\n\
             evcxr_variable_store.put_variable::<i32>(stringify!(a), a);",
        );
        assert_eq!(comparable(&one), comparable(&other));
    }

    #[test]
    fn nor_has_the_place_of_a_variable_that_is_left_alone() {
        let take = |name: &str| {
            format!("let {name} = evcxr_variable_store.take_variable::<T>(stringify!({name}));")
        };
        let one = cell(
            "",
            &format!("begin\n\n{}\n\n{}\nwork();", take("a"), take("b")),
        );
        let other = cell(
            "",
            &format!("begin\n{}\n\n\n{}\nwork();", take("b"), take("a")),
        );
        assert_eq!(comparable(&one), comparable(&other));
        let less = cell(
            "",
            &format!("begin\n{}\n\n{}\nwork();", take("b"), take("a")),
        );
        assert_ne!(comparable(&one), comparable(&less), "errors name lines");
    }

    /// Two cells whose lines are the same, in an order that matters.
    #[test]
    fn every_other_order_has_one() {
        let pairs = [
            // In the cell's own code.
            ("", "let a = 1;\nlet a = 2;", "let a = 2;\nlet a = 1;"),
            ("", "use a::*;\nuse b::*;\n", "use b::*;\nuse a::*;\n"),
            // A variable taken after it was put.
            (
                "",
                "evcxr_variable_store.put_variable::<u8>(stringify!(b), b);\nwork();\nevcxr_variable_store.put_variable::<u8>(stringify!(c), c);",
                "evcxr_variable_store.put_variable::<u8>(stringify!(c), c);\nwork();\nevcxr_variable_store.put_variable::<u8>(stringify!(b), b);",
            ),
        ];
        for (items, one, other) in pairs {
            assert_ne!(
                comparable(&cell(items, one)),
                comparable(&cell(items, other))
            );
        }
        let items = [
            // Inside an item.
            (
                "fn f() {\n    a();\n    b();\n}",
                "fn f() {\n    b();\n    a();\n}",
            ),
            (
                "const T: &str = \"\nfn a() {}\nfn b() {}\";",
                "const T: &str = \"\nfn b() {}\nfn a() {}\";",
            ),
            (
                "mod m {\nfn a() {}\nfn b() {}\n}",
                "mod m {\nfn b() {}\nfn a() {}\n}",
            ),
            // Items that are not told apart.
            (
                "const A: u32 = { 3 }\n+ { 4 };\nconst B: u32 = { 5 }\n+ { 6 };",
                "const A: u32 = { 3 }\n+ { 6 };\nconst B: u32 = { 5 }\n+ { 4 };",
            ),
            // An attribute belongs to the item below it.
            (
                "#[inline]\nfn a() {}\nfn b() {}",
                "fn a() {}\n#[inline]\nfn b() {}",
            ),
            // A macro can be used only below its definition.
            (
                "macro_rules! m { () => {} }\nmacro_rules! m { (a) => {} }",
                "macro_rules! m { (a) => {} }\nmacro_rules! m { () => {} }",
            ),
        ];
        for (one, other) in items {
            assert_ne!(
                comparable(&cell(one, "")),
                comparable(&cell(other, "")),
                "{one}"
            );
        }
    }

    #[test]
    fn strange_code_stays_as_it_is() {
        for code in [
            "",
            "\n",
            "fn f() {",
            "}}}",
            "\"",
            "/*",
            "é\r\n\u{0}",
            "\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_",
        ] {
            assert_eq!(comparable(code).trim(), code.trim());
        }
    }
}
