//! Finds the place in the notebook that a piece of compiled code comes from.
//!
//! evcxr makes one library of all cells: each statement begins on a new line, items come in any order, and lines of evcxr's own stand
//! between them. So a place is found by its surroundings: the longest stretch of a cell that equals, except for white space, the code
//! before and after the place in the library. At least the whole line must be there.

use std::ops::Range;

/// A piece of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// The cell.
    pub number: u32,
    /// Its code.
    pub source: &'a str,
    pub range: Range<usize>,
}

/// A library made of cells.
pub(super) struct Map<'a> {
    code: &'a str,
    bytes: Vec<(usize, u8)>,
    /// The newest first.
    cells: Vec<(u32, &'a str, Vec<(usize, u8)>)>,
}

impl<'a> Map<'a> {
    /// The library `code` and the cells it was made of, the newest last.
    pub(super) fn new(code: &'a str, cells: &'a [(u32, String)]) -> Map<'a> {
        let cells = cells.iter().rev();
        Map {
            code,
            bytes: printed(code),
            cells: cells
                .map(|(number, source)| (*number, &source[..], printed(source)))
                .collect(),
        }
    }

    /// Where `range` of the library is.
    pub(super) fn find(&self, range: &Range<usize>) -> Option<Place<'a>> {
        if range.is_empty() {
            // A place between two tokens belongs to the one before it.
            let before = self.bytes.partition_point(|(at, _)| *at < range.start);
            let (at, _) = *self.bytes.get(before.checked_sub(1)?)?;
            let mut place = self.starting_at(at..at + 1)?;
            let end = self.code[at..].chars().next().map_or(1, char::len_utf8);
            place.range = place.range.start + end..place.range.start + end;
            return Some(place);
        }
        // evcxr may have put brackets of its own around it.
        let lines = self.code.get(range.clone())?.match_indices('\n');
        let starts = std::iter::once(range.start).chain(lines.map(|(at, _)| range.start + at + 1));
        starts
            .filter(|start| *start < range.end)
            .find_map(|start| self.starting_at(start..range.end))
    }

    fn starting_at(&self, range: Range<usize>) -> Option<Place<'a>> {
        let first = self.bytes.partition_point(|(at, _)| *at < range.start);
        let end = self.bytes.partition_point(|(at, _)| *at < range.end);
        let (at, _) = *self.bytes.get(first)?;
        let mut line = self.code[..at].rfind('\n').map_or(0, |end| end + 1);
        // A line that has only brackets may occur anywhere, so the line before it must match too.
        let has_words = |line: usize| {
            let line = self.code[line..].lines().next().unwrap_or_default();
            line.contains(char::is_alphanumeric)
        };
        while line > 0 && !has_words(line) {
            line = self.code[..line - 1].rfind('\n').map_or(0, |end| end + 1);
        }
        let line_end = self.code[at..]
            .find('\n')
            .map_or(self.code.len(), |end| at + end);
        let before = first - self.bytes.partition_point(|(at, _)| *at < line);
        let after = self.bytes.partition_point(|(at, _)| *at < line_end) - first;
        let mut best: Option<(usize, Place)> = None;
        for (number, source, bytes) in &self.cells {
            for candidate in 0..bytes.len() {
                let backwards = same(
                    self.bytes[..first].iter().rev(),
                    bytes[..candidate].iter().rev(),
                );
                let forwards = same(self.bytes[first..].iter(), bytes[candidate..].iter());
                if backwards < before || forwards < after {
                    continue;
                }
                let score = backwards + forwards;
                if best.as_ref().is_some_and(|(most, _)| *most >= score) {
                    continue;
                }
                let last = candidate + (end - first).clamp(1, forwards) - 1;
                let range = bytes[candidate].0..bytes[last].0 + 1;
                let place = Place {
                    number: *number,
                    source,
                    range,
                };
                best = Some((score, place));
            }
        }
        best.map(|(_, place)| place)
    }
}

/// The bytes that are no white space, and where they are.
fn printed(text: &str) -> Vec<(usize, u8)> {
    let bytes = text.bytes().enumerate();
    bytes
        .filter(|(_, byte)| !byte.is_ascii_whitespace())
        .collect()
}

fn same<'b>(
    one: impl Iterator<Item = &'b (usize, u8)>,
    other: impl Iterator<Item = &'b (usize, u8)>,
) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one.1 == other.1)
        .count()
}

