//! The states of a recording against a pool that is too simple to be wrong, and that knows what its workers could not note.

use super::queue::{Place, Queued, Sent};
use super::recording::{LaneRecord, Recording};
use super::state::{LockUse, Presence, at};
use super::{Event, Moment};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

/// A message by its place in the order of the puts.
type Message = usize;

/// What a worker is at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Away,
    Free,
    /// It has taken a message, and has not noted it.
    Got(Message),
    Working(Message),
    /// It has noted that it took a pill.
    Leaving,
    Home,
    Dead,
}

/// What a worker does with the lock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    None,
    Waiting,
    /// It has the lock, and has noted it or not.
    Has(bool),
    /// It has given the lock back, and has not noted it.
    GaveBack,
}

/// A pool with one queue and one lock. Each step takes a nanosecond.
#[derive(Clone, Debug)]
struct Pool {
    now: u64,
    queue: VecDeque<Message>,
    /// Whether the message with this number is a pill.
    pills: Vec<bool>,
    /// The message that is noted to be put, and is not in the queue yet.
    about_to_put: Option<Message>,
    workers: Vec<(Phase, Key)>,
    notes: Vec<Vec<(u64, Event)>>,
    terminated: bool,
}

const WORKERS: usize = 3;

impl Pool {
    fn new() -> Pool {
        Pool {
            now: 0,
            queue: VecDeque::new(),
            pills: Vec::new(),
            about_to_put: None,
            workers: vec![(Phase::Away, Key::None); WORKERS],
            notes: vec![Vec::new(); WORKERS + 1],
            terminated: false,
        }
    }

    fn note(&mut self, lane: usize, event: Event) {
        self.notes[lane].push((self.now, event));
    }

    /// One step of the parent or of a worker, which `choice` chooses.
    fn step(&mut self, choice: u8) {
        self.now += 1;
        let (actor, what) = (usize::from(choice) % (WORKERS + 1), choice / 16);
        if actor == WORKERS {
            self.parent(what);
        } else {
            self.worker(actor, what);
        }
    }

    fn parent(&mut self, what: u8) {
        match self.about_to_put.take() {
            Some(message) => self.queue.push_back(message),
            None if what == 15 && !self.terminated => {
                self.terminated = true;
                self.note(WORKERS, Event::Terminated);
            }
            None => {
                let message = self.pills.len();
                self.pills.push(what > 11);
                let event = match what > 11 {
                    true => Event::PillPut,
                    false => Event::TaskPut(message as u32),
                };
                self.note(WORKERS, event);
                self.about_to_put = Some(message);
            }
        }
    }

    fn worker(&mut self, index: usize, what: u8) {
        let (phase, key) = self.workers[index];
        let alive = !matches!(phase, Phase::Away | Phase::Home | Phase::Dead);
        if alive && self.terminated && what > 12 {
            self.workers[index].0 = Phase::Dead; // and the lock is free again
            return;
        }
        if alive && what.is_multiple_of(3) {
            self.key(index, key);
            return;
        }
        self.workers[index].0 = match phase {
            Phase::Away => {
                self.note(index, Event::Started);
                Phase::Free
            }
            Phase::Free => self.queue.pop_front().map_or(Phase::Free, Phase::Got),
            Phase::Got(message) if self.pills[message] => {
                self.note(index, Event::PillTaken);
                Phase::Leaving
            }
            Phase::Got(message) => {
                self.note(index, Event::TaskTaken(message as u32));
                Phase::Working(message)
            }
            Phase::Working(message) => {
                self.note(index, Event::TaskDone(message as u32));
                Phase::Free
            }
            Phase::Leaving if key == Key::None => {
                self.note(index, Event::Exited);
                Phase::Home
            }
            phase => phase,
        };
    }

