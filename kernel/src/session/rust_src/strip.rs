//! Reduces a source to what it says about types.
//!
//! A reader that only wants to know the type of an expression looks at signatures, at the items in modules and at the expansions of macros.
//! It does not look into the body of a function that names its return type. So this removes bodies, comments, attributes that no type
//! depends on, and the values of statics. What is left has the same items under the same names, with their documentation.
//!
//! These stay as they are: the body of a function that returns `impl Trait`, since only the body says which type that is; constants and, on
//! request, constant functions, since they may give an array's length; the patterns and the arguments of macros, since the two must fit.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// `source` without the parts that no type depends on. With `constant`, the bodies of `const fn`s stay.
pub(super) fn strip(source: &str, constant: bool) -> String {
    let mut start = 0;
    let tokens = tokenize(source, FrontmatterAllowed::No).map(|token| {
        let text = &source[start..start + token.len as usize];
        start += token.len as usize;
        (token.kind, text)
    });
    let mut writer = Writer {
        out: String::with_capacity(source.len() / 3),
        gap: Gap::None,
        constant,
    };
    items(&tokens.collect::<Vec<_>>(), &mut writer);
    writer.out.push('\n');
    writer.out
}

type Token<'a> = (TokenKind, &'a str);

/// Writes tokens with one blank or one line break where there was any space between them.
struct Writer {
    out: String,
    gap: Gap,
    /// Whether the bodies of constant functions are written.
    constant: bool,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Gap {
    None,
    Blank,
    Line,
}

impl Writer {
    fn gap(&mut self, gap: Gap) {
        if gap > self.gap {
            self.gap = gap;
        }
    }

    fn token(&mut self, (kind, text): Token) {
        match kind {
            TokenKind::Whitespace if text.contains('\n') => self.gap(Gap::Line),
            TokenKind::Whitespace => self.gap(Gap::Blank),
            TokenKind::LineComment { doc_style: None } => self.gap(Gap::Line),
            TokenKind::BlockComment {
                doc_style: None, ..
            } => self.gap(Gap::Blank),
            _ => {
                match self.gap {
                    _ if self.out.is_empty() => {}
                    Gap::None => {}
                    Gap::Blank => self.out.push(' '),
                    Gap::Line => self.out.push('\n'),
                }
                self.gap = Gap::None;
                self.out.push_str(text);
                if let TokenKind::LineComment { .. } = kind {
                    self.gap = Gap::Line;
                }
            }
        }
    }

