use crate::proportion::Proportion;
use figures::Format;
use labsupport::measure::Samples;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number with its unit: a time, a percentage, a factor, or a count of anything.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
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

/// Each unit of time: its name, its length in seconds, and how people write it. The micro sign and the Greek letter µ are different
/// characters.
const TIMES: [(&str, f64, &[&str]); 6] = [
    ("ns", 1e-9, &["ns", "nsec", "nanosecond", "nano"]),
    (
        "µs",
        1e-6,
        &[
            "µs",
            "μs",
            "us",
            "µsec",
            "μsec",
            "usec",
            "microsecond",
            "micro",
        ],
    ),
    ("ms", 1e-3, &["ms", "msec", "millisecond", "milli"]),
    ("s", 1.0, &["s", "sec", "second"]),
    ("min", 60.0, &["min", "minute"]),
    ("h", 3600.0, &["h", "hr", "hour"]),
];

/// The unit of a factor.
const FACTOR: &str = "times";
const FACTORS: [&str; 6] = ["times", "time", "x", "×", "fold", "-fold"];

/// The unit of a share.
const SHARE: &str = "%";
const SHARES: [&str; 5] = ["%", "percent", "per cent", "pct", "prozent"];

/// How the labs write the unit, if it is one of theirs: a time, a factor or a share.
fn own_unit(unit: &str) -> Option<&'static str> {
    let unit = unit.to_lowercase();
    let unit = unit.trim_end_matches('.');
    let is = |spelling: &str| unit == spelling || unit.strip_suffix('s') == Some(spelling);
    if FACTORS.contains(&unit) {
        return Some(FACTOR);
    }
    if SHARES.contains(&unit) {
        return Some(SHARE);
    }
    let time = TIMES
        .iter()
        .find(|(_, _, spellings)| spellings.iter().any(|spelling| is(spelling)));
    time.map(|(name, ..)| *name)
}

fn seconds_in(unit: &str) -> Option<f64> {
    let found = TIMES.iter().find(|(name, ..)| *name == unit);
    found.map(|(_, seconds, _)| *seconds)
}

impl Amount {
    /// `value` of `unit`: `ns`, `µs`, `ms`, `s`, `min`, `%`, `times`, or the name of what is counted.
    pub fn new(value: f64, unit: &str) -> Amount {
        let unit = unit.trim();
        // "2 ms or so": what comes after a known unit means nothing.
        let first = unit.split_whitespace().next().unwrap_or_default();
        let unit = own_unit(unit).or_else(|| own_unit(first)).unwrap_or(unit);
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

    /// The number in another unit; `None` if the two units do not measure the same thing. A number without a unit can be a count of
    /// anything, but not a time.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// assert_eq!(Amount::new(2.0, "msec").value_in("s"), Some(0.002));
    /// assert_eq!(Amount::new(1.0, "task").value_in("tasks"), Some(1.0));
    /// assert_eq!(Amount::new(3.0, "").value_in("tasks"), Some(3.0));
    /// assert_eq!(Amount::new(3.0, "").value_in("ms"), None);
    /// ```
    pub fn value_in(&self, unit: &str) -> Option<f64> {
        let unit = Amount::new(0.0, unit).unit;
        let stem = |unit: &str| unit.trim_end_matches('s').to_lowercase();
        match (seconds_in(&self.unit), seconds_in(&unit)) {
            (Some(from), Some(to)) if from != to => Some(self.value * from / to),
            (None, None) if self.unit.is_empty() || stem(&self.unit) == stem(&unit) => {
                Some(self.value)
            }
            _ => (unit == self.unit).then_some(self.value),
        }
    }

    /// The same number. If it has no unit and `measured` is a time, it gets the unit in which `measured` is written.
    pub(super) fn as_written(&self, measured: &Amount) -> Amount {
        let written = measured.to_string();
        let unit = written.rsplit(' ').next().unwrap_or_default();
        match self.unit.is_empty() && seconds_in(&measured.unit).is_some() {
            true => Amount::new(self.value, unit),
            false => self.clone(),
        }
    }

    /// Whether a factor compares it better than a difference does: it is a time or a factor, and above zero.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// assert!(Amount::new(3.0, "ms").is_a_scale() && !Amount::new(3.0, "%").is_a_scale());
    /// ```
    pub fn is_a_scale(&self) -> bool {
        self.value > 0.0 && (seconds_in(&self.unit).is_some() || self.unit == FACTOR)
    }
}

impl Amount {
    /// Whether it counts something: it is not a time, a factor or a share.
    pub(super) fn is_a_count(&self) -> bool {
        own_unit(&self.unit).is_none()
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

    /// One number and its unit, with or without a space: `100 ns`, `2.5 µs`, `2,5 msec`, `1e3 ns`, `10%`, `3 times`, `20 tasks`. A
    /// word such as "about" or a "~" may come before it. A comma or a point that can separate thousands does so: `1,000` is a thousand.
    fn from_str(text: &str) -> Result<Amount, AmountError> {
        let error = |why| AmountError {
            text: text.into(),
            why,
        };
        let start = text.find(|c: char| c.is_ascii_digit());
        let start = start.ok_or_else(|| error(Why::NoDigits))?;
        let (before, rest) = text.split_at(start);
        let (number, unit) = rest.split_at(length_of_number(rest));
        let value: f64 = plain(number)
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| error(Why::Separators))?;
        // A second number would make it a range or a fraction, which cannot be compared with a measurement.
        if unit.contains(|c: char| c.is_ascii_digit()) || unit.trim_start().starts_with(['/', '^'])
        {
            return Err(error(Why::Several));
        }
        let (words, value) = match before.strip_suffix('.') {
            Some(words) => (
                words,
                format!("0.{number}")
                    .parse()
                    .map_err(|_| error(Why::Separators))?,
            ),
            None => (before, value),
        };
        let sign = if words.ends_with(['-', '−']) {
            -1.0
        } else {
            1.0
        };
        Ok(Amount::new(sign * value, unit))
    }
}

/// Characters that people put between the digits of a number, apart from points and commas.
const BETWEEN: [char; 6] = ['_', '\'', '’', ' ', '\u{a0}', '\u{202f}'];

/// The length of the number at the start of `text`: digits, what separates them, and an exponent.
fn length_of_number(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(text);
    while let Some(between) = text[length..].chars().next() {
        let next = digits(&text[length + between.len_utf8()..]);
        let goes_on = match between {
            '.' | ',' => next > 0,
            between => BETWEEN.contains(&between) && next == 3,
        };
        if !goes_on {
            break;
        }
        length += between.len_utf8() + next;
    }
    let rest = &text[length..];
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        if digits(&exponent[sign..]) > 0 {
            length += 1 + sign + digits(&exponent[sign..]);
        }
    }
    length
}

