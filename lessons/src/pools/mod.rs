//! What lab 01 needs beside its loops: a pool's sizes, a task that is noted in the diary, the autopsy, and runs that are repeated.
//!
//! The lab shows how the workers take tasks and how they are sent home. Here is what counts what became of the tasks.

mod answers;
mod autopsy;
mod diary;
mod torn;
mod tuned;

use std::time::{Duration, Instant};

pub use answers::Answers;
pub use autopsy::{Ended, autopsy, side_by_side};
pub use diary::{diary_cost, do_task};
pub use torn::torn_when_ended;
pub use tuned::{Tuned, tasks_done, tuned_runs};

/// The workers of a pool.
pub const WORKERS: usize = 4;

/// The tasks that a pool gets. They have the numbers from 0 on.
pub const TASKS: u32 = 60;

/// The places in a queue: more than there are ever messages, so no put waits.
pub const ROOM: usize = TASKS as usize + 2 * WORKERS + 100;

/// Nothing in lab 01 waits longer.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Gives the core to others until `is_so`.
///
/// # Panics
/// It does not become so within [`LIMIT`].
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::pools::wait_until;
/// let flag = Flag::new()?;
/// let worker = Workers::spawn(1, |_| flag.set())?;
/// wait_until(|| flag.is_set());
/// worker.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_until(is_so: impl Fn() -> bool) {
    let clock = Instant::now();
    while !is_so() {
        assert!(
            clock.elapsed() < LIMIT,
            "it did not happen within {LIMIT:?}"
        );
        std::thread::yield_now();
    }
}

/// Never returns: the worker stays here until it is ended from outside.
pub fn stay_here() {
    loop {
        std::hint::spin_loop();
    }
}
