use super::event::Event;
use super::queue::{Place, Queued};
use super::recording::Recording;
use super::state::{LockUse, Presence, WorkerState, at};
use labsupport::measure::human;
use std::fmt;
use std::time::Duration;

/// What is known of one instant of a [`Recording`]: what each worker holds and does, what is in the queue, where the pills are, who has the
/// lock. [`Recording::at`] makes it, and its [`Timeline`](crate::Timeline) shows it on the page, with a slider.
///
/// It says what was noted until then and what follows from it, and no more. The queue is known if those who put noted it
/// ([`Event::TaskPut`], [`Event::PillPut`]). A note is some tens of nanoseconds away from the step itself, or further if the worker loses its core
/// in between. What a killed worker could not note any more is *unknown*, and the words say so.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// use std::time::Duration;
/// let trace = Trace::new(1)?;
/// let parent = trace.parent();
/// parent.record(Event::TaskPut(7));
/// parent.record(Event::TaskPut(8));
/// parent.record(Event::PillPut);
/// let worker = trace.lane(0);
/// worker.record(Event::TaskTaken(7));
/// let moment = trace.recording().at(Duration::MAX);
/// assert_eq!(moment.task(0), Some(7));
/// assert_eq!((moment.tasks_waiting(), moment.pills_waiting()), (Some(1), Some(1)));
/// assert!(moment.to_string().contains("worker 0: unknown: it noted nothing more, task 7 in its hand"));
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    time: Duration,
    /// Names and states, by lane.
    lanes: Vec<(String, WorkerState)>,
    /// The lanes that have something to tell.
    told: Vec<usize>,
    queue: Option<Places>,
    flag: Told,
    has_lock: bool,
}

/// How many messages are where.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Places {
    Unknown,
    Known {
        tasks: usize,
        pills: usize,
        in_doubt: usize,
        on_its_way: usize,
    },
}

/// What is told of the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Nobody sets it in this recording.
    Nothing,
    NotSet,
    Set(Duration),
    Unknown,
}

impl Recording {
    /// What is known of the instant `time` after the first event. What happens at that very instant has happened.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let trace = Trace::new(2)?;
    /// let log = trace.lane(1);
    /// log.record(Event::LockHeld);
    /// let recording = trace.recording();
    /// let held = recording.at(Duration::from_nanos(recording.lanes()[1].events()[1].0));
    /// assert_eq!(held.holder(), Some(1));
    /// assert_eq!(recording.at(Duration::ZERO).holder(), None);
    /// println!("{held}");
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn at(&self, time: Duration) -> Moment {
        self.at_with(time, None)
    }

    /// The same, with the number of messages that were found in the queue at the end.
    pub(crate) fn at_with(&self, time: Duration, left: Option<usize>) -> Moment {
        let now = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let states = self.states();
        let lanes = self.lanes().iter().zip(&states);
        let is_told = |index: &usize| self.lanes()[*index].has_something_of_its_own();
        Moment {
            time,
            lanes: lanes
                .map(|(lane, states)| (lane.name().to_string(), at(states, now)))
                .collect(),
            told: (0..self.lanes().len()).filter(is_told).collect(),
            queue: match self.queue(left) {
                Queued::NotNoted => None,
                Queued::Unknown => Some(Places::Unknown),
                Queued::Messages(sent) => {
                    let count = |place, is_pill: Option<bool>| {
                        let there = sent.iter().filter(|message| message.place(now) == place);
                        there
                            .filter(|message| {
                                is_pill.is_none_or(|pill| message.task.is_none() == pill)
                            })
                            .count()
                    };
                    Some(Places::Known {
                        tasks: count(Place::Waits, Some(false)),
                        pills: count(Place::Waits, Some(true)),
                        in_doubt: count(Place::InDoubt, None),
                        on_its_way: count(Place::OnItsWay, None),
                    })
                }
            },
            flag: self.told_of_flag(now),
            has_lock: self.has_lock(),
        }
    }

    fn told_of_flag(&self, now: u64) -> Told {
        let sets = self.times_of(Event::FlagSet);
        match sets.iter().rfind(|time| **time <= now) {
            _ if sets.is_empty() => Told::Nothing,
            Some(time) => Told::Set(Duration::from_nanos(*time)),
            None if self.dropped() > 0 => Told::Unknown,
            None => Told::NotSet,
        }
    }
}

