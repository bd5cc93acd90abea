//! Shortens whatever is too long to be shown in one piece: a result, an error, a figure.

use super::amounts::size;
use super::spill::Spill;
use serde_json::Value;
use std::borrow::Cow;

/// The longest text that is shown as it is.
pub(super) const TEXT: usize = 256 * 1024;
/// The largest figure, page, or other thing that is no text.
const FIGURE: usize = 10_000_000;

/// `text`, without its middle if it is too long.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT {
        return text.into();
    }
    let first = &text[..text.floor_char_boundary(TEXT / 2)];
    let last = &text[text.ceil_char_boundary(text.len() - TEXT / 2)..];
    let left_out = text.len() - first.len() - last.len();
    format!(
        "{first}\n… {} left out here …\n{last}",
        size(left_out as u64)
    )
    .into()
}

/// Shortens what an `error` message or a failed reply says.
pub(super) fn error(error: &mut Value) {
    let (value, lines) = (error["evalue"].take(), error["traceback"].take());
    error["evalue"] = shortened(value);
    error["traceback"] = match lines {
        Value::Array(lines) => lines.into_iter().map(shortened).collect(),
        other => other,
    };
}

fn shortened(value: Value) -> Value {
    match value {
        Value::String(long) if long.len() > TEXT => text(&long).into(),
        short => short,
    }
}

/// Shortens the text of a figure or result, by MIME type, and replaces any other content that is too large by a sentence. The whole text
/// goes to `whole`. Returns whether anything was too long.
pub(super) fn data(data: &mut Value, whole: Option<&mut Spill>) -> bool {
    let Some(data) = data.as_object_mut() else {
        return false;
    };
    let mut is_shorter = false;
    let mut said = Vec::new();
    let mut plain = match data.get_mut("text/plain").map(Value::take) {
        Some(Value::String(plain)) => Some(plain),
        _ => None,
    };
    if let Some(long) = plain.take_if(|plain| plain.len() > TEXT) {
        if let Some(whole) = whole {
            whole.write(&long);
            let all = format!("The whole text, {}, is", size(long.len() as u64));
            said.push(whole.says(&all)[1].clone());
        }
        plain = Some(text(&long).into_owned());
        is_shorter = true;
    }
    data.retain(|mime, value| {
        let length = match value {
            Value::String(text) => text.len(),
            Value::Null => 0,
            json => json.to_string().len(),
        };
        if length > FIGURE {
            said.push(format!(
                "Content of the type {mime} is left out here: it is {} large, and the page would stop answering. Draw fewer \
                 points, or write it to a file.",
                size(length as u64)
            ));
        }
        length <= FIGURE
    });
    is_shorter |= !said.is_empty();
    said.extend(plain);
    if said.is_empty() {
        data.remove("text/plain");
    } else {
        data.insert("text/plain".into(), said.join("\n").into());
    }
    is_shorter
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_text_loses_its_middle_and_no_more() {
        let exact = "x".repeat(TEXT);
        assert_eq!(text(&exact), exact);
        let long = format!("begin{exact}end");
        let short = text(&long);
        assert!(short.starts_with("begin") && short.ends_with("end"));
        assert!(short.contains("… 8 bytes left out here …"));
        // Characters of two and of four bytes, at odd places.
        for word in ["\u{e4}", "\u{1f980}"] {
            let long = format!("x{}x", word.repeat(TEXT));
            let short = text(&long);
            assert!(short.len() < TEXT + 100 && !short.contains('\u{fffd}'));
        }
    }

    #[test]
    fn an_error_s_sentence_and_lines_are_shortened_each() {
        let long = "x".repeat(2 * TEXT);
        let mut said = json!({"ename": "Panic", "evalue": long, "traceback": ["short", long]});
        error(&mut said);
        assert!(said["evalue"].as_str().unwrap().len() < TEXT + 100);
        assert_eq!(said["traceback"][0], "short");
        assert!(said["traceback"][1].as_str().unwrap().len() < TEXT + 100);
        let mut bare = json!({"ename": "Error", "evalue": "x", "traceback": null});
        let before = bare.clone();
        error(&mut bare);
        assert_eq!(bare, before);
    }

    #[test]
    fn the_whole_of_a_result_goes_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Spill::new(folder.path(), None, 7, "result");
        let mut small = json!({"text/plain": "x".repeat(TEXT)});
        let before = small.clone();
        data(&mut small, Some(&mut file));
        assert_eq!(small, before);
        let path = folder.path().join("cell-7-result.txt");
        assert!(!path.exists());
        let long = "x".repeat(TEXT + 1);
        let mut result = json!({"text/plain": long});
        data(&mut result, Some(&mut file));
        assert_eq!(std::fs::read_to_string(path).unwrap(), long);
        let plain = result["text/plain"].as_str().unwrap();
        assert!(
            plain.starts_with("The whole text, 262.1 KB, is in cell-7-result.txt"),
            "{}",
            &plain[..100]
        );
    }

    #[test]
    fn a_sentence_takes_the_place_of_a_huge_figure() {
        let figure = "x".repeat(FIGURE);
        let mut exact = json!({"image/svg+xml": figure, "text/plain": "words"});
        let before = exact.clone();
        data(&mut exact, None);
        assert_eq!(exact, before);
        let mut huge = json!({"image/svg+xml": format!("{figure}x"), "text/plain": "words"});
        data(&mut huge, None);
        let plain = huge["text/plain"].as_str().unwrap();
        assert!(plain.contains("image/svg+xml") && plain.ends_with("\nwords"));
        assert!(huge.get("image/svg+xml").is_none());
        let mut vega = json!({"application/vnd.vegalite.v5+json": {"data": figure}});
        data(&mut vega, None);
        assert_eq!(vega.as_object().unwrap().len(), 1);
        assert!(vega["text/plain"].is_string());
        let mut alone = json!({"text/html": "x"});
        data(&mut alone, None);
        assert_eq!(alone, json!({"text/html": "x"}));
    }
}
