//! Where the cursor is in a cell, and what it is on.
//!
//! A member or a path is for evcxr, and only for it: nothing else knows types. But rust-analyzer's completion panics where it
//! compares types of two definitions, in its term search above all. It does either only where it expects a type: in an
//! argument, an initializer, the last expression of a block (`expected_type_and_name` in ra_ap_ide_completion; without an
//! expected type `complete_expr` and `compute_type_match` return at once). In an expression that is a statement of its own
//! it expects none. So evcxr gets the cell only up to the cursor. The expression becomes such a statement, and everything that is open is
//! closed:
//!
//! ```text
//! cell:   let total: u32 = add(1, values.le|n(), 2);
//! evcxr:  let total: u32 = add(1, ({values.|;}));
//! ```
//!
//! The name itself is left out. rust-analyzer lists all members in any case, and so the question stays the same while the name is typed.
//!
//! The round brackets keep `Name {` from being read as a struct. Even if the code is so broken that the parser takes it for something else,
//! the word before the cursor is not the last thing of a block, so no type is expected of it.

use super::words;
use crate::front::names::is_keyword;
use crate::front::tokens::{Tokens, is_trivia};
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use std::ops::Range;

/// What is to be completed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Nothing: text, a comment, a number, the name of something new.
    Nothing,
    /// One of evcxr's commands; it starts at this byte.
    Command(usize),
    /// A bare name.
    Name(usize),
    /// The name in a pattern.
    Pattern(usize),
    /// The first name of a path after `use`.
    Crate(usize),
    /// The name of an attribute.
    Attribute(usize),
    /// A member, or a name in a path that has begun.
    Member(Asked),
}

/// What evcxr is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Code that ends at the cursor, except for the brackets that close it.
    pub code: String,
    /// The byte of `code` at which the cursor stands.
    pub cursor: usize,
    /// Where the name that is completed starts in the cell.
    pub start: usize,
}

/// Where Rust begins in a cell: evcxr takes lines with `:` or `!` at their beginning for commands until the first line of code.
pub(super) fn start_of_rust(code: &str) -> usize {
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let is_command = line.starts_with('!') || line.trim_start_matches(' ').starts_with(':');
        if !is_command && !line.starts_with("//") && !line.trim().is_empty() {
            return start;
        }
        start += line.len();
    }
    start
}

/// What is before the byte `cursor` of `code`.
pub(super) fn spot(code: &str, cursor: usize) -> Spot {
    let rust = start_of_rust(code);
    if cursor < rust || (cursor == rust && rust == code.len()) {
        let line = code[..cursor].rfind('\n').map_or(0, |end| end + 1);
        let before = code[line..cursor].trim_start_matches(' ');
        return match before.chars().next() {
            Some(':') if !before.contains(' ') => Spot::Command(cursor - before.len()),
            // The line is empty so far.
            None => Spot::Name(cursor),
            Some(_) => Spot::Nothing,
        };
    }
    let code = &code[rust..cursor];
    match in_rust(code) {
        Spot::Name(start) => Spot::Name(rust + start),
        Spot::Pattern(start) => Spot::Pattern(rust + start),
        Spot::Crate(start) => Spot::Crate(rust + start),
        Spot::Attribute(start) => Spot::Attribute(rust + start),
        Spot::Member(asked) => Spot::Member(Asked {
            start: rust + asked.start,
            ..asked
        }),
        other => other,
    }
}

/// What is at the end of `code`, all of which is Rust.
fn in_rust(code: &str) -> Spot {
    if ends_in_comment(code) || code.contains('\0') {
        return Spot::Nothing;
    }
    let tokens = Tokens::of(code);
    // The name so far, which may be empty.
    let mut at = tokens.len();
    let mut start = code.len();
    if let Some(last) = tokens.before(at)
        && last.end == code.len()
    {
        match last.kind {
            TokenKind::Ident => {
                at -= 1;
                start = last.start;
            }
            // In `pair.0.` the lexer sees a number.
            TokenKind::Literal {
                kind: LiteralKind::Float { .. },
                ..
            } if code.ends_with('.') && tokens.dot_before(at - 1) => {
                return member(code, &tokens, at, start, at - 1);
            }
            kind if is_text(kind) => return Spot::Nothing,
            _ => {}
        }
    }
    if tokens.dot_before(at) {
        return member(code, &tokens, at, start, at - 1);
    }
    if tokens.path_goes_on(at) {
        return member(code, &tokens, at, start, at - 2);
    }
    let before = at.checked_sub(1).map_or("", |before| tokens.text(before));
    match before {
        "use" => Spot::Crate(start),
        // The name of something new.
        "fn" | "struct" | "enum" | "union" | "trait" | "type" | "mod" | "macro_rules" => {
            Spot::Nothing
        }
        "mut" if at >= 2 && tokens.text(at - 2) == "let" => Spot::Nothing,
        "let" | "for" => Spot::Pattern(start),
        "[" if at >= 2 && matches!(tokens.text(at - 2), "#" | "!") && is_attribute(&tokens) => {
            Spot::Attribute(start)
        }
        "{" | "," if in_use(&tokens, at) => import(code, start),
        _ => Spot::Name(start),
    }
}

