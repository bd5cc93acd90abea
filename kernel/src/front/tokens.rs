//! Rust code as tokens, without white space and comments.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// A token and its place in the code, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

/// The tokens of some code. A place that does not exist is treated like one that holds nothing.
pub(super) struct Tokens<'a> {
    code: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Tokens<'a> {
    /// Takes `code` apart.
    pub(super) fn of(code: &'a str) -> Tokens<'a> {
        let mut tokens = Vec::new();
        let mut start = 0;
        for token in tokenize(code, FrontmatterAllowed::No) {
            let end = start + token.len as usize;
            if !is_trivia(token.kind) {
                let kind = token.kind;
                tokens.push(Token { kind, start, end });
            }
            start = end;
        }
        Tokens { code, tokens }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).copied()
    }

    /// The token before `index`.
    pub(super) fn before(&self, index: usize) -> Option<Token> {
        self.get(index.checked_sub(1)?)
    }

    pub(super) fn kind(&self, index: usize) -> Option<TokenKind> {
        Some(self.get(index)?.kind)
    }

    pub(super) fn is(&self, index: usize, kind: TokenKind) -> bool {
        self.kind(index) == Some(kind)
    }

    /// The text of a token; empty where there is none.
    pub(super) fn text(&self, index: usize) -> &'a str {
        self.get(index)
            .map_or("", |token| &self.code[token.start..token.end])
    }

    /// The identifier or keyword at `index`; empty where there is another token.
    pub(super) fn word(&self, index: usize) -> &'a str {
        if self.is(index, TokenKind::Ident) {
            self.text(index)
        } else {
            ""
        }
    }

    /// Whether two tokens of these kinds stand at `index` with nothing between them, as in `::`, `=>` and `..`.
    pub(super) fn pair(&self, index: usize, first: TokenKind, second: TokenKind) -> bool {
        self.is(index, first)
            && self.is(index + 1, second)
            && self.tokens[index].end == self.tokens[index + 1].start
    }

    /// Whether `::` ends before `index`.
    pub(super) fn path_goes_on(&self, index: usize) -> bool {
        index >= 2 && self.pair(index - 2, TokenKind::Colon, TokenKind::Colon)
    }

    /// Whether a `.` that is no part of a range stands before `index`.
    pub(super) fn dot_before(&self, index: usize) -> bool {
        index >= 1
            && self.is(index - 1, TokenKind::Dot)
            && !(index >= 2 && self.pair(index - 2, TokenKind::Dot, TokenKind::Dot))
    }

    /// The place of the delimiter that `close` closes.
    pub(super) fn opener(&self, close: usize) -> Option<usize> {
        let mut depth = 0usize;
        for index in (0..=close).rev() {
            match self.kind(index)? {
                kind if is_close(kind) => depth += 1,
                kind if is_open(kind) => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The index after the delimiter that closes `open`; the end, where nothing does.
    pub(super) fn after_group(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for index in open..self.len() {
            match self.tokens[index].kind {
                kind if is_open(kind) => depth += 1,
                kind if is_close(kind) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index + 1;
                    }
                }
                _ => {}
            }
        }
        self.len()
    }

    /// The place of the `<` that the `>` at `close` closes, if those are brackets at all.
    pub(super) fn angle_opener(&self, close: usize) -> Option<usize> {
        let mut depth = 0usize;
        let mut index = close + 1;
        while index > 0 {
            index -= 1;
            match self.tokens[index].kind {
                // The end of an arrow.
                TokenKind::Gt
                    if index > 0 && self.pair(index - 1, TokenKind::Minus, TokenKind::Gt) => {}
                TokenKind::Gt => depth += 1,
                TokenKind::Lt => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(index);
                    }
                }
                TokenKind::CloseParen | TokenKind::CloseBracket => index = self.opener(index)?,
                TokenKind::Semi | TokenKind::OpenBrace | TokenKind::CloseBrace => return None,
                TokenKind::OpenParen | TokenKind::OpenBracket => return None,
                _ => {}
            }
        }
        None
    }

    /// The delimiters that are open at the end, the outermost first.
    pub(super) fn open(&self) -> Vec<usize> {
        let mut open = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            if is_open(token.kind) {
                open.push(index);
            } else if is_close(token.kind) {
                open.pop();
            }
        }
        open
    }
}

/// Whether the compiler passes over it.
pub(super) fn is_trivia(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
    )
}

pub(super) fn is_open(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace
    )
}

pub(super) fn is_close(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_from_both_ends() {
        let code = "f(a[1], { b }) // )\n< > Vec<(u8, fn() -> u8)>";
        let tokens = Tokens::of(code);
        assert_eq!(tokens.word(0), "f");
        let close = tokens.after_group(1) - 1;
        assert_eq!((tokens.text(close), tokens.opener(close)), (")", Some(1)));
        let last = tokens.len() - 1;
        let open = tokens.angle_opener(last).unwrap();
        assert_eq!(tokens.word(open - 1), "Vec");
        assert!(tokens.open().is_empty());
        assert_eq!(Tokens::of("f(a[1], { b").open(), [1, 7]);
    }

    #[test]
    fn ranges_are_not_members() {
        let tokens = Tokens::of("a.b a..b std::c");
        assert!(tokens.dot_before(2));
        assert!(!tokens.dot_before(6));
        assert!(tokens.path_goes_on(10));
        assert!(!tokens.path_goes_on(6));
    }
}
