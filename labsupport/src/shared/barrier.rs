//! The barrier.
//!
//! # Protocol
//!
//! One 32-bit word holds everything, so one compare-and-swap moves everything, and the sleepers sleep on it too:
//!
//! ```text
//!  31            16 15             0      arrive     (r, n)           →  (r, n + 1)   then wait until r has changed
//! ┌────────────────┬────────────────┐     the last   (r, parties - 1) →  (r + 1, 0)   then wake all
//! │    round r     │   arrived n    │     give up    (r, n)           →  (r, n - 1)   only while the round is still r
//! └────────────────┴────────────────┘
//! ```
//!
//! **Killed anywhere.** The store that counts the last arrival ends the round; there is no state in between. If the last party dies before it
//! wakes the others, they find the new round within 50 ms.
//!
//! **Overflow and ABA.** The round counts modulo 2^16, and one bit would be enough: a waiting party is one of the arrivals
//! that the next round needs, so the rounds are at most one ahead of it. It cannot miss a round, let alone
//! 65,536 of them. A swap that compares an old word with an equal new one does no harm, since the word is the whole state.
//!
//! **Orderings.** Each arrival is an acquire and a release of the same word, and each party that waits acquires it. So whatever any
//! party wrote before it arrived, all see afterwards.

use super::{Segment, SharedError};
use crate::sync::{Futex, Ordering};
use crate::sys::{self, LOOK_AGAIN, fault};
use std::fmt;
use std::hint;
use std::time::{Duration, Instant};

/// The lower half of the word counts arrivals, the upper half rounds.
const ROUND: u32 = 1 << 16;

/// The largest number in the lower half.
const MOST_PARTIES: usize = (ROUND - 1) as usize;

/// How often to look again before sleeping.
///
/// If each party can have a core of its own, it looks for some hundred microseconds: then all continue within the time that a cache line
/// takes to reach another core. Parties that were asleep continue tens of microseconds later, and the system may even put them on the core of
/// the party that woke them, so that they do not run side by side at all. With more parties than cores, a party that looks for long keeps
/// the very party off the core that it waits for.
fn looks(parties: usize, cores: usize) -> u32 {
    match cores {
        1 => 0,
        cores if parties <= cores => 20_000,
        _ => 200,
    }
}

/// A point that all parties must reach before any of them continues: Python's `multiprocessing.Barrier`.
///
/// It works round after round. Whatever a party wrote before [`wait`](Barrier::wait), all of them see after it. Use it to start workers
/// together, or to keep the steps of a computation apart.
///
/// If a party dies before it arrives, or returns a round too early, the others wait for it. If it dies while it waits, it is missing in the
/// next round. The others cannot know that it will not come, so only the deadline of
/// [`join_timeout`](crate::process::Workers::join_timeout) ends the wait. The report then says which workers waited, and how the missing one
/// ended.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let barrier = Barrier::new(4)?;
/// let sums = Array::<u64>::new(4)?;
/// let workers = Workers::spawn(4, |w| {
///     sums.set(w.index(), w.share_of(1..101u64).sum());
///     barrier.wait(); // from here on every worker sees all four
///     sums.lock().iter().sum::<u64>()
/// })?;
/// assert_eq!(workers.join()?.values()?, [5050; 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Barrier {
    // The word alone.
    pub(super) segment: Segment,
    parties: u32,
    looks: u32,
    creator: sys::Pid,
}

/// The word, taken apart.
#[derive(Clone, Copy)]
struct State {
    round: u32,
    arrived: u32,
}

impl State {
    fn of(word: u32) -> State {
        State {
            round: word / ROUND,
            arrived: word % ROUND,
        }
    }
}

