//! The sweep beside two budgets.

use super::sweep::{COSTS, INTERVALS, Point, Sweep};
use figures::{Format, HeatMap, IntervalExplorer};
use labsupport::measure::human;
use std::time::Duration;

impl Sweep {
    /// By what factor each combination with a locked look misses the budgets: the worse of overhead / `overhead` (a share of 1) and reaction /
    /// `reaction` (seconds). `window` says for a cost in seconds between which intervals both should be kept.
    pub fn misses(
        &self,
        overhead: f64,
        reaction: f64,
        window: impl Fn(f64) -> (f64, f64),
    ) -> HeatMap {
        let windows = COSTS.map(|cost| window(cost as f64 * 1e-9));
        self.misses_of(overhead, reaction, windows)
    }

    fn misses_of(
        &self,
        overhead: f64,
        reaction: f64,
        windows: [(f64, f64); COSTS.len()],
    ) -> HeatMap {
        let budgets = format!(
            "times over budget ({} overhead, {} reaction)",
            Format::Percent.write(100.0 * overhead),
            human(Duration::from_secs_f64(reaction.max(0.0)))
        );
        let mut map = HeatMap::new("By what factor does a locked look miss the budgets?")
            .x("iterations between two looks", INTERVALS.map(|n| Format::Number.write(n as f64)))
            .y("cost of one iteration", COSTS.map(|cost| human(Duration::from_nanos(cost))))
            .legend(budgets)
            .format(Format::Times)
            .log()
            .limit(1.0) // where the colours break
            .caption(
                "Blue fields keep both budgets, orange ones miss one. A frame may begin or end between two columns: its place is the predicted \
                 interval on the same logarithmic scale.",
            );
        for (row, (cost, (low, high))) in COSTS.into_iter().zip(windows).enumerate() {
            let misses: Vec<f64> = self
                .row(cost, true)
                .map(|p| miss(p, overhead, reaction))
                .collect();
            for (column, value) in misses.iter().enumerate() {
                map = map.field(column, row, *value);
            }
            let best = (0..misses.len()).min_by(|a, b| misses[*a].total_cmp(&misses[*b]));
            if let Some(best) = best {
                map = map.mark("best measured", best, row);
            }
            map = map.window("predicted window", row, low.log10(), high.log10());
        }
        map
    }

    /// The sliders of section 5, with the sweep as dots. The prices of a look are seconds of CPU time, with one worker, with two, and so on.
    pub fn explorer(
        &self,
        locked: Vec<f64>,
        lock_free: Vec<f64>,
        overhead: f64,
        reaction: f64,
    ) -> IntervalExplorer {
        // The news needs as long as the fastest reaction took.
        let news = self
            .points
            .iter()
            .map(|p| p.reaction)
            .fold(1.0, f64::min)
            .max(0.0);
        let mut explorer = IntervalExplorer::new("How often should a worker look?")
            .look("locked", locked)
            .look("lock-free", lock_free)
            .news(news)
            .start(self.workers, 1e-5)
            .budgets(overhead, reaction);
        for cost in COSTS {
            for (locked, how) in [(true, "locked"), (false, "lock-free")] {
                // Now and then a run is over before the clock has moved: then there is no share of it.
                let here = self.row(cost, locked).filter(|p| p.overhead.is_finite());
                let here = here.map(|p| (p.interval, p.overhead, p.reaction));
                explorer = explorer.measured(how, self.workers, cost as f64 * 1e-9, here);
            }
        }
        explorer
    }
}

/// 1 and less: both budgets are kept.
fn miss(point: &Point, overhead: f64, reaction: f64) -> f64 {
    (point.overhead / overhead)
        .max(point.reaction / reaction)
        .max(0.01)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of the sweep's combinations, as they would be if the model of the lab were exact.
    fn ideal() -> Sweep {
        let look = 100e-9;
        let pairs = COSTS
            .into_iter()
            .flat_map(|cost| INTERVALS.map(|n| (cost, n)));
        let points = pairs.flat_map(|(cost, interval)| {
            [true, false].map(|locked| {
                let between = interval as f64 * cost as f64 * 1e-9;
                Point {
                    cost,
                    interval,
                    takes_lock: locked,
                    overhead: look / (between + look),
                    lost: look / (between + look),
                    reaction: between,
                }
            })
        });
        Sweep {
            workers: 2,
            points: points.collect(),
        }
    }

    #[test]
    fn a_field_says_by_what_factor_the_worse_budget_is_missed() {
        let point = ideal().at(100, 1, true);
        assert_eq!(miss(&point, 0.02, 0.010), 25.0);
        let point = ideal().at(10_000_000, 10, true);
        assert!((miss(&point, 0.02, 0.010) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn figures_have_what_they_promise() {
        let sweep = ideal();
        let map = sweep.misses(0.02, 0.010, |cost| (100e-9 / (0.02 * cost), 0.010 / cost));
        let text = map.text();
        assert!(text.contains("2 % overhead, 10 ms reaction"), "{text}");
        assert!(map.svg().is_ok() && sweep.overheads().svg().is_ok());
        assert!(sweep.reactions().text().contains("10 µs"));
        assert!(sweep.lost_throughput().to_string().contains("50.0"));
        let explorer = sweep.explorer(vec![1e-7; 4], vec![1e-9; 4], 0.02, 0.010);
        assert!(explorer.text().contains("lock-free"));
    }
}
