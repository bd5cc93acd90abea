//! How many students said about what: each number goes into one of a few bins.

use figures::{Bars, Format};
use lessons::Amount;

/// The most bins that a room can take in. At the ends there may be two more, open ones.
const MOST: i64 = 12;

/// From `low`, which belongs to the bin, to `high`, which does not.
#[derive(Debug, PartialEq)]
pub(super) struct Bin {
    label: String,
    low: f64,
    high: f64,
}

impl Bin {
    fn holds(&self, number: f64) -> bool {
        // 0.3 ms in nanoseconds is a little less than 300,000.
        let number = number + number.abs() * 1e-9;
        (self.low..self.high).contains(&number)
    }
}

/// Bins for these numbers, in ascending order and without a gap. Times and factors lie decades apart, so their bins grow. A number that is
/// far away from all others does not make the bins wider: then the tenth of the numbers at either end lies in an open bin.
pub(super) fn bins(numbers: impl IntoIterator<Item = f64>, unit: &str) -> Vec<Bin> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let (Some(&least), Some(&most)) = (numbers.first(), numbers.last()) else {
        return Vec::new();
    };
    let cut = numbers.len() / 10;
    let middle = &numbers[cut..numbers.len() - cut];
    let (mut first, mut last) = (middle[0], middle[middle.len() - 1]);
    let grows = Amount::new(1.0, unit).is_a_scale() && first > 0.0;
    let is_far = match grows {
        true => least <= 0.0 || most / least > 1e11,
        false => most - least > 10.0 * (last - first),
    };
    if !is_far {
        (first, last) = (least, most);
    }
    let counted = !grows && last - first < MOST as f64 && numbers.iter().all(|n| n.fract() == 0.0);
    let edges = match (grows, counted) {
        (true, _) => growing(first, last),
        (_, true) => counting(first, last),
        _ => equal(first, last),
    };
    let write = |edge: f64| Amount::new(edge, unit).to_string();
    let is_time = Amount::new(1.0, unit).value_in("s").is_some();
    let mut bins: Vec<Bin> = (edges.windows(2))
        .map(|edge| Bin {
            label: match (counted, is_time) {
                (true, _) => write(edge[0]),
                (_, true) => format!("{} to {}", write(edge[0]), write(edge[1])),
                _ => format!("{} to {}", Format::Number.write(edge[0]), write(edge[1])),
            },
            low: edge[0],
            high: edge[1],
        })
        .collect();
    let (bottom, top) = (edges[0], edges[edges.len() - 1]);
    match bins.last_mut() {
        // Otherwise 100 % would have a bin of its own.
        Some(end) if most == top => end.high = f64::INFINITY,
        _ if most > top => bins.push(Bin {
            label: format!("{} or more", write(top)),
            low: top,
            high: f64::INFINITY,
        }),
        _ => {}
    }
    if least < bottom {
        let below = Bin {
            label: format!("less than {}", write(bottom)),
            low: f64::NEG_INFINITY,
            high: bottom,
        };
        bins.insert(0, below);
    }
    bins
}

/// 1, 2, 5, 10, 20, …; only every third of them, or fewer, if the numbers lie far apart.
fn growing(first: f64, last: f64) -> Vec<f64> {
    let edge = |index: i64| {
        10f64.powi(index.div_euclid(3) as i32) * [1.0, 2.0, 5.0][index.rem_euclid(3) as usize]
    };
    let below = |number: f64| {
        let number = number * (1.0 + 1e-9);
        let decade = 3 * number.log10().floor() as i64;
        (decade..decade + 3)
            .rfind(|index| edge(*index) <= number)
            .unwrap_or(decade)
    };
    let (first, last) = (below(first), below(last));
    let bins = |step: i64| (first.div_euclid(step), last.div_euclid(step) + 1);
    let step = [1, 3, 9, 18].into_iter().find(|step| {
        let (from, to) = bins(*step);
        to - from <= MOST
    });
    let step = step.unwrap_or(36);
    let (from, to) = bins(step);
    (from..=to).map(|index| edge(index * step)).collect()
}

/// A bin for each number.
fn counting(first: f64, last: f64) -> Vec<f64> {
    (first as i64..=last as i64 + 1)
        .map(|edge| edge as f64)
        .collect()
}

