use labsupport::internal::thousands;
use std::fmt;

/// The normal distribution has 95 % of its weight within this many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// How often something happened, in how many runs, and what that says about the next runs.
///
/// A share alone says too little. After 0 of 200 runs "never" is one explanation, and "once in a hundred runs" is another. The
/// [`interval`](Proportion::interval) has all the chances that agree with what was seen.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let torn = Proportion::new(3, 200);
/// assert_eq!(torn.share(), 0.015);
/// assert_eq!(torn.to_string(), "3 of 200 runs (1.5 %; 95 % interval 0.51 % to 4.3 %)");
/// assert_eq!(Proportion::new(0, 200).to_string(), "0 of 200 runs (0 %; 95 % interval 0 % to 1.9 %)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proportion {
    hits: u64,
    runs: u64,
}

impl Proportion {
    /// `hits` of `runs` runs.
    ///
    /// # Panics
    /// There were no runs, or fewer runs than hits.
    pub fn new(hits: u64, runs: u64) -> Proportion {
        assert!(runs > 0, "0 runs say nothing: run it at least once.");
        assert!(
            hits <= runs,
            "{hits} hits in {runs} runs: a run is at most one hit."
        );
        Proportion { hits, runs }
    }

    /// The share of the runs in which it happened, from 0 to 1.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// assert_eq!(Proportion::new(1, 4).share(), 0.25);
    /// ```
    pub fn share(&self) -> f64 {
        self.hits as f64 / self.runs as f64
    }

    /// The 95 % interval, from the smallest to the largest chance that agrees with the runs. About 19 of 20 such intervals contain the
    /// true chance. Both ends are between 0 and 1.
    ///
    /// It is the score interval of E. B. Wilson ("Probable Inference, the Law of Succession, and Statistical Inference",
    /// Journal of the American Statistical Association 22, 1927). The better known "share ± 1.96 standard errors" has no
    /// width at all after 0 hits, and that is the case in which a lab must be most honest.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let (low, high) = Proportion::new(0, 20).interval();
    /// assert_eq!(low, 0.0);
    /// assert!(0.16 < high && high < 0.17); // one in six is still possible
    /// ```
    pub fn interval(&self) -> (f64, f64) {
        // A chance p is in it if the share that was seen is at most Z standard errors √(p(1-p)/n) away. So the ends are the two
        // roots of (share - p)² = Z² p(1-p)/n.
        let (n, share) = (self.runs as f64, self.share());
        let scale = 1.0 + Z * Z / n;
        let middle = (share + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        // With no hits, or only hits, one root is exactly 0 or 1. Rounding would miss it.
        let low = if self.hits == 0 { 0.0 } else { middle - half };
        let high = if self.hits == self.runs {
            1.0
        } else {
            middle + half
        };
        (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))
    }

    /// Shows the line of [`Display`](fmt::Display) as the output of a notebook cell.
    pub fn evcxr_display(&self) {
        labsupport::cell::emit(&[("text/plain", &self.to_string())]);
    }
}

impl fmt::Display for Proportion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: u64| i64::try_from(n).map_or_else(|_| n.to_string(), thousands);
        let (low, high) = self.interval();
        let line = format!(
            "{} of {} run{} ({}; 95 % interval {} to {})",
            count(self.hits),
            count(self.runs),
            if self.runs == 1 { "" } else { "s" },
            percent(self.share(), 3),
            percent(low, 2),
            percent(high, 2),
        );
        f.pad(&line)
    }
}

