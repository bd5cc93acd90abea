//! Text as it is written in HTML and in JSON.

/// `text` for HTML and XML, with the five characters that have a meaning there replaced.
///
/// # Examples
/// ```
/// assert_eq!(labsupport::cell::escape("a < b & c"), "a &lt; b &amp; c");
/// ```
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `text` as a JSON string, quotes included, without a line break in it.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// JSON text on one line. A line break inside a JSON string is written `\n`, so every real one is only layout.
pub(super) fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_would_end_a_string_or_a_line_is_escaped() {
        assert_eq!(quote(""), r#""""#);
        assert_eq!(quote(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert_eq!(quote("a\nb\r\tc"), r#""a\nb\r\tc""#);
        assert_eq!(quote("\0\u{1b}[1m\u{1f}"), r#""\u0000\u001b[1m\u001f""#);
        assert_eq!(quote("µs · 😀 \u{7f}"), "\"µs · 😀 \u{7f}\"");
    }

    #[test]
    fn json_stays_as_it_is_but_on_one_line() {
        assert_eq!(one_line("{\n\"a\": \"b\\n\"\r\n}"), "{ \"a\": \"b\\n\"  }");
    }
}