/// Whether `code` ends within a comment.
fn ends_in_comment(code: &str) -> bool {
    let last = tokenize(code, FrontmatterAllowed::No).last();
    last.is_some_and(|token| match token.kind {
        TokenKind::LineComment { .. } => true,
        TokenKind::BlockComment { terminated, .. } => !terminated,
        _ => false,
    })
}

/// Whether there is nothing to complete just after such a token.
fn is_text(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Literal { .. }
            | TokenKind::Lifetime { .. }
            | TokenKind::RawLifetime
            | TokenKind::RawIdent
            | TokenKind::InvalidIdent
            | TokenKind::UnknownPrefix
            | TokenKind::UnknownPrefixLifetime
            | TokenKind::Unknown
    )
}

/// Whether the innermost open delimiter is that of an attribute.
fn is_attribute(tokens: &Tokens) -> bool {
    tokens
        .open()
        .last()
        .is_some_and(|&open| opens_attribute(tokens, open))
}

fn opens_attribute(tokens: &Tokens, open: usize) -> bool {
    let before = |back: usize| open.checked_sub(back).map_or("", |at| tokens.text(at));
    tokens.is(open, TokenKind::OpenBracket)
        && (before(1) == "#" || (before(1) == "!" && before(2) == "#"))
}

/// Whether the tokens before `at` are the beginning of a `use` and of nothing else.
fn in_use(tokens: &Tokens, at: usize) -> bool {
    let start = (0..at)
        .rev()
        .take_while(|&index| {
            matches!(
                tokens.kind(index),
                Some(
                    TokenKind::Ident
                        | TokenKind::Colon
                        | TokenKind::Comma
                        | TokenKind::OpenBrace
                        | TokenKind::CloseBrace
                        | TokenKind::Star
                )
            )
        })
        .find(|&index| tokens.text(index) == "use");
    start.is_some_and(|start| {
        (start + 1..at).all(|index| {
            matches!(tokens.word(index), "self" | "super" | "crate" | "as")
                || !is_keyword(tokens.word(index))
        })
    })
}

/// What to ask about a name in the tree of a `use`, where no type is ever expected.
fn import(code: &str, start: usize) -> Spot {
    let closers = closers(&Tokens::of(code));
    Spot::Member(Asked {
        code: format!("{}{closers};", &code[..start]),
        cursor: start,
        start,
    })
}

/// What to ask about the member or path whose name is token `at`, or would be. Its `.` or `::` is at `link`.
fn member(code: &str, tokens: &Tokens, at: usize, start: usize, link: usize) -> Spot {
    if in_use(tokens, at) {
        return import(code, start);
    }
    let is_path = tokens.is(link, TokenKind::Colon);
    // In `pair.0.` the receiver's last token and the dot are one.
    let receiver_end = link;
    let float = !is_path && !tokens.is(link, TokenKind::Dot);
    let Some(first) = (if float {
        // Before `0.` stands the dot of `pair.0`.
        receiver(tokens, link - 1)
    } else {
        receiver(tokens, receiver_end).or(is_path.then_some(link))
    }) else {
        return Spot::Nothing;
    };
    if !is_operand(tokens, first, is_path) || !is_seen_by_the_compiler(tokens) {
        return Spot::Nothing;
    }
    let from = tokens.get(first).map_or(start, |token| token.start);
    const OPEN: &str = "({";
    Spot::Member(Asked {
        code: format!(
            "{}{OPEN}{};}}){};",
            &code[..from],
            &code[from..start],
            closers(tokens)
        ),
        cursor: start + OPEN.len(),
        start,
    })
}

/// The brackets that close everything that is open at the end.
fn closers(tokens: &Tokens) -> String {
    let close = |&open: &usize| match tokens.text(open) {
        "(" => ')',
        "[" => ']',
        _ => '}',
    };
    tokens.open().iter().rev().map(close).collect()
}

