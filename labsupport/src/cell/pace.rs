use std::time::{Duration, Instant};

/// How often something may be shown.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    next: Instant,
    every: Duration,
}

impl Pace {
    /// The first time at `first`, and from then on at most once in `every`.
    pub fn new(first: Instant, every: Duration) -> Pace {
        Pace { next: first, every }
    }

    /// Whether it may be shown `now`. If so, the caller shows it.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.every;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_late_one_the_next_one_is_later_too() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(at(20), Duration::from_millis(10));
        let due: Vec<u64> = [0, 19, 20, 29, 35, 40, 44, 45]
            .into_iter()
            .filter(|&millis| pace.is_due(at(millis)))
            .collect();
        assert_eq!(due, [20, 35, 45]);
    }
}