    fn tokens(&mut self, tokens: &[Token]) {
        for token in tokens {
            self.token(*token);
        }
    }
}

/// Writes the items in `tokens`.
fn items(tokens: &[Token], writer: &mut Writer) {
    let mut at = 0;
    while at < tokens.len() {
        at = match tokens[at] {
            (TokenKind::Pound, _) => attribute(tokens, at, writer),
            (TokenKind::Ident, "fn") => function(tokens, at, writer),
            (TokenKind::Ident, "static") => value(tokens, at, writer),
            (TokenKind::Ident, "macro_rules") => rules(tokens, at, writer),
            (TokenKind::Ident, "macro") => whole(tokens, at, writer),
            (TokenKind::Ident, _) => call(tokens, at, writer),
            token => {
                writer.token(token);
                at + 1
            }
        };
    }
}

/// Whether a token means nothing to the compiler.
fn is_trivia((kind, _): &Token) -> bool {
    matches!(
        kind,
        TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
    )
}

fn is_open((kind, _): &Token) -> bool {
    matches!(
        kind,
        TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket
    )
}

/// The first token from `at` on that is not trivia: where it is.
fn next(tokens: &[Token], at: usize) -> Option<usize> {
    (at..tokens.len()).find(|&at| !is_trivia(&tokens[at]))
}

/// The place after the bracket that closes the one at `open`.
fn closed(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, (kind, _)) in tokens.iter().enumerate().skip(open) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket => depth += 1,
            TokenKind::CloseParen | TokenKind::CloseBrace | TokenKind::CloseBracket => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// Attributes that no type and no name depends on.
const IDLE: [&str; 24] = [
    "allow",
    "cold",
    "deny",
    "diagnostic",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "optimize",
    "rustc_allow_const_fn_unstable",
    "rustc_allowed_through_unstable_modules",
    "rustc_as_ptr",
    "rustc_confusables",
    "rustc_const_panic_str",
    "rustc_const_stable",
    "rustc_const_unstable",
    "rustc_diagnostic_item",
    "rustc_inherit_overflow_checks",
    "rustc_never_returns_null_ptr",
    "rustc_no_implicit_autorefs",
    "rustc_on_unimplemented",
    "rustc_promotable",
    "stable",
    "track_caller",
];

/// An attribute, if it says something about types; the place after it.
fn attribute(tokens: &[Token], at: usize, writer: &mut Writer) -> usize {
    let mut open = next(tokens, at + 1);
    if let Some(bang) = open.filter(|&open| tokens[open].0 == TokenKind::Bang) {
        open = next(tokens, bang + 1);
    }
    let Some(open) = open.filter(|&open| tokens[open].0 == TokenKind::OpenBracket) else {
        writer.token(tokens[at]);
        return at + 1;
    };
    let end = closed(tokens, open);
    let name = next(tokens, open + 1).map_or("", |name| tokens[name].1);
    if IDLE.contains(&name) {
        writer.gap(Gap::Line);
    } else {
        writer.tokens(&tokens[at..end]);
    }
    end
}

/// A function, without its body unless that says what it returns; the place after it.
fn function(tokens: &[Token], at: usize, writer: &mut Writer) -> usize {
    // Either a type, as in `f: fn(u8)`, or a name that a macro puts together.
    let named = next(tokens, at + 1).is_some_and(|name| {
        matches!(
            tokens[name].0,
            TokenKind::Ident | TokenKind::RawIdent | TokenKind::Dollar
        )
    });
    let Some(body) = named.then(|| body(tokens, at)).flatten() else {
        writer.token(tokens[at]);
        return at + 1;
    };
    let signature = &tokens[at..body];
    writer.tokens(signature);
    let end = closed(tokens, body);
    let arrow = signature
        .windows(2)
        .position(|pair| matches!(pair, [(TokenKind::Minus, _), (TokenKind::Gt, _)]));
    let is_opaque = arrow.is_some_and(|arrow| {
        signature[arrow..]
            .iter()
            .any(|token| *token == (TokenKind::Ident, "impl"))
    });
    let mut before = tokens[..at].iter().rev().filter(|token| !is_trivia(token));
    let is_constant = before
        .find(|token| !matches!(token.1, "unsafe" | "extern" | "async"))
        .is_some_and(|token| token.1 == "const");
    if is_opaque || is_constant && writer.constant {
        writer.tokens(&tokens[body..end]);
    } else {
        writer.tokens(&[(TokenKind::OpenBrace, "{"), (TokenKind::CloseBrace, "}")]);
    }
    end
}

/// Where the body of the function at `at` begins, if it has one.
fn body(tokens: &[Token], at: usize) -> Option<usize> {
    let (mut place, mut before, mut bounds) = (at, "", false);
    while let Some((kind, text)) = tokens.get(place) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                place = closed(tokens, place);
                before = ")";
                continue;
            }
            TokenKind::OpenBrace => {
                // `Array<{ N + 1 }>`, where a comma may also end the bounds; and the name `${concat(…)}` in a macro.
                if matches!(before, "<" | "=" | "$") || before == "," && !bounds {
                    place = closed(tokens, place);
                    before = "}";
                    continue;
                }
                return Some(place);
            }
            TokenKind::Semi
            | TokenKind::CloseBrace
            | TokenKind::CloseParen
            | TokenKind::CloseBracket => return None,
            _ if is_trivia(&tokens[place]) => {}
            _ => {
                bounds |= *text == "where";
                before = text;
            }
        }
        place += 1;
    }
    None
}

