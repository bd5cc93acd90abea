use super::explorer::Explorer;
use super::steps::Place;
use super::{ExplorerError, Replay, Steps, Words, letter};
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use labsupport::process::{Exit, Workers};
use labsupport::shared::{Lock, Segment, SharedError};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// One schedule as real processes did it, beside what the model says. As the last expression of a cell it shows itself as
/// a table.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
/// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
/// let bad = explorer.explore()?.shortest_bad().unwrap();
/// let forced = explorer.force(bad.id())?;
/// assert!(forced.matches_model());
/// assert_eq!(forced.end().values(), [2, 1]); // in shared memory, written by two processes
/// println!("{forced}");
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Forced {
    model: Replay,
    pids: Vec<u32>,
    real: Vec<Real>,
    /// By worker.
    ends: Vec<End>,
}

/// A step that a real process did.
#[derive(Clone, Debug)]
struct Real {
    /// Which step of its list, and whether it went on; nothing if it had none left, which the model would not expect.
    did: Option<(usize, bool)>,
    label: String,
    words: Words,
}

/// How a worker stands when nobody can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    /// Its next step is to lock, and the lock was refused.
    Stuck,
    /// It could go on.
    CanGo,
}

const LIMIT: Duration = Duration::from_secs(10);

impl Forced {
    pub(super) fn run(explorer: &Explorer, model: Replay) -> Result<Forced, ExplorerError> {
        let lists = &explorer.lists;
        let stage = Stage::new(&explorer.start, model.moments.len(), lists.len());
        let stage = stage.map_err(|error| ExplorerError::Processes(error.to_string()))?;
        let schedule: Vec<usize> = model.moments.iter().map(|moment| moment.worker).collect();
        let workers = Workers::spawn(lists.len(), |w| {
            play(&stage, &lists[w.index()], w.index(), &schedule);
        });
        let workers = workers.map_err(|error| ExplorerError::Processes(error.to_string()))?;
        let pids = workers.pids();
        let report = workers.join_timeout(LIMIT);
        let report = report.map_err(|error| ExplorerError::Processes(error.to_string()))?;
        // Who only waited for one that is gone is not the one to name.
        let late = |exit: &Exit| matches!(exit, Exit::TimedOut { .. });
        let bad = report.outcomes().iter().filter(|o| !o.exit().is_returned());
        if let Some(outcome) = bad.min_by_key(|outcome| late(outcome.exit())) {
            return Err(ExplorerError::Processes(format!(
                "worker {} did not come to the end of schedule {}: {}.",
                letter(outcome.index()),
                thousands(model.id()),
                outcome.exit()
            )));
        }
        let real = (schedule.iter().enumerate())
            .map(|(position, &worker)| {
                let (did, words) = stage.read_log(position);
                let label = did.map_or("nothing left to do".into(), |(step, goes_on)| {
                    lists[worker].label(step, goes_on)
                });
                Real { did, label, words }
            })
            .collect();
        let ends = (0..lists.len()).map(|worker| stage.end(worker)).collect();
        Ok(Forced {
            model,
            pids,
            real,
            ends,
        })
    }

    /// Whether the real processes did at each step what the model says, left the same words in shared memory, and came to
    /// the same end.
    pub fn matches_model(&self) -> bool {
        self.difference().is_none()
    }

    /// The schedule as the model runs it.
    pub fn model(&self) -> &Replay {
        &self.model
    }

    /// The words in shared memory at the end.
    pub fn end(&self) -> &Words {
        self.after(self.real.len())
    }

