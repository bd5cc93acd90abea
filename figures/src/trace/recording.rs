use super::event::Event;
use labsupport::measure::human;
use std::fmt;
use std::time::Duration;

/// What a [`Trace`](crate::Trace) holds: the events of each lane, in order, with their times. Times count from the first event of any
/// lane. [`Timeline`](crate::Timeline) draws it.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let trace = Trace::new(2)?;
/// let workers = Workers::spawn(2, |w| {
///     let log = trace.lane(w.index());
///     log.record(Event::TaskTaken(7));
///     log.record(Event::TaskDone(7));
/// })?;
/// workers.join()?.values()?;
/// let recording = trace.recording();
/// assert_eq!((recording.tasks_done(), recording.dropped()), (2, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    lanes: Vec<LaneRecord>,
}

/// One lane of a [`Recording`].
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let trace = Trace::new(1)?;
/// trace.lane(0).record(Event::FlagSeen);
/// let recording = trace.recording();
/// let lane = &recording.lanes()[0];
/// assert_eq!((lane.name(), lane.events().len(), lane.dropped()), ("worker 0", 3, 0));
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRecord {
    name: String,
    /// Nanoseconds, and what happened then.
    events: Vec<(u64, Event)>,
    dropped: u64,
}

/// A stretch of time in a lane, between two events that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// What happened in it.
    pub(crate) kind: SpanKind,
    /// When it began.
    pub(crate) from: Duration,
    /// When it ended; `None` if it never did, because its worker was ended in the middle of it or still runs.
    pub(crate) to: Option<Duration>,
}

/// What happens in a [`Span`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    /// From `TaskTaken` to `TaskDone` or `TaskAbandoned`, one task at a time.
    Task {
        /// Which task.
        number: u32,
        /// Whether it was done. A task that was neither done nor abandoned ends with the next task or with the worker.
        done: bool,
    },
    /// From `LockWaited` to `LockHeld`.
    WaitingForLock,
    /// From `LockHeld` to `LockReleased`.
    HoldingLock,
}

/// The totals of one lane.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let trace = Trace::new(1)?;
/// let log = trace.lane(0);
/// log.record(Event::TaskTaken(1));
/// log.record(Event::TaskDone(1));
/// log.record(Event::TaskTaken(2)); // and never done
/// let sums = trace.recording().lanes()[0].summary();
/// assert_eq!((sums.tasks_done, sums.tasks_unfinished, sums.exited), (1, 1, false));
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneSummary {
    /// Tasks taken and done.
    pub tasks_done: usize,
    /// Tasks taken and not done.
    pub tasks_unfinished: usize,
    /// The time in tasks that have an end.
    pub working: Duration,
    /// The time spent waiting for the lock.
    pub waiting: Duration,
    /// The time spent holding the lock.
    pub holding: Duration,
    /// Looks at the flag, including those that found it set.
    pub looks: usize,
    /// Poison pills taken.
    pub pills: usize,
    /// Whether the worker ended by itself.
    pub exited: bool,
}

impl LaneRecord {
    pub(super) fn new(name: String, events: Vec<(u64, Event)>, dropped: u64) -> LaneRecord {
        LaneRecord {
            name,
            events,
            dropped,
        }
    }

    /// `worker 0`, `worker 1`, …, `parent`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Nanoseconds since the recording's first event, and what happened then, in order.
    pub fn events(&self) -> &[(u64, Event)] {
        &self.events
    }

    /// How many events were overwritten by newer ones.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether there is anything to show in this lane. What the parent does to all workers is shown elsewhere: its puts in the queue, the flag
    /// and the end of the workers as vertical lines.
    pub(crate) fn has_something_of_its_own(&self) -> bool {
        use Event::*;
        let is_for_all = |event: Event| {
            matches!(
                event,
                TaskPut(_) | PillPut | FlagSet | Terminated | Started | Exited
            )
        };
        self.name != "parent" || self.events.iter().any(|(_, event)| !is_for_all(*event))
    }

    /// When `event` happened for the first time at or after `from`.
    fn first(&self, event: Event, from: u64) -> Option<u64> {
        let found = self.events.iter().find(|e| e.1 == event && e.0 >= from);
        found.map(|e| e.0)
    }

