use labsupport::cell::{self, Show};
use std::fmt;

/// A table, with words in the first columns and numbers in the others.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let table = Table::new(["the lecture says", "your machine says"])
///     .words(2)
///     .row(["reading takes nanoseconds", "0.4 ns"]);
/// assert_eq!(table.to_string(), "the lecture says           your machine says\nreading takes nanoseconds  0.4 ns\n");
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    words: usize,
}

impl Table {
    /// A table with these columns and no rows. The first column is for words, the others are for numbers.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Table {
        Table {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            words: 1,
        }
    }

    /// How many of the first columns are words. Words are aligned left, numbers right.
    pub fn words(mut self, columns: usize) -> Table {
        self.words = columns;
        self
    }

    /// Adds a row.
    ///
    /// # Panics
    /// The row has more or fewer cells than the header.
    pub fn row<S: Into<String>>(mut self, cells: impl IntoIterator<Item = S>) -> Table {
        let row: Vec<String> = cells.into_iter().map(Into::into).collect();
        let (cells, columns) = (row.len(), self.header.len());
        assert!(
            cells == columns,
            "this row has {cells} cells, but the table has {columns} columns: give one cell for each column."
        );
        self.rows.push(row);
        self
    }

    fn both(&self) -> (String, String) {
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        cell::table(&header, &self.rows, self.words)
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Table {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (html, text) = self.both();
        vec![("text/html", html), ("text/plain", text)]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.both().1)
    }
}
