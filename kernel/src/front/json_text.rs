//! JSON as clients really send it. A page passes on whatever was pasted into a cell, and half of a surrogate pair is no character:
//! JavaScript writes it as `\ud800`, Python as three bytes that are no UTF-8. Such a message must be answered all the same, so the
//! replacement character stands in its place.

use serde_json::Value;
use std::borrow::Cow;

/// Reads `bytes` as JSON, and replaces everything that is no character by U+FFFD.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes).or_else(|error| {
        let text = String::from_utf8_lossy(bytes);
        let whole = without_half_pairs(&text);
        match (&text, &whole) {
            // There was nothing to replace, so it failed for another reason.
            (Cow::Borrowed(_), Cow::Borrowed(_)) => Err(error),
            _ => serde_json::from_str(&whole),
        }
    })
}

/// `text` with `\ufffd` in the place of every escaped surrogate that has no partner.
fn without_half_pairs(text: &str) -> Cow<'_, str> {
    const FIRST: std::ops::RangeInclusive<u32> = 0xd800..=0xdbff;
    const SECOND: std::ops::RangeInclusive<u32> = 0xdc00..=0xdfff;
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match unit(at) {
            Some(first) if FIRST.contains(&first) => {
                if unit(at + 6).is_some_and(|second| SECOND.contains(&second)) {
                    at += 12;
                    continue;
                }
            }
            Some(second) if SECOND.contains(&second) => {}
            Some(_) => {
                at += 6;
                continue;
            }
            // Another escape: a backslash and one character.
            None => {
                at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
                continue;
            }
        }
        whole.push_str(&text[copied..at]);
        whole.push_str("\\ufffd");
        at += 6;
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    whole.push_str(&text[copied..]);
    Cow::Owned(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn half_of_a_pair_is_replaced_and_all_else_stays() {
        for (sent, read) in [
            (r#"{"code": "a\ud800b"}"#, "a\u{fffd}b"),
            (r#"{"code": "\udc00"}"#, "\u{fffd}"),
            (r#"{"code": "\uD83D\uDE00 \ud83d"}"#, "\u{1f600} \u{fffd}"),
            (r#"{"code": "\ud83d\ud83d\ude00"}"#, "\u{fffd}\u{1f600}"),
            // A backslash of its own, and then letters.
            (r#"{"code": "\\ud800 \ud800"}"#, "\\ud800 \u{fffd}"),
            (r#"{"code": "\n\"\u00e9é\ud800"}"#, "\n\"éé\u{fffd}"),
        ] {
            assert_eq!(
                parse(sent.as_bytes()).unwrap(),
                json!({"code": read}),
                "{sent}"
            );
        }
        // As Python writes U+D800 if it is told to let it pass.
        let bytes = b"{\"code\": \"a\xed\xa0\x80b\"}";
        let code = parse(bytes).unwrap()["code"].as_str().unwrap().to_string();
        assert!(
            code.starts_with("a\u{fffd}") && code.ends_with('b'),
            "{code}"
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for sent in [
            "",
            "{",
            "{\"a\": \"\\ud800\"",
            "\\ud800",
            "{\"a\": NaN}",
            "\"\\",
            "\"\\u12",
        ] {
            assert!(parse(sent.as_bytes()).is_err(), "{sent}");
        }
    }
}
