use labsupport::internal::{human_seconds, seconds_scale, three_digits};

/// How the numbers of an axis are written.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// assert_eq!(Format::Number.write(12_345.0), "12,300");
/// assert_eq!(Format::Percent.write(2.5), "2.5 %");
/// assert_eq!(Format::Times.write(0.5), "0.5×");
/// assert_eq!(Format::Seconds.write(0.001), "1 ms");
/// assert_eq!(Format::Nanoseconds.write(1000.0), "1 µs");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A plain number, with commas between thousands.
    #[default]
    Number,
    /// The number is a percentage.
    Percent,
    /// The number is a factor.
    Times,
    /// The number is in seconds, and is written in the unit that fits: ns, µs, ms or s.
    Seconds,
    /// The number is in nanoseconds, and is written in the unit that fits: ns, µs, ms or s.
    Nanoseconds,
}

impl Format {
    /// `value` with three significant digits, and its unit.
    pub fn write(self, value: f64) -> String {
        match self {
            Format::Number => three_digits(value),
            Format::Percent => format!("{} %", three_digits(value)),
            Format::Times => format!("{}×", three_digits(value)),
            Format::Seconds => human_seconds(value),
            Format::Nanoseconds => human_seconds(value * 1e-9),
        }
    }

    /// The name of the format, for use in a file.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// assert_eq!(Format::named(Format::Seconds.name()), Some(Format::Seconds));
    /// assert_eq!(Format::named("furlongs"), None);
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Format::Number => "number",
            Format::Percent => "percent",
            Format::Times => "times",
            Format::Seconds => "seconds",
            Format::Nanoseconds => "nanoseconds",
        }
    }

    /// The format with this name, if there is one.
    pub fn named(name: &str) -> Option<Format> {
        let all = [
            Format::Number,
            Format::Percent,
            Format::Times,
            Format::Seconds,
            Format::Nanoseconds,
        ];
        all.into_iter().find(|format| format.name() == name)
    }

    /// A factor and a unit that suit `largest`: numbers multiplied by the factor can all be written with this unit.
    pub(super) fn scale(self, largest: f64) -> (f64, &'static str) {
        match self {
            Format::Number => (1.0, ""),
            Format::Percent => (1.0, " %"),
            Format::Times => (1.0, "×"),
            Format::Seconds => seconds_scale(largest),
            Format::Nanoseconds => {
                let (scale, unit) = seconds_scale(largest * 1e-9);
                (scale * 1e-9, unit)
            }
        }
    }
}