/// `number` as Rust reads it; `None` if its points and commas can mean two things.
fn plain(number: &str) -> Option<String> {
    let number = number.replace(BETWEEN, "");
    let (number, exponent) = match number.find(['e', 'E']) {
        Some(at) => number.split_at(at),
        None => (&*number, ""),
    };
    // If there are both, the last one is the decimal one.
    let (thousands, decimal) = match (number.rfind(','), number.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => ('.', ','),
        (Some(_), Some(_)) | (None, _) => (',', '.'),
        (Some(_), None) => match is_grouped(number, ',') {
            true => (',', '.'),
            false => ('.', ','),
        },
    };
    let (thousands, decimal) = match number.matches('.').count() > 1 && is_grouped(number, '.') {
        true => ('.', ','),
        false => (thousands, decimal),
    };
    let (whole, fraction) = number.split_once(decimal).unwrap_or((number, "0"));
    let is_clear = !fraction.contains(['.', ','])
        && (!whole.contains(thousands) || is_grouped(whole, thousands));
    is_clear.then(|| format!("{}.{fraction}{exponent}", whole.replace(thousands, "")))
}

/// Whether `separator` is between groups of three digits. The first group may be shorter, and is not a zero.
fn is_grouped(number: &str, separator: char) -> bool {
    let mut groups = number.split(separator);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && first != "0" && groups.all(|group| group.len() == 3)
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

/// Why a text cannot be read as one number with its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountError {
    text: String,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NoDigits,
    Several,
    Separators,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::NoDigits => "there is no digit in it; a half is 0.5",
            Why::Several => {
                "there is more than one number in it; choose one, and write a fraction or a power like 0.5 or 1e3"
            }
            Why::Separators => {
                "its points and commas can be read in two ways; leave them out of the thousands"
            }
        };
        write!(
            f,
            "`{}` is not one number with its unit: {why}. Write it like 100 ns, 2.5 ms, 10 %, 3 times or 20 tasks.",
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
            ("2", 2.0, ""),
            ("2 msec", 2.0, "ms"),
            ("2 Milliseconds", 2.0, "ms"),
            ("2 ms or so", 2.0, "ms"),
            ("2us", 2.0, "µs"),
            ("2 μs", 2.0, "µs"),
            ("5 secs.", 5.0, "s"),
            ("1 hour", 1.0, "h"),
            ("2,5 ms", 2.5, "ms"),
            ("0,125 ms", 0.125, "ms"),
            (".5 ms", 0.5, "ms"),
            ("1.234,5 ms", 1234.5, "ms"),
            ("1.000.000 records", 1e6, "records"),
            ("1 000 ns", 1000.0, "ns"),
            ("1_000'000 ns", 1e6, "ns"),
            ("1e3 ns", 1000.0, "ns"),
            ("1.5E-3s", 0.0015, "s"),
            ("2 eggs", 2.0, "eggs"),
            ("−3 percent", -3.0, "%"),
            ("10 per cent", 10.0, "%"),
            ("3-fold", 3.0, "times"),
        ] {
            assert_eq!(text.parse(), Ok(Amount::new(value, unit)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_an_error_that_says_how() {
        for text in [
            "",
            "a lot",
            "half a ms",
            "two ms",
            "1/2 ms",
            "10^3 ns",
            "1,50,3 ms",
            "10-20 ns",
            "10 to 20 ns",
            "1.2.3 s",
            "-",
            "5 % of 3",
        ] {
            let said = text.parse::<Amount>().unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("`{text}` is not one number"))
                    && said.contains("Write it like 100 ns"),
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