impl Barrier {
    /// A barrier that opens when `parties` parties have arrived.
    ///
    /// # Errors
    /// Zero parties or over 65,535, or no room in shared memory.
    pub fn new(parties: usize) -> Result<Barrier, SharedError> {
        if parties == 0 {
            return Err(SharedError::Empty("parties"));
        }
        if parties > MOST_PARTIES {
            return Err(SharedError::TooLarge {
                asked: parties,
                limit: MOST_PARTIES,
                of: "parties",
            });
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let segment = Segment::of_kind("barrier", size_of::<Futex>())?;
        // SAFETY: the segment is new and has room for the word.
        unsafe { segment.place(0, Futex::new(0)) };
        Ok(Barrier {
            segment,
            parties: parties as u32,
            // On one core nothing can change while we look.
            looks: looks(parties, cores),
            creator: sys::getpid(),
        })
    }

    #[inline]
    fn word(&self) -> &Futex {
        // SAFETY: `new` placed the word there, and everyone uses it as an atomic.
        unsafe { self.segment.at::<Futex>(0).as_ref() }
    }

    /// How many parties must arrive.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// assert_eq!(Barrier::new(4)?.parties(), 4);
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn parties(&self) -> usize {
        self.parties as usize
    }

    /// Arrives, and waits until all parties have arrived. Exactly one party of each round gets `true`, the last to arrive: it can do what is to
    /// be done once.
    ///
    /// # Panics
    /// The calling process made the barrier, parties are missing, and it has no worker and no other thread left that could arrive. A worker
    /// waits until the deadline of [`join_timeout`](crate::process::Workers::join_timeout).
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let barrier = Barrier::new(3)?;
    /// let workers = Workers::spawn(3, |_| (0..10).filter(|_| barrier.wait()).count())?;
    /// let firsts = workers.join()?.values()?;
    /// assert_eq!(firsts.iter().sum::<usize>(), 10); // one of three in each round
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> bool {
        let Some(round) = self.arrive() else {
            return true;
        };
        while !self.is_over(round, LOOK_AGAIN) {
            if self.is_alone() && !self.is_over(round, Duration::ZERO) {
                let missing = self.parties - State::of(self.word().load(Ordering::Relaxed)).arrived;
                self.leave(round);
                panic!(
                    "a barrier of {} parties waits for {missing} more, and no worker is left that could arrive: make \
                     it for as many parties as call wait, and see in the report how the others ended.",
                    self.parties
                );
            }
        }
        false
    }

    /// As [`wait`](Barrier::wait), but waits at most for `limit`. `None` when the time is up: then this party counts as not arrived, and the
    /// others still wait for one more.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let barrier = Barrier::new(2)?;
    /// assert_eq!(barrier.wait_timeout(Duration::from_millis(1)), None);
    /// let workers = Workers::spawn(2, |_| barrier.wait_timeout(Duration::from_secs(20)))?;
    /// let mut said = workers.join()?.values()?;
    /// said.sort();
    /// assert_eq!(said, [Some(false), Some(true)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout(&self, limit: Duration) -> Option<bool> {
        let begun = Instant::now();
        let Some(round) = self.arrive() else {
            return Some(true);
        };
        loop {
            // Not a deadline: an `Instant` cannot hold the longest ones.
            let left = limit.saturating_sub(begun.elapsed());
            if self.is_over(round, LOOK_AGAIN.min(left)) {
                return Some(false);
            }
            if left.is_zero() {
                return self.leave(round);
            }
        }
    }

    /// Counts this party in. Returns the round that it waits for, `None` if it was the last to arrive.
    fn arrive(&self) -> Option<u32> {
        let mut word = self.word().load(Ordering::Relaxed);
        loop {
            let State { round, arrived } = State::of(word);
            let last = arrived + 1 >= self.parties;
            let next = if last {
                round.wrapping_add(1).wrapping_mul(ROUND)
            } else {
                word + 1
            };
            fault::point("barrier: arriving");
            match self.swap(word, next) {
                Err(now) => word = now,
                Ok(()) if last => {
                    fault::point("barrier: complete");
                    self.word().wake(i32::MAX as u32);
                    return None;
                }
                Ok(()) => {
                    fault::point("barrier: arrived");
                    return Some(round);
                }
            }
        }
    }

    /// Counts this party out again, unless its round has ended meanwhile.
    fn leave(&self, round: u32) -> Option<bool> {
        let mut word = self.word().load(Ordering::Acquire);
        while State::of(word).round == round {
            match self.swap(word, word - 1) {
                Err(now) => word = now,
                Ok(()) => return None,
            }
        }
        Some(false)
    }

    fn swap(&self, word: u32, next: u32) -> Result<(), u32> {
        self.word()
            .compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire)
            .map(|_| ())
    }

    /// Whether `round` has ended. Looks for a moment, then sleeps once, at most for `limit`.
    fn is_over(&self, round: u32, limit: Duration) -> bool {
        let over = || {
            let word = self.word().load(Ordering::Acquire);
            (State::of(word).round != round, word)
        };
        for _ in 0..self.looks {
            if over().0 {
                return true;
            }
            hint::spin_loop();
        }
        let (ended, word) = over();
        if !ended && !limit.is_zero() {
            // It returns at once if a party has arrived since, because the word has changed. Then the caller asks again.
            self.word().wait(word, limit);
        }
        ended || over().0
    }

    /// Whether no other process or thread is left that could arrive. Only the process that made the barrier and the workers forked from it know
    /// the memory, and a worker does not outlive its parent. Slow; for callers that have waited long.
    fn is_alone(&self) -> bool {
        self.creator == sys::getpid() && !sys::has_live_children() && sys::other_threads() == 0
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = State::of(self.word().load(Ordering::Relaxed)).arrived;
        write!(f, "Barrier({arrived} of {} arrived)", self.parties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_survive_their_own_overflow() {
        let barrier = Barrier::new(3).unwrap();
        let nearly_over = (ROUND - 3).wrapping_mul(ROUND);
        barrier.word().store(nearly_over, Ordering::Relaxed);
        let wait = || (0..10).filter(|_| barrier.wait()).count();
        let lasts = std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(wait));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(lasts.iter().sum::<usize>(), 10);
        assert_eq!(State::of(barrier.word().load(Ordering::Relaxed)).round, 7);
    }
}