/// A static, with any value; the place after it.
fn value(tokens: &[Token], at: usize, writer: &mut Writer) -> usize {
    let equals = ahead(tokens, at, TokenKind::Eq);
    let Some((equals, end)) = equals.and_then(|eq| Some((eq, ahead(tokens, eq, TokenKind::Semi)?)))
    else {
        writer.token(tokens[at]);
        return at + 1;
    };
    writer.tokens(&tokens[at..=equals]);
    writer.tokens(&[
        (TokenKind::Whitespace, " "),
        (TokenKind::OpenBrace, "{"),
        (TokenKind::CloseBrace, "}"),
    ]);
    end
}

/// Where the first `wanted` is from `at` on, unless the item ends before it.
fn ahead(tokens: &[Token], at: usize, wanted: TokenKind) -> Option<usize> {
    let mut place = at;
    loop {
        let token = tokens.get(place)?;
        match token.0 {
            kind if kind == wanted => return Some(place),
            TokenKind::Semi
            | TokenKind::CloseBrace
            | TokenKind::CloseParen
            | TokenKind::CloseBracket => return None,
            _ if is_open(token) => place = closed(tokens, place),
            _ => place += 1,
        }
    }
}

/// A macro: the patterns of its rules stay, and their expansions are stripped. Returns the place after it.
fn rules(tokens: &[Token], at: usize, writer: &mut Writer) -> usize {
    let Some(open) = (at..tokens.len()).find(|&at| is_open(&tokens[at])) else {
        writer.token(tokens[at]);
        return at + 1;
    };
    let end = closed(tokens, open);
    writer.tokens(&tokens[at..=open]);
    let (mut place, last) = (open + 1, end.saturating_sub(1));
    let mut becomes = false;
    while place < last {
        if is_open(&tokens[place]) {
            let after = closed(tokens, place);
            if becomes {
                items(&tokens[place..after], writer);
            } else {
                writer.tokens(&tokens[place..after]);
            }
            becomes = false;
            place = after;
        } else {
            becomes |= tokens[place].0 == TokenKind::Gt;
            writer.token(tokens[place]);
            place += 1;
        }
    }
    writer.tokens(&tokens[last.max(open + 1)..end]);
    end
}

/// A word and, if it names a macro, the macro's arguments as they are: the macro may need an attribute that means nothing otherwise.
/// Returns the place after it.
fn call(tokens: &[Token], at: usize, writer: &mut Writer) -> usize {
    let opens = next(tokens, at + 1)
        .filter(|&bang| tokens[bang].0 == TokenKind::Bang)
        .and_then(|bang| next(tokens, bang + 1))
        .filter(|&open| is_open(&tokens[open]));
    let end = opens.map_or(at + 1, |open| closed(tokens, open));
    writer.tokens(&tokens[at..end]);
    end
}

