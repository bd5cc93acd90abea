use super::RunError;
use labsupport::measure::{Samples, time};
use std::fmt;

/// Two ways of the same work, timed in turns: see [`in_turns`].
#[derive(Clone, Debug)]
pub struct Turns<T> {
    result: T,
    names: [String; 2],
    times: [Samples; 2],
}

/// Runs two ways of the same work in turns (A, B, A, B, …) and takes the time of each, so that a busy moment of the machine hits both.
/// The time is that on the clock and includes the start and the end of the workers.
///
/// # Errors
/// What `run` fails with.
///
/// # Panics
/// The results differ: then it was not the same work, and the times compare nothing. Or there are no turns.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let work = Work::costing(Duration::from_micros(100));
/// let turns = in_turns(5, ["ten times", "once"], |how| {
///     let often = if how == "once" { 1 } else { 10 };
///     run_workers(1, |_| (0..often).for_each(|_| work.run()))
/// })?;
/// println!("{turns}"); // on a machine with little else to do, the first way is slower
/// assert_eq!(turns.times()[0].values().len(), 5);
/// # Ok::<(), RunError>(())
/// ```
pub fn in_turns<W: Copy + fmt::Display, T: PartialEq + fmt::Debug>(
    turns: usize,
    ways: [W; 2],
    mut run: impl FnMut(W) -> Result<T, RunError>,
) -> Result<Turns<T>, RunError> {
    let mut times = [vec![], vec![]];
    let mut first = None;
    for _ in 0..turns {
        for (way, times) in ways.into_iter().zip(&mut times) {
            let timed = time(|| run(way));
            times.push(timed.elapsed.as_secs_f64() * 1e3);
            let result = timed.value?;
            match &first {
                None => first = Some(result),
                Some(first) => assert_eq!(*first, result, "the runs did not do the same work"),
            }
        }
    }
    Ok(Turns::of(first.expect("at least one turn"), ways, times))
}

impl<T> Turns<T> {
    /// Turns that were timed elsewhere, in milliseconds.
    pub(crate) fn of<W: fmt::Display>(result: T, ways: [W; 2], times: [Vec<f64>; 2]) -> Turns<T> {
        Turns {
            result,
            names: ways.map(|way| way.to_string()),
            times: times.map(|times| Samples::new("ms", times)),
        }
    }

    /// Other names for the two ways.
    pub fn named(self, names: [&str; 2]) -> Turns<T> {
        Turns {
            names: names.map(String::from),
            ..self
        }
    }

    /// What every run has returned.
    pub fn result(&self) -> &T {
        &self.result
    }

    /// The times of each way, in milliseconds.
    pub fn times(&self) -> &[Samples; 2] {
        &self.times
    }

    /// By how many percent the first way is slower than the second: their medians.
    pub fn slower(&self) -> f64 {
        let [first, second] = self.times.each_ref().map(Samples::median);
        100.0 * (first / second - 1.0)
    }

    /// By how many percent the first way is slower than the second in each turn by itself.
    pub fn slower_by_turn(&self) -> Samples {
        let [first, second] = self.times.each_ref().map(Samples::values);
        let turns = first.iter().zip(second);
        Samples::new("%", turns.map(|(a, b)| 100.0 * (a / b - 1.0)))
    }

    /// Whether the medians lie no farther apart than the middle halves of the two are wide.
    pub fn is_noise(&self) -> bool {
        let [first, second] = &self.times;
        (first.median() - second.median()).abs() < first.spread() + second.spread()
    }

    /// The difference in words, for a table: `by +2.1 %`, and whether it is noise.
    pub fn difference(&self) -> String {
        let noise = match self.is_noise() {
            true => ": no more than the runs differ among themselves",
            false => "",
        };
        format!("by {:+.1} %{noise}", self.slower())
    }
}

impl<T> fmt::Display for Turns<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or(0) + 1;
        for (name, times) in self.names.iter().zip(&self.times) {
            writeln!(f, "{:width$} {times}", format!("{name}:"))?;
        }
        let [first, second] = &self.names;
        write!(f, "{first} is slower than {second} {}", self.difference())
    }
}

impl<T> Turns<T> {
    /// Shows it in a notebook cell, in words.
    pub fn evcxr_display(&self) {
        labsupport::cell::emit(&[("text/plain", self.to_string())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(first: [f64; 3], second: [f64; 3]) -> Turns<u8> {
        Turns {
            result: 1,
            names: ["every 10".into(), "every 1000".into()],
            times: [first, second].map(|times| Samples::new("ms", times)),
        }
    }

    #[test]
    fn a_difference_within_the_spreads_is_noise() {
        let clear = turns([20.0, 20.1, 20.2], [10.0, 10.1, 10.2]);
        assert!(!clear.is_noise());
        assert!(
            clear
                .to_string()
                .ends_with("slower than every 1000 by +99.0 %"),
            "{clear}"
        );
        let noise = turns([10.0, 11.0, 12.0], [9.9, 10.9, 11.9]);
        assert!(noise.difference().contains("no more than the runs differ"));
        assert_eq!(clear.slower_by_turn().len(), 3);
    }

    #[test]
    #[should_panic(expected = "did not do the same work")]
    fn different_work_is_not_compared() {
        let mut calls = 0;
        let _ = in_turns(1, [1, 2], |_| {
            calls += 1;
            Ok(calls)
        });
    }
}