    fn key(&mut self, index: usize, key: Key) {
        self.workers[index].1 = match key {
            Key::None => {
                self.note(index, Event::LockWaited);
                Key::Waiting
            }
            Key::Waiting if self.holder().is_none() => Key::Has(false),
            Key::Has(false) => {
                self.note(index, Event::LockHeld);
                Key::Has(true)
            }
            Key::Has(true) => Key::GaveBack,
            Key::GaveBack => {
                self.note(index, Event::LockReleased);
                Key::None
            }
            key => key,
        };
    }

    /// Who really has the lock. The dead have nothing.
    fn holder(&self) -> Option<usize> {
        let has = |(phase, key): &(Phase, Key)| *phase != Phase::Dead && matches!(key, Key::Has(_));
        self.workers.iter().position(has)
    }

    fn recording(&self) -> Recording {
        let name = |lane| match lane {
            WORKERS => "parent".to_string(),
            lane => format!("worker {lane}"),
        };
        // The clock begins with the first event; here it began before.
        let mut lanes: Vec<LaneRecord> = (self.notes.iter().enumerate())
            .map(|(lane, notes)| LaneRecord::new(name(lane), notes.clone(), 0))
            .collect();
        lanes.push(LaneRecord::new(
            "clock".into(),
            vec![(0, Event::Started), (0, Event::Exited)],
            0,
        ));
        Recording::new(lanes)
    }
}

/// The pool after each step, from its beginning on.
fn run(choices: &[u8]) -> Vec<Pool> {
    let mut pools = vec![Pool::new()];
    for choice in choices {
        let mut next = pools[pools.len() - 1].clone();
        next.step(*choice);
        pools.push(next);
    }
    // What the parent notes to put, it puts.
    let mut last = pools[pools.len() - 1].clone();
    if last.about_to_put.is_some() {
        last.now += 1;
        last.parent(0);
        pools.push(last);
    }
    pools
}

fn messages(recording: &Recording, left: Option<usize>) -> Vec<Sent> {
    match recording.queue(left) {
        Queued::Messages(sent) => sent,
        Queued::NotNoted => Vec::new(),
        Queued::Unknown => panic!("nothing is missing"),
    }
}

