use crate::numbers::Scale;
use labsupport::cell;

/// The text twin of a figure, line by line: the title, then what the picture shows, then the caption.
pub(crate) struct Twin(String);

/// What a guess is called in every figure and its twin.
pub(crate) const GUESS: &str = "your guess";

impl Twin {
    pub(crate) fn new(title: &str) -> Twin {
        Twin(format!("{title}\n"))
    }

    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    /// A table whose first `words` columns are words.
    pub(crate) fn table(&mut self, header: &[&str], rows: &[Vec<String>], words: usize) {
        self.0.push_str(&cell::table(header, rows, words).1);
    }

    /// A vertical line at `value`.
    pub(crate) fn vertical(&mut self, name: &str, value: &str) {
        self.line(format!("Vertical line, {name}: {value}."));
    }

    /// The grey crowd: how many values each group has, and whose are the lowest and the highest. `group` is the heading of the groups'
    /// names, `counted` says what is counted.
    pub(crate) fn crowd<'w>(
        &mut self,
        name: &str,
        [group, counted]: [&str; 2],
        scale: &Scale,
        groups: impl Iterator<Item = (String, Vec<(f64, &'w str)>)>,
    ) {
        let row = |(group, mut values): (String, Vec<(f64, &str)>)| {
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            let whose = |&(value, who): &(f64, &str)| format!("{} ({who})", scale.write(value));
            let (lowest, highest) = (values.first()?, values.last()?);
            Some(vec![
                group,
                values.len().to_string(),
                whose(lowest),
                whose(highest),
            ])
        };
        let rows: Vec<Vec<String>> = groups.filter_map(row).collect();
        self.line(format!("In grey, {name}:"));
        let words = usize::from(group.is_empty()); // groups without a heading are named in words
        self.table(&[group, counted, "lowest", "highest"], &rows, words);
    }

    /// The whole text, with the caption at its end.
    pub(crate) fn end(mut self, caption: &str) -> String {
        if !caption.is_empty() {
            self.line(caption);
        }
        self.0
    }
}

/// The values of one cell, or a dash if there are none.
pub(crate) fn cell_of(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    if values.is_empty() {
        "–".into()
    } else {
        values.join("; ")
    }
}
