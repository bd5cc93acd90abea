//! Things that a student meets in a kernel: how long each takes the first time, beside the second time. If the first time takes long, the
//! notebook seems to hang. `kernels.py` has the cells.

use crate::bench::Bench;
use crate::contest::{Contest, Target};
use crate::cores;
use crate::peers::kernel::{Kernels, Kind};
use anyhow::{Context, Result};
use std::cell::Cell;

pub(crate) const CONTESTS: usize = 1;

/// By the names that `kernels.py` gives them.
const WHAT: [&str; 12] = [
    "a missing semicolon",
    "an unknown function",
    "a missing semicolon after a spawn",
    "a closure in a variable",
    "a failed question mark",
    "a panic",
    "an interrupt",
    "Tab",
    "a figure",
    "a print",
    "an await",
    ":dep",
];
/// The first so many of them are mistakes. Their first time should take at most [`AT_MOST`] times as long as the second.
const MISTAKES: usize = 6;
const AT_MOST: f64 = 3.0;

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let kernels = match Kernels::find(&bench.folder, bench.quick) {
        Ok(kernels) => kernels,
        Err(why) => return bench.skip("first time", "the second time", &why),
    };
    // One kernel gives both times: the second time comes from the kernel whose first time was just measured.
    let second = Cell::new([0.0; WHAT.len()]);
    let first = || {
        let measured = kernels.twice(Kind::Labs)?;
        let mut times = [[0.0; WHAT.len()]; 2];
        for (index, what) in WHAT.into_iter().enumerate() {
            for (time, times) in times.iter_mut().enumerate() {
                let seconds = measured[what][time].as_f64();
                times[index] = seconds.with_context(|| format!("{what} was left out"))? * 1e9;
            }
        }
        second.set(times[1]);
        Ok(times[0])
    };
    let rounds = if bench.quick { 1 } else { 5 };
    let names = WHAT.map(|what| format!("first time: {what}"));
    let mut contest = Contest::new(names, &cores::allowed(), rounds, first)
        .peer("the second time", || Ok(second.get()));
    for mistake in 0..MISTAKES {
        contest = contest.target(mistake, Target::Ratio(AT_MOST));
    }
    bench.run(contest)
}
