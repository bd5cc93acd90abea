use super::LIMIT;
use crate::Proportion;
use crate::running::RunError;
use figures::Progress;
use labsupport::process::Workers;
use labsupport::shared::Value;
use std::time::Duration;

/// In how many of `runs` runs a pair in shared memory is torn when the four workers that write it are ended from outside. `count` runs in each
/// worker and should never return. The parent ends them after a millisecond and a little more, in each run at a different moment.
///
/// # Errors
/// A worker could not be started, or the parent could not wait for it.
///
/// # Panics
/// There are no runs.
///
/// # Examples
/// ```
/// use lessons::pools::{stay_here, torn_when_ended};
/// let torn = torn_when_ended(3, |pair| {
///     pair.lock().0 = 1; // and never the other half
///     stay_here()
/// })?;
/// println!("torn in {torn}");
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn torn_when_ended(
    runs: u32,
    count: impl Fn(&Value<(u64, u64)>),
) -> Result<Proportion, RunError> {
    let mut torn = 0;
    for run in Progress::over("runs", 0..runs) {
        let pair = Value::new((0u64, 0u64))?;
        let counters = Workers::spawn(4, |_| count(&pair))?;
        std::thread::sleep(Duration::from_micros(1000 + 13 * u64::from(run)));
        counters.terminate();
        counters.join_timeout(LIMIT)?;
        let (first, second) = pair.get();
        torn += u64::from(first != second);
    }
    Ok(Proportion::new(torn, u64::from(runs)))
}