    /// The spans, in the order in which they begin. A span whose beginning was overwritten is left out.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Spans::default();
        let mut last = Duration::ZERO;
        for &(time, event) in &self.events {
            let now = Duration::from_nanos(time);
            match event {
                // A second worker begins in this lane. The one before was ended, soon after its last event.
                Event::Started => spans.close_all(last),
                Event::Exited | Event::Panicked => spans.close_all(now),
                Event::TaskTaken(number) => {
                    spans.close(TASK, now, false); // given up
                    let done = false;
                    spans.open(TASK, now, SpanKind::Task { number, done });
                }
                Event::TaskDone(number) if spans.open_task() == Some(number) => {
                    spans.close(TASK, now, true);
                }
                Event::TaskAbandoned(number) if spans.open_task() == Some(number) => {
                    spans.close(TASK, now, false);
                }
                Event::LockWaited => {
                    spans.close(WAIT, now, false); // given up, and asked for again
                    spans.open(WAIT, now, SpanKind::WaitingForLock);
                }
                Event::LockHeld => {
                    spans.close(WAIT, now, true);
                    spans.close(HOLD, now, true);
                    spans.open(HOLD, now, SpanKind::HoldingLock);
                }
                Event::LockReleased => spans.close(HOLD, now, true),
                _ => {}
            }
            last = now;
        }
        spans.found
    }

    /// The totals.
    pub fn summary(&self) -> LaneSummary {
        self.summary_until(Duration::ZERO)
    }

    /// The totals, where a span without an end counts until `end`.
    pub(crate) fn summary_until(&self, end: Duration) -> LaneSummary {
        let mut sums = LaneSummary::default();
        for span in self.spans() {
            let time = span.to.unwrap_or(end).saturating_sub(span.from);
            match span.kind {
                SpanKind::Task { done, .. } => {
                    sums.working += time;
                    *if done {
                        &mut sums.tasks_done
                    } else {
                        &mut sums.tasks_unfinished
                    } += 1;
                }
                SpanKind::WaitingForLock => sums.waiting += time,
                SpanKind::HoldingLock => sums.holding += time,
            }
        }
        for (_, event) in &self.events {
            match event {
                Event::FlagChecked | Event::FlagSeen => sums.looks += 1,
                Event::PillTaken => sums.pills += 1,
                _ => {}
            }
        }
        sums.exited = matches!(self.events.last(), Some((_, Event::Exited)));
        sums
    }
}

impl Recording {
    /// A recording of `lanes`, whose times are all on one clock.
    pub(crate) fn new(mut lanes: Vec<LaneRecord>) -> Recording {
        let firsts = lanes.iter().filter_map(|lane| lane.events.first());
        let zero = firsts.map(|event| event.0).min().unwrap_or(0);
        for (time, _) in lanes.iter_mut().flat_map(|lane| &mut lane.events) {
            *time -= zero;
        }
        Recording { lanes }
    }

    /// The lanes: the workers in order, then the parent.
    pub fn lanes(&self) -> &[LaneRecord] {
        &self.lanes
    }

    /// All events by time: the number of the lane, the nanoseconds since the first event, and what happened.
    pub fn events(&self) -> impl Iterator<Item = (usize, u64, Event)> {
        let lanes = self.lanes.iter().enumerate();
        let mut all: Vec<(usize, u64, Event)> = lanes
            .flat_map(|(index, lane)| lane.events.iter().map(move |&(time, e)| (index, time, e)))
            .collect();
        all.sort_by_key(|event| event.1);
        all.into_iter()
    }

    /// When the last event happened.
    pub(crate) fn end(&self) -> Duration {
        let lasts = self.lanes.iter().filter_map(|lane| lane.events.last());
        Duration::from_nanos(lasts.map(|event| event.0).max().unwrap_or(0))
    }

    /// When the flag was set for the first time.
    pub(crate) fn flag_set(&self) -> Option<Duration> {
        self.first(Event::FlagSet)
    }

    /// When the workers were first ended from outside.
    pub(crate) fn terminated(&self) -> Option<Duration> {
        self.first(Event::Terminated)
    }

