use super::human::{human_seconds, three_digits};
use std::fmt;

/// Repeated measurements of one thing.
///
/// Compare **medians**: half of the samples are below the median, and a single disturbed sample does not move it. The **spread** is the width of
/// the middle half of the samples, from the 25th to the 75th percentile.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let runs = Samples::new("ms", vec![12.0, 11.0, 95.0, 13.0, 12.5]);
/// assert_eq!(runs.median(), 12.5);
/// assert_eq!((runs.min(), runs.max(), runs.len()), (11.0, 95.0, 5));
/// assert_eq!(runs.to_string(), "12.5 ms (median of 5, middle half 12 to 13)");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    unit: String,
    /// In the order in which they were measured.
    values: Vec<f64>,
    /// The same, sorted.
    sorted: Vec<f64>,
}

impl Samples {
    /// Samples in `unit`, in the order in which they were measured.
    ///
    /// # Panics
    /// There is no sample, or one is not a number.
    pub fn new(unit: &str, values: impl IntoIterator<Item = f64>) -> Samples {
        let values: Vec<f64> = values.into_iter().collect();
        assert!(
            !values.is_empty(),
            "there are no samples: measure at least once."
        );
        assert!(
            values.iter().all(|value| !value.is_nan()),
            "a sample is not a number (NaN): was something divided by zero?"
        );
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Samples {
            unit: unit.into(),
            values,
            sorted,
        }
    }

    /// The values, in the order in which they were measured.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The unit of all values.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// The number of samples.
    // There is always a sample, so `is_empty` would have one answer.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The middle value; of two middle ones, their mean.
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    /// The arithmetic mean. A single disturbed sample moves it, so prefer the median.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.len() as f64
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.sorted[0]
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.sorted[self.len() - 1]
    }

    /// The width of the middle half, also called interquartile range: the 75th percentile minus the 25th.
    pub fn spread(&self) -> f64 {
        let (low, high) = (self.percentile(25.0), self.percentile(75.0));
        if low == high { 0.0 } else { high - low }
    }

    /// The value that `percent` per cent of the samples do not exceed, interpolated between the two nearest samples.
    ///
    /// # Panics
    /// `percent` is not within 0 to 100.
    pub fn percentile(&self, percent: f64) -> f64 {
        assert!(
            (0.0..=100.0).contains(&percent),
            "there is no percentile {percent}: percentiles go from 0 to 100."
        );
        let place = percent / 100.0 * (self.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        let (low, high, part) = (self.sorted[below], self.sorted[above], place.fract());
        match (low.is_finite(), high.is_finite()) {
            _ if part == 0.0 || low == high => low,
            (true, true) => low * (1.0 - part) + high * part,
            // Nothing can be interpolated with infinity: everything between is just as infinite, and between two infinities the lower counts.
            (false, _) => low,
            (true, false) => high,
        }
    }

    fn show(&self, value: f64) -> String {
        match self.unit.as_str() {
            "ns" => human_seconds(value * 1e-9),
            "s" => human_seconds(value),
            "" => three_digits(value),
            unit => format!("{} {unit}", three_digits(value)),
        }
    }

    /// The middle half in words. The unit is left out only if both ends have the median's unit: "990 to 1.01 µs" would read as 990 µs.
    fn middle_half(&self) -> String {
        let shown = [50.0, 25.0, 75.0].map(|percent| self.show(self.percentile(percent)));
        let [median, low, high] = shown.each_ref().map(|text| text.rsplit_once(' '));
        match (median, low, high) {
            (Some((_, unit)), Some((low, a)), Some((high, b))) if unit == a && unit == b => {
                format!("{low} to {high}")
            }
            _ => format!("{} to {}", shown[1], shown[2]),
        }
    }

    /// Shows the line of [`Display`](fmt::Display) as the output of a notebook cell.
    pub fn evcxr_display(&self) {
        crate::cell::emit(&[("text/plain", &self.to_string())]);
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!(
            "{} (median of {}, middle half {})",
            self.show(self.median()),
            self.len(),
            self.middle_half(),
        );
        f.pad(&line)
    }
}
