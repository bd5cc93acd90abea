use crate::running::{RunError, run_workers};
use figures::{Bars, Format, Progress};
use labsupport::measure::{Samples, machine};
use labsupport::process::Worker;
use labsupport::shared::Barrier;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Instant;

/// Runs `work` in `count` workers that begin together, and returns what each has returned, and the seconds from the first beginning to the
/// last end. So the start of the processes does not count.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use lessons::ladder::run_together;
/// let (counts, seconds) = run_together(4, |w| w.share_of(0..100_000u64).filter(|n| n % 7 == 0).count())?;
/// assert_eq!(counts.iter().sum::<usize>(), 14_286);
/// assert!(seconds > 0.0);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn run_together<T: Serialize + DeserializeOwned>(
    count: usize,
    work: impl Fn(&Worker) -> T,
) -> Result<(Vec<T>, f64), RunError> {
    let (start, clock) = (Barrier::new(count)?, Instant::now());
    let ends = run_workers(count, |w| {
        start.wait();
        let begun = clock.elapsed().as_secs_f64();
        let value = work(w);
        (value, begun, clock.elapsed().as_secs_f64())
    })?;
    let first = ends.iter().map(|end| end.1).fold(f64::INFINITY, f64::min);
    let last = ends.iter().map(|end| end.2).fold(0.0, f64::max);
    Ok((ends.into_iter().map(|end| end.0).collect(), last - first))
}

/// Several ways of the same loop, timed in turns: see [`time_ways`].
#[derive(Clone, Debug)]
pub struct Ways(Vec<(String, Samples)>);

/// One way: its name, and what runs it and returns its seconds.
type Way<'a> = (&'a str, &'a dyn Fn() -> Result<f64, RunError>);

/// Runs the ways in turn, so many times.
///
/// # Errors
/// What a way fails with.
///
/// # Examples
/// ```
/// use lessons::ladder::time_ways;
/// let ways = time_ways(3, &[("slow", &|| Ok(2.0)), ("fast", &|| Ok(0.5))])?;
/// assert_eq!(ways.times("slow", "fast"), 4.0);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn time_ways(turns: usize, ways: &[Way<'_>]) -> Result<Ways, RunError> {
    let mut seconds = vec![vec![]; ways.len()];
    for _ in Progress::over("in turns", 0..turns) {
        for ((_, run), seconds) in ways.iter().zip(&mut seconds) {
            seconds.push(run()?);
        }
    }
    let ways = ways.iter().zip(seconds);
    let samples = ways.map(|((name, _), seconds)| (name.to_string(), Samples::new("s", seconds)));
    Ok(Ways(samples.collect()))
}

impl Ways {
    fn at(&self, name: &str) -> f64 {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .unwrap_or_else(|| panic!("there is no way \"{name}\""))
            .1
            .median()
    }

    /// How many times as long the first way takes as the second: their medians.
    ///
    /// # Panics
    /// There is no such way.
    pub fn times(&self, slow: &str, fast: &str) -> f64 {
        self.at(slow) / self.at(fast)
    }

    /// A bar for each way. The caption says how many times as long each of the others takes as the first.
    pub fn bars(&self, title: &str) -> Bars {
        let (first, others) = self.0.split_first().expect("there is a way");
        let times = others.iter().map(|(name, seconds)| {
            let times = Format::Number.write(seconds.median() / first.1.median());
            format!("{times} times for \"{name}\"")
        });
        let times: Vec<String> = times.collect();
        let bars = Bars::new(title)
            .value("time for all four")
            .format(Format::Seconds)
            .log()
            .caption(format!(
                "Medians of {} turns, four workers, {}. Against \"{}\": {}.",
                first.1.len(),
                machine(),
                first.0,
                times.join(", ")
            ));
        let each = self.0.iter();
        each.fold(bars, |bars, (name, seconds)| {
            bars.bar(name, seconds.median())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_take_turns_and_the_caption_compares_them() {
        let order = std::cell::RefCell::new(vec![]);
        let way = |name: &'static str, seconds: f64| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Ok(seconds)
            }
        };
        let (a, b) = (way("a", 1.0), way("b", 20.0));
        let ways = time_ways(2, &[("a", &a), ("b", &b)]).unwrap();
        assert_eq!(*order.borrow(), ["a", "b", "a", "b"]);
        let text = ways.bars("T").text();
        assert!(text.contains("20 times for \"b\""), "{text}");
    }
}
