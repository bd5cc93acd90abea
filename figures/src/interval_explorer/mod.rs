//! How often to look, with sliders. This is the only figure that the page itself draws, from a Vega-Lite specification.
//!
//! JupyterLab draws Vega-Lite without any extension, even in notebooks that it does not trust. `spec.json` is the specification, with a
//! `@NAME@` for each value. To try a change, paste what [`IntervalExplorer::vega_lite`] returns into the Vega editor. The formulas are in
//! `spec.json` *and* in [`Setting`], because the text twin and the picture for pages without Vega-Lite need them, too.

mod setting;
mod spec;

use crate::drawing::page;
use crate::error::FigureError;
use crate::format::Format;
use crate::lines::Lines;
use labsupport::cell::{self, Show};
use labsupport::internal::{human_seconds, quote, thousands};
use setting::Setting;
use spec::{inside, list, number};
use std::fmt::Write;

/// The check interval between its two budgets, with sliders for the cost of an iteration, the number of workers and both
/// budgets.
///
/// Over the interval, one line falls and one rises: the overhead of looking and the reaction time, each as a multiple of its budget. A
/// model computes them from the cost of one look. Where both are below 1, the budgets are kept: that is the shaded window, and the best
/// interval is at its geometric middle. Measured points are drawn over the lines.
///
/// Let *c* be the cost of an iteration, *k* the cost of a look, *f* the least time that the news needs, and *n* the number of iterations
/// between two looks. In the worst case, the model says, the overhead is *k* / (*n·c* + *k*) and the reaction takes *n·c* + *f*.
///
/// Times are in seconds. Overheads are shares: 0.02 is 2 %.
///
/// With the keyboard, Tab goes to a slider, and the arrows, Page Up, Page Down, Home and End move it.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let figure = IntervalExplorer::new("How often to look?")
///     .look("locked", [15e-9, 90e-9, 140e-9]) // with one worker, two, three
///     .look("lock-free", [0.3e-9, 0.3e-9, 0.3e-9])
///     .measured("locked", 3, 1e-6, [(1, 0.12, 30e-6), (10, 0.013, 35e-6), (100, 0.001, 120e-6)])
///     .start(3, 1e-6)
///     .budgets(0.02, 0.001);
/// assert!(figure.text().contains("Good: every 6.86 to 1,000 iterations. Best: every 83."));
/// assert!(figure.svg().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct IntervalExplorer {
    title: String,
    looks: Vec<(String, Vec<f64>)>,
    measured: Vec<Measured>,
    news: f64,
    workers: usize,
    cost: f64,
    overhead_budget: f64,
    reaction_budget: f64,
}

/// The points that were measured at one setting.
#[derive(Clone, Debug)]
struct Measured {
    how: String,
    workers: usize,
    cost: f64,
    /// Interval, overhead, reaction.
    points: Vec<(u64, f64, f64)>,
}

/// The x axis ends here.
const MOST_ITERATIONS: f64 = 1e5;
/// The y axis begins here, in multiples of a budget. Smaller values are drawn here; noise may even be negative.
const LEAST_TIMES: f64 = 1e-3;

impl IntervalExplorer {
    /// A figure without a way to look. The sliders start at one worker, 10 µs, 2 % and 10 ms.
    pub fn new(title: impl Into<String>) -> IntervalExplorer {
        IntervalExplorer {
            title: title.into(),
            looks: Vec::new(),
            measured: Vec::new(),
            news: 0.0,
            workers: 1,
            cost: 1e-5,
            overhead_budget: 0.02,
            reaction_budget: 0.01,
        }
    }

    /// Adds a way to look, and what one look costs with one worker, with two, and so on, in seconds. The slider for workers ends where the
    /// shortest of these lists does.
    pub fn look(
        mut self,
        how: impl Into<String>,
        seconds: impl IntoIterator<Item = f64>,
    ) -> IntervalExplorer {
        self.looks.push((how.into(), seconds.into_iter().collect()));
        self
    }

    /// The time that the news needs to reach the last worker, however often it looks, in seconds. By default it is zero.
    pub fn news(mut self, seconds: f64) -> IntervalExplorer {
        self.news = seconds;
        self
    }

