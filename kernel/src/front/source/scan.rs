//! The statements of a cell, found by their tokens alone: where each begins and ends, and what kind of item it is.
//!
//! evcxr keeps the items at the top level of a cell, so nothing below that level matters here. If brackets do not match, there are no
//! statements: then the compiler's message is the best answer.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// A token that means something: whitespace is left out, and so are comments, except those that document an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    /// Where it begins in the cell.
    pub start: usize,
}

impl Token<'_> {
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_word(&self) -> bool {
        matches!(self.kind, TokenKind::Ident | TokenKind::RawIdent)
    }

    fn is_doc(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
        )
    }
}

/// What a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    /// A struct, an enum, a union, or a name for a type.
    Type,
    Trait,
    Module,
    Static,
    Const,
    Use,
    Impl,
    ExternBlock,
    /// `macro_rules!`
    Macro,
    MacroCall,
    Let,
    /// `#![…]`
    InnerAttribute,
    /// All the rest, `extern crate` included.
    Other,
}

/// A statement with its attributes and doc comments.
#[derive(Debug)]
pub(crate) struct Statement<'t, 'a> {
    pub kind: Kind,
    /// The name of an item, or of the macro that is called.
    pub name: Option<&'a str>,
    pub tokens: &'t [Token<'a>],
    /// The first of the tokens after attributes and doc comments.
    pub head: usize,
}

impl<'a> Statement<'_, 'a> {
    pub(crate) fn start(&self) -> usize {
        self.tokens[0].start
    }

    pub(crate) fn end(&self) -> usize {
        self.tokens.last().map_or(0, Token::end)
    }

    /// The texts of the tokens after attributes and doc comments.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> {
        self.tokens[self.head..].iter().map(|token| token.text)
    }
}

/// The tokens of a cell, without the lines at its beginning that are commands or for the shell.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut start = commands_end(code);
    let mut tokens = Vec::new();
    for token in tokenize(&code[start..], FrontmatterAllowed::No) {
        let end = start + token.len as usize;
        let means_something = match token.kind {
            TokenKind::Whitespace => false,
            TokenKind::LineComment { doc_style } | TokenKind::BlockComment { doc_style, .. } => {
                doc_style.is_some()
            }
            _ => true,
        };
        if means_something {
            tokens.push(Token {
                kind: token.kind,
                text: &code[start..end],
                start,
            });
        }
        start = end;
    }
    tokens
}

/// Where evcxr begins to read Rust: after the lines that are commands of its own or of the shell, and what stands between.
fn commands_end(code: &str) -> usize {
    let is_no_rust = |line: &&str| {
        line.starts_with('!')
            || line.trim_start_matches(' ').starts_with(':')
            || line.starts_with("//")
            || line.trim().is_empty()
    };
    code.split_inclusive('\n')
        .take_while(is_no_rust)
        .map(str::len)
        .sum()
}

/// The statements that the tokens form; None where brackets do not match.
pub(crate) fn statements<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<Vec<Statement<'t, 'a>>> {
    let scanner = Scanner {
        tokens,
        closing: closing(tokens)?,
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (head, kind, name, end) = scanner.statement(at);
        found.push(Statement {
            kind,
            name,
            tokens: &tokens[at..end],
            head: head - at,
        });
        at = end;
    }
    Some(found)
}

/// For each bracket that opens, the place of the one that closes it.
fn closing(tokens: &[Token]) -> Option<Vec<usize>> {
    let mut closing = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::OpenParen => open.push((at, TokenKind::CloseParen)),
            TokenKind::OpenBracket => open.push((at, TokenKind::CloseBracket)),
            TokenKind::OpenBrace => open.push((at, TokenKind::CloseBrace)),
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                let (opened, wanted) = open.pop()?;
                if wanted != token.kind {
                    return None;
                }
                closing[opened] = at;
            }
            _ => {}
        }
    }
    open.is_empty().then_some(closing)
}

struct Scanner<'t, 'a> {
    tokens: &'t [Token<'a>],
    closing: Vec<usize>,
}

