use std::time::{Duration, Instant};

/// How long a call may take if nothing else was said.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A moment by which something must have happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    begun: Instant,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Deadline {
        Deadline {
            begun: Instant::now(),
            limit,
        }
    }

    /// The time that is left; `None` if there is none.
    pub(crate) fn left(&self) -> Option<Duration> {
        let left = self.limit.checked_sub(self.begun.elapsed())?;
        (!left.is_zero()).then_some(left)
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }
}