/// Whoever took `message` in the end without noting it is dead or never got to it.
fn is_noted(pool: &Pool, message: Message) -> bool {
    let pills: Vec<Message> = (0..pool.pills.len()).filter(|m| pool.pills[*m]).collect();
    let events = pool.notes.iter().flatten();
    if pool.pills[message] {
        // Pills look alike; the notes of the first pills count for the first pills.
        let taken = events
            .filter(|(_, event)| *event == Event::PillTaken)
            .count();
        pills.iter().position(|pill| *pill == message).unwrap() < taken
    } else {
        let taken = Event::TaskTaken(message as u32);
        events.clone().any(|(_, event)| *event == taken)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_moment_says_is_so_or_said_to_be_unknown(choices in vec(any::<u8>(), 1..160), looked in any::<bool>()) {
        let pools = run(&choices);
        let end = &pools[pools.len() - 1];
        let (recording, left) = (end.recording(), looked.then_some(end.queue.len()));
        let (states, sent) = (recording.states(), messages(&recording, left));
        for (time, pool) in pools.iter().enumerate() {
            let now = time as u64;
            for (index, (phase, _)) in pool.workers.iter().enumerate() {
                let state = at(&states[index], now);
                // One that is dead, or notes nothing more, is said to be that; of all others the hand is known.
                match (state.presence, phase) {
                    (Presence::NotYet, Phase::Away) | (Presence::Home, Phase::Home) => {}
                    (Presence::Here, Phase::Working(message)) => prop_assert_eq!(state.task, Some(*message as u32)),
                    (Presence::Here, Phase::Free | Phase::Got(_) | Phase::Leaving) => prop_assert_eq!(state.task, None),
                    (Presence::Ended, _) => prop_assert!(pool.terminated),
                    (Presence::Silent, _) => prop_assert!(end.notes[index].last().is_some_and(|note| note.0 <= now)),
                    other => prop_assert!(false, "{:?} at {}", other, time),
                }
            }
            for (message, sent) in sent.iter().enumerate() {
                let in_queue = pool.queue.contains(&message);
                match sent.place(now) {
                    Place::NotPut => prop_assert!(message >= pool.pills.len()),
                    // In the queue, or on the way into it, or in the hand of somebody who notes it soon.
                    Place::Waits => prop_assert!(in_queue || pool.about_to_put == Some(message) || is_noted(end, message),
                        "{} at {}: {:?}", message, time, sent),
                    Place::OnItsWay => prop_assert!(!in_queue),
                    Place::Taken => prop_assert!(!in_queue && is_noted(pool, message)),
                    Place::InDoubt => prop_assert!(!is_noted(end, message)),
                }
            }
            let holds: Vec<usize> = (0..WORKERS).filter(|lane| at(&states[*lane], now).lock == LockUse::Holds).collect();
            prop_assert!(holds.len() <= 1);
            if let Some(holder) = pool.holder() && pool.workers[holder].1 == Key::Has(true) {
                prop_assert_eq!(&holds, &vec![holder]);
            }
            let moment: Moment = recording.at_with(Duration::from_nanos(now), left);
            let waits = sent.iter().filter(|message| message.place(now) == Place::Waits).count();
            prop_assert_eq!(moment.tasks_waiting().zip(moment.pills_waiting()).map_or(0, |(tasks, pills)| tasks + pills), waits);
            prop_assert_eq!(moment.holder(), holds.first().copied());
        }
        if let Some(left) = left && !sent.is_empty() {
            let last = |place| sent.iter().filter(|message| message.place(u64::MAX) == place).count();
            prop_assert!(last(Place::Waits) <= left && last(Place::Waits) + last(Place::InDoubt) >= left);
        }
    }
}

/// A lane: its name, its events, and how many older ones are gone.
type Written<'n> = (&'n str, Vec<(u64, Event)>, u64);

fn recording(lanes: Vec<Written<'_>>) -> Recording {
    let lane = |(name, events, dropped): Written<'_>| LaneRecord::new(name.into(), events, dropped);
    Recording::new(lanes.into_iter().map(lane).collect())
}

fn words(recording: &Recording, time: u64) -> String {
    recording.at(Duration::from_nanos(time)).to_string()
}

#[test]
fn a_moment_reads_like_this() {
    use Event::*;
    let puts = vec![
        (1, TaskPut(1)),
        (2, TaskPut(2)),
        (3, PillPut),
        (30, Terminated),
    ];
    let seen = recording(vec![
        (
            "worker 0",
            vec![
                (0, Started),
                (10, TaskTaken(1)),
                (12, LockWaited),
                (14, LockHeld),
            ],
            0,
        ),
        (
            "worker 1",
            vec![
                (5, Started),
                (20, TaskTaken(2)),
                (25, TaskDone(2)),
                (26, PillTaken),
                (28, Exited),
            ],
            0,
        ),
        ("parent", puts, 0),
    ]);
    assert_eq!(
        words(&seen, 4),
        "At 4 ns:\nworker 0: no task in its hand\nworker 1: not there yet\nqueue: 2 tasks and 1 pill\nlock: free, as far as noted\n"
    );
    assert_eq!(
        words(&seen, 29),
        "At 29 ns:\nworker 0: task 1 in its hand, has the lock\nworker 1: gone home, has taken a pill\nqueue: empty\nlock: worker 0 has it\n"
    );
    assert!(
        words(&seen, 30)
            .contains("worker 0: ended from outside, task 1 in its hand, has the lock\n")
    );
}

