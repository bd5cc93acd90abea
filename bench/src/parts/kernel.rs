//! The notebook kernel, from its start to an edited figure, beside plain evcxr and beside Python.
//!
//! The cells do the same in each: 1 + 1, then lab 00's first cell, then a line through ten points, then the same line ten times
//! with another number.

use crate::bench::Bench;
use crate::contest::{Contest, Target, Unit};
use crate::cores;
use crate::peers::kernel::{Kernels, Kind};
use anyhow::Result;

pub(crate) const CONTESTS: usize = 2;

/// Indices into a measurement: see `QUANTITIES`.
const FIGURE: usize = 3;
const EDITED: usize = 4;
const MEMORY: usize = 5;

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let kernels = match Kernels::find(&bench.folder, bench.quick) {
        Ok(kernels) => kernels,
        Err(why) => return bench.skip("kernel", "every kernel", &why),
    };
    let cores = cores::allowed();
    let measured = |kind| {
        let kernels = &kernels;
        move || {
            let [info, idle, first, figure, edited, memory] = kernels.measure(kind)?;
            let times = [info, idle, first, figure, edited].map(|seconds| seconds * 1e9);
            let [info, idle, first, figure, edited] = times;
            Ok([info, idle, first, figure, edited, memory])
        }
    };
    let names = [
        "start to kernel_info",
        "start to 1 + 1",
        "first cell",
        "first figure",
        "edited figure",
        "memory with a figure",
    ];
    let cold = names.map(|name| format!("kernel: {name}"));
    // A round takes minutes, so `--quick` measures only one, after the one that warms up.
    let rounds = if bench.quick { 1 } else { 5 };
    let contest = Contest::new(cold, &cores, rounds, measured(Kind::Labs))
        .unit(MEMORY, Unit::Bytes)
        .peer("stock evcxr, cold", measured(Kind::Stock))
        .target(FIGURE, Target::Ratio(0.3))
        .peer("evcxr without crates", measured(Kind::StockBare))
        .target(EDITED, Target::Ratio(1.5))
        .peer("ipykernel", measured(Kind::Ipykernel))
        .target(FIGURE, Target::Ratio(1.0));
    bench.run(contest)?;

    // A spare's memory is not its notebook's, so that row is left out.
    let with_spare = |kind| {
        let measured = measured(kind);
        move || {
            let [info, idle, first, figure, edited, _] = measured()?;
            Ok([info, idle, first, figure, edited])
        }
    };
    let [info, idle, first, figure, edited, _] = names.map(|name| format!("spare kernel: {name}"));
    let names = [info, idle, first, figure, edited];
    let contest = Contest::new(names, &cores, rounds, with_spare(Kind::Spare))
        .peer("stock evcxr, cold", with_spare(Kind::Stock))
        .target(FIGURE, Target::Ratio(0.3))
        .peer("ipykernel", with_spare(Kind::Ipykernel))
        .target(FIGURE, Target::Ratio(1.0));
    bench.run(contest)
}
