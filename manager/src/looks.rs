use std::hint;

/// How often to look before sleeping: some twenty microseconds, about as long as it takes to wake a core that sleeps.
const LOOKS: u32 = 100;

/// After so many misses in a row the pauses grow no longer.
const MOST_MISSES: u32 = 10;

/// Looking again and again for a moment before sleeping, where that has paid lately.
///
/// If both sides of a round trip are awake on cores of their own, it takes a tenth of the time: going to sleep and being
/// woken is what costs. If they share a core, each look keeps the one away that one waits for. Nobody can know beforehand
/// which it is, so this tries, and after each miss it does without for twice as many times as after the one before.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Misses, less the hits since.
    misses: u32,
    /// How many times it is still done without.
    pause: u32,
}

impl Looks {
    /// Looks until something is found, or for a moment.
    pub(super) fn until<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        // Found at once, it says nothing: the other side may have had this very core just before.
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

    /// How often `looks` looks in so many calls, of which each finds something at its `at`-th look.
    fn count(looks: &mut Looks, calls: u32, at: u32) -> u32 {
        let mut count = 0;
        for _ in 0..calls {
            let mut here = 0;
            looks.until(|| {
                (here, count) = (here + 1, count + 1);
                (here == at).then_some(())
            });
        }
        count
    }

    #[test]
    fn who_never_finds_anything_hardly_looks() {
        let looked = count(&mut Looks::default(), 100_000, u32::MAX);
        // A round of looks in every 1,024 calls, and some more at first.
        assert!((90..120).contains(&(looked / LOOKS)), "{looked}");
    }

    #[test]
    fn who_mostly_finds_something_goes_on_looking() {
        let mut looks = Looks::default();
        assert_eq!(count(&mut looks, 100, 3), 300);
        for _ in 0..100 {
            count(&mut looks, 1, u32::MAX);
            count(&mut looks, 9, 3);
        }
        assert!(looks.misses <= 2, "{looks:?}");
    }

    #[test]
    fn what_is_there_at_once_is_no_reason_to_look_on() {
        let mut looks = Looks::default();
        count(&mut looks, 5_000, u32::MAX);
        assert_eq!(looks.misses, MOST_MISSES);
        count(&mut looks, 5_000, 1);
        assert_eq!(looks.misses, MOST_MISSES);
    }
}
