//! Names, and which of them a piece of code defines. Only a lexer reads the code, since code that is being typed is rarely complete enough
//! for a parser.

use super::tokens::{Tokens, is_close, is_open};
use ra_ap_rustc_lexer::TokenKind;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    /// A struct, enum, union, trait or type alias.
    Type,
    /// A variable, constant, static, variant or parameter.
    Instance,
    Module,
    /// A macro; its name is without the `!`.
    Macro,
    Keyword,
    /// One of evcxr's commands, with its `:`.
    Command,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub name: String,
    pub kind: Kind,
}

impl Name {
    pub(super) fn new(name: &str, kind: Kind) -> Name {
        Name {
            name: name.into(),
            kind,
        }
    }

    /// A name of which only the spelling is known.
    pub(super) fn guessed(name: &str) -> Name {
        let kind = match name.starts_with(char::is_uppercase) {
            true if name.len() > 1 && !name.contains(char::is_lowercase) => Kind::Instance,
            true => Kind::Type,
            false => Kind::Module,
        };
        Name::new(name, kind)
    }
}

/// Rust's keywords.
pub(super) const KEYWORDS: [&str; 38] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type",
    "unsafe", "use", "where", "while",
];

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// What an item is, by the keyword before its name.
pub(super) fn item_kind(keyword: &str) -> Option<Kind> {
    Some(match keyword {
        "fn" => Kind::Function,
        "struct" | "enum" | "union" | "trait" | "type" => Kind::Type,
        "const" | "static" => Kind::Instance,
        "mod" => Kind::Module,
        _ => return None,
    })
}

/// The names in scope at the end of `code`, the nearest first.
pub(super) fn in_scope(code: &str) -> Vec<Name> {
    Scopes::of(code).names(true)
}

/// The names that `code` leaves behind for the code after it, the newest first.
pub(super) fn defined(code: &str) -> Vec<Name> {
    Scopes::of(code).names(false)
}

struct Scopes<'a> {
    tokens: Tokens<'a>,
    /// The names in scope; those that end with their statement are marked.
    names: Vec<(Name, bool)>,
    /// How many names there were where each open delimiter stands.
    marks: Vec<usize>,
    /// Names of the block that is about to begin: parameters, and those of `for`, `if let` and `while let`.
    of_the_block: Vec<Name>,
}

impl<'a> Scopes<'a> {
    fn of(code: &'a str) -> Scopes<'a> {
        let mut scopes = Scopes {
            tokens: Tokens::of(code),
            names: Vec::new(),
            marks: Vec::new(),
            of_the_block: Vec::new(),
        };
        let mut index = 0;
        while index < scopes.tokens.len() {
            index = scopes.take(index);
        }
        scopes
    }

    fn names(self, with_temporary: bool) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for (name, temporary) in self.names.into_iter().rev() {
            let is_new = !names.iter().any(|other| other.name == name.name);
            if is_new && (with_temporary || !temporary) {
                names.push(name);
            }
        }
        names
    }

    fn add(&mut self, name: &str, kind: Kind) {
        if !name.is_empty() && name != "_" && !is_keyword(name) {
            self.names.push((Name::new(name, kind), false));
        }
    }

    /// Takes in the token at `index`, and returns the index of the next one to take.
    fn take(&mut self, index: usize) -> usize {
        let Some(kind) = self.tokens.kind(index) else {
            return index + 1;
        };
        match kind {
            kind if is_open(kind) => {
                self.marks.push(self.names.len());
                if kind == TokenKind::OpenBrace {
                    let names = std::mem::take(&mut self.of_the_block);
                    self.names
                        .extend(names.into_iter().map(|name| (name, false)));
                }
            }
            kind if is_close(kind) => {
                let mark = self.marks.pop().unwrap_or(0);
                self.names.truncate(mark);
            }
            TokenKind::Semi => {
                self.of_the_block.clear();
                let mark = self.marks.last().copied().unwrap_or(0);
                let mut place = 0;
                self.names.retain(|(_, temporary)| {
                    place += 1;
                    place <= mark || !temporary
                });
            }
            TokenKind::Or => return self.bar(index),
            TokenKind::Eq if self.tokens.pair(index, TokenKind::Eq, TokenKind::Gt) => {
                self.arm(index);
                return index + 2;
            }
            TokenKind::Ident if !self.tokens.dot_before(index) => return self.word(index),
            _ => {}
        }
        index + 1
    }