    /// When the workers were first told to go home: by the flag, by a pill, or by being ended from outside.
    pub(crate) fn signal(&self) -> Option<Duration> {
        let signals = [Event::FlagSet, Event::PillPut, Event::Terminated];
        signals
            .into_iter()
            .filter_map(|event| self.first(event))
            .min()
    }

    /// Whether anybody waited for the lock or had it.
    pub(crate) fn has_lock(&self) -> bool {
        let mut events = self.lanes.iter().flat_map(LaneRecord::events);
        events.any(|(_, event)| matches!(event, Event::LockWaited | Event::LockHeld))
    }

    /// When `event` happened, in nanoseconds, in order.
    pub(crate) fn times_of(&self, event: Event) -> Vec<u64> {
        let all = self.events().filter(|(_, _, found)| *found == event);
        all.map(|(_, time, _)| time).collect()
    }

    /// The same recording on a clock that began earlier by `by`.
    pub(crate) fn later(&self, by: Duration) -> Recording {
        let mut later = self.clone();
        for (time, _) in later.lanes.iter_mut().flat_map(|lane| &mut lane.events) {
            *time += by.as_nanos() as u64;
        }
        later
    }

    fn first(&self, event: Event) -> Option<Duration> {
        let firsts = self.lanes.iter().filter_map(|lane| lane.first(event, 0));
        firsts.min().map(Duration::from_nanos)
    }

    /// How long after the flag was set lane `index` saw it. `None` if it was not set or not seen.
    ///
    /// # Panics
    /// There is no lane `index`.
    pub(crate) fn reaction(&self, index: usize) -> Option<Duration> {
        let set = self.flag_set()?;
        let seen = self.lanes[index].first(Event::FlagSeen, set.as_nanos() as u64)?;
        Some(Duration::from_nanos(seen) - set)
    }

    /// Tasks done in all lanes.
    pub fn tasks_done(&self) -> usize {
        let sums = self.lanes.iter().map(LaneRecord::summary);
        sums.map(|sums| sums.tasks_done).sum()
    }

    /// Events that were overwritten by newer ones, in all lanes.
    pub fn dropped(&self) -> u64 {
        self.lanes.iter().map(LaneRecord::dropped).sum()
    }
}

// The kinds of spans. A lane has at most one open span of each.
const TASK: usize = 0;
const WAIT: usize = 1;
const HOLD: usize = 2;

/// The spans found so far, and which of each kind is open.
#[derive(Default)]
struct Spans {
    found: Vec<Span>,
    open: [Option<usize>; 3],
}

impl Spans {
    fn open(&mut self, slot: usize, from: Duration, kind: SpanKind) {
        self.open[slot] = Some(self.found.len());
        self.found.push(Span {
            kind,
            from,
            to: None,
        });
    }

    fn close(&mut self, slot: usize, now: Duration, whole: bool) {
        if let Some(index) = self.open[slot].take() {
            let span = &mut self.found[index];
            span.to = Some(now);
            if let SpanKind::Task { done, .. } = &mut span.kind {
                *done = whole;
            }
        }
    }

    fn close_all(&mut self, now: Duration) {
        for slot in [TASK, WAIT, HOLD] {
            self.close(slot, now, false);
        }
    }

    /// The number of the open task. The end of another task does not end it.
    fn open_task(&self) -> Option<u32> {
        match self.found[self.open[TASK]?].kind {
            SpanKind::Task { number, .. } => Some(number),
            _ => None,
        }
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: usize = self.lanes().iter().map(|lane| lane.events().len()).sum();
        let lanes = self.lanes().len();
        write!(
            f,
            "a recording of {lanes} lanes with {events} events; Timeline::new draws it"
        )
    }
}

impl fmt::Display for LaneRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} events", self.name(), self.events().len())?;
        match self.dropped() {
            0 => Ok(()),
            dropped => write!(f, ", and {dropped} more for which there was no room"),
        }
    }
}

