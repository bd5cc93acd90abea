//! Changes to a cell's code that nobody sees. They are only between statements, so that places in the compiled code can still be found in
//! the student's code.

/// Code that is being changed.
pub(super) struct Edit<'a> {
    code: &'a str,
    /// The place and the text of each, in any order.
    insertions: Vec<(usize, String)>,
}

impl<'a> Edit<'a> {
    pub(super) fn of(code: &'a str) -> Edit<'a> {
        Edit {
            code,
            insertions: Vec::new(),
        }
    }

    /// Inserts `text` at a place within a line.
    pub(super) fn insert(&mut self, at: usize, text: &str) {
        self.insertions.push((at, text.to_string()));
    }

    /// Inserts `text` before a statement that begins at `at`: as a line of its own, so that no column moves, unless the
    /// statement begins within a line.
    pub(super) fn insert_before(&mut self, at: usize, text: &str) {
        let line = self.code[..at].rfind('\n').map_or(0, |end| end + 1);
        if self.code[line..at].trim().is_empty() {
            self.insert(line, &format!("{text}\n"));
        } else {
            self.insert(at, &format!("{text} "));
        }
    }

    /// The changed code.
    pub(super) fn finish(mut self) -> String {
        self.insertions.sort_by_key(|(at, _)| *at);
        let mut changed = String::new();
        let mut from = 0;
        for (at, text) in &self.insertions {
            changed.push_str(&self.code[from..*at]);
            changed.push_str(text);
            from = *at;
        }
        changed + &self.code[from..]
    }
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
        assert_eq!(edit.finish(), "A\na;\nB\n  b; C c;\nD\nd;");
    }
}