/// `share` in per cent, with `digits` significant digits. Near 100 % the digits of the distance from 100 count, so that neither "nearly
/// never" nor "nearly always" is rounded to a certainty.
fn percent(share: f64, digits: i32) -> String {
    let distance = share.min(1.0 - share) * 100.0;
    if distance == 0.0 {
        return format!("{} %", share * 100.0);
    }
    let decimals = (digits - 1 - distance.log10().floor() as i32).max(0) as usize;
    let text = format!("{:.decimals$}", share * 100.0);
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_published_one() {
        // R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
        // Statistics in Medicine 17, 1998, table I: the score method without continuity correction.
        let published = [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ];
        for (hits, runs, low, high) in published {
            let interval = Proportion::new(hits, runs).interval();
            assert!((interval.0 - low).abs() < 0.000_05, "{hits}: {interval:?}");
            assert!((interval.1 - high).abs() < 0.000_05, "{hits}: {interval:?}");
        }
    }

    /// Where the score test of the chance p changes its mind between `inside` and `outside`, by halving.
    fn edge(hits: u64, runs: u64, mut inside: f64, mut outside: f64) -> f64 {
        let (n, share) = (runs as f64, hits as f64 / runs as f64);
        for _ in 0..200 {
            let p = (inside + outside) / 2.0;
            if (share - p).abs() <= Z * (p * (1.0 - p) / n).sqrt() {
                inside = p;
            } else {
                outside = p;
            }
        }
        inside
    }

    #[test]
    fn the_interval_holds_the_chances_that_the_score_test_accepts() {
        for runs in [1, 2, 3, 7, 20, 200, 10_000u64] {
            for hits in (0..=runs).step_by(runs.div_ceil(25) as usize).chain([runs]) {
                let (low, high) = Proportion::new(hits, runs).interval();
                let share = hits as f64 / runs as f64;
                assert!((low - edge(hits, runs, share, 0.0)).abs() < 1e-9);
                assert!((high - edge(hits, runs, share, 1.0)).abs() < 1e-9);
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            }
        }
    }

    #[test]
    fn never_and_always_are_exact_at_their_end_and_open_at_the_other() {
        for runs in [1, 10, 1_000, 1 << 40] {
            let (never, always) = (Proportion::new(0, runs), Proportion::new(runs, runs));
            assert_eq!(never.interval().0, 0.0);
            assert_eq!(always.interval().1, 1.0);
            assert!(never.interval().1 > 0.0 && always.interval().0 < 1.0);
        }
    }

    /// A small random number generator (xorshift64*, Vigna 2016): a number from 0 to 1.
    fn random(state: &mut u64) -> f64 {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In how many of `trials` the interval after `runs` runs holds the chance; each trial asks `chance` for its own.
    fn coverage(runs: u64, trials: u32, state: &mut u64, chance: impl Fn(&mut u64) -> f64) -> f64 {
        let mut held = 0;
        for _ in 0..trials {
            let p = chance(state);
            let hits = (0..runs).filter(|_| random(state) < p).count() as u64;
            let (low, high) = Proportion::new(hits, runs).interval();
            held += u32::from(low <= p && p <= high);
        }
        f64::from(held) / f64::from(trials)
    }

    #[test]
    fn the_interval_holds_the_truth_in_about_19_of_20_cases() {
        let state = &mut 0x9E37_79B9_7F4A_7C15;
        // Over all chances alike. Of 10,000 trials 95 % have a standard error of 0.22 %.
        for runs in [5, 10, 20, 50, 100] {
            let share = coverage(runs, 10_000, state, random);
            assert!((0.94..=0.965).contains(&share), "{runs} runs: {share}");
        }
        // At one chance it waves about 95 %, the less the more runs: hits are whole numbers.
        for p in [0.05, 0.1, 0.3, 0.5, 0.8, 0.95] {
            let share = coverage(200, 5_000, state, |_| p);
            assert!((0.925..=0.975).contains(&share), "chance {p}: {share}");
        }
    }

    #[test]
    fn it_reads_as_a_line_and_nearly_is_never_rounded_to_certain() {
        let cases = [
            (
                3,
                200,
                "3 of 200 runs (1.5 %; 95 % interval 0.51 % to 4.3 %)",
            ),
            (0, 200, "0 of 200 runs (0 %; 95 % interval 0 % to 1.9 %)"),
            (
                200,
                200,
                "200 of 200 runs (100 %; 95 % interval 98.1 % to 100 %)",
            ),
            (
                197,
                200,
                "197 of 200 runs (98.5 %; 95 % interval 95.7 % to 99.49 %)",
            ),
            (3, 7, "3 of 7 runs (42.9 %; 95 % interval 16 % to 75 %)"),
            (1, 1, "1 of 1 run (100 %; 95 % interval 21 % to 100 %)"),
            (
                999_999,
                1_000_000,
                "999,999 of 1,000,000 runs (99.9999 %; 95 % interval 99.99943 % to 99.999982 %)",
            ),
        ];
        for (hits, runs, line) in cases {
            assert_eq!(Proportion::new(hits, runs).to_string(), line);
        }
        let padded = format!("{:>50}", Proportion::new(0, 1));
        assert_eq!(padded.chars().count(), 50);
    }

    #[test]
    fn no_runs_and_too_many_hits_are_sentences() {
        let said = panic_of(|| {
            Proportion::new(0, 0);
        });
        assert!(said.contains("run it at least once"), "{said}");
        let said = panic_of(|| {
            Proportion::new(4, 3);
        });
        assert!(said.contains("4 hits in 3 runs"), "{said}");
    }

    /// How `work` ends, which panics: in a process of its own, so that no other test meets the panic hook's lock.
    fn panic_of(work: impl Fn()) -> String {
        let report = labsupport::process::Workers::spawn(1, |_| work());
        report.unwrap().join().unwrap().outcomes()[0]
            .exit()
            .to_string()
    }
}
