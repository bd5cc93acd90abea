//! The clocks that the standard library does not read, or not as a number.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;

/// CPU time that the calling thread has used, user and system.
pub(crate) fn thread_cpu_time() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(tv_sec as u64, tv_nsec as u32)
}

/// Nanoseconds since some moment before this process began, the same moment for all processes of the machine.
pub fn monotonic_nanos() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    tv_sec as u64 * 1_000_000_000 + tv_nsec as u64
}
