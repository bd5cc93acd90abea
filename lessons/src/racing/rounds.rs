use super::Finding;
use crate::Proportion;
use crate::running::{RunError, run_workers};
use labsupport::measure::Work;
use labsupport::shared::{Array, Barrier};
use std::time::Duration;

/// How many rounds of a race went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    torn: u64,
    overwritten: u64,
    all: u64,
}

impl Rounds {
    /// The rounds in which finder and answer did not belong together at the end.
    pub fn torn(&self) -> Proportion {
        Proportion::new(self.torn, self.all)
    }

    /// The rounds in which not exactly one worker wrote.
    pub fn overwritten(&self) -> Proportion {
        Proportion::new(self.overwritten, self.all)
    }

    /// Whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        self.torn + self.overwritten == 0
    }
}

/// Lets two workers, 1 and 2, run `protocol` once in each of so many rounds. It gets the place for the result, the worker's number and the
/// work between the two writes, and returns whether it wrote.
///
/// The two begin each round together, at a barrier, and end it at another. No two finders take equally long, so in each round each of them
/// draws the work between its writes: an eighth of the rounds each 1/4, 2/4, … 8/4 of `window`.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// There are no rounds, or the window is longer than 30 s.
///
/// # Examples
/// ```
/// use lessons::racing::race;
/// use std::time::Duration;
/// let rounds = race(100, Duration::from_micros(1), |result, me, window| {
///     let is_first = result.found.set_once();
///     if is_first {
///         result.finder.set(me);
///         window.run();
///         result.answer.set(100 * me);
///     }
///     is_first
/// })?;
/// assert!(rounds.is_clean());
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn race(
    rounds: u64,
    window: Duration,
    protocol: impl Fn(&Finding, u64, Work) -> bool,
) -> Result<Rounds, RunError> {
    let windows = windows_of(window);
    let (table, writers) = (Finding::new()?, Array::<u64>::new(2)?);
    let (start, end) = (Barrier::new(2)?, Barrier::new(2)?);
    let seen = run_workers(2, |w| {
        let me = w.index() as u64 + 1;
        let mut dice = Dice::of(me);
        let (mut torn, mut overwritten) = (0u64, 0u64);
        for _ in 0..rounds {
            let window = windows[dice.roll()];
            start.wait();
            let wrote = protocol(&table, me, window);
            writers.set(w.index(), u64::from(wrote));
            if end.wait() {
                // True for one of the two, and the other waits at the start: it looks, and clears the table.
                torn += u64::from(!table.belongs_together());
                overwritten += u64::from(writers.lock().iter().sum::<u64>() != 1);
                table.found.clear();
            }
        }
        (torn, overwritten)
    })?;
    Ok(Rounds {
        torn: seen.iter().map(|seen| seen.0).sum(),
        overwritten: seen.iter().map(|seen| seen.1).sum(),
        all: rounds,
    })
}

pub(super) fn windows_of(window: Duration) -> [Work; 8] {
    [1, 2, 3, 4, 5, 6, 7, 8].map(|n| Work::costing((window * n / 4).max(Duration::from_nanos(1))))
}

/// Eight sides, all as likely. Each worker has its own, which fall alike in every race.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(worker: u64) -> Dice {
        Dice(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(worker))
    }

    /// Knuth's linear congruential generator; its highest bits are the best ones.
    pub(super) fn roll(&mut self) -> usize {
        self.0 = (self.0)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 61) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labsupport::shared::Flag;

    #[test]
    fn every_side_of_the_dice_is_as_likely() {
        for worker in [1, 2] {
            let mut dice = Dice::of(worker);
            let mut sides = [0; 8];
            (0..8_000).for_each(|_| sides[dice.roll()] += 1);
            assert!(
                sides.iter().all(|side| (850..1_150).contains(side)),
                "{sides:?}"
            );
        }
    }

    #[test]
    fn torn_and_overwritten_rounds_are_counted() {
        // Both write in every round, and worker 1 writes between the two writes of worker 2.
        let [half, done] = [(); 2].map(|()| Flag::new().unwrap());
        let wait = |flag: &Flag| {
            while !flag.is_set() {
                std::thread::yield_now();
            }
            flag.clear();
        };
        let rounds = race(5, Duration::from_nanos(1), |result, me, _| {
            match me {
                1 => {
                    wait(&half);
                    result.finder.set(1);
                    result.answer.set(100);
                    done.set();
                }
                _ => {
                    result.finder.set(2);
                    half.set();
                    wait(&done);
                    result.answer.set(200);
                }
            }
            true
        });
        let rounds = rounds.unwrap();
        assert_eq!((rounds.torn, rounds.overwritten, rounds.all), (5, 5, 5));
        assert!(!rounds.is_clean());
    }
}