    /// Adds what was measured with this many workers that look in this way, at `cost` seconds for an iteration. A point is the interval, the
    /// overhead as a share, and the reaction in seconds.
    pub fn measured(
        mut self,
        how: impl Into<String>,
        workers: usize,
        cost: f64,
        points: impl IntoIterator<Item = (u64, f64, f64)>,
    ) -> IntervalExplorer {
        self.measured.push(Measured {
            how: how.into(),
            workers,
            cost,
            points: points.into_iter().collect(),
        });
        self
    }

    /// Where the sliders for the workers and for the cost of an iteration start. The cost is in seconds.
    pub fn start(mut self, workers: usize, cost: f64) -> IntervalExplorer {
        (self.workers, self.cost) = (workers, cost);
        self
    }

    /// Where the sliders for the budgets start: the overhead as a share, the reaction in seconds.
    pub fn budgets(mut self, overhead: f64, reaction: f64) -> IntervalExplorer {
        (self.overhead_budget, self.reaction_budget) = (overhead, reaction);
        self
    }

    fn most_workers(&self) -> usize {
        let counts = self.looks.iter().map(|(_, seconds)| seconds.len());
        counts.min().unwrap_or(0)
    }

    /// The number of workers that the slider starts at.
    fn workers(&self) -> usize {
        self.workers.clamp(1, self.most_workers().max(1))
    }

    /// Where the sliders start, with the first way to look.
    fn setting(&self) -> Setting {
        let prices = self.looks.first().map(|(_, seconds)| seconds);
        Setting {
            cost: self.cost,
            price: prices.map_or(f64::NAN, |seconds| seconds[self.workers() - 1]),
            news: self.news,
            overhead_budget: self.overhead_budget,
            reaction_budget: self.reaction_budget,
        }
    }

    fn check(&self) -> Result<(), FigureError> {
        if self.most_workers() == 0 {
            let what = "what one look costs, with `look`";
            return Err(FigureError::empty(&self.title, what));
        }
        let check = |fits: bool, series: &str, point: usize, value: f64| {
            if fits && value.is_finite() {
                return Ok(());
            }
            let (series, axis) = (series.into(), "value");
            Err(FigureError::NoPlace {
                series,
                point,
                axis,
                value,
            })
        };
        for (how, seconds) in &self.looks {
            for (point, &price) in seconds.iter().enumerate() {
                check(price > 0.0, how, point, price)?;
            }
        }
        for at in &self.measured {
            check(at.cost > 0.0, &at.how, 0, at.cost)?;
            for (point, &(interval, overhead, reaction)) in at.points.iter().enumerate() {
                check(interval > 0, &at.how, point, interval as f64)?;
                check(true, &at.how, point, overhead)?;
                check(true, &at.how, point, reaction)?;
            }
        }
        let (overhead, reaction) = (self.overhead_budget, self.reaction_budget);
        check(self.cost > 0.0, "start", 0, self.cost)?;
        check(self.news >= 0.0, "news", 0, self.news)?;
        check(overhead > 0.0, "budgets", 0, overhead)?;
        check(reaction > 0.0, "budgets", 1, reaction)
    }

    /// The Vega-Lite specification, JSON.
    ///
    /// # Errors
    /// The same as for [`svg`](IntervalExplorer::svg).
    fn vega_lite(&self) -> Result<String, FigureError> {
        self.check()?;
        // In an expression inside a JSON string, so quoted twice.
        let hows = list(self.looks.iter().map(|(how, _)| quote(how)));
        let prices = self.looks.iter().map(|(how, seconds)| {
            let seconds = list(seconds.iter().map(|seconds| format!("{seconds:e}")));
            format!("{}: {seconds}", quote(how))
        });
        let prices = format!("{{{}}}", prices.collect::<Vec<_>>().join(", "));
        let measured_at = self.measured.iter().map(|at| {
            quote(&format!(
                "{}/{}/{}",
                at.how,
                at.workers,
                cost_power(at.cost)
            ))
        });
        Ok(spec::with([
            ("\"@LAST_HOW@\"", (self.looks.len() - 1).to_string()),
            ("\"@WORKERS@\"", self.workers().to_string()),
            ("\"@MOST_WORKERS@\"", self.most_workers().to_string()),
            ("\"@COST_POWER@\"", cost_power(self.cost).to_string()),
            (
                "\"@OVERHEAD_BUDGET@\"",
                number(100.0 * self.overhead_budget),
            ),
            (
                "\"@REACTION_POWER@\"",
                number(self.reaction_budget.log10() + 3.0),
            ),
            ("\"@NEWS@\"", number(self.news)),
            (
                "\"@LAST_POWER@\"",
                (MOST_ITERATIONS.log10() + 0.001).to_string(),
            ),
            ("\"@MOST_ITERATIONS@\"", MOST_ITERATIONS.to_string()),
            ("@MOST_ITERATIONS@", MOST_ITERATIONS.to_string()),
            ("@HOWS@", inside(&hows)),
            ("@PRICES@", inside(&prices)),
            ("@ELSEWHERE@", inside(&quote(&self.measured_where()))),
            ("@MEASURED_AT@", inside(&list(measured_at))),
            ("\"@MEASURED@\"", self.measured_values()),
            // Text written by users comes last, so nothing in it is taken for one of the names above.
            ("@TITLE@", inside(&self.title)),
            ("@DESCRIPTION@", inside(&self.text())),
        ]))
    }

