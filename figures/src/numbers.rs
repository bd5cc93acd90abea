//! What a figure shows, as numbers and without the drawing, for code that stores it or draws several figures over each other.

use crate::error::FigureError;
use crate::format::Format;

/// A figure whose numbers can be written down: [`Lines`](crate::Lines), [`Bars`](crate::Bars) and [`Dots`](crate::Dots).
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
    /// Everything that was measured. Guesses, levels and marks are left out.
    fn numbers(&self) -> Numbers;
}

/// The numbers of a figure: see [`ShowsNumbers`].
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// The figure's title.
    pub title: String,
    /// The x axis; `None` if each number has a name instead.
    pub x: Option<Scale>,
    /// What was measured.
    pub y: Scale,
    /// Lines, bars or dots.
    pub parts: Vec<Part>,
}

impl Numbers {
    /// The numbers of a figure in which each number has a name: `(series, row, value, low, high)`.
    pub(crate) fn of_values<'a>(
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

impl Scale {
    /// Whether an axis of this scale has a place for `value`.
    pub(crate) fn has_place(&self, value: f64) -> bool {
        value.is_finite() && !(self.log && value <= 0.0)
    }

    /// An error where an axis of this scale has no place for `value`: it is number `point` of `series`, on `axis`.
    pub(crate) fn check(
        &self,
        value: f64,
        axis: &'static str,
        series: &str,
        point: usize,
    ) -> Result<(), FigureError> {
        if self.has_place(value) {
            return Ok(());
        }
        Err(FigureError::NoPlace {
            series: series.into(),
            point,
            axis,
            value,
        })
    }

    /// `value` as the axis writes it.
    pub(crate) fn write(&self, value: f64) -> String {
        self.format.write(value)
    }
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
        /// The name of its row.
        row: String,
        /// The number.
        value: f64,
        /// Where its spread begins; the number itself if it has no spread.
        low: f64,
        /// Where its spread ends; the number itself if it has no spread.
        high: f64,
    },
}
