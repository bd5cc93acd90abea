use super::{LIMIT, ROOM, TASKS, WORKERS, stay_here};
use crate::running::RunError;
use figures::{Dots, Lane, Progress, Trace};
use labsupport::measure::Samples;
use labsupport::process::Workers;
use labsupport::shared::{Flag, Queue};
use std::fmt;
use std::time::Duration;

/// How many tasks are done by a pool of [`WORKERS`] that a flag ends. `work_until_flag` runs in each worker. When all of them wait for tasks,
/// `put_and_stop` runs in the parent: it puts the tasks and sets the flag.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// use lessons::pools::{TASKS, do_task, tasks_done};
/// use std::time::Duration;
/// let work = Work::costing(Duration::from_micros(10));
/// let done = tasks_done(
///     |log, tasks, stop| {
///         while !stop.is_set() {
///             if let Ok(task) = tasks.get_timeout(Duration::from_millis(1)) {
///                 do_task(&log, task, work);
///             }
///         }
///     },
///     |tasks, stop| {
///         for task in 0..TASKS {
///             tasks.put(task).unwrap();
///         }
///         while tasks.len() > 0 {} // then all are done or in a hand
///         stop.set();
///     },
/// )?;
/// assert_eq!(done, TASKS as usize);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn tasks_done(
    work_until_flag: impl Fn(Lane, &Queue<u32>, &Flag),
    put_and_stop: impl Fn(&Queue<u32>, &Flag),
) -> Result<usize, RunError> {
    one_pool(&work_until_flag, &put_and_stop)
}

fn one_pool(
    work_until_flag: &dyn Fn(Lane, &Queue<u32>, &Flag),
    put_and_stop: &dyn Fn(&Queue<u32>, &Flag),
) -> Result<usize, RunError> {
    let (trace, stop) = (Trace::new(WORKERS)?, Flag::new()?);
    let tasks = Queue::<u32>::bounded(ROOM)?;
    let pool = Workers::spawn(WORKERS, |w| {
        work_until_flag(trace.lane(w.index()), &tasks, &stop);
    })?;
    std::thread::sleep(Duration::from_millis(5)); // all of them are there and wait
    put_and_stop(&tasks, &stop);
    pool.join_timeout(LIMIT)?.values()?;
    Ok(trace.recording().tasks_done())
}

/// Runs the pool of [`tasks_done`] `runs` times: alone, and beside four processes that compute all the time, in turn.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```no_run
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// use lessons::pools::{do_task, tuned_runs};
/// use std::time::Duration;
/// let work = Work::costing(Duration::from_micros(500));
/// let tuned = tuned_runs(
///     20,
///     |log, tasks, stop| {
///         while !stop.is_set() {
///             if let Ok(task) = tasks.get_timeout(Duration::from_millis(1)) {
///                 do_task(&log, task, work);
///             }
///         }
///     },
///     |tasks, stop| {
///         for task in 0..60 {
///             tasks.put(task).unwrap();
///         }
///         std::thread::sleep(Duration::from_millis(20));
///         stop.set();
///     },
/// )?;
/// println!("{tuned}");
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn tuned_runs(
    runs: u32,
    work_until_flag: impl Fn(Lane, &Queue<u32>, &Flag),
    put_and_stop: impl Fn(&Queue<u32>, &Flag),
) -> Result<Tuned, RunError> {
    let mut tuned = Tuned::default();
    for run in Progress::over("runs", 0..runs) {
        if run % 2 == 0 {
            tuned.alone.push(one_pool(&work_until_flag, &put_and_stop)?);
            continue;
        }
        let busy = Workers::spawn(WORKERS, |_| stay_here())?;
        let done = one_pool(&work_until_flag, &put_and_stop);
        busy.terminate();
        busy.join_timeout(LIMIT)?;
        tuned.busy.push(done?);
    }
    Ok(tuned)
}

/// The tasks that were done in each run: see [`tuned_runs`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuned {
    alone: Vec<usize>,
    busy: Vec<usize>,
}

impl Tuned {
    /// In how many of the runs all tasks were done.
    ///
    /// # Examples
    /// As in [`tuned_runs`].
    pub fn all_done(&self) -> usize {
        all_done(&self.alone) + all_done(&self.busy)
    }

    /// A ring for each run.
    ///
    /// # Examples
    /// As in [`tuned_runs`].
    pub fn figure(&self) -> Dots {
        let rows = [(ALONE, &self.alone), (BUSY, &self.busy)];
        let rings = rows.iter().flat_map(|(row, runs)| {
            let numbered = (1..).zip(runs.iter());
            numbered.map(|(run, done)| (row.to_string(), format!("run {run}"), *done as f64))
        });
        let figure = Dots::new("A wait that was tuned, then the flag")
            .value(format!("tasks done, of {TASKS}"))
            .crowd("runs", rings)
            .mark("all of them", f64::from(TASKS))
            .caption(
                "A ring is a run, the dot with its line the median and the middle half. The flag comes after the same wait in every run.",
            );
        let filled = rows.iter().filter(|(_, runs)| !runs.is_empty());
        filled.fold(figure, |figure, (row, runs)| {
            let runs = Samples::new("tasks", runs.iter().map(|done| *done as f64));
            let [low, high] = [25.0, 75.0].map(|percent| runs.percentile(percent));
            figure.dot(*row, "median", runs.median(), low, high)
        })
    }
}

const ALONE: &str = "alone";
const BUSY: &str = "beside four busy processes";

fn all_done(runs: &[usize]) -> usize {
    let all = runs.iter().filter(|done| **done == TASKS as usize);
    all.count()
}

impl fmt::Display for Tuned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |name: &str, runs: &[usize]| {
            let fewest = runs.iter().min().map_or(0, |done| *done);
            format!(
                "{name}: all {TASKS} tasks done in {} of {} runs, at least {fewest} in each",
                all_done(runs),
                runs.len()
            )
        };
        writeln!(f, "{}", part(ALONE, &self.alone))?;
        f.write_str(&part(BUSY, &self.busy))
    }
}

labsupport::shown_in_words!(Tuned);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pools::{do_task, wait_until};
    use labsupport::measure::Work;

    fn work_until_flag(log: Lane, tasks: &Queue<u32>, stop: &Flag) {
        while !stop.is_set() {
            if let Ok(task) = tasks.get_timeout(Duration::from_millis(1)) {
                do_task(&log, task, Work::costing(Duration::from_micros(10)));
            }
        }
    }

    fn put_all(tasks: &Queue<u32>) {
        (0..TASKS).try_for_each(|task| tasks.put(task)).unwrap();
    }

    #[test]
    fn a_wait_that_is_long_enough_keeps_every_task_and_none_at_all_loses_some() {
        let patient = tuned_runs(4, work_until_flag, |tasks, stop| {
            put_all(tasks);
            wait_until(|| tasks.is_empty());
            stop.set();
        });
        let patient = patient.unwrap();
        assert_eq!(
            (patient.all_done(), patient.alone.len(), patient.busy.len()),
            (4, 2, 2)
        );
        assert!(
            patient.to_string().contains(
                "alone: all 60 tasks done in 2 of 2 runs, at least 60 in each\nbeside four"
            ),
            "{patient}"
        );
        assert!(patient.figure().svg().is_ok());
        let hasty = tuned_runs(2, work_until_flag, |tasks, stop| {
            stop.set();
            put_all(tasks);
        });
        assert_eq!(hasty.unwrap().all_done(), 0);
    }
}
