use super::run::run_until_set;
use super::sweep::{OneRun, pairs};
use crate::running::RunError;
use figures::{Format, Lines};
use labsupport::cell;
use labsupport::measure::{Work, human};
use labsupport::shared::Flag;
use std::fmt;
use std::time::Duration;

/// Runs of each interval.
const TURNS: u64 = 9;

/// Seconds between two looks. Longer ones are not tried, except for the chosen interval.
const LONGEST: f64 = 0.2;

/// What [`try_out`] has chosen and measured.
#[derive(Clone, Debug)]
pub struct TriedOut {
    cost: Duration,
    window: (f64, f64),
    chosen: u64,
    tried: Vec<Tried>,
}

#[derive(Clone, Copy, Debug)]
struct Tried {
    interval: u64,
    /// A share of 1.
    overhead: f64,
    /// Seconds.
    reaction: f64,
}

/// Chooses the interval in the (geometric) middle of `window`, and runs `work_until` with it, with a fifth and a thirtieth of it, and with five
/// and thirty times as much; with a locked look, nine times each, in turn with runs that hardly look. If the window is empty, nothing is
/// measured.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use lessons::looking::try_out;
/// use std::time::Duration;
/// let nothing = try_out(2, Duration::from_millis(20), (1.0, 0.1), |_, _, _, _| 0)?;
/// assert!(nothing.to_string().contains("the window is empty"));
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn try_out(
    workers: usize,
    cost: Duration,
    window: (f64, f64),
    work_until: impl Fn(&Flag, Work, u64, bool) -> u64,
) -> Result<TriedOut, RunError> {
    try_out_with(cost, window, &|work, interval, locked, wait| {
        run_until_set(workers, wait, |stop| {
            work_until(stop, work, interval, locked)
        })
    })
}

fn try_out_with(cost: Duration, window: (f64, f64), run: OneRun<'_>) -> Result<TriedOut, RunError> {
    let (low, high) = window;
    let chosen = ((low.max(1.0) * high.max(1.0)).sqrt() as u64).max(1);
    let mut out = TriedOut {
        cost,
        window,
        chosen,
        tried: vec![],
    };
    if out.is_empty() {
        return Ok(out);
    }
    let around = [
        chosen / 30,
        chosen / 5,
        chosen,
        chosen.saturating_mul(5),
        chosen.saturating_mul(30),
    ];
    let mut intervals = around.map(|interval| interval.max(1)).to_vec();
    intervals.dedup();
    intervals.retain(|&n| n == chosen || n as f64 * cost.as_secs_f64() <= LONGEST);
    for interval in intervals {
        let pairs = pairs(run, cost, interval, true, TURNS)?;
        out.tried.push(Tried {
            interval,
            overhead: pairs.less(|run| run.per_cpu_second).median(),
            reaction: pairs.reactions().median(),
        });
    }
    Ok(out)
}

impl TriedOut {
    /// Whether no interval keeps both budgets.
    pub fn is_empty(&self) -> bool {
        let (low, high) = self.window;
        low > high || high < 1.0
    }

    /// Whether the chosen interval has kept the budgets (a share of 1, and seconds), and a figure of all that were tried.
    pub fn beside(&self, overhead: f64, reaction: f64) -> Beside {
        let Some(chosen) = self.tried.iter().find(|t| t.interval == self.chosen) else {
            return Beside {
                words: "An empty window: there is nothing to draw.".into(),
                figure: None,
            };
        };
        let verdict = |is_kept| if is_kept { "kept" } else { "missed" };
        let words = format!(
            "every {}: overhead {:.2} %, budget {}\nevery {}: reaction {}, budget {}",
            self.chosen,
            100.0 * chosen.overhead,
            verdict(chosen.overhead <= overhead),
            self.chosen,
            human(Duration::from_secs_f64(chosen.reaction.max(0.0))),
            verdict(chosen.reaction <= reaction),
        );
        let used = |of: &dyn Fn(&Tried) -> f64| -> Vec<(f64, f64)> {
            let share = |t: &Tried| (t.interval as f64, (100.0 * of(t)).max(1.0));
            self.tried.iter().map(share).collect()
        };
        let figure = Lines::new(format!("Your loop: {} per iteration", human(self.cost)))
            .x("iterations between two looks")
            .log_x()
            .y("share of its budget that is used")
            .y_format(Format::Percent)
            .log_y()
            .series("overhead", used(&|t| t.overhead / overhead))
            .series("reaction", used(&|t| t.reaction / reaction))
            .level("the budget", 100.0)
            .window("predicted window", self.window.0.max(1.0), self.window.1.max(1.0))
            .mark("chosen interval", self.chosen as f64)
            .caption(
                "Below the level line a price keeps its budget. Shares under 1 % are drawn as 1 %: they are within the noise.",
            );
        Beside {
            words,
            figure: Some(figure),
        }
    }
}

impl fmt::Display for TriedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = human(self.cost);
        let (low, high) = self.window;
        if self.is_empty() {
            return write!(
                f,
                "{cost} per iteration: the window is empty, no interval keeps both budgets.\n\
                 Look inside the iteration, or ask for less. Nothing is measured."
            );
        }
        let (low, chosen) = (low.max(1.0), self.chosen);
        write!(
            f,
            "{cost} per iteration: look every {low:.1} to {high:.1}; chosen: {chosen}"
        )
    }
}

labsupport::shown_in_words!(TriedOut);

/// [`TriedOut`] beside two budgets: a verdict in words, and a figure if something was measured.
#[derive(Clone, Debug)]
pub struct Beside {
    words: String,
    figure: Option<Lines>,
}

impl Beside {
    /// Shows both in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&[("text/plain", &self.words)]);
        if let Some(figure) = &self.figure {
            figure.evcxr_display();
        }
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::looking::Run;

    /// A machine on which a look costs 100 ns.
    fn ideal(work: Work, interval: u64, _: bool, _: Duration) -> Result<Run, RunError> {
        let between = work.cost().as_secs_f64() * interval as f64;
        let rate = interval as f64 / (between + 100e-9);
        Ok(Run {
            per_cpu_second: rate,
            per_second: rate,
            reaction: between,
        })
    }

    #[test]
    fn the_middle_of_the_window_keeps_both_budgets() {
        let cost = Duration::from_micros(5);
        let out = try_out_with(cost, (2.0, 400.0), &ideal).unwrap();
        assert!(
            out.to_string()
                .ends_with("look every 2.0 to 400.0; chosen: 28"),
            "{out}"
        );
        assert_eq!(out.tried.len(), 5); // 1, 5, 28, 140 and 840
        let beside = out.beside(0.01, 0.002);
        assert_eq!(beside.to_string().matches("kept").count(), 2, "{beside}");
        assert!(beside.figure.unwrap().svg().is_ok());
        assert!(out.beside(1e-9, 1e-9).to_string().contains("missed"));
    }

    #[test]
    fn an_extreme_cost_is_a_sentence_and_no_hang() {
        for cost in [Duration::from_nanos(1), Duration::from_secs(60)] {
            let c = cost.as_secs_f64();
            let out = try_out_with(cost, (100e-9 / (0.01 * c), 0.002 / c), &ideal).unwrap();
            assert!(out.to_string().contains("per iteration"));
        }
    }
}
