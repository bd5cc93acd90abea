use std::fmt;
use std::ops::Range;

/// What a worker's closure knows about itself: its number, and how many there are.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let workers = Workers::spawn(4, |w| w.share_of(0..10).sum::<u64>())?;
/// let sums = workers.join()?.values()?;
/// assert_eq!(sums.iter().sum::<u64>(), 45);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    pub(super) index: usize,
    pub(super) count: usize,
}

impl Worker {
    /// The number of this worker, from 0 to `count() - 1`.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many workers were spawned together.
    pub fn count(&self) -> usize {
        self.count
    }

    /// This worker's part of `range`. The parts follow each other, cover the whole range, and differ in length by at most one. If there are more
    /// workers than numbers, some parts are empty.
    pub fn share_of<N: Share>(&self, range: Range<N>) -> Range<N> {
        N::share(range, self.index, self.count)
    }
}

/// The integers of a range that workers can share: `u32`, `u64` and `usize`.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// assert_eq!(u32::share(0..10, 0, 3), 0..4);
/// assert_eq!(u32::share(0..10, 1, 3), 4..7);
/// assert_eq!(u32::share(0..10, 2, 3), 7..10);
/// ```
pub trait Share: Sized {
    /// Part `index` of `count` parts of `range`.
    ///
    /// # Panics
    /// `count` is zero, or there is no part `index`.
    fn share(range: Range<Self>, index: usize, count: usize) -> Range<Self>;
}

macro_rules! share {
    ($($int:ty),*) => {$(
        impl Share for $int {
            fn share(range: Range<$int>, index: usize, count: usize) -> Range<$int> {
                assert!(count > 0, "a range was to be shared among 0 workers: share it among at least one.");
                assert!(
                    index < count,
                    "there is no part {index}: {count} parts are numbered 0 to {}.",
                    count - 1
                );
                // There may be more parts than the type can count.
                let (index, count) = (index as u128, count as u128);
                let total = range.end.saturating_sub(range.start) as u128;
                let (each, over) = (total / count, total % count);
                // The first `over` parts get one more number.
                let before = |i: u128| range.start + (each * i + i.min(over)) as $int;
                before(index)..before(index + 1)
            }
        }
    )*};
}

share!(u32, u64, usize);

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} of {}", self.index(), self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_does_not_exist_is_refused_with_a_sentence() {
        let said = |index, count| {
            let caught = std::panic::catch_unwind(|| u64::share(0..10, index, count));
            *caught.unwrap_err().downcast::<String>().unwrap()
        };
        assert!(std::panic::catch_unwind(|| u32::share(0..10, 0, 0)).is_err());
        assert_eq!(
            said(3, 3),
            "there is no part 3: 3 parts are numbered 0 to 2."
        );
        // 2^32 parts, of which a u32 counts none.
        assert_eq!(u32::share(0..10, 3, 1 << 32), 3..4);
        assert_eq!(u32::share(0..10, 1 << 31, 1 << 32), 10..10);
    }

    #[test]
    fn shares_cover_the_range_in_order_and_are_even() {
        for (range, count) in [(0..10u64, 4), (5..6, 3), (7..7, 2), (0..1_000_003, 7)] {
            let shares: Vec<_> = (0..count)
                .map(|index| Worker { index, count }.share_of(range.clone()))
                .collect();
            assert_eq!(shares[0].start, range.start);
            assert_eq!(shares[count - 1].end, range.end);
            assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start));
            let lengths = shares.iter().map(|s| s.end - s.start);
            assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
        }
    }
}