impl fmt::Display for LaneSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [working, waiting, holding] = [self.working, self.waiting, self.holding].map(human);
        let end = match self.exited {
            true => "ended by itself",
            false => "did not end by itself",
        };
        write!(
            f,
            "{} tasks done, {} not; {working} in tasks, {waiting} waiting for the lock, {holding} with it; {} looks, {} pills; it {end}",
            self.tasks_done, self.tasks_unfinished, self.looks, self.pills
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The parent's lane, for tests.
    pub(crate) fn parent(events: &[(u64, Event)]) -> LaneRecord {
        LaneRecord::new("parent".into(), events.to_vec(), 0)
    }

    /// A recording from lists of events, for tests.
    pub(crate) fn recording(lanes: &[&[(u64, Event)]]) -> Recording {
        let lane = |(index, events): (usize, &&[(u64, Event)])| {
            LaneRecord::new(format!("worker {index}"), events.to_vec(), 0)
        };
        Recording::new(lanes.iter().enumerate().map(lane).collect())
    }

    #[test]
    fn spans_end_where_they_end_and_nowhere_else() {
        use Event::*;
        let recording = recording(&[&[
            (100, Started),
            (110, TaskTaken(1)),
            (115, LockWaited),
            (120, LockHeld),
            (130, LockReleased),
            (140, TaskDone(1)),
            (150, TaskTaken(2)),
            (160, TaskTaken(3)), // 2 was given up
            (170, LockWaited),
        ]]);
        let lane = &recording.lanes()[0];
        let found: Vec<(SpanKind, u128, Option<u128>)> = (lane.spans().iter())
            .map(|s| (s.kind, s.from.as_nanos(), s.to.map(|to| to.as_nanos())))
            .collect();
        let task = |number, done| SpanKind::Task { number, done };
        assert_eq!(
            found,
            [
                (task(1, true), 10, Some(40)),
                (SpanKind::WaitingForLock, 15, Some(20)),
                (SpanKind::HoldingLock, 20, Some(30)),
                (task(2, false), 50, Some(60)),
                (task(3, false), 60, None),
                (SpanKind::WaitingForLock, 70, None),
            ]
        );
        let sums = lane.summary();
        assert_eq!((sums.tasks_done, sums.tasks_unfinished), (1, 2));
        assert_eq!(sums.working, Duration::from_nanos(40));
        assert_eq!(
            (sums.waiting, sums.holding),
            (Duration::from_nanos(5), Duration::from_nanos(10))
        );
        assert!(!sums.exited);
    }

    #[test]
    fn what_is_given_up_ends_where_it_was_given_up() {
        use Event::*;
        let recording = recording(&[&[
            (0, Started),
            (10, LockWaited),
            (20, LockWaited), // asked again
            (30, LockHeld),
            (35, TaskTaken(1)),
            (36, TaskDone(2)), // not this one
            (37, TaskAbandoned(2)),
            (38, TaskAbandoned(1)),
            (40, TaskTaken(2)),
            (50, Started), // a second worker; the first was killed with lock and task
            (60, Exited),
        ]]);
        let ends: Vec<u128> = (recording.lanes()[0].spans().iter())
            .map(|span| span.to.unwrap().as_nanos())
            .collect();
        assert_eq!(ends, [20, 30, 40, 38, 40]);
        assert_eq!(recording.tasks_done(), 0);
        assert_eq!(recording.lanes()[0].summary().tasks_unfinished, 2);
    }

    #[test]
    fn a_worker_that_ends_by_itself_closes_what_is_open() {
        use Event::*;
        let recording = recording(&[&[(0, Started), (5, TaskTaken(9)), (25, Exited)]]);
        let lane = &recording.lanes()[0];
        assert_eq!(lane.spans()[0].to, Some(Duration::from_nanos(25)));
        assert_eq!(
            (lane.summary().tasks_done, lane.summary().tasks_unfinished),
            (0, 1)
        );
        assert!(lane.summary().exited);
    }

    #[test]
    fn the_reaction_counts_from_the_first_set_in_any_lane() {
        use Event::*;
        let recording = recording(&[
            &[(10, Started), (50, FlagSeen), (300, FlagSeen)], // the first sight was of an older flag
            &[(20, Started), (90, FlagChecked)],
            &[(0, Started), (100, FlagSet), (200, FlagSet)],
        ]);
        assert_eq!(recording.flag_set(), Some(Duration::from_nanos(100)));
        assert_eq!(recording.reaction(0), Some(Duration::from_nanos(200)));
        assert_eq!(recording.reaction(1), None);
        assert_eq!(recording.end(), Duration::from_nanos(300));
    }
}
