//! How much room a text takes, and how to make it take less.

/// The size of text, in pixels.
pub(crate) const TEXT: i32 = 13;
/// The height of a line of text.
pub(crate) const LINE: i32 = 19;

/// The approximate width of `text`, in pixels. The widths of sans-serif fonts differ, so this errs on the wide side.
pub(crate) fn text_width(text: &str) -> i32 {
    let wide = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'' | ' ' | '|'
        | '(' | ')' => 0.36,
        'm' | 'w' | 'M' | 'W' | '→' | '≤' | '×' => 0.9,
        c if c.is_uppercase() => 0.72,
        _ => 0.58,
    };
    (text.chars().map(wide).sum::<f64>() * f64::from(TEXT)).ceil() as i32
}

/// The width of the widest of `texts`.
pub(crate) fn widest<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> i32 {
    let widths = texts.into_iter().map(|text| text_width(text.as_ref()));
    widths.max().unwrap_or(0)
}

/// `text`, cut to `width` pixels and ended with an ellipsis if it is too long. The text twin has all of it.
pub(crate) fn fit(text: &str, width: i32) -> String {
    if text_width(text) <= width {
        return text.into();
    }
    let mut shorter: String = text.into();
    while shorter.pop().is_some() {
        let cut = format!("{}…", shorter.trim_end());
        if text_width(&cut) <= width {
            return cut;
        }
    }
    String::new()
}

/// `text` broken into lines of at most `width` pixels.
pub(crate) fn wrap(text: &str, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(word) + 5 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_or_wrapped_and_never_wider_than_asked() {
        assert_eq!(fit("short", 100), "short");
        let cut = fit(&"long name ".repeat(20), 100);
        assert!(cut.ends_with('…') && text_width(&cut) <= 100, "{cut}");
        assert_eq!(fit("x", 0), "");
        let lines = wrap(&"a title of many words ".repeat(9), 300);
        assert!(lines.len() > 1 && widest(&lines) <= 300, "{lines:?}");
    }
}