/// The first token of the expression, or path, that ends before `end`: names, calls, indices, `?`, literals. `None` if there is no such
/// expression, or if it is a block, since that could also be a statement of its own.
fn receiver(tokens: &Tokens, mut end: usize) -> Option<usize> {
    loop {
        let last = end.checked_sub(1)?;
        match tokens.kind(last)? {
            TokenKind::Question => end = last,
            TokenKind::CloseParen | TokenKind::CloseBracket => {
                let open = tokens.opener(last)?;
                end = open;
                let before = open.checked_sub(1);
                match before.and_then(|at| tokens.kind(at)) {
                    Some(TokenKind::Ident) if !is_operator(tokens.text(open - 1)) => {}
                    Some(TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::Question) => {
                    }
                    Some(TokenKind::Gt) => match tokens.angle_opener(open - 1) {
                        Some(angle) if tokens.path_goes_on(angle) => {}
                        _ => return Some(open),
                    },
                    Some(TokenKind::Bang)
                        if open >= 2
                            && tokens.is(open - 2, TokenKind::Ident)
                            && !is_operator(tokens.word(open - 2)) =>
                    {
                        end = open - 1;
                    }
                    _ => return Some(open),
                }
            }
            TokenKind::Gt => {
                let angle = tokens.angle_opener(last)?;
                if tokens.path_goes_on(angle) {
                    end = angle - 2;
                } else if angle >= 1 && tokens.is(angle - 1, TokenKind::Ident) {
                    end = angle;
                } else {
                    return Some(angle); // `<T as Trait>`
                }
            }
            TokenKind::Ident if !is_operator(tokens.text(last)) => {
                if tokens.dot_before(last) {
                    end = last - 1;
                } else if tokens.path_goes_on(last) {
                    let colons = last - 2;
                    let goes_on = colons >= 1
                        && (tokens.is(colons - 1, TokenKind::Gt)
                            || (tokens.is(colons - 1, TokenKind::Ident)
                                && !is_operator(tokens.text(colons - 1))));
                    if !goes_on {
                        return Some(colons); // `::std`
                    }
                    end = colons;
                } else {
                    return Some(last);
                }
            }
            TokenKind::Literal { .. } if tokens.dot_before(last) => end = last - 1, // `pair.0`
            TokenKind::Literal { .. } => return Some(last),
            _ => return None,
        }
    }
}

/// Whether the word is a keyword that is not itself a value or the beginning of a path.
fn is_operator(word: &str) -> bool {
    is_keyword(word)
        && !matches!(
            word,
            "self" | "Self" | "super" | "crate" | "await" | "true" | "false"
        )
}

/// Whether an expression, or a path, can begin at token `first`.
fn is_operand(tokens: &Tokens, first: usize, is_path: bool) -> bool {
    let Some(before) = first.checked_sub(1) else {
        return true;
    };
    match tokens.kind(before) {
        Some(TokenKind::Ident) => match tokens.text(before) {
            "return" | "break" | "if" | "while" | "match" | "in" => true,
            "mut" => before >= 1 && tokens.is(before - 1, TokenKind::And),
            "as" | "dyn" | "impl" | "for" | "where" => is_path,
            _ => false,
        },
        // Not the `!` of a macro.
        Some(TokenKind::Bang) => {
            before == 0
                || !tokens.is(before - 1, TokenKind::Ident)
                || is_operator(tokens.text(before - 1))
        }
        Some(
            TokenKind::Semi
            | TokenKind::OpenBrace
            | TokenKind::CloseBrace
            | TokenKind::OpenParen
            | TokenKind::OpenBracket
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Eq
            | TokenKind::Lt
            | TokenKind::Gt
            | TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::Percent
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::Caret
            | TokenKind::Dot,
        ) => true,
        _ => false,
    }
}