    fn word(&mut self, index: usize) -> usize {
        let word = self.tokens.text(index);
        let next = self.tokens.word(index + 1);
        match word {
            "let" => {
                let (names, end) = self.pattern(index + 1, &[]);
                let before = index.checked_sub(1).map_or("", |at| self.tokens.text(at));
                if ["if", "while", "&"].contains(&before) {
                    self.of_the_block.extend(names);
                } else {
                    self.names
                        .extend(names.into_iter().map(|name| (name, false)));
                }
                end
            }
            "for" => {
                let (names, end) = self.pattern(index + 1, &["in"]);
                // Otherwise it is the `for` of an `impl` or of a bound.
                if self.tokens.word(end) == "in" {
                    self.of_the_block.extend(names);
                    return end;
                }
                index + 1
            }
            "fn" => {
                self.add(next, Kind::Function);
                self.of_the_block = self.parameters(index + 1);
                index + 2
            }
            "use" => self.imports(index + 1),
            "macro_rules" if self.tokens.is(index + 1, TokenKind::Bang) => {
                let name = self.tokens.word(index + 2);
                self.add(name, Kind::Macro);
                index + 3
            }
            "const" | "static" if next == "mut" => {
                let name = self.tokens.word(index + 2);
                self.add(name, Kind::Instance);
                index + 3
            }
            // A variable may be called `union`.
            "union" if next.is_empty() => index + 1,
            _ => match item_kind(word) {
                // `const fn` and the like: the name is that of the function.
                Some(_) if is_keyword(next) => index + 1,
                Some(kind) => {
                    self.add(next, kind);
                    index + 2
                }
                None => index + 1,
            },
        }
    }

    /// The names that the pattern at `index` binds, and where it ends: at `=`, a type, a `;`, or one of `ends`.
    fn pattern(&self, mut index: usize, ends: &[&str]) -> (Vec<Name>, usize) {
        let mut names = Vec::new();
        let mut depth = 0usize;
        while let Some(kind) = self.tokens.kind(index) {
            match kind {
                TokenKind::OpenBrace if depth == 0 && !self.has_fields(index) => break,
                kind if is_open(kind) => depth += 1,
                kind if is_close(kind) && depth == 0 => break,
                kind if is_close(kind) => depth -= 1,
                TokenKind::Semi => break,
                TokenKind::Eq if depth == 0 => break,
                TokenKind::Colon if depth == 0 && !self.is_path(index) => break,
                TokenKind::Ident if ends.contains(&self.tokens.text(index)) => break,
                TokenKind::Ident => names.extend(self.binding(index)),
                _ => {}
            }
            index += 1;
        }
        (names, index)
    }

    /// Whether the brace at `index` opens the fields of a pattern: the name of a type stands before it.
    fn has_fields(&self, index: usize) -> bool {
        let before = index.checked_sub(1).map_or("", |at| self.tokens.word(at));
        before.starts_with(char::is_uppercase)
    }

    /// Whether the colon at `index` is one of `::`.
    fn is_path(&self, index: usize) -> bool {
        self.tokens.pair(index, TokenKind::Colon, TokenKind::Colon)
            || self.tokens.path_goes_on(index + 1)
    }

    /// The variable that the identifier at `index` of a pattern binds, if it does.
    fn binding(&self, index: usize) -> Option<Name> {
        let word = self.tokens.word(index);
        let binds = word.starts_with(|c: char| c.is_lowercase() || c == '_')
            && word != "_"
            && !is_keyword(word)
            && !self.tokens.path_goes_on(index)
            && !matches!(
                self.tokens.kind(index + 1),
                Some(TokenKind::OpenParen | TokenKind::Bang)
            )
            && !self.tokens.pair(index + 1, TokenKind::Colon, TokenKind::Colon)
            // The name of a field, with a pattern of its own. At the end of a pattern a type follows.
            && !(self.tokens.is(index + 1, TokenKind::Colon) && self.is_in_fields(index));
        binds.then(|| Name::new(word, Kind::Instance))
    }

