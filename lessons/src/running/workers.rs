use super::{LIMIT, RunError};
use labsupport::process::{Worker, Workers};
use serde::{Serialize, de::DeserializeOwned};

/// Starts `count` workers, waits until all of them are home, and returns what each has returned, in the order of the workers.
///
/// It is `Workers::spawn`, `join_timeout` and `into_values` in one, for a lab that asks how fast something is and not how a worker ends.
///
/// # Errors
/// A worker could not be started, or one did not come home within a minute: it panicked, was killed, or does not end. No worker is left
/// running.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let sums = run_workers(4, |w| w.share_of(0..100u64).sum::<u64>())?;
/// assert_eq!(sums.iter().sum::<u64>(), 4_950);
///
/// let error = run_workers(2, |w| assert_eq!(w.index(), 0)).unwrap_err();
/// assert!(error.to_string().contains("worker 1 of 2 panicked"));
/// # Ok::<(), RunError>(())
/// ```
pub fn run_workers<T: Serialize + DeserializeOwned>(
    count: usize,
    work: impl Fn(&Worker) -> T,
) -> Result<Vec<T>, RunError> {
    let workers = Workers::spawn(count, work)?;
    Ok(workers.join_timeout(LIMIT)?.into_values()?)
}
