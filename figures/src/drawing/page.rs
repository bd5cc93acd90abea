//! What a notebook shows of a figure.

pub(crate) use super::canvas::size;
use crate::error::FigureError;
use labsupport::cell::escape;
use std::fmt::Write;

/// Makes figures, which have `svg` and `text`, show themselves in a notebook cell.
macro_rules! shown_as_pictures {
    ($($figure:ty),+ $(,)?) => {$(
        impl $figure {
            /// Shows picture and text twin in a notebook cell.
            pub fn evcxr_display(&self) {
                labsupport::cell::emit(&labsupport::cell::Show::contents(self));
            }
        }

        impl labsupport::cell::Show for $figure {
            fn contents(&self) -> Vec<(&'static str, String)> {
                $crate::drawing::page::contents(self.svg(), self.text())
            }
        }
    )+};
}
pub(crate) use shown_as_pictures;

/// What a figure shows: the picture with its text twin, or the reason why there is no picture.
pub(crate) fn contents(
    svg: Result<String, FigureError>,
    text: String,
) -> Vec<(&'static str, String)> {
    match svg {
        Ok(svg) => vec![
            ("text/html", on_page(&svg, &text)),
            ("image/svg+xml", svg),
            ("text/plain", text),
        ],
        Err(error) => vec![("text/plain", format!("No picture: {error}\n\n{text}"))],
    }
}

/// The picture for a page, with its text twin folded below it. On a page that is too narrow it scrolls sideways.
fn on_page(svg: &str, text: &str) -> String {
    format!(
        "<figure style=\"margin:0;overflow-x:auto\">{}{}</figure>",
        picture(svg, text),
        twin(text)
    )
}

/// The text twin for a page, folded.
pub(crate) fn twin(text: &str) -> String {
    format!(
        "<details><summary>The same in words</summary><pre>{}</pre></details>",
        escape(text)
    )
}

/// The picture as wide as the page within two limits: on a page narrower than the first limit, words would be too small to read.
///
/// JupyterLab prefers this to a bare SVG, which it shows at its own width and without a name. It is an `<img>` because JupyterLab takes
/// every `<svg>` out of a notebook that it does not trust, and leaves an `<img>` alone. The words in `alt` are the title, which is also
/// the first line of the text twin.
pub(crate) fn picture(svg: &str, text: &str) -> String {
    const WIDTHS: &str = "min-width:36rem;max-width:60rem";
    let title = escape(text.lines().next().unwrap_or_default());
    let (width, height) = size(svg);
    format!(
        "<img alt=\"{title}\" width=\"{width}\" height=\"{height}\" style=\"width:100%;{WIDTHS};height:auto\" \
         src=\"data:image/svg+xml,{}\">",
        in_address(svg),
    )
}

/// `text` for an address: every character with a meaning there or in HTML is written as `%` and its number.
fn in_address(text: &str) -> String {
    let mut written = String::with_capacity(text.len() * 3 / 2);
    for byte in text.bytes() {
        match byte {
            b'"' | b'\'' | b'#' | b'%' | b'&' | b'<' | b'>' | ..b' ' | 0x7f.. => {
                let _ = write!(written, "%{byte:02X}");
            }
            byte => written.push(char::from(byte)),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use labsupport::cell::Show;

    fn figure() -> Bars {
        Bars::new("Costs & \"benefits\" in µs")
            .bar("one", 1.0)
            .bar("two", 2.0)
    }

    #[test]
    fn a_page_gets_a_picture_with_a_name_that_grows_and_shrinks_with_it() {
        let contents = contents(figure().svg(), figure().text());
        let mimes: Vec<&str> = contents.iter().map(|(mime, _)| *mime).collect();
        assert_eq!(mimes, ["text/html", "image/svg+xml", "text/plain"]);
        let html = &contents[0].1;
        for part in [
            "<img alt=\"Costs &amp; &quot;benefits&quot; in µs\" width=\"720\" height=\"",
            "style=\"width:100%;min-width:36rem;max-width:60rem;height:auto\"",
            "<summary>The same in words</summary><pre>Costs &amp; &quot;benefits&quot; in µs\n",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn the_picture_says_what_it_is_and_how_large() {
        let svg = figure().svg().unwrap();
        let head = svg.split_once('>').unwrap().0;
        assert!(head.contains(" viewBox=\"0 0 720 "), "{head}");
        assert!(
            head.contains("role=\"img\" aria-label=\"Costs &amp; &quot;benefits&quot; in µs\""),
            "{head}"
        );
        assert!(svg.contains("@media (prefers-color-scheme:dark){"));
    }

    #[test]
    fn an_address_has_nothing_that_html_or_addresses_read() {
        assert_eq!(
            in_address("<a b=\"#µ\">\n%"),
            "%3Ca b=%22%23%C2%B5%22%3E%0A%25"
        );
    }

    #[test]
    fn the_richest_comes_first_and_the_text_twin_last() {
        let mimes = |shown: &dyn Show| -> Vec<&str> {
            shown.contents().iter().map(|(mime, _)| *mime).collect()
        };
        let picture = ["text/html", "image/svg+xml", "text/plain"];
        let words = ["text/html", "text/plain"];
        let heat_map = HeatMap::new("T").x("x", ["1"]).y("y", ["2"]);
        assert_eq!(mimes(&Lines::new("T").series("a", [(1.0, 2.0)])), picture);
        assert_eq!(mimes(&Bars::new("T").bar("a", 1.0)), picture);
        assert_eq!(mimes(&heat_map.field(0, 0, 3.0)), picture);
        assert_eq!(mimes(&Lines::new("nothing to draw")), ["text/plain"]);
        assert_eq!(mimes(&Table::new(["a"]).row(["b"])), words);
    }
}
