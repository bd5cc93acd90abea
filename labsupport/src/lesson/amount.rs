use crate::figure::Format;
use crate::measure::{Proportion, Samples};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number with its unit: a time, a percentage, a factor, or a count of anything.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let look: Amount = "about 100 ns".parse()?;
/// assert_eq!(look.to_string(), "100 ns");
/// assert_eq!((look.value_in("ns"), look.value_in("%")), (Some(100.0), None));
/// assert_eq!("1,000 tasks".parse::<Amount>()?, Amount::new(1000.0, "tasks"));
/// assert_eq!("3x".parse::<Amount>()?, Amount::new(3.0, "times"));
/// # Ok::<(), AmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    value: f64,
    unit: String,
}

/// Seconds in each unit of time, by all its spellings. The micro sign and the Greek letter are two characters.
const TIMES: [(&str, f64); 10] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("μs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("second", 1.0),
    ("seconds", 1.0),
    ("min", 60.0),
    ("minutes", 60.0),
];

/// The unit of a factor.
const FACTOR: &str = "times";

fn seconds_in(unit: &str) -> Option<f64> {
    let found = TIMES.iter().find(|(name, _)| *name == unit);
    found.map(|(_, seconds)| *seconds)
}

impl Amount {
    /// `value` of `unit`: `ns`, `µs`, `ms`, `s`, `min`, `%`, `times`, or the name of what is counted.
    pub fn new(value: f64, unit: &str) -> Amount {
        let unit = match unit.trim() {
            "x" | "×" => FACTOR,
            unit => unit,
        };
        Amount {
            value,
            unit: unit.into(),
        }
    }

    /// The number, in [`unit`](Amount::unit).
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The unit.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// The number in another unit; `None` where the two do not measure the same.
    pub fn value_in(&self, unit: &str) -> Option<f64> {
        match (seconds_in(&self.unit), seconds_in(unit)) {
            _ if Amount::new(0.0, unit).unit == self.unit => Some(self.value),
            (Some(from), Some(to)) => Some(self.value * from / to),
            _ => None,
        }
    }

    /// Whether it is compared by a factor rather than by a difference: a time or a factor, above zero.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// assert!(Amount::new(3.0, "ms").is_a_scale() && !Amount::new(3.0, "%").is_a_scale());
    /// ```
    pub fn is_a_scale(&self) -> bool {
        self.value > 0.0 && (seconds_in(&self.unit).is_some() || self.unit == FACTOR)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match seconds_in(&self.unit) {
            Some(seconds) => Format::Seconds.write(self.value * seconds),
            None => format!("{} {}", Format::Number.write(self.value), self.unit),
        };
        f.pad(text.trim_end())
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// One number and its unit, with or without a space: `100 ns`, `2.5 µs`, `10%`, `3 times`, `20 tasks`. A word such as
    /// "about" or "~" before it does no harm; commas may separate thousands.
    fn from_str(text: &str) -> Result<Amount, AmountError> {
        let error = || AmountError { text: text.into() };
        let start = text
            .find(|c: char| c.is_ascii_digit() || c == '-')
            .ok_or_else(error)?;
        let rest = &text[start..];
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || "-+.,".contains(c)))
            .unwrap_or(rest.len());
        let (number, unit) = rest.split_at(end);
        let value: f64 = without_commas(number)
            .and_then(|number| number.parse().ok())
            .ok_or_else(error)?;
        // A second number would be a range, and one cannot compare with that.
        if unit.contains(|c: char| c.is_ascii_digit()) {
            return Err(error());
        }
        Ok(Amount::new(value, unit))
    }
}

/// `1,000` is a thousand; in `1,5` nobody knows what the comma means.
fn without_commas(number: &str) -> Option<String> {
    let whole = number.split('.').next().unwrap_or(number);
    let mut groups = whole.split(',').skip(1);
    groups
        .all(|group| group.len() == 3)
        .then(|| number.replace(',', ""))
}

impl From<(f64, &str)> for Amount {
    fn from((value, unit): (f64, &str)) -> Amount {
        Amount::new(value, unit)
    }
}

impl From<Duration> for Amount {
    fn from(time: Duration) -> Amount {
        Amount::new(time.as_secs_f64(), "s")
    }
}

/// The median, in the unit of the samples.
impl From<&Samples> for Amount {
    fn from(samples: &Samples) -> Amount {
        Amount::new(samples.median(), samples.unit())
    }
}

/// The share, in per cent.
impl From<Proportion> for Amount {
    fn from(proportion: Proportion) -> Amount {
        Amount::new(100.0 * proportion.share(), "%")
    }
}

/// A text that is not one number with its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountError {
    text: String,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not one number with its unit. Write it like 100 ns, 2.5 ms, 10 %, 3 times or 20 tasks.",
            self.text
        )
    }
}

impl std::error::Error for AmountError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, value, unit) in [
            ("100 ns", 100.0, "ns"),
            ("100ns", 100.0, "ns"),
            ("~ 2.5 µs", 2.5, "µs"),
            ("about 10 %", 10.0, "%"),
            ("-3%", -3.0, "%"),
            ("3×", 3.0, "times"),
            ("1,000,000 records", 1e6, "records"),
            ("1,234.5 ms", 1234.5, "ms"),
            ("7", 7.0, ""),
        ] {
            assert_eq!(text.parse(), Ok(Amount::new(value, unit)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_an_error_that_says_how() {
        for text in [
            "",
            "a lot",
            "1,5 ms",
            "10-20 ns",
            "10 to 20 ns",
            "1.2.3 s",
            "-",
            "5 % of 3",
        ] {
            let said = text.parse::<Amount>().unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("`{text}` is not one number")),
                "{said}"
            );
        }
    }

    #[test]
    fn units_of_one_kind_are_converted_and_others_are_not() {
        let time = Amount::new(2.0, "ms");
        assert_eq!(time.value_in("s"), Some(0.002));
        assert_eq!(time.value_in("tasks"), None);
        assert_eq!(Amount::new(3.0, "x").value_in("times"), Some(3.0));
        assert_eq!(Amount::new(3.0, "tasks").value_in("tasks"), Some(3.0));
        assert_eq!(Amount::from(Duration::from_micros(5)).to_string(), "5 µs");
        assert_eq!(Amount::new(3.0, "").to_string(), "3");
    }
}