    /// The settings at which points appear, for a reader who sees none.
    fn measured_where(&self) -> String {
        let mut settings: Vec<(String, Vec<f64>)> = Vec::new();
        for at in self.measured.iter().filter(|at| !at.points.is_empty()) {
            let how = format!("{} with {}", at.how, workers_of(at.workers));
            let known = settings.iter().position(|(known, _)| *known == how);
            let known = known.unwrap_or_else(|| {
                settings.push((how, Vec::new()));
                settings.len() - 1
            });
            settings[known].1.push(at.cost);
        }
        if settings.is_empty() {
            return "No loop was measured for this figure.".into();
        }
        let settings = settings.iter().map(|(how, costs)| {
            let low = costs.iter().copied().fold(f64::INFINITY, f64::min);
            let high = costs.iter().copied().fold(0.0, f64::max);
            let costs = match costs.len() {
                1 => human_seconds(low),
                several => format!(
                    "{several} costs from {} to {}",
                    human_seconds(low),
                    human_seconds(high)
                ),
            };
            format!("{how}, {costs}")
        });
        let settings: Vec<String> = settings.collect();
        format!(
            "Points only where it was measured: {}.",
            settings.join("; ")
        )
    }

    fn measured_values(&self) -> String {
        list(self.measured.iter().flat_map(|at| {
            at.points.iter().map(|&(interval, overhead, reaction)| {
                format!(
                    "{{\"how\": {}, \"workers\": {}, \"cost_power\": {}, \"iterations\": {interval}, \"overhead\": \
                     {overhead:e}, \"reaction\": {reaction:e}}}",
                    quote(&at.how),
                    at.workers,
                    cost_power(at.cost)
                )
            })
        }))
    }

    /// The measured points at which the sliders start.
    fn points_at_start(&self) -> Vec<(u64, f64, f64)> {
        let here = self.measured.iter().filter(|at| {
            at.how == self.looks[0].0
                && at.workers == self.workers()
                && (cost_power(at.cost) - cost_power(self.cost)).abs() < 0.05
        });
        here.flat_map(|at| at.points.iter().copied()).collect()
    }

    /// The picture at the start of the sliders, for a page that does not draw Vega-Lite.
    ///
    /// # Errors
    /// There is no way to look, a number is not finite, or a cost or budget is zero or less.
    pub fn svg(&self) -> Result<String, FigureError> {
        self.check()?;
        self.at_start().svg()
    }

