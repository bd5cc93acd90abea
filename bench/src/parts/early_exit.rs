//! Cooperative early exit: the time from setting a flag until the last worker has seen it, beside the time that the interval promises. A
//! worker that has just looked at the flag looks again after interval × cost. There are as many workers as cores, each on its own core, so
//! that no worker waits for a processor.

use crate::bench::Bench;
use crate::contest::Contest;
use crate::cores;
use anyhow::{Context, Result};
use labsupport::prelude::{Flag, Work, Workers};
use std::thread;
use std::time::{Duration, Instant};

/// Iterations between two looks. An iteration costs `COST`.
const INTERVALS: [u64; 3] = [10, 1_000, 10_000];
const COST: Duration = Duration::from_micros(1);

pub(crate) const CONTESTS: usize = INTERVALS.len();

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let cores = cores::allowed();
    let work = Work::costing(COST);
    for (index, interval) in INTERVALS.into_iter().enumerate() {
        let name = format!(
            "exit: set to last of {} stopped, {interval} × 1 µs",
            cores.len()
        );
        let mut round = 0;
        let ours = || {
            round += 1;
            // Set the flag at another point of the interval each time, so that no single point decides the result.
            let phase = COST * (interval as u32) * (round * 7 % 20) / 20;
            Ok([stop_all(
                &cores,
                work,
                interval,
                Duration::from_millis(3) + phase,
            )?])
        };
        let interval_alone = || {
            let turns = (10_000 / interval).max(1);
            // Not `per_op`: a long interval needs no sixteen turns.
            let start = Instant::now();
            (0..turns * interval).for_each(|_| work.run());
            Ok([start.elapsed().as_nanos() as f64 / turns as f64])
        };
        let rounds = [101, 101, 31][index];
        bench.run(
            Contest::new([name], &cores, rounds, ours).peer("interval × cost", interval_alone),
        )?;
    }
    Ok(())
}

/// Nanoseconds from just before the flag is set to the last worker's look that finds it set.
fn stop_all(cores: &[usize], work: Work, interval: u64, after: Duration) -> Result<f64> {
    let flag = Flag::new()?;
    // The clock is the same in all processes.
    let epoch = Instant::now();
    let now = || epoch.elapsed().as_nanos() as u64;
    let workers = Workers::spawn(cores.len(), |w| {
        cores::stay_on(&[cores[w.index()]], 0);
        loop {
            (0..interval).for_each(|_| work.run());
            if flag.is_set() {
                return now();
            }
        }
    })?;
    thread::sleep(after);
    let set = now();
    flag.set();
    let stopped = workers.join()?.values()?;
    let last = stopped.into_iter().max().context("there is a worker")?;
    Ok((last - set) as f64)
}
