//! What a lane says of its worker at each instant: the events, folded.

use super::event::Event;
use super::recording::{LaneRecord, Recording};

/// What is known of one worker at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkerState {
    pub(crate) presence: Presence,
    /// The task in its hand.
    pub(crate) task: Option<u32>,
    pub(crate) lock: LockUse,
    /// What it saw, set, took or noted since it took its last task.
    pub(crate) last: Option<Event>,
}

/// Whether a worker is there, as far as anybody has noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Here,
    NotYet,
    Home,
    Panicked,
    /// It left no note of its end, and the workers were ended from outside by now. When exactly this one ended, nobody has noted.
    Ended,
    /// It notes nothing any more, and nobody has noted why.
    Silent,
    /// The notes of this time were overwritten.
    Unknown,
}

/// What a worker has to do with the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockUse {
    Nothing,
    Waits,
    Holds,
    /// Another worker has it by now, although this one has not noted that it gave it back.
    PassedOn,
    /// The notes that would tell were overwritten.
    Unknown,
}

impl Presence {
    pub(crate) const ALL: [Presence; 7] = [
        Presence::Here,
        Presence::NotYet,
        Presence::Home,
        Presence::Panicked,
        Presence::Ended,
        Presence::Silent,
        Presence::Unknown,
    ];

    /// Nothing for a worker that is there: then its hand tells.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Presence::Here => "",
            Presence::NotYet => "not there yet",
            Presence::Home => "gone home",
            Presence::Panicked => "panicked",
            Presence::Ended => "ended from outside",
            Presence::Silent => "unknown: it noted nothing more",
            Presence::Unknown => "unknown: older notes were overwritten",
        }
    }
}

impl LockUse {
    pub(crate) const ALL: [LockUse; 5] = [
        LockUse::Nothing,
        LockUse::Waits,
        LockUse::Holds,
        LockUse::PassedOn,
        LockUse::Unknown,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            LockUse::Nothing => "",
            LockUse::Waits => "waits for the lock",
            LockUse::Holds => "has the lock",
            LockUse::PassedOn => "the lock is with another by now",
            LockUse::Unknown => "lock unknown",
        }
    }
}

impl WorkerState {
    const fn only(presence: Presence) -> WorkerState {
        WorkerState {
            presence,
            task: None,
            lock: LockUse::Nothing,
            last: None,
        }
    }

    /// The state after `event`.
    fn after(self, event: Event) -> WorkerState {
        // After older notes were overwritten, nothing is known of a hand until a note speaks of it.
        let speaks = !matches!(
            event,
            Event::FlagChecked
                | Event::FlagSeen
                | Event::FlagSet
                | Event::Note(_)
                | Event::TaskPut(_)
                | Event::PillPut
                | Event::Terminated
                | Event::LockWaited
                | Event::LockHeld
                | Event::LockReleased
        );
        let mut now = self;
        if speaks || self.presence != Presence::Unknown {
            now.presence = Presence::Here;
        }
        match event {
            Event::Started => now = WorkerState::only(Presence::Here),
            Event::TaskTaken(number) => (now.task, now.last) = (Some(number), None),
            // The end of another task does not end this one.
            Event::TaskDone(number) | Event::TaskAbandoned(number) => {
                now.task = now.task.filter(|task| *task != number);
            }
            Event::LockWaited => now.lock = LockUse::Waits,
            Event::LockHeld => now.lock = LockUse::Holds,
            Event::LockReleased => now.lock = LockUse::Nothing,
            Event::FlagSeen | Event::FlagSet | Event::PillTaken | Event::Note(_) => {
                now.last = Some(event);
            }
            Event::Exited => {
                (now.presence, now.task, now.lock) = (Presence::Home, None, LockUse::Nothing);
            }
            Event::Panicked => now.presence = Presence::Panicked,
            Event::FlagChecked | Event::Terminated | Event::TaskPut(_) | Event::PillPut => {}
        }
        now
    }
}

