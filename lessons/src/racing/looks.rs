use crate::running::{RunError, run_workers};
use labsupport::measure::{Samples, time};
use labsupport::shared::{Barrier, Flag};
use std::hint::black_box;

/// Workers that look.
const WORKERS: usize = 4;

/// Turns of the two looks.
const TURNS: usize = 9;

/// Looks of each worker in a turn: with the lock, and without.
const LOOKS: [u64; 2] = [20_000, 2_000_000];

/// Nanoseconds of one look, with the lock and without it, while four workers look as often as they can: nine turns of each, all workers. A
/// worker makes 20,000 of the first and 2,000,000 of the second, which begin for all of them at the same moment.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```no_run
/// use lessons::racing::looks_in_turns;
/// let [locked, free] = looks_in_turns(|flag| flag.lock().is_set(), |flag| flag.is_set())?;
/// println!("{locked} with the lock, {free} without");
/// # Ok::<(), lessons::RunError>(())
/// ```
#[allow(clippy::redundant_closure)] // it is inlined: see `running`
pub fn looks_in_turns(
    with_lock: impl Fn(&Flag) -> bool,
    without: impl Fn(&Flag) -> bool,
) -> Result<[Samples; 2], RunError> {
    let mut nanoseconds = [vec![], vec![]];
    for _ in 0..TURNS {
        nanoseconds[0].extend(together(LOOKS[0], |flag| with_lock(flag))?);
        nanoseconds[1].extend(together(LOOKS[1], |flag| without(flag))?);
    }
    Ok(nanoseconds.map(|values| Samples::new("ns", values)))
}

fn together(looks: u64, look: impl Fn(&Flag) -> bool) -> Result<Vec<f64>, RunError> {
    let (flag, start) = (Flag::new()?, Barrier::new(WORKERS)?);
    run_workers(WORKERS, |_| {
        start.wait();
        let seen = time(|| (0..looks).filter(|_| black_box(look(&flag))).count());
        seen.elapsed.as_nanos() as f64 / looks as f64
    })
}
