use crate::running::{RunError, run_workers};
use figures::Table;
use labsupport::process::Worker;
use labsupport::shared::Flag;
use std::time::{Duration, Instant};

/// How long worker 0 waits with its signal. Where a protocol lets nobody run ahead, it waits in vain.
const PATIENCE: Duration = Duration::from_secs(2);

/// What [`late_signal`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// The signal for transaction 1 came when worker 1 was at transaction 2.
    pub came_late: bool,
    /// Worker 1 then took transaction 2 for decided.
    pub dropped: bool,
}

/// Forces a late signal: worker 0 waits with `signal`, for transaction 1, until worker 1 has begun transaction 2; two seconds at most. Both
/// call `begin` before transaction 2. Worker 1 calls `is_dropped` when the signal was sent.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::signals::late_signal;
/// let flag = Flag::new()?;
/// let reset = |w: &Worker| if w.index() == 1 { flag.clear() };
/// let seen = late_signal(|| flag.set(), reset, || flag.is_set())?;
/// assert!(seen.came_late && seen.dropped);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn late_signal(
    signal: impl Fn(),
    begin: impl Fn(&Worker),
    is_dropped: impl Fn() -> bool,
) -> Result<Late, RunError> {
    let (at_2, signalled) = (Flag::new()?, Flag::new()?);
    let seen = run_workers(2, |w| {
        if w.index() == 0 {
            let clock = Instant::now();
            while !at_2.is_set() && clock.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
            let came_late = at_2.is_set();
            signal();
            signalled.set();
            begin(w);
            return came_late;
        }
        begin(w);
        at_2.set();
        while !signalled.is_set() {
            std::thread::yield_now();
        }
        is_dropped()
    })?;
    Ok(Late {
        came_late: seen[0],
        dropped: seen[1],
    })
}

/// A table of several protocols, each with its name.
///
/// # Examples
/// ```
/// use lessons::signals::{Late, late_table};
/// let table = late_table(&[("epoch", Late { came_late: true, dropped: false })]);
/// assert!(table.to_string().contains("epoch"));
/// ```
pub fn late_table(protocols: &[(&str, Late)]) -> Table {
    let table = Table::new([
        "protocol",
        "the signal came late",
        "transaction 2 was dropped",
    ])
    .words(3);
    let word = |is_so| if is_so { "yes" } else { "no" };
    protocols.iter().fold(table, |table, (name, late)| {
        table.row([*name, word(late.came_late), word(late.dropped)])
    })
}
