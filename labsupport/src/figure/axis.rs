//! From numbers to places: linear and logarithmic axes and their ticks.

use super::Format;

/// One axis, from the smallest to the largest number that it must show.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    log: bool,
    /// In the axis's own measure: the number, or its decimal logarithm.
    low: f64,
    high: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis for `values`, which must be finite, and positive for `log`. With `ends_on_tick` it is widened to whole ticks.
    pub(super) fn new(values: &[f64], log: bool, format: Format, ends_on_tick: bool) -> Axis {
        let measure = |value: f64| if log { value.log10() } else { value };
        let fold =
            |f: fn(f64, f64) -> f64, start| values.iter().map(|&v| measure(v)).fold(start, f);
        let (mut low, mut high) = (
            fold(f64::min, f64::INFINITY),
            fold(f64::max, f64::NEG_INFINITY),
        );
        let step = if log {
            ((high - low) / 7.0).ceil().max(1.0)
        } else {
            // Bars and shares are read against zero; a line far from it is not.
            if low > 0.0 && low < high * 0.5 {
                low = 0.0;
            }
            if high < 0.0 {
                high = 0.0;
            }
            nice_step((high - low).max(high.abs() * 1e-9), 6)
        };
        if ends_on_tick || high - low < step * 1e-6 {
            low = (low / step + 1e-9).floor() * step;
            high = (high / step - 1e-9).ceil() * step;
        }
        if high - low < step * 1e-6 {
            (low, high) = (low - step, high + step);
        }
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|tick| {
            let place = tick as f64 * step;
            // Counting in steps leaves 0.30000000000000004 and -0; writing keeps three digits.
            let value = if log {
                10f64.powf(place)
            } else if tick == 0 {
                0.0
            } else {
                place
            };
            (place, format.write(value))
        });
        Axis {
            log,
            low,
            high,
            ticks: ticks.collect(),
        }
    }

    /// Where `value` lies: 0 at the low end, 1 at the high end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let measure = if self.log {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        };
        self.at(measure)
    }

    /// The same for a tick, whose place is already in the axis's measure.
    pub(super) fn at(&self, measure: f64) -> f64 {
        (measure - self.low) / (self.high - self.low)
    }

    /// Leaves room beyond both ends, as a part of the axis.
    pub(super) fn widen(&mut self, part: f64) {
        let room = (self.high - self.low) * part;
        (self.low, self.high) = (self.low - room, self.high + room);
    }
}

/// A step of 1, 2 or 5 times a power of ten that gives at the most `most` steps over `range`.
fn nice_step(range: f64, most: usize) -> f64 {
    let raw = (range / most as f64).max(1e-12);
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|&step| step >= raw * 0.999)
        .unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], log: bool, format: Format) -> Vec<String> {
        Axis::new(values, log, format, true)
            .ticks
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(
            labels(&[0.0, 4.3], false, Format::Percent),
            ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %"]
        );
        assert_eq!(
            labels(&[2e-6, 3e-3], true, Format::Seconds),
            ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms"]
        );
        assert_eq!(
            labels(&[1.0, 10_000.0], true, Format::Number),
            ["1", "10", "100", "1,000", "10,000"]
        );
        assert_eq!(labels(&[1e-7, 10.0], true, Format::Seconds).len(), 6); // every second decade
    }

    #[test]
    fn one_value_and_equal_values_have_an_axis() {
        for values in [&[0.0][..], &[5.0, 5.0], &[-3.0]] {
            let axis = Axis::new(values, false, Format::Number, true);
            assert!((0.0..=1.0).contains(&axis.place(values[0])), "{axis:?}");
        }
        let axis = Axis::new(&[100.0], true, Format::Number, true);
        assert_eq!(axis.place(100.0), 0.5);
    }
}
