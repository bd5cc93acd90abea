//! What a figure shows, as numbers and without the drawing: for whoever writes it down, or lays several figures over each other.

use super::Format;

/// A figure whose numbers can be written down: [`Lines`](super::Lines), [`Bars`](super::Bars) and [`Dots`](super::Dots).
///
/// # Examples
/// ```
/// use figures::numbers::{Shows, ShowsNumbers};
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let numbers = Bars::new("One look").value("time").format(Format::Nanoseconds).bar("locked", 13.0).numbers();
/// assert_eq!((numbers.title.as_str(), numbers.y.format), ("One look", Format::Nanoseconds));
/// let Shows::Value { row, value, .. } = &numbers.parts[0].shows else { panic!("a bar is a value") };
/// assert_eq!((row.as_str(), *value), ("locked", 13.0));
/// ```
pub trait ShowsNumbers {
    /// All that was measured. Guesses, levels and marks are not.
    fn numbers(&self) -> Numbers;
}

/// The numbers of a figure: see [`ShowsNumbers`].
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// The figure's title.
    pub title: String,
    /// What goes across; `None` where each number has a name in its place.
    pub x: Option<Scale>,
    /// What was measured.
    pub y: Scale,
    /// Lines, bars or dots.
    pub parts: Vec<Part>,
}

impl Numbers {
    /// Those of a figure in which each number has a name: `(series, row, value, low, high)`.
    pub(super) fn of_values<'a>(
        title: &str,
        y: &Scale,
        values: impl Iterator<Item = (&'a str, &'a str, f64, f64, f64)>,
    ) -> Numbers {
        let parts = values.map(|(series, row, value, low, high)| Part {
            series: series.into(),
            shows: Shows::Value {
                row: row.into(),
                value,
                low,
                high,
            },
        });
        Numbers {
            title: title.into(),
            x: None,
            y: y.clone(),
            parts: parts.collect(),
        }
    }
}

/// An axis: what it shows, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// What it shows.
    pub label: String,
    /// Whether it is logarithmic.
    pub log: bool,
    /// How its numbers are written.
    pub format: Format,
}

/// A part of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The name in the legend; empty for a bar.
    pub series: String,
    /// Its numbers.
    pub shows: Shows,
}

/// The numbers of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Shows {
    /// Pairs of x and y.
    Line(Vec<(f64, f64)>),
    /// A bar or a dot.
    Value {
        /// What is beside it.
        row: String,
        /// The number.
        value: f64,
        /// From where its spread goes; the number itself where there is none.
        low: f64,
        /// And to where.
        high: f64,
    },
}