impl<'a> Scanner<'_, 'a> {
    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn word(&self, at: usize) -> Option<&'a str> {
        let token = self.tokens.get(at)?;
        token.is_word().then_some(token.text)
    }

    /// The place after the token at `at`, or after the whole group if a bracket opens there.
    fn after(&self, at: usize) -> usize {
        match self.text(at) {
            "(" | "[" | "{" => self.closing[at] + 1,
            _ => at + 1,
        }
    }

    /// Head, kind, name and end of the statement that begins at `at`.
    fn statement(&self, at: usize) -> (usize, Kind, Option<&'a str>, usize) {
        if self.text(at) == "#" && self.text(at + 1) == "!" && self.text(at + 2) == "[" {
            return (at, Kind::InnerAttribute, None, self.after(at + 2));
        }
        let mut head = at;
        loop {
            if self.text(head) == "#" && self.text(head + 1) == "[" {
                head = self.after(head + 1);
            } else if self.tokens.get(head).is_some_and(Token::is_doc) {
                head += 1;
            } else {
                break;
            }
        }
        if head == self.tokens.len() {
            return (at, Kind::Other, None, head);
        }
        let (kind, name, end) = self.item(head).unwrap_or_else(|| self.no_item(head));
        (head, kind, name, end.max(head + 1))
    }

    /// Kind, name and end of the item that begins at `head`, if one does.
    fn item(&self, head: usize) -> Option<(Kind, Option<&'a str>, usize)> {
        let mut at = head;
        if self.text(at) == "pub" {
            at += 1;
            if self.text(at) == "(" {
                at = self.after(at);
            }
        }
        loop {
            let next = self.text(at + 1);
            let named = |kind| Some((kind, self.word(at + 1)));
            let (kind, name) = match self.text(at) {
                "const" if matches!(next, "fn" | "unsafe" | "async" | "extern") => {
                    at += 1;
                    continue;
                }
                "async" if matches!(next, "fn" | "unsafe" | "extern") => {
                    at += 1;
                    continue;
                }
                "unsafe" | "safe" | "default" | "auto"
                    if matches!(
                        next,
                        "fn" | "impl"
                            | "trait"
                            | "extern"
                            | "async"
                            | "const"
                            | "unsafe"
                            | "auto"
                            | "mod"
                            | "static"
                    ) =>
                {
                    at += 1;
                    continue;
                }
                "extern" if next == "crate" => {
                    return Some((Kind::Other, None, self.semicolon(at)));
                }
                "extern" => {
                    let abi = self
                        .tokens
                        .get(at + 1)
                        .is_some_and(|token| matches!(token.kind, TokenKind::Literal { .. }));
                    at += 1 + usize::from(abi);
                    if self.text(at) == "fn" {
                        continue;
                    }
                    return Some((Kind::ExternBlock, None, self.body_end(at)));
                }
                "impl" => (Kind::Impl, None),
                "fn" => named(Kind::Function)?,
                "trait" => named(Kind::Trait)?,
                "mod" => named(Kind::Module)?,
                "struct" | "enum" => named(Kind::Type)?,
                // These words may also be names.
                "union" if self.word(at + 1).is_some() => named(Kind::Type)?,
                "type" => return Some((Kind::Type, self.word(at + 1), self.semicolon(at))),
                "use" => return Some((Kind::Use, None, self.semicolon(at))),
                "static" | "const" => {
                    let kind = if self.text(at) == "const" {
                        Kind::Const
                    } else {
                        Kind::Static
                    };
                    let name = at + 1 + usize::from(next == "mut");
                    return (self.text(name + 1) == ":")
                        .then(|| (kind, self.word(name), self.semicolon(at)));
                }
                "macro_rules" if next == "!" => {
                    let end = self.macro_end(at + 3);
                    return Some((Kind::Macro, self.word(at + 2), end));
                }
                _ => return None,
            };
            return Some((kind, name, self.body_end(at + 1)));
        }
    }

    /// The same for a statement that is no item.
    fn no_item(&self, head: usize) -> (Kind, Option<&'a str>, usize) {
        if self.text(head) == "let" {
            return (Kind::Let, None, self.semicolon(head));
        }
        let mut at = head;
        while self.word(at).is_some() && self.text(at + 1) == ":" && self.text(at + 2) == ":" {
            at += 3;
        }
        if let Some(name) = self.word(at)
            && self.text(at + 1) == "!"
            && matches!(self.text(at + 2), "{" | "(" | "[")
        {
            return (Kind::MacroCall, Some(name), self.macro_end(at + 2));
        }
        (Kind::Other, None, self.expression_end(head))
    }

    /// The place after the next semicolon.
    fn semicolon(&self, mut at: usize) -> usize {
        while at < self.tokens.len() {
            let after = self.after(at);
            if self.text(at) == ";" {
                return after;
            }
            at = after;
        }
        at
    }

    /// The place after the body of an item, or after the semicolon that it has instead.
    fn body_end(&self, mut at: usize) -> usize {
        let mut angles = 0;
        while at < self.tokens.len() {
            let after = self.after(at);
            match self.text(at) {
                "<" => angles += 1,
                // The `>` of an arrow is no bracket.
                ">" if !matches!(self.text(at - 1), "-" | "=") => angles -= 1,
                // Between angles braces are a constant.
                "{" if angles <= 0 => return after,
                ";" => return after,
                _ => {}
            }
            at = after;
        }
        at
    }

    /// The place after a macro's arguments, and after the rest of the statement if that goes on.
    fn macro_end(&self, at: usize) -> usize {
        let after = self.after(at);
        match (self.text(at), self.text(after)) {
            ("{", next) if !matches!(next, "." | "?" | ";") => after,
            _ => self.semicolon(after),
        }
    }

    fn expression_end(&self, head: usize) -> usize {
        let mut at = head;
        if self.text(at).starts_with('\'') && self.text(at + 1) == ":" {
            at += 2;
        }
        let is_block = match self.text(at) {
            "if" | "match" | "while" | "for" | "loop" | "{" => true,
            "unsafe" | "const" | "async" => self.text(at + 1) == "{",
            _ => false,
        };
        if !is_block {
            return self.semicolon(head);
        }
        loop {
            while at < self.tokens.len() && self.text(at) != "{" {
                at = self.after(at);
            }
            if at >= self.tokens.len() {
                return at;
            }
            at = self.after(at);
            if self.text(at) != "else" {
                break;
            }
        }
        match self.text(at) {
            "." | "?" => self.semicolon(at),
            ";" => at + 1,
            _ => at,
        }
    }
}