impl Place<'_> {
    /// Its line, from 1 on.
    pub(crate) fn line(&self) -> usize {
        self.source[..self.range.start].matches('\n').count() + 1
    }

    /// Where the line that it starts in is, without the line's end.
    pub(crate) fn line_range(&self) -> Range<usize> {
        let start = self.source[..self.range.start]
            .rfind('\n')
            .map_or(0, |end| end + 1);
        let end = self.source[start..]
            .find('\n')
            .map_or(self.source.len(), |end| start + end);
        start..end
    }

    /// The code there.
    pub(crate) fn text(&self) -> &str {
        self.source.get(self.range.clone()).unwrap_or_default()
    }

    /// The place in words and its line, with the code there in inverse video, which every theme has in its own colours. Below it, for
    /// people who see no colours and pages that show none, is a row of marks with the compiler's words on the place.
    pub(crate) fn picture(&self, said: &str) -> Vec<String> {
        let Range { start, end } = self.line_range();
        let line = self.source[start..end].trim_end();
        let indent = line.len() - line.trim_start().len();
        let from = (self.range.start - start).clamp(indent.min(line.len()), line.len());
        let to = self.range.end.saturating_sub(start).clamp(from, line.len());
        let (before, marked, after) = (&line[indent..from], &line[from..to], &line[to..]);
        let intro = format!("cell [{}], line {}:  ", self.number, self.line());
        let mark = match marked {
            "" => String::new(),
            marked => format!("\u{1b}[7m{marked}\u{1b}[0m"),
        };
        let space = " ".repeat(width(&intro) + width(before));
        let below = format!("{space}{} {said}", "^".repeat(width(marked).max(1)));
        vec![
            format!("{intro}{before}{mark}{after}"),
            below.trim_end().to_string(),
        ]
    }
}

/// How many columns a text takes in a font in which each character is one or two columns wide.
fn width(text: &str) -> usize {
    let is_wide = |character: char| {
        matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}')
    };
    let is_nothing = |character: char| matches!(character, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}');
    text.chars()
        .map(|character| match character {
            character if is_nothing(character) => 0,
            character if is_wide(character) => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(sources: &[&str]) -> Vec<(u32, String)> {
        (1..)
            .zip(sources.iter().map(|source| source.to_string()))
            .collect()
    }

    /// Number, line and text of the `nth` occurrence of `what` in the library.
    fn found(code: &str, sources: &[&str], what: &str, nth: usize) -> Option<(u32, usize, String)> {
        let cells = cells(sources);
        let (at, _) = code.match_indices(what).nth(nth).unwrap();
        let place = Map::new(code, &cells).find(&(at..at + what.len()));
        place.map(|place| (place.number, place.line(), place.text().to_string()))
    }

    #[test]
    fn a_place_is_found_by_what_stands_around_it() {
        let sources = [
            "fn half(n: u32) -> u32 {\n    n / 2\n}",
            "fn third(n: u32) -> u32 {\n    n / 3\n}\nlet µ = half(1); let b = half(2);\nµ + b",
        ];
        let code = "use x;\nfn third(n: u32) -> u32 {\n    n / 3\n}\nfn half(n: u32) -> u32 {\n    n / 2\n}\nfn run() {\nlet µ = half(1);\nlet b = half(2);\n(\nµ + b\n).show();\n}\n";
        let found = |what, nth| found(code, &sources, what, nth);
        assert_eq!(found("n / ", 1), Some((1, 2, "n /".into())));
        assert_eq!(found("n / ", 0), Some((2, 2, "n /".into())));
        assert_eq!(found("half", 1), Some((2, 4, "half".into())));
        assert_eq!(found("half", 2), Some((2, 4, "half".into())));
        assert_eq!(found("µ", 1), Some((2, 5, "µ".into())));
        assert_eq!(found("(\nµ + b\n)", 0), Some((2, 5, "µ + b".into())));
        assert_eq!(found("}", 0), Some((2, 3, "}".into())));
        assert_eq!(found("}", 2), None);
        assert_eq!(found("show", 0), None);
        assert_eq!(found("run", 0), None);
    }

    #[test]
    fn of_two_lines_that_are_the_same_it_is_the_right_one() {
        let sources = ["go(1);\nrest();\ngo(1);\nlast();", "go(1);"];
        let code = "go(1);\nrest();\ngo(1);\nlast();\n";
        assert_eq!(found(code, &sources, "go", 0), Some((1, 1, "go".into())));
        assert_eq!(found(code, &sources, "go", 1), Some((1, 3, "go".into())));
    }

    #[test]
    fn the_marks_stand_below_what_they_mark() {
        let picture = |source: &'static str, range: Range<usize>| {
            Place {
                number: 3,
                source,
                range,
            }
            .picture("here")
        };
        let marked = picture("let größe = 5;\n    f(größer);", 23..31);
        assert_eq!(
            marked,
            [
                "cell [3], line 2:  f(\u{1b}[7mgrößer\u{1b}[0m);".to_string(),
                format!("{}^^^^^^ here", " ".repeat("cell [3], line 2:  f(".len()))
            ]
        );
        // The end of a line, more than a line, and a wide character.
        assert_eq!(
            picture("let x = 5\nx", 9..9)[1],
            format!("{}^ here", " ".repeat(28))
        );
        assert_eq!(
            picture("\"abc\nd\n", 0..7)[1],
            format!("{}^^^^ here", " ".repeat(19))
        );
        assert_eq!(
            picture("\"字\"+x", 6..7)[1],
            format!("{}^ here", " ".repeat(24))
        );
    }
}