    /// Whether the nearest open delimiter before `index` opens the fields of a pattern.
    fn is_in_fields(&self, index: usize) -> bool {
        let mut depth = 0usize;
        for at in (0..index).rev() {
            match self.tokens.kind(at) {
                Some(kind) if is_close(kind) => depth += 1,
                Some(kind) if is_open(kind) && depth == 0 => {
                    return kind == TokenKind::OpenBrace && self.has_fields(at);
                }
                Some(kind) if is_open(kind) => depth -= 1,
                Some(TokenKind::Semi) if depth == 0 => return false,
                _ => {}
            }
        }
        false
    }

    /// The parameters of the function whose name is at `index`: each is a pattern before a type.
    fn parameters(&self, mut index: usize) -> Vec<Name> {
        while !matches!(
            self.tokens.kind(index),
            Some(TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::Semi) | None
        ) {
            index += 1;
        }
        let mut found = Vec::new();
        if !self.tokens.is(index, TokenKind::OpenParen) {
            return found;
        }
        let end = self.tokens.after_group(index);
        index += 1;
        while index < end {
            let (names, stop) = self.pattern(index, &[]);
            if (index..stop).any(|at| self.tokens.word(at) == "self") {
                found.push(Name::new("self", Kind::Instance));
            }
            if self.tokens.is(stop, TokenKind::Colon) {
                found.extend(names);
            }
            index = self.after_comma(stop.max(index), end);
        }
        found
    }

    /// The index after the next comma that is not within brackets; `end` where there is none.
    fn after_comma(&self, mut index: usize, end: usize) -> usize {
        let mut angles = 0usize;
        while index < end {
            match self.tokens.kind(index) {
                Some(kind) if is_open(kind) => {
                    index = self.tokens.after_group(index);
                    continue;
                }
                Some(TokenKind::Lt) => angles += 1,
                Some(TokenKind::Gt) => angles = angles.saturating_sub(1),
                Some(TokenKind::Comma) if angles == 0 => return index + 1,
                _ => {}
            }
            index += 1;
        }
        end
    }

    /// A `|`: an operator, or the parameters of a closure.
    fn bar(&mut self, index: usize) -> usize {
        let twice = self.tokens.pair(index, TokenKind::Or, TokenKind::Or);
        let after_operand = index
            .checked_sub(1)
            .is_some_and(|at| match self.tokens.kind(at) {
                Some(TokenKind::Ident) => !is_keyword(self.tokens.text(at)),
                Some(TokenKind::Literal { .. } | TokenKind::Question) => true,
                Some(kind) => is_close(kind),
                None => false,
            });
        if twice {
            return index + 2;
        }
        if after_operand {
            return index + 1;
        }
        let mut at = index + 1;
        let mut names = Vec::new();
        let mut in_type = false;
        let mut angles = 0usize;
        let mut depth = 0usize;
        while let Some(kind) = self.tokens.kind(at) {
            match kind {
                TokenKind::Or if depth == 0 => break,
                // Not a closure after all, or one that is being typed.
                TokenKind::Semi | TokenKind::OpenBrace if depth == 0 => break,
                kind if is_open(kind) => depth += 1,
                kind if is_close(kind) && depth == 0 => break,
                kind if is_close(kind) => depth -= 1,
                TokenKind::Lt => angles += 1,
                TokenKind::Gt => angles = angles.saturating_sub(1),
                TokenKind::Comma if depth == 0 && angles == 0 => in_type = false,
                TokenKind::Colon if depth == 0 && !self.is_path(at) => in_type = true,
                TokenKind::Ident if !in_type => names.extend(self.binding(at)),
                _ => {}
            }
            at += 1;
        }
        if self.tokens.is(at, TokenKind::Or) {
            self.names
                .extend(names.into_iter().map(|name| (name, true)));
            return at + 1;
        }
        index + 1
    }

