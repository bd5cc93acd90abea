use std::hint;

/// How often to look before sleeping: some twenty microseconds, about as long as it takes to wake a core that sleeps.
const LOOKS: u32 = 100;

/// After this many misses in a row the pauses grow no longer.
const MOST_MISSES: u32 = 10;

/// An adaptive spin: looking again and again for a moment before sleeping, as long as that pays.
///
/// If both sides of a round trip are awake on cores of their own, it takes a tenth of the time: what costs is going to sleep
/// and being woken. If they share a core, each look only delays the other side. No process can know in advance which it is. So
/// this one tries, and after each miss it sleeps at once for twice as many calls as after the miss before.
#[derive(Debug, Default)]
pub(crate) struct Spin {
    /// Misses, less the hits since.
    misses: u32,
    /// For how many more calls it does not look.
    pause: u32,
}

impl Spin {
    /// Looks until it finds something, or for a moment.
    pub(crate) fn until<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        // What is found at once says nothing: the other side may have had this very core just before.
        if let Some(found) = look() {
            return Some(found);
        }
        for _ in 1..LOOKS {
            hint::spin_loop();
            if let Some(found) = look() {
                self.misses = self.misses.saturating_sub(1);
                return Some(found);
            }
        }
        self.misses = MOST_MISSES.min(self.misses + 1);
        self.pause = (1 << self.misses) - 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often `spin` looks in that many calls, each of which finds something at its `at`-th look.
    fn count(spin: &mut Spin, calls: u32, at: u32) -> u32 {
        let mut count = 0;
        for _ in 0..calls {
            let mut here = 0;
            spin.until(|| {
                (here, count) = (here + 1, count + 1);
                (here == at).then_some(())
            });
        }
        count
    }

    #[test]
    fn without_hits_it_hardly_looks() {
        let looked = count(&mut Spin::default(), 100_000, u32::MAX);
        // A round of looks in every 1,024 calls, and some more at first.
        assert!((90..120).contains(&(looked / LOOKS)), "{looked}");
    }

    #[test]
    fn with_mostly_hits_it_goes_on_looking() {
        let mut spin = Spin::default();
        assert_eq!(count(&mut spin, 100, 3), 300);
        for _ in 0..100 {
            count(&mut spin, 1, u32::MAX);
            count(&mut spin, 9, 3);
        }
        assert!(spin.misses <= 2, "{spin:?}");
    }

    #[test]
    fn what_is_there_at_once_is_no_reason_to_look_on() {
        let mut spin = Spin::default();
        count(&mut spin, 5_000, u32::MAX);
        assert_eq!(spin.misses, MOST_MISSES);
        count(&mut spin, 5_000, 1);
        assert_eq!(spin.misses, MOST_MISSES);
    }
}
