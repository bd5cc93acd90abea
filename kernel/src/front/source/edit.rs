//! Changes to a cell's code that nobody sees: what is inserted, and reports of the compiler as if it were not there.

/// Code that is being changed.
pub struct Edit<'a> {
    code: &'a str,
    /// Where, and what; in any order.
    insertions: Vec<(usize, String)>,
}

/// What it takes to read a report on changed code as one on the student's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The numbers of the lines that were inserted, as the compiler counts.
    inserted: Vec<usize>,
}

impl<'a> Edit<'a> {
    pub fn of(code: &'a str) -> Edit<'a> {
        Edit {
            code,
            insertions: Vec::new(),
        }
    }

    /// Inserts `text` at a place within a line.
    pub fn insert(&mut self, at: usize, text: &str) {
        self.insertions.push((at, text.to_string()));
    }

    /// Inserts `text` before a statement that begins at `at`: as a line of its own, so that no column moves, unless the
    /// statement begins within a line.
    pub fn insert_before(&mut self, at: usize, text: &str) {
        let line = self.code[..at].rfind('\n').map_or(0, |end| end + 1);
        if self.code[line..at].trim().is_empty() {
            self.insert(line, &format!("{text}\n"));
        } else {
            self.insert(at, &format!("{text} "));
        }
    }

    /// The changed code.
    pub fn finish(mut self) -> (String, Lines) {
        self.insertions.sort_by_key(|(at, _)| *at);
        let mut changed = String::new();
        let mut lines = Lines::default();
        let (mut from, mut number) = (0, 1);
        for (at, text) in &self.insertions {
            let kept = &self.code[from..*at];
            changed.push_str(kept);
            number += kept.matches('\n').count();
            changed.push_str(text);
            if text.ends_with('\n') {
                lines.inserted.push(number);
                number += 1;
            }
            from = *at;
        }
        changed.push_str(&self.code[from..]);
        (changed, lines)
    }
}

impl Lines {
    /// The student's number of a line.
    fn own(&self, number: usize) -> usize {
        number - self.inserted.iter().filter(|&&line| line < number).count()
    }

    /// A line of a report, with the student's numbers: in the headline, `command_3:12:5`, and at the margin, ` 12 │`.
    pub fn of_report(&self, line: &str) -> String {
        if self.inserted.is_empty() {
            return line.to_string();
        }
        if let Some((before, after)) = line.split_once("command_")
            && let Some((command, place)) = after.split_once(':')
        {
            let (number, rest) = digits(place);
            if let Ok(number) = number.parse() {
                return format!("{before}command_{command}:{}{rest}", self.own(number));
            }
        }
        // Colours may stand around the number.
        let Some((margin, rest)) = line.split_once('│') else {
            return line.to_string();
        };
        let mut at = 0;
        while let Some(character) = margin[at..].chars().next() {
            if character == '\u{1b}' {
                at += margin[at..].find('m').map_or(1, |end| end + 1);
            } else if character.is_ascii_digit() {
                let (number, after) = digits(&margin[at..]);
                let Ok(own) = number.parse().map(|number| self.own(number)) else {
                    break;
                };
                let (before, width) = (&margin[..at], number.len());
                return format!("{before}{own:>width$}{after}│{rest}");
            } else {
                at += character.len_utf8();
            }
        }
        line.to_string()
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insertions_are_lines_of_their_own_where_they_can_be() {
        let code = "a;\n  b; c;\nd;";
        let mut edit = Edit::of(code);
        edit.insert_before(code.find('d').unwrap(), "D");
        edit.insert_before(code.find('b').unwrap(), "B");
        edit.insert_before(code.find('c').unwrap(), "C");
        edit.insert_before(0, "A");
        let (changed, lines) = edit.finish();
        assert_eq!(changed, "A\na;\nB\n  b; C c;\nD\nd;");
        let own = [2, 4, 6].map(|number| lines.own(number));
        assert_eq!(own, [1, 2, 3]);
    }

    #[test]
    fn a_report_has_the_lines_of_the_student() {
        let lines = Lines {
            inserted: vec![1, 5],
        };
        let report = |line| lines.of_report(line);
        assert_eq!(report("   ╭─[command_7:10:5]"), "   ╭─[command_7:8:5]");
        assert_eq!(
            report("\u{1b}[31m10 │\u{1b}[0m f(10)"),
            "\u{1b}[31m 8 │\u{1b}[0m f(10)"
        );
        assert_eq!(report(" 3 │ a"), " 2 │ a");
        assert_eq!(report("   │ 12"), "   │ 12");
        assert_eq!(report("12 bottles"), "12 bottles");
        assert_eq!(Lines::default().of_report("3 │"), "3 │");
    }
}
