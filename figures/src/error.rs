use std::fmt;

/// Why a figure cannot be drawn.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let error = Lines::new("Empty").svg().unwrap_err();
/// assert_eq!(error.to_string(), "\"Empty\" has nothing to draw: add a series with at least one point.");
/// let error = Lines::new("Log").log_y().series("a", [(1.0, 0.0)]).svg().unwrap_err();
/// assert_eq!(error.to_string(), "point 0 of \"a\" is 0 in y: a logarithmic axis has no place for zero or less.");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FigureError {
    /// There is nothing to draw: no point, no bar, no field.
    Empty {
        /// The figure's title.
        title: String,
        /// What to add.
        what: &'static str,
    },
    /// A number has no place on its axis.
    NoPlace {
        /// The series or bar.
        series: String,
        /// The point in it, counted from 0.
        point: usize,
        /// `x`, `y` or `value`.
        axis: &'static str,
        /// The number.
        value: f64,
    },
    /// The picture cannot be drawn, for the reason given.
    Drawing(String),
}

impl FigureError {
    pub(crate) fn empty(title: &str, what: &'static str) -> FigureError {
        let title = title.into();
        FigureError::Empty { title, what }
    }
}

impl fmt::Display for FigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FigureError::Empty { title, what } => {
                write!(f, "\"{title}\" has nothing to draw: add {what}.")
            }
            FigureError::NoPlace {
                series,
                point,
                axis,
                value,
            } => {
                write!(f, "point {point} of \"{series}\" is {value} in {axis}: ")?;
                if value.is_finite() {
                    write!(f, "a logarithmic axis has no place for zero or less.")
                } else {
                    write!(
                        f,
                        "that is not a finite number. Was something divided by zero?"
                    )
                }
            }
            FigureError::Drawing(why) => write!(f, "the picture cannot be drawn: {why}."),
        }
    }
}

impl std::error::Error for FigureError {}

/// Why [`interact`](crate::interact) has no knobs to show, or no figure.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let error = interact([Knob::new("n", 0.0..=9.0).log()], |_| Table::new(["n"])).unwrap_err();
/// assert_eq!(error.to_string(), "The knob \"n\" is logarithmic and begins at 0: begin above zero.");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum KnobError {
    /// There is no knob, or there are too many.
    Count {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A knob cannot be turned, or cannot stand where it starts.
    Unusable {
        /// Its name.
        name: String,
        /// What is wrong with it, and what to write instead.
        why: String,
    },
    /// The closure returned this error when it ran for the last time.
    Draw(String),
}

impl fmt::Display for KnobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KnobError::Count { count, most } => {
                write!(
                    f,
                    "There are {count} knobs: give a figure 1 to {most} of them."
                )
            }
            KnobError::Unusable { name, why } => write!(f, "The knob \"{name}\" {why}."),
            KnobError::Draw(error) => write!(f, "The figure could not be drawn: {error}"),
        }
    }
}

impl std::error::Error for KnobError {}
