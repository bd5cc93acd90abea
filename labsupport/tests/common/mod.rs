//! What several of these tests need.

use std::time::{Duration, Instant};

/// More than anything here takes, on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Looks until `what` is true, for at most ten seconds.
#[allow(dead_code)] // not used by all of them
pub(crate) fn soon(what: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if what() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[allow(dead_code)] // not used by all of them
pub(crate) fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[allow(dead_code)] // not used by all of them
pub(crate) fn spin_for_ever() -> ! {
    loop {
        std::hint::spin_loop();
    }
}