/// The states of one lane: since when, in nanoseconds, in order. The first is the state at time zero.
pub(crate) type States = Vec<(u64, WorkerState)>;

impl Recording {
    /// The states of every lane.
    pub(crate) fn states(&self) -> Vec<States> {
        let terminated = self.terminated().map(|time| time.as_nanos() as u64);
        let mut held: Vec<(u64, usize)> = Vec::new();
        for (index, time, event) in self.events() {
            if event == Event::LockHeld {
                held.push((time, index));
            }
        }
        let lanes = self.lanes().iter().enumerate();
        lanes
            .map(|(index, lane)| {
                let mut states = states_of(lane, terminated);
                let mut others = held.iter().filter(|(_, other)| *other != index);
                pass_on(&mut states, &mut others.by_ref().map(|(time, _)| *time));
                states
            })
            .collect()
    }
}

fn states_of(lane: &LaneRecord, terminated: Option<u64>) -> States {
    let mut states = States::new();
    let mut state = WorkerState::only(Presence::NotYet);
    if lane.dropped() > 0 {
        state.presence = Presence::Unknown;
        let is_of_lock = |event: &Event| matches!(event, Event::LockHeld | Event::LockReleased);
        if lane.events().iter().any(|(_, event)| is_of_lock(event)) {
            state.lock = LockUse::Unknown;
        }
    }
    push(&mut states, 0, state);
    let mut before = 0;
    for &(time, event) in lane.events() {
        if event == Event::Started && state.presence == Presence::Here {
            // A second worker begins in this lane. The one before ended at some time after its last note.
            state.presence = Presence::Silent;
            push(&mut states, before, state);
        }
        state = state.after(event);
        push(&mut states, time, state);
        before = time;
    }
    let first = lane.events().first().map_or(0, |event| event.0);
    // The parent sees to the others' ends; its own lane may stay open.
    if state.presence == Presence::Here && lane.name() != "parent" {
        let ended = terminated.filter(|time| *time >= first);
        state.presence = match ended {
            Some(_) => Presence::Ended,
            None => Presence::Silent,
        };
        push(&mut states, ended.unwrap_or(0).max(before), state);
    }
    states
}

/// Adds a state, unless it says nothing new. The later of two at one time counts.
fn push(states: &mut States, time: u64, state: WorkerState) {
    if states.last().is_some_and(|last| last.0 == time) {
        states.pop();
    }
    if states.last().is_none_or(|last| last.1 != state) {
        states.push((time, state));
    }
}

/// Only one worker has the lock. Where another one notes that it has it, this one has given it back and not noted it yet, or it has died.
/// `others` are the times of those notes, in order.
fn pass_on(states: &mut States, others: &mut dyn Iterator<Item = u64>) {
    let mut others = others.peekable();
    let mut passed = States::with_capacity(states.len());
    let mut gone = false;
    for (index, &(time, mut state)) in states.iter().enumerate() {
        if state.lock != LockUse::Holds {
            gone = false;
            push(&mut passed, time, state);
            continue;
        }
        let began = index == 0 || states[index - 1].1.lock != LockUse::Holds;
        if began {
            while others.next_if(|other| *other <= time).is_some() {}
        }
        if gone {
            state.lock = LockUse::PassedOn;
        }
        push(&mut passed, time, state);
        let until = states.get(index + 1).map_or(u64::MAX, |next| next.0);
        if !gone && let Some(when) = others.next_if(|other| *other < until) {
            gone = true;
            state.lock = LockUse::PassedOn;
            push(&mut passed, when, state);
        }
    }
    *states = passed;
}

/// The state at `time`, which every list of states has.
pub(crate) fn at(states: &States, time: u64) -> WorkerState {
    let after = states.partition_point(|(since, _)| *since <= time);
    states[after.max(1) - 1].1
}
