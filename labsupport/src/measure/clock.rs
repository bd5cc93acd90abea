use crate::sys;
use std::time::Duration;

/// The CPU time that the calling worker (to be exact, the calling thread) has used so far. The difference of two calls is the time that it ran
/// in between, without the time in which other threads had the core.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use std::time::Duration;
/// let before = cpu_time();
/// std::thread::sleep(Duration::from_millis(20)); // sleeping uses no CPU
/// assert!(cpu_time() - before < Duration::from_millis(10));
/// ```
pub fn cpu_time() -> Duration {
    sys::thread_cpu_time()
}
