//! What the user sees while the kernel is built: a bar on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Parts that take much longer than others, and how many ordinary parts each of them counts as. Measured with two processors; the last part
/// counts twice, since nothing else is left to build beside it.
const HEAVY: [(&str, f64); 13] = [
    ("ra_ap_hir_ty", 150.0),
    ("ra_ap_hir_def", 70.0),
    ("ra_ap_ide_assists", 20.0),
    ("ra_ap_ide", 40.0),
    ("labs", 40.0),
    ("ra_ap_hir", 35.0),
    ("ra_ap_ide_db", 30.0),
    ("ra_ap_ide_completion", 25.0),
    ("ra_ap_hir_expand", 22.0),
    ("ra_ap_project_model", 22.0),
    ("ra_ap_intern", 20.0),
    ("evcxr", 17.0),
    ("ra_ap_syntax", 16.0),
];

/// A build that takes less time shows nothing.
const QUIET: Duration = Duration::from_secs(1);
/// At least this share of the work must be done before an estimate makes sense.
const ENOUGH: f64 = 0.05;

/// How far the build is.
pub(crate) struct Progress {
    terminal: bool,
    /// Whether nothing was built before.
    first: bool,
    began: Instant,
    /// When cargo had downloaded everything and began to build.
    building: Option<Instant>,
    parts: usize,
    parts_done: usize,
    heavy: HashMap<&'static str, f64>,
    /// The work that was done before this build, in ordinary parts.
    before: f64,
    announced: bool,
    /// How many tenths of the work were already reported in plain lines.
    tenths: u32,
}

impl Progress {
    pub(crate) fn new(first: bool) -> Progress {
        Progress {
            terminal: std::io::stderr().is_terminal(),
            first,
            began: Instant::now(),
            building: None,
            parts: 0,
            parts_done: 0,
            heavy: HEAVY.into(),
            before: 0.0,
            announced: false,
            tenths: 0,
        }
    }

    /// Cargo's own count.
    pub(crate) fn count(&mut self, done: usize, parts: usize) {
        self.building.get_or_insert_with(Instant::now);
        (self.parts_done, self.parts) = (done, parts);
    }

    /// The part called `name` is done; `fresh` if an earlier build has done it.
    pub(crate) fn part(&mut self, name: &str, fresh: bool) {
        self.heavy.remove(name);
        if fresh {
            self.before = self.work() - self.left();
        }
    }

    /// All work, in ordinary parts.
    fn work(&self) -> f64 {
        self.parts as f64 + HEAVY.iter().map(|(_, worth)| worth - 1.0).sum::<f64>()
    }

    /// The work that is left.
    fn left(&self) -> f64 {
        let ordinary = self.parts.saturating_sub(self.parts_done) as f64 - self.heavy.len() as f64;
        ordinary.max(0.0) + self.heavy.values().sum::<f64>()
    }

    /// How much of this build's work is done, from 0 to 1.
    fn share(&self) -> f64 {
        let all = self.work() - self.before;
        ((all - self.left()) / all).clamp(0.0, 1.0)
    }

    /// How long the rest takes, at this machine's pace so far.
    fn remaining(&self) -> Option<Duration> {
        let share = self.share();
        let elapsed = self.building?.elapsed().as_secs_f64();
        (share > ENOUGH).then(|| Duration::from_secs_f64(elapsed * (1.0 - share) / share))
    }

    /// Shows how far the build is.
    pub(crate) fn draw(&mut self) {
        if self.began.elapsed() < QUIET {
            return;
        }
        if !self.announced {
            self.announced = true;
            eprintln!(
                "{}",
                if self.first {
                    "Building the kernel. This is done once and takes minutes …"
                } else {
                    "Building what has changed in the kernel …"
                }
            );
        }
        if self.parts == 0 {
            return self.moving("cargo resolves and downloads the crates");
        }
        let left = match self.remaining() {
            Some(left) => format!("about {} left", duration(left)),
            None => "estimating".into(),
        };
        let so_far = format!("{} of {} parts, {left}", self.parts_done, self.parts);
        let filled = (self.share() * 24.0) as usize;
        self.moving(&format!(
            "[{}{}] {so_far}",
            "█".repeat(filled),
            "·".repeat(24 - filled)
        ));
        let tenths = (self.share() * 10.0) as u32;
        if !self.terminal && tenths > self.tenths && tenths < 10 {
            self.tenths = tenths;
            eprintln!("  {so_far}");
        }
    }

    /// Shows a line in the place of the one before.
    fn moving(&self, text: &str) {
        if self.terminal {
            eprint!("\r\x1b[K  {text}");
            let _ = std::io::stderr().flush();
        }
    }

    /// Prints a line that stays.
    pub(crate) fn note(&self, text: &str) {
        self.stop();
        eprintln!("{text}.");
    }

    /// Removes the moving line.
    pub(crate) fn stop(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }

    /// Says how long the build took, unless it was too short to show anything.
    pub(crate) fn done(&self) {
        if self.announced {
            eprintln!("The kernel is built ({}).", duration(self.began.elapsed()));
        }
    }
}

/// `time` in words: in seconds up to 90, then in minutes.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A build of `parts`, the heavy ones among them.
    fn build(parts: usize) -> Progress {
        let mut progress = Progress::new(true);
        progress.count(0, parts);
        progress
    }

    #[test]
    fn it_begins_at_nothing_and_ends_at_all() {
        let mut progress = build(100);
        assert_eq!(progress.share(), 0.0);
        assert!(progress.remaining().is_none());
        for (name, _) in HEAVY {
            progress.part(name, false);
        }
        progress.count(100, 100);
        assert_eq!(progress.share(), 1.0);
        assert_eq!(progress.remaining(), Some(Duration::ZERO));
    }

    #[test]
    fn a_heavy_part_moves_it_further_than_another() {
        let mut progress = build(100);
        progress.count(1, 100);
        progress.part("itoa", false);
        let one = progress.share();
        progress.count(2, 100);
        progress.part(HEAVY[0].0, false);
        assert!(progress.share() > 3.0 * one);
    }

    #[test]
    fn what_was_built_before_is_no_measure_of_the_pace() {
        let mut progress = build(100);
        for done in 1..=50 {
            progress.count(done, 100);
            progress.part("itoa", true);
        }
        assert_eq!(progress.share(), 0.0);
        progress.count(60, 100);
        let share = progress.share();
        assert!(share > 0.0 && share < 0.2, "{share}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(duration(Duration::from_secs(42)), "42 s");
        assert_eq!(duration(Duration::from_secs(400)), "7 min");
    }
}
