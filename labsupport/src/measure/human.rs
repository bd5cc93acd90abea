//! Durations and numbers as people write them.

use crate::cell::thousands;
use std::time::Duration;

/// A duration as people write it, with at most three digits: `250 ns`, `5 µs`, `1.25 ms`, `40 s`.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use std::time::Duration;
/// assert_eq!(human(Duration::from_nanos(1250)), "1.25 µs");
/// assert_eq!(human(Duration::from_millis(40)), "40 ms");
/// ```
pub fn human(duration: Duration) -> String {
    human_seconds(duration.as_secs_f64())
}

/// The same for seconds as a number, which may be less than a nanosecond.
pub fn human_seconds(seconds: f64) -> String {
    if seconds == 0.0 {
        return "0 s".into();
    }
    let (scale, unit) = seconds_scale(seconds);
    format!("{}{unit}", three_digits(seconds * scale))
}

/// The unit that fits `seconds`: the factor to multiply by, and the text to write after the number.
pub fn seconds_scale(seconds: f64) -> (f64, &'static str) {
    match seconds.abs() {
        s if s < 0.999_5e-6 => (1e9, " ns"),
        s if s < 0.999_5e-3 => (1e6, " µs"),
        s if s < 0.999_5 => (1e3, " ms"),
        _ => (1.0, " s"),
    }
}

/// `value` with three significant digits, without trailing zeros, and with commas between thousands; below a millionth and from 10¹⁵ on with
/// a power of ten.
pub fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = value.abs().log10().floor() as i32;
    if !(-6..15).contains(&digits) {
        let (number, power) = (value / 10f64.powi(digits), digits);
        return format!("{}e{power}", three_digits((number * 100.0).round() / 100.0));
    }
    if digits >= 3 || value.abs() >= 999.5 {
        let step = 10f64.powi((digits - 2).max(1));
        return thousands(((value / step).round() * step).round() as i64);
    }
    let text = format!("{value:.*}", (2 - digits).clamp(0, 9) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let cases = [
            (0, "0 s"),
            (1, "1 ns"),
            (999, "999 ns"),
            (1_000, "1 µs"),
            (1_234, "1.23 µs"),
            (12_345, "12.3 µs"),
            (999_999, "1 ms"),
            (1_000_000, "1 ms"),
            (10_500_000, "10.5 ms"),
            (100_000_000_000, "100 s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(human(Duration::from_nanos(nanos)), text);
        }
        assert_eq!(human_seconds(0.35e-9), "0.35 ns");
    }

    #[test]
    fn numbers_keep_three_digits() {
        let cases = [
            (0.0123456, "0.0123"),
            (1.0, "1"),
            (1.5, "1.5"),
            (12.34, "12.3"),
            (999.6, "1,000"),
            (123_456.0, "123,000"),
            (-10_000.0, "-10,000"),
            (1e-12, "1e-12"),
            (-2.5e25, "-2.5e25"),
        ];
        for (value, text) in cases {
            assert_eq!(three_digits(value), text);
        }
    }
}
