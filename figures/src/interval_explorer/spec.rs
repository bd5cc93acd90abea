//! The text of the Vega-Lite specification, and how values are written into it.
//!
//! `spec.json` has a `@NAME@` for each value, and `@TIME(x)@` and `@COUNT(x)@` for expressions that write a number as the other figures do.

use labsupport::internal::quote;

const TEXT: &str = include_str!("spec.json");

/// A Vega expression that writes a time in the unit that fits.
const TIME: &str = "(T < 0.9995e-6 ? format(T * 1e9, ',.3~r') + ' ns' : T < 0.9995e-3 ? format(T * 1e6, ',.3~r') + ' µs' : \
                    T < 0.9995 ? format(T * 1e3, ',.3~r') + ' ms' : format(T, ',.3~r') + ' s')";
/// A Vega expression that writes a number with three digits.
const COUNT: &str = "format(T, ',.3~r')";

// Vega makes the sliders. Beside a `range` it writes the bare number: 4.5, the power of ten. An input of any other type becomes an
// `<input>` with all the attributes given here. So the type is `Range`, which HTML reads as `range`: that puts the slider in its column and
// keeps JupyterLab from taking the arrow keys. A read-only text field beside it says what the number stands for.

/// The attributes of a slider.
const SLIDER: &str = r#""data-lm-suppress-shortcuts": "true",
        "style": "position: absolute; left: 170px; width: 220px; height: 16px; margin: 0""#;
/// The attributes of the words beside it.
const WORDS: &str = r#""readonly": "", "tabindex": "-1", "style": "display: block; width: 130px; height: 16px; margin: -16px 0 5px 405px; padding: 0; border: 0; background: none; color: inherit; font: inherit; pointer-events: none""#;

/// The specification with the meaning of each name in its place, in this order.
pub(super) fn with(values: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let text = macros(&macros(TEXT, "TIME", TIME), "COUNT", COUNT);
    let text = text.replace("@SLIDER@", SLIDER).replace("@WORDS@", WORDS);
    let fill = |text: String, (name, value): (&str, String)| text.replace(name, &value);
    values.into_iter().fold(text, fill)
}

/// A number in JSON, without the digits that rounding errors leave.
pub(super) fn number(value: f64) -> String {
    format!("{:e}", (value * 1e12).round() / 1e12)
}

pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(", "))
}

/// `text` as it stands inside a JSON string.
pub(super) fn inside(text: &str) -> String {
    let quoted = quote(text);
    quoted[1..quoted.len() - 1].into()
}

/// Each `@NAME(x)@` in `text` becomes `meaning` with x for T.
fn macros(text: &str, name: &str, meaning: &str) -> String {
    let opening = format!("@{name}(");
    let mut parts = text.split(&opening);
    let mut whole = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (argument, rest) = part.split_once(")@").unwrap_or((part, ""));
        let meaning = meaning.split('T').collect::<Vec<_>>();
        whole.push_str(&meaning.join(&format!("({argument})")));
        whole.push_str(rest);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_every_figure() {
        use crate::drawing::theme::colour;
        // All else takes the colour of the page's text, dark or light.
        let series = [colour(0), colour(1)].map(|c| format!("{:02x}{:02x}{:02x}", c.0, c.1, c.2));
        let used: Vec<&str> = TEXT.split('#').skip(1).map(|rest| &rest[..6]).collect();
        assert_eq!(used, series);
        assert!(TEXT.matches("currentColor").count() > 10);
    }
}
