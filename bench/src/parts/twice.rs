//! What a student meets for the first time in a kernel, beside the same met once more: a first time that takes long is a notebook that
//! seems to hang. `kernels.py` has the cells.

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
/// So many of them are mistakes, whose first time is to be no longer than this many second times.
const MISTAKES: usize = 6;
const AT_MOST: f64 = 3.0;

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let kernels = match Kernels::find(&bench.folder, bench.quick) {
        Ok(kernels) => kernels,
        Err(why) => return bench.skip("first time", "the second time", &why),
    };
    // One kernel serves both: the second time is that of the kernel whose first was just measured.
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