    /// The variables of the arm whose arrow is at `index`.
    fn arm(&mut self, index: usize) {
        let mut start = index;
        let mut depth = 0usize;
        while start > 0 {
            let kind = self.tokens.kind(start - 1);
            match kind {
                Some(kind) if is_close(kind) => {
                    // A block before the pattern belongs to the arm before.
                    if kind == TokenKind::CloseBrace && depth == 0 {
                        let open = self.tokens.opener(start - 1);
                        if !open.is_some_and(|open| self.has_fields(open)) {
                            break;
                        }
                    }
                    depth += 1;
                }
                Some(kind) if is_open(kind) && depth == 0 => break,
                Some(kind) if is_open(kind) => depth -= 1,
                Some(TokenKind::Comma | TokenKind::Semi) if depth == 0 => break,
                _ => {}
            }
            start -= 1;
        }
        for at in start..index {
            if self.tokens.word(at) == "if" {
                break;
            }
            self.names
                .extend(self.binding(at).map(|name| (name, false)));
        }
    }

    /// The names that the `use` before `index` brings.
    fn imports(&mut self, mut index: usize) -> usize {
        while index < self.tokens.len() && !self.tokens.is(index, TokenKind::Semi) {
            let last = matches!(
                self.tokens.kind(index + 1),
                Some(TokenKind::Comma | TokenKind::Semi | TokenKind::CloseBrace) | None
            );
            let word = self.tokens.word(index);
            if last && !word.is_empty() && word != "_" && !is_keyword(word) {
                self.names.push((Name::guessed(word), false));
            }
            index += 1;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: Vec<Name>) -> String {
        let names: Vec<String> = names.into_iter().map(|name| name.name).collect();
        names.join(" ")
    }

    #[test]
    fn a_cell_leaves_its_variables_items_and_imports() {
        let code = r#"
            use std::{collections::HashMap, thread as threads, sync::{self, Arc}};
            #[derive(Debug)] struct Point { x: u32 }
            enum Colour { Red }
            macro_rules! twice { ($x:expr) => { $x * 2 } }
            const LIMIT: usize = 3; static mut COUNT: u32 = 0;
            const fn half(whole: u32) -> u32 { let inner = whole / 2; inner }
            impl Point { fn area(&self) -> u32 { self.x } }
            let (a, mut b): (u32, u32) = (1, 2);
            let Point { x, y: renamed } = point;
            let Some(found) = maybe else { return };
            let double = |number| number * 2;
            for i in 0..3 { let within = i; }
        "#;
        assert_eq!(
            names(defined(code)),
            "double found renamed x b a half COUNT LIMIT twice Colour Point Arc threads HashMap"
        );
    }

    #[test]
    fn what_is_in_scope_ends_with_its_block() {
        for (code, expected) in [
            (
                "fn f(first: HashMap<String, u32>, (a, b): (u8, u8)) {",
                "b a first f",
            ),
            (
                "fn f(first: u32) -> u32 { first } fn g(second: u32) {",
                "second g f",
            ),
            ("impl A { fn f(&mut self, other: u32) { ", "other self f"),
            ("let v = w.iter().map(|(index, value)| ", "value index v"),
            (
                "let v = w.iter().map(|(index, value)| value).filter(|x| ",
                "x v",
            ),
            ("let v = |a: HashMap<u8, u8>, b| { let c = 1; ", "c b a v"),
            ("let f = move || 1; let g = a || b; ", "g f"),
            ("match x { Some(inner) if inner > y => ", "inner"),
            (
                "match x { A { field } => { 1 } B { other: name, .. } => ",
                "name field",
            ),
            ("if let Some(some) = x { ", "some"),
            ("if let Some(some) = x { 1 } else { ", ""),
            (
                "while let Ok(next) = q.get() && let Some(deep) = next { ",
                "deep next",
            ),
            ("for (i, item) in list.iter().enumerate() { ", "item i"),
            ("{ let gone = 1; } let kept = 2;", "kept"),
            ("impl Show for Thing { fn show(&self) {} } let z = 1;", "z"),
            ("let x = 1; let y = x as u8 | 3; let z", "z y x"),
            ("let union = 3; union", "union"),
        ] {
            assert_eq!(names(in_scope(code)), expected, "{code}");
        }
    }

    #[test]
    fn code_that_is_cut_anywhere_is_looked_at() {
        let code = "fn f<T: Fn(u32) -> u8>(a: T) -> Vec<u8> { match a { Some(b) => { |c: &str| c } } } use a::{b, c as d}; )]}";
        for end in 0..=code.len() {
            in_scope(&code[..end]);
            defined(&code[end..]);
        }
    }
}
