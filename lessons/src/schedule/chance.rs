use super::error::ExplorerError;
use super::letter::letter;
use super::protocol::Protocol;
use super::stamps::Stamps;
use super::step::LockUse;
use super::steps::{Place, Steps};
use labsupport::internal::monotonic_nanos;
use labsupport::process::{Exit, Workers};
use labsupport::shared::{Barrier, Lock, Segment, SharedError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What racing processes share: the words, a word for each worker that says whether it can still act, and two locks.
struct Track<'a> {
    protocol: &'a Protocol,
    segment: Segment,
    /// Makes one step indivisible, its stamp included: so the order of the stamps is the order of the steps.
    one_step: Lock,
    /// The lock of the protocol.
    lock: Lock,
    start: Barrier,
    end: Barrier,
}

// What a worker can do, written while it holds `one_step`.
const RUNS: u64 = 0;
/// It wants the lock, and was refused when it last tried.
const WAITS: u64 = 1;
const ENDED: u64 = 2;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs the protocol so many times on real processes that nobody forces, and stamps every step.
pub(super) fn race(protocol: &Protocol, rounds: usize) -> Result<Stamps, ExplorerError> {
    let stamps = Stamps::new(protocol, rounds)?;
    let failed = |error: SharedError| ExplorerError::Processes(error.to_string());
    let workers = protocol.lists.len();
    let words = protocol.start.values().len();
    let track = Track {
        protocol,
        segment: Segment::new(8 * (words + workers)).map_err(failed)?,
        one_step: Lock::new().map_err(failed)?,
        lock: Lock::new().map_err(failed)?,
        start: Barrier::new(workers).map_err(failed)?,
        end: Barrier::new(workers).map_err(failed)?,
    };
    track.clear();
    let crew = Workers::spawn(workers, |w| {
        let mut dice = monotonic_nanos() | 1;
        for round in 0..rounds {
            track.start.wait();
            let guard = track.run(
                &protocol.lists[w.index()],
                w.index(),
                |step| {
                    stamps.stamp(w.index(), round, step);
                },
                &mut dice,
            );
            if track.end.wait() {
                stamps.end(round, track.words().values().iter().copied());
                track.clear();
            }
            drop(guard); // before the next start
        }
    });
    let crew = crew.map_err(|error| ExplorerError::Processes(error.to_string()))?;
    let report = crew.join_timeout(LIMIT);
    let report = report.map_err(|error| ExplorerError::Processes(error.to_string()))?;
    let late = |exit: &Exit| matches!(exit, Exit::TimedOut { .. });
    let bad = report.outcomes().iter().filter(|o| !o.exit().is_returned());
    match bad.min_by_key(|outcome| late(outcome.exit())) {
        None => Ok(stamps),
        Some(outcome) => Err(ExplorerError::Processes(format!(
            "worker {} did not reach the end of {rounds} rounds: {}.",
            letter(outcome.index()),
            outcome.exit()
        ))),
    }
}

impl Track<'_> {
    fn word(&self, index: usize) -> &AtomicU64 {
        self.segment.word(index)
    }

    fn words(&self) -> super::words::Words {
        let words = 0..self.protocol.start.values().len();
        let values = words.map(|index| self.word(index).load(Ordering::Relaxed));
        self.protocol.start.with(values.collect())
    }

    fn status(&self, worker: usize) -> &AtomicU64 {
        self.word(self.protocol.start.values().len() + worker)
    }

    /// Makes all ready for a round, while nobody runs. The barriers and `one_step` order these accesses and all others.
    fn clear(&self) {
        for (index, &value) in self.protocol.start.values().iter().enumerate() {
            self.word(index).store(value, Ordering::Relaxed);
        }
        for worker in 0..self.protocol.lists.len() {
            self.status(worker).store(RUNS, Ordering::Relaxed);
        }
    }

    /// Whether no other worker can do anything any more: each has ended or waits.
    fn all_others_rest(&self, me: usize) -> bool {
        let mut others = (0..self.protocol.lists.len()).filter(|&worker| worker != me);
        others.all(|worker| self.status(worker).load(Ordering::Relaxed) != RUNS)
    }

    /// Does the steps of worker `me`, until it is done or waits for a lock that nobody will give back. The result is the lock, if it still
    /// has it.
    fn run(
        &self,
        steps: &Steps,
        me: usize,
        stamp: impl Fn(usize),
        dice: &mut u64,
    ) -> Option<impl Drop> {
        let mut place = Place::default();
        let mut guard = None;
        while let Some(step) = steps.at(place) {
            pause(dice);
            let one_step = self.one_step.lock();
            match step.lock_use() {
                LockUse::Take => match self.lock.try_lock() {
                    Some(taken) => guard = Some(taken),
                    None => {
                        self.status(me).store(WAITS, Ordering::Relaxed);
                        // The holder is among the others. Statuses change under `one_step` alone, so what is seen here stays true.
                        if self.all_others_rest(me) {
                            return guard;
                        }
                        drop(one_step);
                        thread::yield_now();
                        continue;
                    }
                },
                LockUse::GiveBack => guard = None,
                LockUse::Nothing => {}
            }
            let mut words = self.words();
            let goes_on = step.act(&mut words, me as u64 + 1);
            for (index, &value) in words.values().iter().enumerate() {
                self.word(index).store(value, Ordering::Relaxed);
            }
            stamp(place.next.into());
            place = steps.after(place, goes_on, guard.is_some());
            let status = if steps.at(place).is_some() {
                RUNS
            } else {
                ENDED
            };
            self.status(me).store(status, Ordering::Relaxed);
        }
        guard
    }
}

/// A moment of random length, at most some microseconds: what a real program does between two steps.
fn pause(dice: &mut u64) {
    // Marsaglia's xorshift.
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    for _ in 0..*dice >> 56 {
        std::hint::spin_loop();
    }
}