    /// The words in shared memory after so many steps.
    ///
    /// # Panics
    /// The schedule has fewer steps.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
    /// let explorer = Explorer::new(["x", "y"]).worker(&two);
    /// assert_eq!(explorer.force(0)?.after(1), explorer.replay(0)?.after(1));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn after(&self, steps: usize) -> &Words {
        // It panics where there are fewer.
        let model = self.model.after(steps);
        steps
            .checked_sub(1)
            .map_or(model, |last| &self.real[last].words)
    }

    /// The process numbers, by worker.
    pub fn pids(&self) -> &[u32] {
        &self.pids
    }

    /// The first difference, as a sentence.
    fn difference(&self) -> Option<String> {
        for (index, (model, real)) in self.model.moments.iter().zip(&self.real).enumerate() {
            let (step, who) = (index + 1, letter(model.worker));
            if real.did != Some((model.step, model.goes_on)) {
                return Some(format!(
                    "at step {step} worker {who} did \"{}\", and the model says \"{}\"",
                    real.label, model.label
                ));
            }
            if real.words != model.words {
                return Some(format!(
                    "after step {step}, \"{}\" of worker {who}, shared memory holds {}, and the model says {}",
                    real.label, real.words, model.words
                ));
            }
        }
        let is = |stuck| if stuck { "stuck" } else { "done" };
        (self.ends.iter().enumerate()).find_map(|(worker, &end)| {
            let stuck = self.model.stuck.contains(&worker);
            let real = match end {
                End::Done => is(false),
                End::Stuck => is(true),
                End::CanGo => "still able to go on",
            };
            (real != is(stuck)).then(|| {
                let (who, model) = (letter(worker), is(stuck));
                format!("at the end worker {who} is {real}, and the model says {model}")
            })
        })
    }

    fn sentences(&self) -> String {
        let pids = (self.pids.iter().enumerate())
            .map(|(worker, pid)| format!("worker {} was process {pid}", letter(worker)))
            .collect::<Vec<_>>()
            .join(", ");
        let verdict = match self.difference() {
            None => format!(
                "The real processes did what the model says: {}, after the same steps with the same words.",
                self.end()
            ),
            Some(difference) => {
                format!("The real processes did not do what the model says: {difference}.")
            }
        };
        let stuck = (self.ends.iter().enumerate())
            .filter(|&(_, &end)| end == End::Stuck)
            .map(|(worker, _)| format!(" Worker {} was refused the lock.", letter(worker)))
            .collect::<String>();
        format!("{verdict}{stuck} In this run {pids}.")
    }

    fn both(&self) -> (String, String) {
        let names = self.end().names().join(" ");
        let write = |words: &Words| {
            let values = words.values().iter().map(u64::to_string);
            values.collect::<Vec<_>>().join(" ")
        };
        let rows: Vec<Vec<String>> = (self.model.moments.iter().zip(&self.real).enumerate())
            .map(|(index, (model, real))| {
                vec![
                    (index + 1).to_string(),
                    letter(model.worker).to_string(),
                    real.label.clone(),
                    write(&model.words),
                    write(&real.words),
                ]
            })
            .collect();
        let model = format!("model: {names}");
        let header = ["step", "who", "did", &model, "real processes"];
        let (html, text) = cell::table(&header, &rows, 3);
        let sentences = self.sentences();
        (
            format!("{html}<p>{}</p>", cell::escape(&sentences)),
            format!("{text}{sentences}\n"),
        )
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Forced {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (html, text) = self.both();
        vec![("text/html", html), ("text/plain", text)]
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.both().1)
    }
}

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
/// `turn` is the position in the schedule that comes next. Whoever has the turn owns all the rest and gives it away with
/// one last store, so that everything else can be relaxed. After the last position each worker has one more turn, to say
/// how it ended; and nobody lets go of the lock before all have, so that who is stuck in the model is refused the lock here.
struct Stage {
    segment: Segment,
    lock: Lock,
    start: Words,
    positions: usize,
    workers: usize,
}

const TURN: usize = 0;
/// Not zero once a worker panics: there is no use in waiting for one's turn.
const TROUBLE: usize = 1;
const WORDS: usize = 2;

// In a row of the log and in `ends`: nobody has written here. Else 1 + 2 × step + (1 if it went on), or 1 + how it ended.
const NOTHING: u64 = 0;

impl Stage {
    fn new(start: &Words, positions: usize, workers: usize) -> Result<Stage, SharedError> {
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

    /// Where the row of `position` begins; the row after the last is where the ends begin.
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

    fn read_log(&self, position: usize) -> (Option<(usize, bool)>, Words) {
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

    fn end(&self, worker: usize) -> End {
        let word = self.segment.word(self.row(self.positions) + worker);
        let ends = [End::Done, End::Stuck, End::CanGo];
        let end = ends
            .into_iter()
            .find(|&end| word.load(Ordering::Relaxed) == 1 + end as u64);
        end.expect("every worker that returned said how it ended")
    }

    /// Waits until `position` comes next; `false` if it never will.
    fn wait_for(&self, position: usize) -> bool {
        let turn = self.segment.word(TURN);
        // A few looks for the turn that comes at once, then the processor for whoever has it, then a sleep for the one that
        // is long in coming.
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

/// Tells the others when the worker that has it panics.
struct Alarm<'a>(&'a Stage);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let trouble = self.0.segment.word(TROUBLE);
            trouble.store(1, Ordering::Relaxed);
        }
    }
}

/// What worker `index` does, in its own process: its steps at its positions of the schedule. It keeps its own place in its
/// list and never asks the model.
fn play(stage: &Stage, steps: &Steps, index: usize, schedule: &[usize]) {
    let _alarm = Alarm(stage);
    let mut place = Place::default();
    let mut guard = None;
    for position in (0..schedule.len()).filter(|&position| schedule[position] == index) {
        if !stage.wait_for(position) {
            return;
        }
        let mut did = None;
        if let Some(step) = steps.at(place) {
            if step.is_lock() {
                guard = Some(stage.lock.lock());
            } else if step.is_unlock() {
                guard = None;
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
        Some(step) if step.is_lock() && stage.lock.try_lock().is_none() => End::Stuck,
        Some(_) => End::CanGo,
    };
    stage.write_end(index, end);
    stage.give_turn_to(last + 1);
    stage.wait_for(schedule.len() + stage.workers);
    drop(guard);
}