/// Steps of 1, 2 or 5 times a power of ten.
fn equal(first: f64, last: f64) -> Vec<f64> {
    let least = (last - first) / (MOST - 1) as f64;
    let step = match least > 0.0 {
        true => {
            let decade = 10f64.powf(least.log10().floor());
            let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
            steps
                .into_iter()
                .find(|step| *step >= least)
                .unwrap_or(least)
        }
        false => 1.0,
    };
    let from = (first / step).floor() as i64;
    let to = ((last / step).ceil() as i64).max(from + 1);
    (from..=to).map(|index| index as f64 * step).collect()
}

/// A bar for each bin: how many of `numbers` lie in it.
pub(super) fn drawn(title: &str, bins: &[Bin], numbers: &[f64]) -> Bars {
    let figure = Bars::new(title).value("students");
    bins.iter().fold(figure, |figure, bin| {
        let count = numbers.iter().filter(|number| bin.holds(**number)).count();
        figure.bar(&bin.label, count as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(numbers: &[f64], unit: &str) -> Vec<(String, usize)> {
        let bins = bins(numbers.iter().copied(), unit);
        for bins in bins.windows(2) {
            assert_eq!(bins[0].high, bins[1].low, "a gap: {bins:?}");
        }
        assert!(bins.len() as i64 <= MOST + 2, "{bins:?}");
        let count = |bin: &Bin| numbers.iter().filter(|number| bin.holds(**number)).count();
        let counted: Vec<_> = bins
            .iter()
            .map(|bin| (bin.label.clone(), count(bin)))
            .collect();
        let all: usize = counted.iter().map(|(_, count)| count).sum();
        assert_eq!(all, numbers.len(), "each number is in one bin: {counted:?}");
        counted
    }

    fn is(numbers: &[f64], unit: &str, expected: &[(&str, usize)]) {
        let counted = counted(numbers, unit);
        let counted: Vec<(&str, usize)> = counted.iter().map(|(label, n)| (&**label, *n)).collect();
        assert_eq!(counted, expected);
    }

    #[test]
    fn times_and_factors_have_bins_that_grow() {
        is(
            &[100.0, 199.0, 200.0, 300_000.0 * 1e-3],
            "ns",
            &[("100 ns to 200 ns", 2), ("200 ns to 500 ns", 2)],
        );
        is(
            &[1.0, 3.0],
            "times",
            &[("1 to 2 times", 1), ("2 to 5 times", 1)],
        );
        is(
            &[5.0, 2e6],
            "ns",
            &[
                ("1 ns to 10 ns", 1),
                ("10 ns to 100 ns", 0),
                ("100 ns to 1 µs", 0),
                ("1 µs to 10 µs", 0),
                ("10 µs to 100 µs", 0),
                ("100 µs to 1 ms", 0),
                ("1 ms to 10 ms", 1),
            ],
        );
    }

    #[test]
    fn shares_and_counts_have_equal_bins() {
        is(
            &[3.0, 5.0, 5.0],
            "tasks",
            &[("3 tasks", 1), ("4 tasks", 0), ("5 tasks", 2)],
        );
        is(&[0.5], "%", &[("0 to 1 %", 1)]);
        let shares = counted(&[0.0, 33.0, 50.0, 99.5, 100.0], "%");
        assert_eq!(shares[0], ("0 to 10 %".into(), 1));
        assert_eq!(shares[9], ("90 to 100 %".into(), 2));
        assert_eq!(shares.len(), 10);
    }

    #[test]
    fn one_that_is_far_away_does_not_squeeze_the_others() {
        let shares: Vec<f64> = (0..20).chain([90]).map(f64::from).collect();
        assert_eq!(counted(&shares, "%")[8], ("80 to 90 %".into(), 1));
        let mut numbers: Vec<f64> = (0..20).map(f64::from).collect();
        numbers.extend([1e18, -4e9]);
        let bins = counted(&numbers, "tasks");
        assert_eq!(bins[0].0, "less than 0 tasks");
        assert!(
            bins[bins.len() - 1].0.ends_with(" or more") && bins.len() > 9,
            "{bins:?}"
        );
    }

    #[test]
    fn whatever_is_said_has_a_bin() {
        counted(&[0.0, 0.0], "ns");
        counted(&[-3.0, 0.0, 1e-18, 1e18], "ns");
        counted(&[1e-18, 1e18], "s");
        counted(&[1e-18, 1e18], "%");
        counted(&[-1e18, 1e18], "");
        counted(&[7.0], "times");
        counted(&[2.0, 2.0], "");
        counted(&[0.1, 0.2, 0.30000000000000004], "%");
        assert_eq!(bins([], "ns"), []);
    }
}
