use crate::Prediction;
use crate::running::{RunError, run_workers};
use figures::{Bars, Format};
use labsupport::measure::{Samples, cores, cpu_time, measure};
use labsupport::shared::{Barrier, Flag};
use std::hint::black_box;

/// The time on the clock of one `operation` while so many workers do it as often as they can, in nanoseconds: 15 samples from each.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::looking::measure_together;
/// let flag = Flag::new()?;
/// let locked = measure_together(4, || flag.is_set_locked())?;
/// println!("a locked look, four workers at once: {locked}");
/// assert_eq!(locked.len(), 60);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[allow(clippy::redundant_closure)] // it is inlined: see `running`
pub fn measure_together<T>(workers: usize, operation: impl Fn() -> T) -> Result<Samples, RunError> {
    let values = run_workers(workers, |_| measure(15, || operation()).values().to_vec())?;
    Ok(Samples::new("ns", values.concat()))
}

/// The CPU time of one `look`, in seconds, while so many workers do nothing but look: the median of the workers. A worker that sleeps at a
/// lock uses no CPU time, so its sleep does not count.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::looking::cpu_per_look;
/// let (alone, four) = (cpu_per_look(1, Flag::is_set_locked)?, cpu_per_look(4, Flag::is_set_locked)?);
/// println!("{:.0} ns alone, {:.0} ns with three others", 1e9 * alone, 1e9 * four);
/// assert!(alone > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cpu_per_look(workers: usize, look: impl Fn(&Flag) -> bool) -> Result<f64, RunError> {
    let (flag, start) = (Flag::new()?, Barrier::new(workers)?);
    let seconds = run_workers(workers, |_| {
        start.wait();
        let before = cpu_time();
        for _ in 0..LOOKS {
            black_box(look(&flag));
        }
        (cpu_time() - before).as_secs_f64() / LOOKS as f64
    })?;
    Ok(Samples::new("s", seconds).median())
}

/// Looks of each worker in [`cpu_per_look`].
const LOOKS: u64 = 100_000;

/// [`cpu_per_look`] with one worker, with two, and so on: at least up to four, at most up to eight, and in between one for each core.
///
/// # Errors
/// As [`cpu_per_look`].
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::looking::cpu_per_look_in_crowds;
/// assert!(cpu_per_look_in_crowds(Flag::is_set)?.len() >= 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[allow(clippy::redundant_closure)] // it is inlined: see `running`
pub fn cpu_per_look_in_crowds(look: impl Fn(&Flag) -> bool) -> Result<Vec<f64>, RunError> {
    let crowds = 1..=cores().clamp(4, 8);
    crowds
        .map(|workers| cpu_per_look(workers, |flag| look(flag)))
        .collect()
}

/// Bars for the looks, with the guess beside each.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::looking::{look_bars, measure_together};
/// let flag = Flag::new()?;
/// let looks = [("alone", measure_together(1, || flag.is_set())?)];
/// let guesses = [predict("One look?", "5 ns")?];
/// assert!(look_bars(&looks, &guesses).text().contains("your guess"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn look_bars(looks: &[(&str, Samples)], guesses: &[Prediction]) -> Bars {
    let bars = Bars::new("What one look at the flag costs")
        .value("time per look")
        .format(Format::Nanoseconds)
        .log()
        .caption("Medians; the thin line is the middle half of the samples, from all workers.");
    looks
        .iter()
        .zip(guesses)
        .fold(bars, |bars, ((name, cost), guess)| {
            let (low, high) = (cost.percentile(25.0), cost.percentile(75.0));
            bars.bar_with_spread(*name, cost.median(), low, high)
                .guess(*name, guess.value_in("ns"))
        })
}
