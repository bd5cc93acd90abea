//! Shows that a long step is running: with a clock on a terminal, with plain lines elsewhere.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// A number of steps. Each of them says what it does, how long it may take, and how many are left.
#[derive(Debug)]
pub struct Steps {
    total: usize,
    done: usize,
}

impl Steps {
    /// `total` steps, none done.
    pub fn new(total: usize) -> Steps {
        Steps { total, done: 0 }
    }

    /// Runs a step. `what` says what it does and how long that takes.
    pub fn step<T>(&mut self, what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        let line = format!("[{}/{}] {what}", self.done, self.total);
        let start = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let bar = ProgressBar::new_spinner();
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(line.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("{line} …");
        }
        let result = run();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        if result.is_ok() {
            eprintln!("{line}: done in {:.0} s", start.elapsed().as_secs_f64());
        }
        result
    }
}
