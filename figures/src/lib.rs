//! Pictures of measurements, drawn with `plotters` to SVG: [`Lines`], [`Bars`], [`Dots`], [`HeatMap`], [`Timeline`] and [`StepDiagram`];
//! and [`IntervalExplorer`], which has sliders.
//!
//! Every figure is built step by step, looks the same in every lab, and has a *text twin*: the same numbers as words and
//! a table, for a screen reader, a terminal, and whoever does not trust a picture. As the last expression of a notebook
//! cell a figure draws itself.
//!
//! ```
//! use figures::prelude::*;
//! let figure = Lines::new("A line")
//!     .x("iterations between two looks")
//!     .y("reaction time")
//!     .log_x()
//!     .y_format(Format::Seconds)
//!     .series("lock-free", [(1.0, 1e-5), (10.0, 2e-5), (100.0, 1e-4)]);
//! assert!(figure.svg()?.starts_with("<svg"));
//! assert!(figure.text().contains("20 µs"));
//! # Ok::<(), FigureError>(())
//! ```
//!
//! What takes a while is shown while it is measured: [`Live`] is a figure that changes, and
//! [`Progress`] says how far it has come.
//!
//! Colours come from Okabe and Ito's palette, which people with the common kinds of colour blindness tell apart; series
//! also differ in marker and dash, so that colour is never alone.

mod axis;
mod bars;
mod canvas;
mod dots;
mod error;
mod explorer;
mod format;
mod heat_map;
mod lines;
mod live;
pub mod numbers;
pub mod prelude;
mod progress;
mod steps;
mod table;
mod theme;
mod timeline;
mod trace;

pub use bars::Bars;
pub use dots::Dots;
pub use error::FigureError;
pub use explorer::IntervalExplorer;
pub use format::Format;
pub use heat_map::HeatMap;
pub use lines::Lines;
pub use live::Live;
pub use progress::{Counted, Progress};
pub use steps::StepDiagram;
pub use table::Table;
pub use timeline::Timeline;
pub use trace::{Event, Lane, LaneRecord, LaneSummary, Recording, Span, SpanKind, Trace};

use labsupport::cell::escape;
use std::fmt::Write;

labsupport::shown_in_words!(Event, FigureError, LaneRecord, LaneSummary, Recording, Span);

/// What a figure shows: the picture with its text twin, or the reason why there is none.
fn contents(svg: Result<String, FigureError>, text: String) -> Vec<(&'static str, String)> {
    match svg {
        Ok(svg) => vec![
            ("text/html", on_page(&svg, &text)),
            ("image/svg+xml", svg),
            ("text/plain", text),
        ],
        Err(error) => vec![("text/plain", format!("No picture: {error}\n\n{text}"))],
    }
}

/// The picture for a page, as wide as the page within two limits, and its text twin folded below it. Where the page is narrower than
/// the first limit, words would be too small to read, so the picture can be moved sideways instead.
///
/// JupyterLab prefers this to a bare SVG, which it shows at its own width and without a name. It is an `<img>` since JupyterLab takes
/// every `<svg>` out of a notebook it does not trust, and lets an `<img>` stand. The words in `alt` are the title; they are the first
/// line of the text twin, too.
fn on_page(svg: &str, text: &str) -> String {
    const WIDTHS: &str = "min-width:36rem;max-width:60rem";
    let title = escape(text.lines().next().unwrap_or_default());
    let (width, height) = canvas::size(svg);
    format!(
        "<figure style=\"margin:0;overflow-x:auto\"><img alt=\"{title}\" width=\"{width}\" height=\"{height}\" \
         style=\"width:100%;{WIDTHS};height:auto\" src=\"data:image/svg+xml,{}\">\
         <details><summary>The same in words</summary><pre>{}</pre></details></figure>",
        in_address(svg),
        escape(text)
    )
}

/// `text` for an address: what has a meaning there or in HTML is written as `%` and its number.
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
