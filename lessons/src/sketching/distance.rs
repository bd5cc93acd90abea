use figures::Format;
use figures::numbers::Scale;
use labsupport::measure::Samples;

/// How far a curve is from what was measured, in one number.
///
/// # Examples
/// ```
/// use figures::numbers::Scale;
/// use lessons::Distance;
/// let log = Scale { log: true, ..Scale::default() };
/// let (drawn, measured) = ([(1.0, 10.0), (10.0, 10.0), (100.0, 10.0)], [(1.0, 20.0), (10.0, 50.0), (100.0, 10.0)]);
/// let far = Distance::between(&drawn, &measured, (&log, &log)).unwrap();
/// assert_eq!((far.median, far.points, far.farthest), (2.0, 3, (10.0, 10.0, 50.0)));
/// assert_eq!(far.words(&log), "a factor of 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// The median over the measured points that the curve reaches: a factor of 1 and more on a logarithmic axis, otherwise a difference of 0
    /// and more.
    pub median: f64,
    /// How many points these are.
    pub points: usize,
    /// Where the curve is farthest away: x, what was drawn there, and what was measured.
    pub farthest: (f64, f64, f64),
}

impl Distance {
    /// The distance between `drawn` and `measured`, pairs of x and y in the order of x, on these axes. Between two points a curve is straight,
    /// as the axes show it. `None` if the curve reaches no measured point, or if one of the two has no point.
    pub fn between(
        drawn: &[(f64, f64)],
        measured: &[(f64, f64)],
        (x, y): (&Scale, &Scale),
    ) -> Option<Distance> {
        let away = |drawn: f64, measured: f64| match y.log {
            true => (measured / drawn).max(drawn / measured),
            false => (measured - drawn).abs(),
        };
        let reached = measured.iter().filter(|(_, y0)| !y.log || *y0 > 0.0);
        let seen = reached.filter_map(|&(at, seen)| {
            let said = at_x(drawn, at, x.log, y.log)?;
            Some((away(said, seen), (at, said, seen)))
        });
        let seen: Vec<(f64, (f64, f64, f64))> = seen.filter(|(away, _)| away.is_finite()).collect();
        let farthest = seen.iter().max_by(|a, b| a.0.total_cmp(&b.0))?.1;
        Some(Distance {
            median: Samples::new("", seen.iter().map(|seen| seen.0)).median(),
            points: seen.len(),
            farthest,
        })
    }

    /// By how much the curve is off on an axis like `y`, in words.
    pub fn words(&self, y: &Scale) -> String {
        match (y.log, y.format) {
            (true, _) => format!("a factor of {}", Format::Number.write(self.median)),
            (false, Format::Percent) => format!("{} points", Format::Number.write(self.median)),
            (false, format) => format.write(self.median),
        }
    }
}

/// The curve's y at `x`; `None` where it does not go.
fn at_x(curve: &[(f64, f64)], x: f64, log_x: bool, log_y: bool) -> Option<f64> {
    let measure = |value: f64, log: bool| if log { value.ln() } else { value };
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    if let Some((_, y)) = curve.iter().find(|(at, _)| same(*at, x)) {
        return Some(*y);
    }
    let pair = curve
        .windows(2)
        .find(|pair| pair[0].0 < x && x < pair[1].0)?;
    let [(x0, y0), (x1, y1)] =
        [pair[0], pair[1]].map(|(x, y)| (measure(x, log_x), measure(y, log_y)));
    let y = y0 + (y1 - y0) * (measure(x, log_x) - x0) / (x1 - x0);
    Some(if log_y { y.exp() } else { y })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(log: bool) -> Scale {
        Scale {
            log,
            ..Scale::default()
        }
    }

    fn log(drawn: &[(f64, f64)], measured: &[(f64, f64)]) -> Option<Distance> {
        Distance::between(drawn, measured, (&scale(true), &scale(true)))
    }

    const POWERS: [(f64, f64); 4] = [(1.0, 1.0), (10.0, 10.0), (100.0, 100.0), (1000.0, 1000.0)];

    #[test]
    fn on_a_logarithmic_axis_it_is_the_median_factor() {
        // Right, twice as high, a fifth: the median of 1, 2, 5, and one that nobody reached.
        let drawn = [(1.0, 1.0), (10.0, 20.0), (100.0, 20.0)];
        let seen = log(&drawn, &POWERS).unwrap();
        assert_eq!((seen.median, seen.points), (2.0, 3));
        assert_eq!(seen.farthest, (100.0, 20.0, 100.0));
        assert_eq!(log(&POWERS, &POWERS).unwrap().median, 1.0);
    }

    #[test]
    fn on_a_linear_axis_it_is_the_median_difference() {
        let y = scale(false);
        let drawn = [(1.0, 0.0), (10.0, 50.0), (100.0, 100.0)];
        let measured = [(1.0, 5.0), (10.0, 40.0), (100.0, 44.0)];
        let seen = Distance::between(&drawn, &measured, (&scale(true), &y)).unwrap();
        assert_eq!((seen.median, seen.farthest), (10.0, (100.0, 100.0, 44.0)));
    }

    #[test]
    fn between_two_points_a_curve_is_straight_as_the_axes_show_it() {
        let ends = [(1.0, 1.0), (10_000.0, 100.0)];
        assert!((at_x(&ends, 100.0, true, true).unwrap() - 10.0).abs() < 1e-9);
        assert!((at_x(&ends, 100.0, true, false).unwrap() - 50.5).abs() < 1e-9);
        assert!((at_x(&ends, 5_000.5, false, false).unwrap() - 50.5).abs() < 1e-9);
        for outside in [0.5, 10_001.0] {
            assert_eq!(at_x(&ends, outside, true, true), None);
        }
        // An x that was calculated in another way is the same x.
        assert_eq!(at_x(&[(0.1 + 0.2, 7.0)], 0.3, true, true), Some(7.0));
    }

    #[test]
    fn a_factor_is_the_same_in_both_directions_and_grows_with_a_shift() {
        for shift in [1.0, 1.5, 4.0, 1e4] {
            let up = POWERS.map(|(x, y)| (x, y * shift));
            let both = [log(&up, &POWERS), log(&POWERS, &up)].map(|seen| seen.unwrap().median);
            assert!(
                both.iter()
                    .all(|median| (median / shift - 1.0).abs() < 1e-12),
                "{both:?}"
            );
        }
    }

    #[test]
    fn without_a_point_in_common_there_is_no_distance() {
        assert_eq!(log(&[], &POWERS), None);
        assert_eq!(log(&POWERS, &[]), None);
        assert_eq!(log(&[(2.0, 2.0)], &POWERS), None);
        assert_eq!(
            log(&POWERS, &[(10.0, 0.0), (100.0, f64::NAN), (1.0, -1.0)]),
            None
        );
    }
}
