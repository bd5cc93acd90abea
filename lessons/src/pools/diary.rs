use super::{LIMIT, WORKERS};
use crate::running::RunError;
use figures::{Event, Lane, Trace};
use labsupport::measure::{Samples, Work};
use labsupport::process::Workers;
use labsupport::shared::Queue;
use std::time::Instant;

/// Does a task: notes in the diary that it was taken, works, and notes that it is done.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// use lessons::pools::do_task;
/// use std::time::Duration;
/// let trace = Trace::new(1)?;
/// do_task(&trace.lane(0), 7, Work::costing(Duration::from_micros(10)));
/// assert_eq!(trace.recording().tasks_done(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn do_task(log: &Lane, task: u32, work: Work) {
    log.record(Event::TaskTaken(task));
    work.run();
    log.record(Event::TaskDone(task));
}

/// Turns with the diary and without.
const TURNS: usize = 21;

/// Tasks of the pool that is timed.
const TASKS: u32 = 1_000;

/// By how many percent a pool of 1,000 tasks is slower with a diary than without, in each of 21 turns. `work_until_pill` runs in each worker.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```no_run
/// use lessons::pools::{diary_cost, do_task};
/// use labsupport::prelude::*;
/// use std::time::Duration;
/// let work = Work::costing(Duration::from_micros(10));
/// let slower = diary_cost(|log, tasks| {
///     while let Ok(Some(task)) = tasks.get() {
///         do_task(&log, task, work);
///     }
/// })?;
/// println!("slower by {slower}");
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn diary_cost(
    work_until_pill: impl Fn(Lane, &Queue<Option<u32>>),
) -> Result<Samples, RunError> {
    let milliseconds = |trace: &Trace| {
        let tasks = Queue::<Option<u32>>::bounded(2 * TASKS as usize)?;
        let clock = Instant::now();
        let pills = std::iter::repeat_n(None, WORKERS);
        for message in (0..TASKS).map(Some).chain(pills) {
            tasks.put(message).unwrap_or_else(|error| panic!("{error}"));
        }
        let pool = Workers::spawn(WORKERS, |w| work_until_pill(trace.lane(w.index()), &tasks))?;
        pool.join_timeout(LIMIT)?.into_values()?;
        Ok::<f64, RunError>(clock.elapsed().as_secs_f64() * 1e3)
    };
    let turn = |_| {
        let with = milliseconds(&Trace::new(WORKERS)?)?;
        Ok(100.0 * (with / milliseconds(&Trace::off(WORKERS))? - 1.0))
    };
    let turns = (0..TURNS)
        .map(turn)
        .collect::<Result<Vec<f64>, RunError>>()?;
    Ok(Samples::new("%", turns))
}
