use crate::running::{LIMIT, RunError};
use labsupport::measure::{Samples, Work};
use labsupport::process::Workers;
use labsupport::shared::Queue;
use std::time::{Duration, Instant};

/// How often each is measured.
const TIMES: usize = 101;

/// Nanoseconds of one `access` after a millisecond of other work, in which the other side has gone to sleep: the median of 101.
///
/// # Examples
/// ```
/// use lessons::ladder::after_pause;
/// use manager::prelude::*;
/// let manager = Manager::start()?;
/// let dict = manager.dict::<u8, u8>("ages")?;
/// println!("{:.0} ns", after_pause(|| dict.len().unwrap()));
/// # Ok::<(), ManagerError>(())
/// ```
pub fn after_pause<T>(access: impl Fn() -> T) -> f64 {
    let pause = Work::costing(Duration::from_millis(1));
    let once = |_| {
        pause.run();
        let clock = Instant::now();
        std::hint::black_box(access());
        clock.elapsed().as_nanos() as f64
    };
    Samples::new("ns", (0..TIMES).map(once)).median()
}

/// Nanoseconds to hand something over through a queue, after a pause: half of the way there and back.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// The worker dies, so that nothing comes back.
///
/// # Examples
/// ```
/// assert!(lessons::ladder::hand_off_after_pause()? > 0.0);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn hand_off_after_pause() -> Result<f64, RunError> {
    let (there, back) = (Queue::<Option<u64>>::bounded(8)?, Queue::<u64>::bounded(8)?);
    let echo = Workers::spawn(1, |_| {
        while let Some(n) = there.get().expect("the parent puts a pill") {
            back.put(n).expect("there is room");
        }
    })?;
    let there_and_back = after_pause(|| {
        there.put(Some(1)).expect("there is room");
        back.get_timeout(LIMIT)
            .unwrap_or_else(|error| panic!("{error}"))
    });
    there.put(None).expect("there is room");
    echo.join_timeout(LIMIT)?.into_values()?;
    Ok(there_and_back / 2.0)
}
