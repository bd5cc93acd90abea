use super::escape;

/// A table as HTML and as aligned text: `(html, text)`. The first `left` columns are words, the others numbers.
///
/// In a column of numbers, a cell that is a whole number of more than three digits gets a comma between thousands. On a page, a line never
/// breaks between a number and its unit.
///
/// # Examples
/// ```
/// let rows = vec![vec!["lock".to_string(), "12 ns".to_string(), "20000".to_string()]];
/// let (html, text) = labsupport::cell::table(&["look", "cost", "looks"], &rows, 1);
/// assert!(html.contains("<td style=\"text-align:right;white-space:nowrap\">12\u{a0}ns</td>"));
/// assert_eq!(text, "look   cost   looks\nlock  12 ns  20,000\n");
/// ```
pub fn table(header: &[&str], rows: &[Vec<String>], left: usize) -> (String, String) {
    let rows: Vec<Vec<String>> = (rows.iter())
        .map(|row| {
            let cells = row.iter().enumerate();
            cells
                .map(|(column, cell)| match column < left {
                    true => cell.clone(),
                    false => grouped(cell),
                })
                .collect()
        })
        .collect();
    let style = |column: usize, tag: &str| match (column < left, tag) {
        (true, _) => "text-align:left",
        // The names of the columns may be long.
        (false, "th") => "text-align:right",
        (false, _) => "text-align:right;white-space:nowrap",
    };
    // A count with its share and its interval may take two lines, but a number stays with its unit.
    let with_breaks = |cell: &str| {
        let whole = cell.replace(' ', "\u{a0}");
        whole.replace("\u{a0}(", " (").replace(";\u{a0}", "; ")
    };
    let html_row = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells: String = cells
            .enumerate()
            .map(|(column, cell)| {
                // A column without a name has no header that a screen reader could read.
                let tag = if cell.is_empty() { "td" } else { tag };
                let (style, cell) = match style(column, tag).strip_suffix(";white-space:nowrap") {
                    Some(wrapped) if cell.contains(" (") => (wrapped, with_breaks(cell)),
                    _ => (style(column, tag), with_unit(cell)),
                };
                format!("<{tag} style=\"{style}\">{}</{tag}>", escape(&cell))
            })
            .collect();
        format!("<tr>{cells}</tr>")
    };
    let mut html = String::from("<table><thead>");
    html.push_str(&html_row("th", &mut header.iter().copied()));
    html.push_str("</thead><tbody>");
    for row in &rows {
        html.push_str(&html_row("td", &mut row.iter().map(String::as_str)));
    }
    html.push_str("</tbody></table>");

    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .chain([header.get(column).map_or(0, |cell| cell.chars().count())])
            .max()
            .unwrap_or(0)
    };
    let text_row = |cells: &mut dyn Iterator<Item = &str>| {
        let line = cells
            .enumerate()
            .map(|(column, cell)| {
                let width = width(column);
                if column < left {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect::<Vec<_>>()
            .join("  ");
        format!("{}\n", line.trim_end())
    };
    let mut text = text_row(&mut header.iter().copied());
    for row in &rows {
        text.push_str(&text_row(&mut row.iter().map(String::as_str)));
    }
    (html, text)
}

/// A whole number with commas between thousands; any other text as it is.
fn grouped(cell: &str) -> String {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole { thousands(cell) } else { cell.into() }
}

/// An integer with commas between thousands.
pub fn thousands(value: impl ToString) -> String {
    let written = value.to_string();
    let digits = written.trim_start_matches('-');
    let mut text = written[..written.len() - digits.len()].to_string();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `text` with a non-breaking space between each number and its unit.
fn with_unit(text: &str) -> String {
    const UNITS: [&str; 15] = [
        "ns", "µs", "ms", "s", "min", "h", "%", "B", "KB", "MB", "GB", "KiB", "MiB", "GiB", "times",
    ];
    let mut words = text.split(' ');
    let mut kept = words.next().unwrap_or_default().to_string();
    for word in words {
        let unit = word.trim_end_matches([',', '.', ';', ':', ')']);
        let after_number = kept.ends_with(|c: char| c.is_ascii_digit());
        let space = if after_number && UNITS.contains(&unit) {
            '\u{a0}'
        } else {
            ' '
        };
        kept.push(space);
        kept.push_str(word);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit_and_thousands_are_grouped() {
        let row = ["20000", "138.8 ms", "12345"].map(String::from);
        let (html, text) = table(&["rounds", "time", "pid 12345"], &[row.to_vec()], 1);
        // A word stays as it is, and so does the space in the text.
        assert!(html.contains("<td style=\"text-align:left\">20000</td>"));
        assert!(html.contains("138.8\u{a0}ms") && html.contains(">12,345<"));
        assert!(text.contains("138.8 ms") && text.contains("12,345"));
        for (written, kept) in [
            (
                "Manager: 1 to 5 ms, locked",
                "Manager: 1 to 5\u{a0}ms, locked",
            ),
            ("about 16.9 % (of all)", "about 16.9\u{a0}% (of all)"),
            ("4 workers", "4 workers"),
            ("no ms", "no ms"),
        ] {
            assert_eq!(with_unit(written), kept);
        }
        for (cell, written) in [("-1234", "-1,234"), ("12.5", "12.5"), ("", ""), ("-", "-")] {
            assert_eq!(grouped(cell), written);
        }
    }
}
