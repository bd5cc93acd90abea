use super::words::{human_seconds, three_digits};
use std::fmt;

/// Repeated measurements of one thing.
///
/// The **median** is what to compare: half of the samples lie below it, and a single disturbed one does not move it. The
/// **spread** is the middle half of the samples, from the 25th to the 75th percentile.
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
    /// In the order they were measured.
    values: Vec<f64>,
    /// The same, by size.
    sorted: Vec<f64>,
}

impl Samples {
    /// Samples in `unit`, in the order they were measured.
    ///
    /// # Panics
    /// There is none, or one is not a number.
    pub fn new(unit: &str, values: impl IntoIterator<Item = f64>) -> Samples {
        let values: Vec<f64> = values.into_iter().collect();
        assert!(
            !values.is_empty(),
            "samples of nothing: measure at least once."
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

    /// The values, in the order they were measured.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The unit of every number here.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// How many there are.
    // Samples of nothing cannot be made.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The middle one; between two, their mean.
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    /// The arithmetic mean. A single disturbed sample moves it: prefer the median.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.len() as f64
    }

    /// The smallest.
    pub fn min(&self) -> f64 {
        self.sorted[0]
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.sorted[self.len() - 1]
    }

    /// The width of the middle half: the 75th percentile less the 25th.
    pub fn spread(&self) -> f64 {
        let (low, high) = (self.percentile(25.0), self.percentile(75.0));
        if low == high { 0.0 } else { high - low }
    }

    /// The value that `percent` per cent of the samples do not exceed, on the straight line between the two nearest.
    ///
    /// # Panics
    /// `percent` is not within 0 to 100.
    pub fn percentile(&self, percent: f64) -> f64 {
        assert!(
            (0.0..=100.0).contains(&percent),
            "there is no percentile {percent}: they go from 0 to 100."
        );
        let place = percent / 100.0 * (self.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        let (low, high, part) = (self.sorted[below], self.sorted[above], place.fract());
        match (low.is_finite(), high.is_finite()) {
            _ if part == 0.0 || low == high => low,
            (true, true) => low * (1.0 - part) + high * part,
            // There is no line from or to infinity. All that lies between is as infinite, and between two infinities the lower one counts.
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

    /// The middle half in words. The unit is left out where it is the median's at both ends: "990 to 1.01 µs" would read as
    /// 990 µs.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::panic_of;

    #[test]
    fn percentiles_lie_between_neighbours() {
        let samples = Samples::new("x", vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(samples.median(), 2.5);
        assert_eq!(samples.percentile(0.0), 1.0);
        assert_eq!(samples.percentile(100.0), 4.0);
        assert_eq!(samples.percentile(25.0), 1.75);
        assert_eq!(samples.spread(), 1.5);
        assert_eq!(samples.values(), [4.0, 1.0, 3.0, 2.0]);
    }

    #[test]
    fn infinite_samples_have_a_median_that_is_a_number() {
        let (inf, ninf) = (f64::INFINITY, f64::NEG_INFINITY);
        let of = |values: &[f64]| Samples::new("x", values.to_vec());
        assert_eq!(
            (of(&[inf, inf]).median(), of(&[inf, inf]).spread()),
            (inf, 0.0)
        );
        assert_eq!(
            (of(&[1.0, inf]).median(), of(&[ninf, 1.0]).median()),
            (inf, ninf)
        );
        assert_eq!(of(&[1.0, 2.0, inf]).median(), 2.0);
        assert_eq!(of(&[ninf, inf]).median(), ninf);
        // A difference that no f64 can hold.
        assert_eq!(of(&[f64::MIN, f64::MAX]).median(), 0.0);
        assert!(!of(&[ninf, 0.0, inf, inf]).to_string().contains("NaN"));
    }

    #[test]
    fn nanoseconds_are_shown_in_the_unit_that_fits() {
        let samples = Samples::new("ns", vec![1500.0, 1500.0, 2_000_000.0]);
        assert_eq!(
            samples.to_string(),
            "1.5 µs (median of 3, middle half 1.5 µs to 1 ms)"
        );
        let around_a_unit = Samples::new("ns", vec![980.0, 990.0, 1000.0, 1010.0, 1020.0]);
        assert_eq!(
            around_a_unit.to_string(),
            "1 µs (median of 5, middle half 990 ns to 1.01 µs)"
        );
        let micros = Samples::new("ns", vec![1000.0, 2000.0, 3000.0]);
        assert_eq!(
            micros.to_string(),
            "2 µs (median of 3, middle half 1.5 to 2.5)"
        );
        assert_eq!(
            Samples::new("", vec![2.0]).to_string(),
            "2 (median of 1, middle half 2 to 2)"
        );
    }

    #[test]
    fn none_is_a_sentence() {
        let said = panic_of(|| {
            Samples::new("ns", vec![]);
        });
        assert!(said.contains("measure at least once"), "{said}");
    }
}