    /// The same as lines, each point a multiple of its budget.
    fn at_start(&self) -> Lines {
        let setting = self.setting();
        let intervals = (0..=20).map(|step| 10f64.powf(f64::from(step) / 4.0));
        let times = |value: f64, budget: f64| (value / budget).max(LEAST_TIMES);
        let model = |value: &dyn Fn(f64) -> f64, budget: f64| -> Vec<(f64, f64)> {
            let points = intervals.clone().map(|n| (n, times(value(n), budget)));
            points
                .filter(|(_, times)| *times <= 1.0 / LEAST_TIMES)
                .collect()
        };
        let (overhead, reaction) = (self.overhead_budget, self.reaction_budget);
        let mut figure = Lines::new(&self.title)
            .x("iterations between two looks")
            .log_x()
            .y("times its budget")
            .log_y()
            .y_format(Format::Times)
            .level("the budgets", 1.0)
            .series("overhead, model", model(&|n| setting.overhead(n), overhead))
            .series("reaction, model", model(&|n| setting.reaction(n), reaction));
        let points = self.points_at_start();
        if !points.is_empty() {
            let seen = |value: &dyn Fn(&(u64, f64, f64)) -> f64, budget: f64| -> Vec<(f64, f64)> {
                points
                    .iter()
                    .map(|point| (point.0 as f64, times(value(point), budget)))
                    .collect()
            };
            figure = figure
                .series("overhead, measured", seen(&|point| point.1, overhead))
                .series("reaction, measured", seen(&|point| point.2, reaction));
        }
        if let (Some((low, high)), Some(best)) = (setting.window(), setting.best()) {
            figure = figure.window("both budgets kept", low, high.min(MOST_ITERATIONS));
            if best <= MOST_ITERATIONS {
                figure = figure.mark("best interval", best);
            }
        }
        figure.caption(format!("{} {}", self.settings(), setting.said()))
    }

    /// The same as text.
    fn settings(&self) -> String {
        let setting = self.setting();
        let workers = workers_of(self.workers());
        format!(
            "{}, {workers}: a look costs {}, an iteration {}. Budgets: {} and {}.",
            self.looks[0].0,
            human_seconds(setting.price),
            human_seconds(setting.cost),
            percent(setting.overhead_budget),
            human_seconds(setting.reaction_budget)
        )
    }

    /// The text twin: every cost of a look, where the sliders start, and what the model says and what was measured there.
    pub fn text(&self) -> String {
        if let Err(error) = self.check() {
            return format!("{}\n{error}\n", self.title);
        }
        let (setting, points) = (self.setting(), self.points_at_start());
        let mut text = format!("{}\n{}\n{}\n", self.title, self.settings(), setting.said());
        let rows = [1u64, 10, 100, 1_000, 10_000, 100_000].map(|interval| {
            let n = interval as f64;
            let seen = points.iter().find(|point| point.0 == interval);
            let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".into());
            vec![
                thousands(interval),
                percent(setting.overhead(n)),
                or_dash(seen.map(|point| percent(point.1))),
                human_seconds(setting.reaction(n)),
                or_dash(seen.map(|point| human_seconds(point.2))),
            ]
        });
        let header = [
            "a look every",
            "overhead, model",
            "measured",
            "reaction, model",
            "measured",
        ];
        text.push_str(&cell::table(&header, &rows, 0).1);
        for (how, seconds) in &self.looks {
            let prices: Vec<String> = seconds.iter().map(|&price| human_seconds(price)).collect();
            let _ = writeln!(
                text,
                "One {how} look, with 1 worker and more: {}.",
                prices.join(", ")
            );
        }
        text
    }

    /// Shows the sliders in a notebook cell, with the picture and the text twin for a page without sliders.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for IntervalExplorer {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let mut contents = page::contents(self.svg(), self.text());
        if let Ok(spec) = self.vega_lite() {
            // In place of the HTML, which JupyterLab would prefer to the sliders.
            contents[0] = ("application/vnd.vegalite.v5+json", spec);
        }
        contents
    }
}

fn workers_of(count: usize) -> String {
    match count {
        1 => "1 worker".to_string(),
        more => format!("{} workers", thousands(more)),
    }
}

fn percent(share: f64) -> String {
    Format::Percent.write(100.0 * share)
}

