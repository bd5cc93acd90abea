use crate::format::Format;
use crate::numbers::Scale;
use labsupport::internal::thousands;

/// From numbers to places: a linear or logarithmic axis and its ticks.
///
/// Places run from 0 at the low end to 1 at the high end.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    log: bool,
    /// In the axis's own measure: the number, or its decimal logarithm.
    low: f64,
    high: f64,
    /// In the same measure, with their names.
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that shows all of `values`, which must have a place on `scale`. With `ends_on_tick` it is widened to whole ticks.
    pub(crate) fn new(values: &[f64], scale: &Scale, ends_on_tick: bool) -> Axis {
        let (log, format) = (scale.log, scale.format);
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
            // All values equal: the axis shows a tenth of it on both sides.
            if high - low <= high.abs() * 1e-9 {
                let room = if high == 0.0 { 1.0 } else { high.abs() * 0.1 };
                (low, high) = (low - room, high + room);
            }
            nice_step(high - low, 6)
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
        let places = |step: f64| (first..=last).map(move |tick| tick as f64 * step);
        let ticks = if !log {
            written_apart(places(step).collect(), step, format)
        } else if last - first >= 2 {
            let power = |place: f64| (place, format.write(10f64.powf(place)));
            places(step).map(power).collect()
        } else {
            // With two powers of ten or fewer, nobody could read 64 between 10 and an end without a name.
            between_powers(low, high, format)
        };
        Axis {
            log,
            low,
            high,
            ticks,
        }
    }

    /// The place of `value`.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let measure = if self.log {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        };
        self.at(measure)
    }

    /// The ticks of an axis that is not logarithmic: the number and the name of each.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks
            .iter()
            .map(|(number, name)| (*number, name.as_str()))
    }

    /// The ticks: the place and the name of each.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        let ticks = self.ticks.iter();
        ticks.map(|(measure, name)| (self.at(*measure), name.as_str()))
    }

    /// The place of a number that is already in the axis's measure.
    fn at(&self, measure: f64) -> f64 {
        (measure - self.low) / (self.high - self.low)
    }

    /// Leaves room beyond both ends: `part` of the axis at each.
    pub(crate) fn widen(&mut self, part: f64) {
        let room = (self.high - self.low) * part;
        (self.low, self.high) = (self.low - room, self.high + room);
    }
}

/// Linear ticks with their names. `Format` keeps three digits; where that gives two ticks one name, as between 5,001 and
/// 5,007, the names get as many digits as the step needs.
fn written_apart(places: Vec<f64>, step: f64, format: Format) -> Vec<(f64, String)> {
    // Counting in steps may leave -0.
    let value = |place: f64| if place.abs() < step * 0.5 { 0.0 } else { place };
    let names: Vec<String> = places.iter().map(|&p| format.write(value(p))).collect();
    let apart = names.windows(2).all(|pair| pair[0] != pair[1]);
    let names = if apart {
        names
    } else {
        let largest = places.iter().fold(0.0, |most: f64, p| most.max(p.abs()));
        let (scale, unit) = format.scale(largest);
        let decimals = (-(step * scale * 1.001).log10().floor()).clamp(0.0, 12.0) as usize;
        let write = |&p: &f64| format!("{}{unit}", fixed(value(p) * scale, decimals));
        places.iter().map(write).collect()
    };
    places.into_iter().zip(names).collect()
}

/// `value` with this many decimals, and commas between thousands.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    match whole.parse::<i64>() {
        Ok(0) | Err(_) => text,
        Ok(number) => thousands(number) + rest,
    }
}

/// Ticks at 1, 2 and 5 times the powers of ten, or, where there are fewer than three of these, at round numbers.
fn between_powers(low: f64, high: f64, format: Format) -> Vec<(f64, String)> {
    let inside = |place: &f64| (low - 1e-9..=high + 1e-9).contains(place);
    let powers = low.floor() as i32..=high.ceil() as i32;
    let values = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|n| n * 10f64.powi(power)));
    let ticks: Vec<(f64, String)> = values
        .map(|value| (value.log10(), format.write(value)))
        .filter(|(place, _)| inside(place))
        .collect();
    if ticks.len() >= 3 {
        return ticks;
    }
    let (from, to) = (10f64.powf(low), 10f64.powf(high));
    let step = nice_step(to - from, 4);
    let places = ((from / step - 1e-9).ceil() as i64..=(to / step + 1e-9).floor() as i64)
        .map(|tick| tick as f64 * step)
        .collect();
    let named = written_apart(places, step, format).into_iter();
    named.map(|(value, name)| (value.log10(), name)).collect()
}

/// A step of 1, 2 or 5 times a power of ten that gives at most `most` steps over `range`.
fn nice_step(range: f64, most: usize) -> f64 {
    let raw = (range / most as f64).max(f64::MIN_POSITIVE * 1e9);
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

    fn scale(log: bool, format: Format) -> Scale {
        Scale {
            log,
            format,
            ..Scale::default()
        }
    }

    fn labels(values: &[f64], log: bool, format: Format) -> Vec<String> {
        Axis::new(values, &scale(log, format), true)
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
    fn ticks_close_together_have_different_names() {
        assert_eq!(
            labels(&[5001.0, 5007.0], false, Format::Number)[..3],
            ["5,001", "5,002", "5,003"]
        );
        assert_eq!(
            labels(&[1.0, 1.004], false, Format::Seconds),
            ["1.000 s", "1.001 s", "1.002 s", "1.003 s", "1.004 s"]
        );
        assert_eq!(
            labels(&[100.0, 100.1], false, Format::Percent)[..2],
            ["100.00 %", "100.02 %"]
        );
        assert_eq!(
            labels(&[1234e-9, 1236e-9], false, Format::Seconds)[..2],
            ["1.2340 µs", "1.2345 µs"]
        );
    }

    #[test]
    fn few_decades_have_ticks_between_the_powers() {
        let names = |low, high| {
            let ticks = Axis::new(&[low, high], &scale(true, Format::Number), false).ticks;
            ticks.into_iter().map(|tick| tick.1).collect::<Vec<_>>()
        };
        assert_eq!(names(2.0, 8.0), ["2", "4", "6", "8"]);
        assert_eq!(names(8.0, 30.0), ["10", "20", "30"]);
        assert_eq!(names(6.0, 9.0), ["6", "7", "8", "9"]);
        assert_eq!(names(1.0, 64.0), ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(names(1.0, 100.0), ["1", "10", "100"]);
        assert_eq!(names(1.0, 10_000.0).len(), 5);
    }

    #[test]
    fn one_value_and_equal_values_have_an_axis() {
        for values in [&[0.0][..], &[5.0, 5.0], &[-3.0]] {
            let axis = Axis::new(values, &scale(false, Format::Number), true);
            assert!((0.0..=1.0).contains(&axis.place(values[0])), "{axis:?}");
            assert!(axis.ticks.len() >= 2, "{axis:?}");
        }
        assert_eq!(
            labels(&[1.0, 1.0], false, Format::Seconds),
            ["900 ms", "950 ms", "1 s", "1.05 s", "1.1 s"]
        );
        let axis = Axis::new(&[100.0], &scale(true, Format::Number), true);
        assert_eq!(axis.place(100.0), 0.5);
    }
}