/// Where to insert a statement that must come first.
pub(super) fn first_place(statements: &[Statement]) -> Option<usize> {
    statements
        .iter()
        .find(|statement| statement.kind != Kind::InnerAttribute)
        .map(Statement::start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(code: &str) -> Vec<(Kind, Option<&str>, &str)> {
        let tokens = tokens(code);
        statements(&tokens)
            .unwrap()
            .iter()
            .map(|found| (found.kind, found.name, &code[found.start()..found.end()]))
            .collect()
    }

    #[test]
    fn items_are_told_apart_and_have_their_names() {
        use Kind::*;
        for (code, kind, name) in [
            (
                "pub(crate) const unsafe extern \"C\" fn f<T: Into<u8>>(x: [u8; 3]) -> T where T: Copy, { 1 }",
                Function,
                Some("f"),
            ),
            ("async fn g() {}", Function, Some("g")),
            ("struct A;", Type, Some("A")),
            ("#[derive(Debug)]\n/// doc\nstruct B(u8);", Type, Some("B")),
            ("union U { a: u8 }", Type, Some("U")),
            ("type T = u8;", Type, Some("T")),
            ("unsafe trait T {}", Trait, Some("T")),
            ("mod m { fn f() {} }", Module, Some("m")),
            ("static mut X: u8 = 1;", Static, Some("X")),
            ("const _: () = { 1; };", Const, Some("_")),
            ("use a::{b, c};", Use, None),
            ("extern \"C\" { fn getpid() -> i32; }", ExternBlock, None),
            ("unsafe extern { fn getpid() -> i32; }", ExternBlock, None),
            (
                "impl<T> Tr<{ 3 }> for A<T> where T: Fn() -> u8, { fn f() {} }",
                Impl,
                None,
            ),
            ("unsafe impl Send for A {}", Impl, None),
            ("macro_rules! m { () => {} }", Macro, Some("m")),
            (
                "std::thread_local! { static X: u8 = 1 }",
                MacroCall,
                Some("thread_local"),
            ),
            ("let A { x } = a else { return };", Let, None),
            ("extern crate foo;", Other, None),
            ("const { 1 }", Other, None),
            ("union + 1", Other, None),
        ] {
            assert_eq!(split(code), [(kind, name, code)], "{code}");
            let twice = format!("{code}\n{code}");
            let expected = if code.ends_with('1') { 1 } else { 2 };
            assert_eq!(split(&twice).len(), expected, "{code}");
        }
    }

    #[test]
    fn statements_end_where_the_compiler_ends_them() {
        let texts = |code| {
            split(code)
                .into_iter()
                .map(|found| found.2)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(
                "#![allow(x)] a.b(); if x { 1 } else if y { 2 } else { 3 } match x {}.f(); 'a: loop {} x\n// end"
            ),
            [
                "#![allow(x)]",
                "a.b();",
                "if x { 1 } else if y { 2 } else { 3 }",
                "match x {}.f();",
                "'a: loop {}",
                "x"
            ]
        );
        assert_eq!(texts("a\n% b"), ["a\n% b"]);
        assert_eq!(texts(":dep x\n!ls (\nlet a = 1;"), ["let a = 1;"]);
        assert_eq!(
            texts("println!(\"{\"); x!{}.y; z"),
            ["println!(\"{\");", "x!{}.y;", "z"]
        );
        assert_eq!(texts("#[cfg(x)]"), ["#[cfg(x)]"]);
        assert_eq!(texts(""), [""; 0]);
        assert!(statements(&tokens("f(")).is_none());
        assert!(statements(&tokens("f)")).is_none());
        assert!(statements(&tokens("(]")).is_none());
    }
}