/// A cost as its slider has it: the power of ten of its nanoseconds, to one decimal.
fn cost_power(seconds: f64) -> f64 {
    let power = ((seconds.log10() + 9.0) * 10.0).round() / 10.0;
    power + 0.0 // never -0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> IntervalExplorer {
        IntervalExplorer::new("T")
            .look("locked", [1e-8, 1e-7])
            .look("lock-free", [1e-9, 1e-9, 1e-9])
            .measured("locked", 2, 1e-5, [(1, 0.01, 2e-5), (100, -0.001, 9e-4)])
            .start(2, 1e-5)
            .budgets(0.02, 0.01)
    }

    #[test]
    fn a_window_that_is_empty_says_why() {
        let said = |cost, reaction, news| {
            sample()
                .start(2, cost)
                .budgets(0.02, reaction)
                .news(news)
                .text()
        };
        assert!(said(1e-2, 1e-3, 0.0).contains("one iteration is longer"));
        assert!(said(1e-7, 1e-6, 0.0).contains("misses the other"));
        assert!(said(1e-5, 1e-3, 2e-3).contains("the news alone takes longer"));
        let figure = sample().start(2, 1e-2).budgets(0.02, 1e-3);
        assert!(figure.svg().is_ok() && figure.vega_lite().is_ok());
    }

    #[test]
    fn every_name_in_the_specification_gets_its_value() {
        let spec = sample().vega_lite().unwrap();
        assert!(!spec.contains('@'), "{spec}");
        for part in [
            r#"([\"locked\", \"lock-free\"])[toNumber(how_slider)]"#,
            r#""min": 0, "max": 1, "step": 1, "name": "how to look", "data-lm-suppress-shortcuts""#,
            "'Lines: the model. ' + (\\\"Points only where it was measured: locked with 2 workers, 10 µs.\\\")",
            r#"({\"locked\": [1e-8, 1e-7], \"lock-free\": [1e-9, 1e-9, 1e-9]})[how]"#,
            r#"indexof([\"locked/2/4\"], how"#,
            r#""max": 2, "step": 1"#, // the shorter list
            r#""iterations": 100, "overhead": -1e-3, "reaction": 9e-4"#,
            r#""name": "reaction_slider", "value": 1e0"#,
        ] {
            assert!(spec.contains(part), "{part} in {spec}");
        }
    }

    #[test]
    fn whatever_a_title_says_stays_text() {
        let figure = IntervalExplorer::new("a \"b\" \\ @MEASURED@").look("it's \"so\"", [1e-8]);
        let spec = figure.vega_lite().unwrap();
        assert!(
            spec.contains(r#""text": "a \"b\" \\ @MEASURED@""#),
            "{spec}"
        );
        assert!(
            spec.contains(r#"({\"it's \\\"so\\\"\": [1e-8]})"#),
            "{spec}"
        );
    }

    #[test]
    fn numbers_without_a_place_are_named() {
        let none = IntervalExplorer::new("T");
        assert_eq!(
            none.vega_lite().unwrap_err().to_string(),
            "\"T\" has nothing to draw: add what one look costs, with `look`."
        );
        assert_eq!(none.contents().len(), 1);
        assert!(none.text().contains("nothing to draw"));
        for bad in [
            sample().look("free", [0.0]),
            sample().look("nan", [f64::NAN]),
            sample().measured("locked", 1, 0.0, []),
            sample().measured("locked", 1, 1.0, [(0, 0.0, 0.0)]),
            sample().measured("locked", 1, 1.0, [(1, f64::INFINITY, 0.0)]),
            sample().start(1, -1.0),
            sample().budgets(0.0, 1.0),
            sample().news(f64::NAN),
        ] {
            assert!(
                matches!(bad.svg(), Err(FigureError::NoPlace { .. })),
                "{bad:?}"
            );
        }
        // More workers than prices: the last price there is.
        assert!(sample().start(9, 1e-5).text().contains("locked, 2 workers"));
    }

    #[test]
    fn picture_and_text_show_the_setting_that_the_sliders_start_at() {
        let contents = sample().contents();
        let mimes: Vec<&str> = contents.iter().map(|(mime, _)| *mime).collect();
        assert_eq!(
            mimes,
            [
                "application/vnd.vegalite.v5+json",
                "image/svg+xml",
                "text/plain"
            ]
        );
        for part in ["overhead, measured", "best interval", "both budgets kept"] {
            assert!(contents[1].1.contains(part));
        }
        let text = &contents[2].1;
        assert!(
            text.contains("Good: every 1 to 1,000 iterations. Best: every 32."),
            "{text}"
        );
        assert!(text.contains(
            "locked, 2 workers: a look costs 100 ns, an iteration 10 µs. Budgets: 2 % and 10 ms."
        ));
        assert!(text.contains("One lock-free look, with 1 worker and more: 1 ns, 1 ns, 1 ns."));
        // Measured with two workers, so not shown for one.
        assert!(
            !sample()
                .start(1, 1e-5)
                .svg()
                .unwrap()
                .contains("overhead, measured")
        );
    }
}