/// A macro of the new kind, as it is; the place after it.
fn whole(tokens: &[Token], at: usize, writer: &mut Writer) -> usize {
    let opens = |kind| (at..tokens.len()).find(|&at| tokens[at].0 == kind);
    let end = opens(TokenKind::OpenBrace).map_or(at + 1, |open| closed(tokens, open));
    writer.tokens(&tokens[at..end]);
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use std::fs;
    use std::path::Path;

    #[track_caller]
    fn becomes(source: &str, expected: &str) {
        assert_eq!(strip(source, false).trim_end(), expected);
    }

    #[test]
    fn bodies_go_and_signatures_stay() {
        becomes(
            "pub fn add(a: u8, b: [u8; { 1 + 1 }]) -> u8 where u8: Copy, { a + b[0] }",
            "pub fn add(a: u8, b: [u8; { 1 + 1 }]) -> u8 where u8: Copy, {}",
        );
        becomes(
            "trait T { fn needed(&self); fn given(&self) -> u8 { 3 } }",
            "trait T { fn needed(&self); fn given(&self) -> u8 {} }",
        );
        becomes(
            "fn f() -> Array<{ 1 + 1 }> { loop {} }",
            "fn f() -> Array<{ 1 + 1 }> {}",
        );
        becomes(
            "struct S { f: fn(u8) -> u8 } const C: usize = { 1 + 1 };",
            "struct S { f: fn(u8) -> u8 } const C: usize = { 1 + 1 };",
        );
        becomes(
            "extern \"C\" { fn puts(text: *const u8); static X: u8; }",
            "extern \"C\" { fn puts(text: *const u8); static X: u8; }",
        );
    }

    #[test]
    fn what_says_what_a_type_is_stays() {
        becomes(
            "fn all() -> impl Iterator<Item = u8> { 0..3 } // more",
            "fn all() -> impl Iterator<Item = u8> { 0..3 }",
        );
        becomes(
            "const fn size() -> usize { 8 }",
            "const fn size() -> usize {}",
        );
        assert_eq!(
            strip("pub const unsafe fn size() -> usize { 8 }", true).trim_end(),
            "pub const unsafe fn size() -> usize { 8 }"
        );
        becomes(
            "static TABLE: [u8; 2] = [1, 2];",
            "static TABLE: [u8; 2] = {};",
        );
    }

    #[test]
    fn documentation_stays_and_other_comments_go() {
        becomes(
            "//! A module. /* }\n/// One. {\n// Not this. }\n#[stable(since = \"1\")]\n#[doc(hidden)]\n#[inline]\nfn one() { /* two */ }",
            "//! A module. /* }\n/// One. {\n#[doc(hidden)]\nfn one() {}",
        );
        becomes(
            "#[cfg(test)] #[must_use = \"x\"] fn one(#[cfg(a)] n: u8) { \"}\" }",
            "#[cfg(test)]\nfn one(#[cfg(a)] n: u8) {}",
        );
    }

    #[test]
    fn macros_match_what_they_matched() {
        becomes(
            "macro_rules! m { (fn $n:ident { 1 }) => { #[inline] fn $n() { 1 } }; ($(#[$a:meta])* $x:ty) => { impl A for $x { fn a() { 2 } } }; }",
            "macro_rules! m { (fn $n:ident { 1 }) => {\nfn $n() {} }; ($(#[$a:meta])* $x:ty) => { impl A for $x { fn a() {} } }; }",
        );
        becomes(
            "macro_rules! m { ($n:ident) => { fn ${concat($n, _small)}() -> u8 { 1 } }; }",
            "macro_rules! m { ($n:ident) => { fn ${concat($n, _small)}() -> u8 {} }; }",
        );
        becomes(
            "m! { #[stable(since = \"1\")] fn one { 1 } }",
            "m! { #[stable(since = \"1\")] fn one { 1 } }",
        );
        becomes(
            "pub macro n($x:expr) { fn f() { $x } }",
            "pub macro n($x:expr) { fn f() { $x } }",
        );
    }

    /// Looks at each source below `folder`.
    fn each(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                each(&path, look);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                look(&path, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn nothing_is_left_to_strip_and_every_bracket_has_its_partner() {
        let library = super::super::installed(&Place::find().unwrap()).unwrap();
        let (mut before, mut after) = (0, 0);
        for part in ["core", "alloc", "std"] {
            each(&library.join(part).join("src"), &mut |path, source| {
                let once = strip(source, false);
                assert_eq!(strip(&once, false), once, "{}", path.display());
                let count = |text: &str, kind| {
                    tokenize(text, FrontmatterAllowed::No)
                        .filter(|token| token.kind == kind)
                        .count()
                };
                for (open, close) in [
                    (TokenKind::OpenBrace, TokenKind::CloseBrace),
                    (TokenKind::OpenParen, TokenKind::CloseParen),
                    (TokenKind::OpenBracket, TokenKind::CloseBracket),
                ] {
                    assert_eq!(
                        count(&once, open),
                        count(&once, close),
                        "{}",
                        path.display()
                    );
                }
                before += source.len();
                after += once.len();
            });
        }
        assert!(after < before * 2 / 3, "{after} of {before} bytes are left");
    }
}
