use super::all::ASKED;
use crate::amount::AmountError;
use std::fmt;

/// Why a sketch cannot be read: there is no such pad, or a point is not on it.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let said = |curve| sketch("03-reaction", curve).unwrap_err().to_string();
/// assert!(said("1: 20 apples").starts_with("the point `1: 20 apples` is not on the pad: up it goes from 1 µs to 10 s."));
/// assert!(said("2: 20 µs").contains("across there are 1, 3, 10,"));
/// assert!(said("20 µs").contains("Write it like 10: 20 µs"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SketchError {
    /// No pad has this name.
    Unknown(String),
    /// This is not a point: two numbers with a colon between them.
    NoPoint(String),
    /// A number of this point cannot be read.
    Amount(String, AmountError),
    /// The pad has no place for this point.
    Outside {
        /// The point.
        point: String,
        /// Where the pad has places.
        places: String,
    },
}

impl fmt::Display for SketchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SketchError::Unknown(name) => {
                let names = ASKED.map(|one| one.name).join(", ");
                write!(f, "there is no sketch `{name}`; there are {names}.")
            }
            SketchError::NoPoint(point) => write!(
                f,
                "`{point}` is not a point of a curve. Write it like 10: 20 µs, and a semicolon between two points."
            ),
            SketchError::Amount(point, why) => write!(f, "in the point `{point}`, {why}"),
            SketchError::Outside { point, places } => {
                write!(f, "the point `{point}` is not on the pad: {places}.")
            }
        }
    }
}

impl std::error::Error for SketchError {}
