//! Starting and joining workers that do nothing. The system places them on all cores.

use crate::bench::Bench;
use crate::contest::{Contest, Target};
use crate::cores;
use crate::peers::processes;
use crate::python::Twin;
use anyhow::Result;
use labsupport::prelude::Workers;
use std::hint::black_box;
use std::time::Instant;

pub(crate) const CONTESTS: usize = 2;

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    for count in [1, 4] {
        let twin = |method: &str| {
            let mut twin = Twin::start(&bench.folder, "processes", &[&method, &count])?;
            anyhow::Ok(move || Ok([twin.ask::<1>(1)?[0] * 1e9]))
        };
        let ours = timed(|| {
            let workers = Workers::spawn(count, |w| w.index() as u64)?;
            black_box(workers.join()?.values()?);
            Ok(())
        });
        let bare = timed(|| {
            processes::bare_fork_and_wait(count);
            Ok(())
        });
        let name = format!("workers: start and join {count}");
        let mut contest =
            Contest::new([name], &cores::allowed(), 101, ours).peer("bare fork and wait", bare);
        let most = if count == 1 { 1.4 } else { 1.5 };
        contest = contest.target(0, Target::Ratio(most));
        let contest = contest
            .peer(
                "std::process::Command",
                timed(|| processes::commands(count)),
            )
            .peer_if("CPython Process, fork", twin("fork"))
            .peer_if("CPython Process, spawn", twin("spawn"));
        bench.run(contest)?;
    }
    Ok(())
}

fn timed(mut op: impl FnMut() -> Result<()>) -> impl FnMut() -> Result<[f64; 1]> {
    move || {
        let start = Instant::now();
        op()?;
        Ok([start.elapsed().as_nanos() as f64])
    }
}