#[test]
fn a_lock_that_another_has_is_no_longer_its_last_owners() {
    use Event::*;
    let seen = recording(vec![
        (
            "worker 0",
            vec![
                (0, Started),
                (10, LockHeld),
                (20, TaskTaken(1)),
                (50, LockReleased),
                (60, Exited),
            ],
            0,
        ),
        (
            "worker 1",
            vec![
                (0, Started),
                (40, LockHeld),
                (45, LockReleased),
                (60, Exited),
            ],
            0,
        ),
    ]);
    let holder = |time| seen.at(Duration::from_nanos(time)).holder();
    assert_eq!(
        [9, 10, 39, 40, 45, 50].map(holder),
        [None, Some(0), Some(0), Some(1), None, None]
    );
    assert!(
        words(&seen, 40)
            .contains("worker 0: task 1 in its hand, the lock is with another by now\n")
    );
}

#[test]
fn what_was_overwritten_is_unknown_until_a_note_speaks_of_it() {
    use Event::*;
    let seen = recording(vec![
        (
            "worker 0",
            vec![
                (10, FlagChecked),
                (20, TaskDone(1)),
                (25, LockReleased),
                (40, Exited),
            ],
            3,
        ),
        ("worker 1", vec![(0, Started), (41, Exited)], 0),
        ("parent", vec![(1, TaskPut(1)), (30, FlagSet)], 0),
    ]);
    assert_eq!(
        words(&seen, 10),
        "At 10 ns:\nworker 0: unknown: older notes were overwritten, lock unknown\nworker 1: no task in its hand\n\
         queue: unknown: notes are missing\nflag: unknown\n"
    );
    assert!(words(&seen, 20).contains("worker 0: no task in its hand, lock unknown\n"));
    assert!(words(&seen, 30).contains("flag: set at 30 ns"));
}

#[test]
fn what_a_killed_worker_took_and_did_not_note_is_in_doubt() {
    use Event::*;
    let seen = recording(vec![
        (
            "worker 0",
            vec![(0, Started), (10, TaskTaken(1)), (20, TaskDone(1))],
            0,
        ),
        (
            "parent",
            vec![
                (1, TaskPut(1)),
                (2, TaskPut(2)),
                (3, TaskPut(3)),
                (30, Terminated),
            ],
            0,
        ),
    ]);
    let at_end = |left| seen.at_with(Duration::from_nanos(40), left).to_string();
    assert!(at_end(Some(2)).contains("queue: 2 tasks\n"));
    let lost = "queue: 1 task; 1 here or taken by a worker that was ended: unknown\n";
    assert!(
        at_end(Some(1)).contains(lost) && at_end(None).contains(lost),
        "{}",
        at_end(Some(1))
    );
    assert!(
        at_end(Some(3)).contains("queue: unknown"),
        "more than was noted to be put"
    );
}

#[test]
fn several_who_put_give_no_order() {
    use Event::*;
    let seen = recording(vec![
        (
            "worker 0",
            vec![(0, Started), (1, TaskPut(1)), (9, Exited)],
            0,
        ),
        (
            "worker 1",
            vec![(0, Started), (2, TaskPut(2)), (9, Exited)],
            0,
        ),
        (
            "worker 2",
            vec![(0, Started), (5, TaskTaken(2)), (9, Exited)],
            0,
        ),
    ]);
    assert!(
        words(&seen, 6).contains("queue: 1 task\n"),
        "{}",
        words(&seen, 6)
    );
    let one = recording(vec![
        (
            "worker 0",
            vec![(0, Started), (1, TaskPut(1)), (2, TaskPut(2)), (9, Exited)],
            0,
        ),
        (
            "worker 1",
            vec![(0, Started), (5, TaskTaken(2)), (9, Exited)],
            0,
        ),
        (
            "worker 2",
            vec![(0, Started), (7, TaskTaken(1)), (9, Exited)],
            0,
        ),
    ]);
    assert!(
        words(&one, 6).contains("queue: empty; 1 taken and not noted\n"),
        "{}",
        words(&one, 6)
    );
}