impl Moment {
    /// The task in the hand of lane `index`. `None` if it has none, or nobody knows.
    ///
    /// # Panics
    /// There is no lane `index`.
    pub fn task(&self, index: usize) -> Option<u32> {
        self.lanes[index].1.task
    }

    /// The lane that has the lock. A worker that was ended with it still has it, until another one gets it.
    pub fn holder(&self) -> Option<usize> {
        let mut lanes = self.lanes.iter();
        lanes.position(|(_, state)| state.lock == LockUse::Holds)
    }

    /// The tasks that wait in the queue. `None` if nobody noted what was put there, or notes were overwritten.
    pub fn tasks_waiting(&self) -> Option<usize> {
        match self.queue {
            Some(Places::Known { tasks, .. }) => Some(tasks),
            _ => None,
        }
    }

    /// The pills that wait in the queue. `None` as for [`tasks_waiting`](Moment::tasks_waiting).
    pub fn pills_waiting(&self) -> Option<usize> {
        match self.queue {
            Some(Places::Known { pills, .. }) => Some(pills),
            _ => None,
        }
    }
}

impl WorkerState {
    /// The state in words; `noted` says what the last note means.
    pub(crate) fn words(&self, noted: impl Fn(Event) -> String) -> String {
        let hand = match (self.task, self.presence) {
            (Some(task), _) => format!("task {task} in its hand"),
            (None, Presence::Here) => "no task in its hand".into(),
            (None, _) => String::new(),
        };
        let presence = self.presence.words().to_string();
        let last = self.last.map_or(String::new(), noted);
        let mut parts = vec![presence, hand, self.lock.words().to_string(), last];
        parts.retain(|part| !part.is_empty());
        parts.join(", ")
    }
}

/// What a worker has done last, in words.
pub(crate) fn done_last(event: Event) -> String {
    match event {
        Event::FlagSeen => "has seen the flag".into(),
        Event::FlagSet => "has set the flag".into(),
        Event::PillTaken => "has taken a pill".into(),
        event => event.to_string(),
    }
}

/// `1 task`, `2 tasks`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Places::Known {
            tasks,
            pills,
            in_doubt,
            on_its_way,
        } = self
        else {
            return f.write_str("unknown: notes are missing");
        };
        match (tasks, pills) {
            (0, 0) if *in_doubt > 0 => f.write_str("nothing certain")?,
            (0, 0) => f.write_str("empty")?,
            (_, 0) => f.write_str(&counted(*tasks, "task"))?,
            (0, _) => f.write_str(&counted(*pills, "pill"))?,
            _ => write!(
                f,
                "{} and {}",
                counted(*tasks, "task"),
                counted(*pills, "pill")
            )?,
        }
        if *on_its_way > 0 {
            write!(f, "; {on_its_way} taken and not noted")?;
        }
        if *in_doubt > 0 {
            write!(
                f,
                "; {in_doubt} here or taken by a worker that was ended: unknown"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "At {}:", human(self.time))?;
        for &index in &self.told {
            let (name, state) = &self.lanes[index];
            writeln!(f, "{name}: {}", state.words(done_last))?;
        }
        if let Some(queue) = &self.queue {
            writeln!(f, "queue: {queue}")?;
        }
        if self.has_lock {
            match self.holder() {
                Some(lane) => writeln!(f, "lock: {} has it", self.lanes[lane].0)?,
                None if self.lock_is_unknown() => writeln!(f, "lock: unknown")?,
                None => writeln!(f, "lock: free, as far as noted")?,
            }
        }
        match self.flag {
            Told::Nothing => Ok(()),
            Told::NotSet => writeln!(f, "flag: not set"),
            Told::Set(when) => writeln!(f, "flag: set at {}", human(when)),
            Told::Unknown => writeln!(f, "flag: unknown"),
        }
    }
}

impl Moment {
    fn lock_is_unknown(&self) -> bool {
        self.lanes
            .iter()
            .any(|(_, state)| state.lock == LockUse::Unknown)
    }
}
