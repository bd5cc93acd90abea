//! Two things measured in turn (A B A B …) in one run: what the machine does meanwhile hits both.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

pub struct Pair {
    name: &'static str,
    rounds: usize,
}

impl Pair {
    pub fn new(name: &'static str, rounds: usize) -> Pair {
        Pair { name, rounds }
    }

    /// Times `ours` and `peer` in turn and prints the medians and their ratio; the ratio is returned.
    pub fn run(
        &self,
        mut ours: impl FnMut() -> Duration,
        mut peer: impl FnMut() -> Duration,
    ) -> f64 {
        ours(); // warm up
        peer();
        let (mut a, mut b): (Vec<_>, Vec<_>) = (0..self.rounds).map(|_| (ours(), peer())).unzip();
        a.sort();
        b.sort();
        let (a, b) = (a[self.rounds / 2], b[self.rounds / 2]);
        let ratio = a.as_secs_f64() / b.as_secs_f64();
        println!(
            "ratio {ratio:.3}  {}: {a:?} / {b:?} (medians of {} pairs, {} cores)",
            self.name,
            self.rounds,
            std::thread::available_parallelism().map_or(1, |n| n.get())
        );
        ratio
    }
}

/// The time of `n` calls of `op`; for the ratio the number cancels out.
#[allow(dead_code)] // each bench uses its part of this module
pub fn per_op<R>(n: u32, mut op: impl FnMut() -> R) -> Duration {
    let start = Instant::now();
    for _ in 0..n {
        black_box(op());
    }
    start.elapsed()
}

/// Runs a Python program that prints seconds; nothing where there is no python3.
#[allow(dead_code)] // each bench uses its part of this module
pub fn python(program: &str, arguments: &[String]) -> Option<Duration> {
    let output = Command::new("python3")
        .args(["-c", program])
        .args(arguments)
        .output()
        .ok()?;
    let seconds: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs_f64(seconds))
}
