use super::step::LockUse;
use super::steps::Place;
use super::steps::Steps;
use super::words::Words;
use labsupport::shared::{Lock, Segment, SharedError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What the processes share.
///
/// ```text
/// word  0     1         2 …       …                        …
///      ┌─────┬─────────┬─────────┬──────────────────────┬──────────────────┐
///      │turn │ trouble │ words   │ log: one row a step, │ ends: one word a │
///      │     │         │         │ did and the words    │ worker           │
///      └─────┴─────────┴─────────┴──────────────────────┴──────────────────┘
/// ```
///
/// `turn` is the position in the schedule that comes next. The worker that has the turn owns everything else and passes it on with one last
/// store, so all other accesses can be relaxed. After the last position, each worker has one more turn, to say how it ended. No worker
/// gives the lock back before all have said so: a worker that is stuck in the model is refused the lock here.
pub(super) struct Stage {
    segment: Segment,
    lock: Lock,
    start: Words,
    positions: usize,
    workers: usize,
}

const TURN: usize = 0;
/// Not zero once a worker has panicked. Then it is no use to wait for a turn.
const TROUBLE: usize = 1;
const WORDS: usize = 2;

// In a row of the log and in `ends`: nothing was written here. Otherwise 1 + 2 × step + (1 if it went on), or 1 + how it ended.
const NOTHING: u64 = 0;

impl Stage {
    pub(super) fn new(
        start: &Words,
        positions: usize,
        workers: usize,
    ) -> Result<Stage, SharedError> {
        let words = start.values().len();
        let all = WORDS + words + positions * (1 + words) + workers;
        let stage = Stage {
            segment: Segment::new(8 * all)?,
            lock: Lock::new()?,
            start: start.clone(),
            positions,
            workers,
        };
        for (index, &value) in start.values().iter().enumerate() {
            stage.word(index).store(value, Ordering::Relaxed);
        }
        Ok(stage)
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        self.segment.word(WORDS + index)
    }

    fn words(&self) -> Words {
        let words = 0..self.start.values().len();
        let values = words.map(|index| self.word(index).load(Ordering::Relaxed));
        self.start.with(values.collect())
    }

    /// Where the row of `position` begins. The ends begin where the row after the last would.
    fn row(&self, position: usize) -> usize {
        let words = self.start.values().len();
        WORDS + words + position * (1 + words)
    }

    fn write_log(&self, position: usize, did: Option<(usize, bool)>) {
        let row = self.row(position);
        let did = did.map_or(NOTHING, |(step, goes_on)| {
            1 + 2 * step as u64 + u64::from(goes_on)
        });
        self.segment.word(row).store(did, Ordering::Relaxed);
        for (index, &value) in self.words().values().iter().enumerate() {
            self.segment
                .word(row + 1 + index)
                .store(value, Ordering::Relaxed);
        }
    }

    pub(super) fn read_log(&self, position: usize) -> (Option<(usize, bool)>, Words) {
        let row = self.row(position);
        let read = |index| self.segment.word(row + index).load(Ordering::Relaxed);
        let did = read(0).checked_sub(1);
        let did = did.map(|did| ((did / 2) as usize, did % 2 == 1));
        let values = (0..self.start.values().len()).map(|index| read(1 + index));
        (did, self.start.with(values.collect()))
    }

    fn write_end(&self, worker: usize, end: End) {
        let word = self.segment.word(self.row(self.positions) + worker);
        word.store(1 + end as u64, Ordering::Relaxed);
    }

    pub(super) fn end(&self, worker: usize) -> End {
        let word = self.segment.word(self.row(self.positions) + worker);
        let ends = [End::Done, End::Stuck, End::CanGo];
        let end = ends
            .into_iter()
            .find(|&end| word.load(Ordering::Relaxed) == 1 + end as u64);
        end.expect("every worker that returned said how it ended")
    }

    /// Waits until `position` is next; `false` if it never will be.
    fn wait_for(&self, position: usize) -> bool {
        let turn = self.segment.word(TURN);
        // First spin, for a turn that comes at once. Then leave the processor to the worker that has the turn. Then sleep, for a turn that
        // takes long to come.
        for look in 0u32.. {
            if turn.load(Ordering::Acquire) == position as u64 {
                return true;
            }
            if self.segment.word(TROUBLE).load(Ordering::Relaxed) != 0 {
                return false;
            }
            match look {
                0..100 => std::hint::spin_loop(),
                100..1000 => thread::yield_now(),
                _ => thread::sleep(Duration::from_micros(50)),
            }
        }
        false
    }

    fn give_turn_to(&self, position: usize) {
        let turn = self.segment.word(TURN);
        turn.store(position as u64, Ordering::Release);
    }
}

/// How a worker ended, when no worker can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// Its next step is to lock, and the lock was refused.
    Stuck,
    /// It could go on.
    CanGo,
}

/// Tells the others if its worker panics.
struct Alarm<'a>(&'a Stage);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let trouble = self.0.segment.word(TROUBLE);
            trouble.store(1, Ordering::Relaxed);
        }
    }
}

/// What worker `index` does in its own process: its steps, at its positions in the schedule. It keeps its own place in its list and never
/// asks the model.
pub(super) fn play(stage: &Stage, steps: &Steps, index: usize, schedule: &[usize]) {
    let _alarm = Alarm(stage);
    let mut place = Place::default();
    let mut guard = None;
    for position in (0..schedule.len()).filter(|&position| schedule[position] == index) {
        if !stage.wait_for(position) {
            return;
        }
        let mut did = None;
        if let Some(step) = steps.at(place) {
            match step.lock_use() {
                LockUse::Take => guard = Some(stage.lock.lock()),
                LockUse::GiveBack => guard = None,
                LockUse::Nothing => {}
            }
            let before = stage.words();
            let mut words = before.clone();
            let goes_on = step.act(&mut words, index as u64 + 1);
            let pairs = before.values().iter().zip(words.values());
            for (index, (before, &value)) in pairs.enumerate() {
                if *before != value {
                    stage.word(index).store(value, Ordering::Relaxed);
                }
            }
            did = Some((place.next.into(), goes_on));
            place = steps.after(place, goes_on, guard.is_some());
        }
        stage.write_log(position, did);
        stage.give_turn_to(position + 1);
    }
    let last = schedule.len() + index;
    if !stage.wait_for(last) {
        return;
    }
    let end = match steps.at(place) {
        None => End::Done,
        Some(step) if step.lock_use() == LockUse::Take && stage.lock.try_lock().is_none() => {
            End::Stuck
        }
        Some(_) => End::CanGo,
    };
    stage.write_end(index, end);
    stage.give_turn_to(last + 1);
    stage.wait_for(schedule.len() + stage.workers);
    drop(guard);
}
