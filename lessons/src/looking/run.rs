use crate::running::{LIMIT, RunError};
use labsupport::measure::cpu_time;
use labsupport::process::Workers;
use labsupport::shared::Flag;
use std::time::{Duration, Instant};

/// What one run of [`run_until_set`] has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Iterations per second of CPU time, over all workers.
    pub per_cpu_second: f64,
    /// Iterations per second on the clock, of all workers together.
    pub per_second: f64,
    /// Seconds from setting the flag to the last worker's stop.
    pub reaction: f64,
}

/// Starts `workers` that run `work` until a flag is set, sets it after `wait`, and says how much they got done and how soon the last one
/// stopped. `work` looks at the flag and returns how many iterations it has done.
///
/// All times are read from one clock, which every process of a machine reads the same. Reading it twice and the CPU clock twice is all that
/// is added to the work.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use lessons::looking::run_until_set;
/// use std::time::Duration;
/// let run = run_until_set(2, Duration::from_millis(5), |stop| {
///     let mut done = 0;
///     while !stop.is_set() {
///         done += 1;
///     }
///     done
/// })?;
/// assert!(run.per_second > 0.0 && run.reaction > 0.0);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn run_until_set(
    workers: usize,
    wait: Duration,
    work: impl Fn(&Flag) -> u64,
) -> Result<Run, RunError> {
    let stop = Flag::new()?;
    let clock = Instant::now();
    let crowd = Workers::spawn(workers, |_| {
        let (cpu, begun) = (cpu_time(), clock.elapsed());
        let done = work(&stop);
        let (cpu, end) = (cpu_time() - cpu, clock.elapsed());
        (
            done,
            cpu.as_secs_f64(),
            begun.as_secs_f64(),
            end.as_secs_f64(),
        )
    })?;
    std::thread::sleep(wait);
    let set_at = clock.elapsed().as_secs_f64();
    stop.set();
    let ends = crowd.join_timeout(LIMIT)?.into_values()?;
    Ok(run_of(&ends, set_at))
}

/// Iterations done, CPU seconds, and the clock at the begin and at the end.
type End = (u64, f64, f64, f64);

fn run_of(ends: &[End], set_at: f64) -> Run {
    let done: f64 = ends.iter().map(|end| end.0 as f64).sum();
    let cpu: f64 = ends.iter().map(|end| end.1).sum();
    let pace = |(done, _, begun, end): &End| *done as f64 / (end - begun);
    let last = ends.iter().map(|end| end.3).fold(0.0, f64::max);
    Run {
        per_cpu_second: done / cpu,
        per_second: ends.iter().map(pace).sum(),
        reaction: last - set_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_worker_counts() {
        let run = run_of(&[(100, 1.0, 0.0, 1.0), (50, 0.5, 1.0, 1.5)], 0.75);
        assert_eq!(run.per_cpu_second, 100.0);
        assert_eq!(run.per_second, 200.0);
        assert_eq!(run.reaction, 0.75);
    }
}