/// Whether the compiler sees the code at the end as it is written: it is not in an attribute, nor in a macro that might take it apart.
fn is_seen_by_the_compiler(tokens: &Tokens) -> bool {
    tokens.open().iter().all(|&open| {
        let word = |back: usize| open.checked_sub(back).map_or("", |at| tokens.text(at));
        let is_definition = word(2) == "!" && word(3) == "macro_rules";
        // Otherwise it is the `!` of "not".
        let is_macro = word(1) == "!" && is_name(word(2)) && !is_operator(word(2));
        !(opens_attribute(tokens, open)
            || is_definition
            || is_macro && !words::is_transparent(word(2)))
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// What to ask about the name that the byte `cursor` of `code` is in, or just after: the code up to that name's end.
pub(super) fn hovered(code: &str, cursor: usize) -> Option<Asked> {
    let rust = start_of_rust(code);
    if cursor < rust || code.contains('\0') {
        return None;
    }
    let rest = &code[rust..];
    let at = cursor - rust;
    let mut start = 0;
    let mut found: Option<Range<usize>> = None;
    for token in tokenize(rest, FrontmatterAllowed::No) {
        let end = start + token.len as usize;
        if let Some(name) = &found {
            // evcxr tells more of a function where its name and a bracket end the code.
            let called = token.kind == TokenKind::OpenParen;
            let code = &rest[..if called { end } else { name.end }];
            return Some(asked_about(code, rust + name.start));
        }
        if token.kind == TokenKind::Ident && (start..=end).contains(&at) {
            found = Some(start..end);
        } else if !is_trivia(token.kind) && start >= at {
            return None;
        }
        start = end;
    }
    found.map(|name| asked_about(&rest[..name.end], rust + name.start))
}

fn asked_about(code: &str, start: usize) -> Asked {
    Asked {
        code: code.into(),
        cursor: code.len(),
        start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands at the `|` of `code`.
    fn at(code: &str) -> Spot {
        let cursor = code.find('|').unwrap();
        spot(&code.replace('|', ""), cursor)
    }

    fn asked(code: &str) -> Option<String> {
        let cursor = code.find('^').unwrap();
        match spot(&code.replace('^', ""), cursor) {
            Spot::Member(asked) => {
                assert!(asked.start <= cursor, "{code}");
                assert!(
                    asked.code[asked.cursor..].starts_with([';', ')', '}']),
                    "{code}"
                );
                Some(asked.code)
            }
            _ => None,
        }
    }

    #[test]
    fn a_member_is_asked_for_as_a_statement_of_its_own() {
        for (code, expected) in [
            ("v.^", "({v.;});"),
            ("let x = 1;\nx.po^w(2)", "let x = 1;\n({x.;});"),
            (
                "let t: u32 = add(1, values.le^n(), 2);",
                "let t: u32 = add(1, ({values.;}));",
            ),
            ("if !done { v.^ }", "if !done { ({v.;})};"),
            ("let a = !flag.^", "let a = !({flag.;});"),
            ("v.iter().map(|x| x.^", "v.iter().map(|x| ({x.;}));"),
            (
                "v.iter().map(|x| { x.y }).fi^",
                "({v.iter().map(|x| { x.y }).;});",
            ),
            (
                "let n = &mut a.b[2].c(d)?.e^",
                "let n = &mut ({a.b[2].c(d)?.;});",
            ),
            ("pair.0.^", "({pair.0.;});"),
            ("pair.0.1.^", "({pair.0.1.;});"),
            ("2.0.sq^", "({2.0.;});"),
            ("\"a\".^", "({\"a\".;});"),
            ("(1 + 2).^", "({(1 + 2).;});"),
            ("return (1 + 2).^", "return ({(1 + 2).;});"),
            ("vec![1].^", "({vec![1].;});"),
            ("for i in 0..v.l^", "for i in 0..({v.;});"),
            ("println!(\"{}\", v.l^)", "println!(\"{}\", ({v.;}));"),
            ("match x { A => b.^", "match x { A => ({b.;})};"),
            ("P { x: q.^", "P { x: ({q.;})};"),
            ("v // no. comment\n  .^", "({v // no. comment\n  .;});"),
            ("Vec::<u8>::new().^", "({Vec::<u8>::new().;});"),
            ("v.iter().sum::<u32>().^", "({v.iter().sum::<u32>().;});"),
            ("self.x.^", "({self.x.;});"),
            ("future.await.^", "({future.await.;});"),
            (":dep serde = \"1\"\n!ls\nlet x = v.^", "let x = ({v.;});"),
        ] {
            assert_eq!(asked(code).as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn a_path_is_asked_for_as_a_statement_or_as_it_stands_in_a_use() {
        for (code, expected) in [
            ("std::time::Du^", "({std::time::;});"),
            (
                "let d = Duration::fr^om_secs(1);",
                "let d = ({Duration::;});",
            ),
            ("let d: std::^", "let d: ({std::;});"),
            ("Vec::<u32>::^", "({Vec::<u32>::;});"),
            ("<u32 as From<u8>>::^", "({<u32 as From<u8>>::;});"),
            ("::std::^", ""),
            ("let x = ::std::^", "let x = ({::std::;});"),
            ("impl std::fmt::Di^", "impl ({std::fmt::;});"),
            ("use std::ti^", "use std::;"),
            (
                "use std::{collections::HashMap, ti^me}",
                "use std::{collections::HashMap, };",
            ),
            ("pub use std::{^", "pub use std::{};"),
        ] {
            let expected = (!expected.is_empty()).then_some(expected);
            assert_eq!(asked(code).as_deref(), expected, "{code}");
        }
    }

    #[test]
    fn evcxr_is_not_asked_where_it_might_take_it_for_something_else() {
        for code in [
            "let v.^",
            "fn f.^",
            "use a.^",
            "x y.^",
            "x? y.^",
            "f(x) y.^",
            ".^",
            "let x = 1;\n.^",
            "if a { 1 } else { 2 }.^",
            "fn f() {} .^",
            "0..^",
            "1.^",
            "a..b^",
            "mine!(v.^",
            "macro_rules! m { ($x:expr) => { $x.^",
            "#[derive(a.^",
            "\"a.^",
            "// a.^",
            "/* a.^",
            "'a.^",
            "foo! v.^",
            "v.\0 w.^",
        ] {
            assert_eq!(asked(code), None, "{code}");
        }
    }

    #[test]
    fn bare_names_and_nothing_are_told_apart() {
        for (code, expected) in [
            ("|", Spot::Name(0)),
            ("let x = 1;\nx|", Spot::Name(11)),
            ("if ke|", Spot::Name(3)),
            ("a..b|", Spot::Name(3)),
            ("let So|", Spot::Pattern(4)),
            ("for |", Spot::Pattern(4)),
            ("use la|", Spot::Crate(4)),
            ("#[de|", Spot::Attribute(2)),
            ("#![al|", Spot::Attribute(3)),
            (":de|", Spot::Command(0)),
            ("// note\n :de|", Spot::Command(9)),
            (":dep se|", Spot::Nothing),
            ("!ls|", Spot::Nothing),
            ("// no|", Spot::Nothing),
            ("x /* no|", Spot::Nothing),
            ("/* yes */ y|", Spot::Name(10)),
            ("\"no|", Spot::Nothing),
            ("\"no\"|", Spot::Nothing),
            ("r#\"no|", Spot::Nothing),
            ("12|", Spot::Nothing),
            ("1u|", Spot::Nothing),
            ("'a|", Spot::Nothing),
            ("fn ne|", Spot::Nothing),
            ("struct |", Spot::Nothing),
            ("let mut ne|", Spot::Nothing),
            (":dep x\n|", Spot::Name(7)),
        ] {
            assert_eq!(at(code), expected, "{code}");
        }
    }

    #[test]
    fn every_cut_of_any_code_has_a_spot() {
        let code = ":dep a\n!b\n#[c(d)] use e::{f, g as h}; fn i<'j, K: L<M> + ?Sized>(&mut self) -> N<O> { p.0.1.q()?[r]::<S>(t!{u}, |v| w..=x.y, 'z', \"é\", r#\"ü\"#, 1.5e3f32, b'a', m!(>>)) } ]})>>.::";
        for (end, _) in code.char_indices() {
            spot(code, end);
            spot(&code[..end], end);
            spot(&code[end..], code.len() - end);
            hovered(code, end);
            hovered(&code[end..], 0);
        }
    }

    #[test]
    fn a_name_is_hovered_from_its_first_byte_to_its_last() {
        let hovered = |code: &str| {
            let cursor = code.find('^').unwrap();
            hovered(&code.replace('^', ""), cursor).map(|asked| asked.code)
        };
        for (code, expected) in [
            ("let x = fo^o + 1;", Some("let x = foo")),
            ("let x = ^foo + 1;", Some("let x = foo")),
            ("let x = foo^(1);", Some("let x = foo(")),
            ("a.b^.c", Some("a.b")),
            (":dep x\nfo^o", Some("foo")),
            (":de^p x\nfoo", None),
            ("!l^s", None),
            ("1^2", None),
            ("\"fo^o\"", None),
            ("// fo^o", None),
            ("a + ^ + b", None),
            ("(^)", None),
            ("'a^", None),
            ("^", None),
        ] {
            assert_eq!(hovered(code).as_deref(), expected, "{code}");
        }
    }
}
