//! A recorder in shared memory of what each worker did, and when. It outlives the workers.
//!
//! Every lane has one writer. It owns a ring of its own and takes no lock:
//!
//! ```text
//!            count ─────────────┐  events so far; only grows; the one store that commits an event
//!                               ▼
//! lane 0  ┌───────┬───────┬──────────┬──────────┬──────────┬──────────┐
//!         │ count │ owner │ t, event │ t, event │ (being   │ t, event │   event n lies in slot n mod slots
//!         └───────┴───────┴──────────┴──────────┴─written)─┴──────────┘
//! lane 1  ┌───────┬───────┬── …                    ▲
//!                                                  └── there is one slot more than events are kept, so a reader never
//!                                                      looks at the slot that is being overwritten
//! ```
//!
//! A writer first fills the slot and then stores the new count with *release*; a reader loads the count with *acquire*. So a writer may be
//! killed at any instruction: every event that it had committed is there and whole, and at most the event it was writing is missing. A full
//! ring overwrites its oldest events, and the reader says how many are gone. A reader may look while the writers run: afterwards it reads
//! the count a second time, and leaves out what may have been overwritten in between.

mod event;
#[cfg(test)]
mod model;
mod moment;
mod queue;
mod recording;
mod state;

pub use event::Event;
pub use moment::Moment;
pub(crate) use moment::done_last;
pub(crate) use queue::Queued;
#[cfg(test)]
pub(crate) use recording::tests::{parent, recording};
pub use recording::{LaneRecord, LaneSummary, Recording};
pub(crate) use recording::{Span, SpanKind};
pub(crate) use state::{LockUse, Presence, States};

use labsupport::internal::{self as sys, fault};
use labsupport::measure::{Samples, measure};
use labsupport::shared::{Segment, SharedError};
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The events that a lane keeps by default: 160 KB.
const EVENTS: usize = 10_000;

// Places in a lane, in words of 8 bytes. Each lane begins on a pair of cache lines of its own.
const COUNT: usize = 0;
const OWNER: usize = 1;
const HEADER: usize = 16;

/// A recorder of what each worker did, and when.
///
/// Make it before the workers start. Each worker then takes its [`lane`](Trace::lane) and records [`Event`]s in it; the parent has a
/// lane, too. Recording takes no lock and a few tens of nanoseconds, most of them for the clock ([`cost`](Trace::cost) measures it). An
/// event that was recorded is there even if its worker was killed.
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
/// assert_eq!(recording.lanes()[1].summary().tasks_done, 1);
/// println!("{}", Timeline::new("Two workers", &recording).text());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Trace {
    /// `None`: this trace records nothing.
    segment: Option<Segment>,
    lanes: usize,
    slots: usize,
}

impl Trace {
    /// A trace with a lane for each of `workers` workers and one for the parent. Each lane keeps 10,000 events.
    ///
    /// # Errors
    /// There are no workers, or there is no room in shared memory (160 KB for each lane).
    pub fn new(workers: usize) -> Result<Trace, SharedError> {
        Trace::with_capacity(workers, EVENTS)
    }

    /// The same, with lanes that keep `events` events each, of 16 bytes. If there are more, the oldest are dropped and counted.
    ///
    /// # Errors
    /// There are no workers or no events, or there is no room in shared memory.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// use labsupport::prelude::*;
    /// let trace = Trace::with_capacity(1, 3)?;
    /// let log = trace.lane(0); // records that it started
    /// (0..5).for_each(|n| log.record(Event::Note(n)));
    /// let recording = trace.recording();
    /// let lane = &recording.lanes()[0];
    /// assert_eq!((lane.events().len(), lane.dropped()), (3, 3));
    /// assert_eq!(lane.events()[0].1, Event::Note(2));
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn with_capacity(workers: usize, events: usize) -> Result<Trace, SharedError> {
        for (count, what) in [(workers, "workers"), (events, "events")] {
            if count == 0 {
                return Err(SharedError::Empty(what));
            }
        }
        // This many bytes can be addressed in all, and nothing below overflows.
        let limit = isize::MAX as usize / 1024;
        for (asked, limit, of) in [
            (workers, limit, "workers"),
            (events, limit / workers.saturating_add(1), "events"),
        ] {
            if asked > limit {
                return Err(SharedError::TooLarge { asked, limit, of });
            }
        }
        let (lanes, slots) = (workers + 1, events + 1);
        let segment = Segment::new(8 * lanes * words_of(slots))?;
        Ok(Trace {
            segment: Some(segment),
            lanes,
            slots,
        })
    }

    /// A trace that records nothing. To see what recording costs, run the same program with and without.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let trace = Trace::off(4);
    /// trace.lane(3).record(Event::FlagChecked);
    /// assert_eq!(trace.recording().events().count(), 0);
    /// ```
    pub fn off(workers: usize) -> Trace {
        Trace {
            segment: None,
            lanes: workers.saturating_add(1),
            slots: 1,
        }
    }

    /// Lane `index`, for the worker with that number. Take it once, *inside* the worker's closure: it records the worker's start now, and its
    /// end when it is dropped.
    ///
    /// # Panics
    /// There is no such lane, or it belongs to another process that still runs.
    pub fn lane(&self, index: usize) -> Lane {
        let workers = self.lanes - 1;
        assert!(
            index < workers,
            "there is no lane {index}: this trace was made for {workers} workers, counted from 0."
        );
        self.open(index)
    }

    /// The parent's lane, for what it does to the workers: setting the flag, or ending them.
    ///
    /// # Panics
    /// It belongs to another process that still runs.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// use labsupport::prelude::*;
    /// let trace = Trace::new(4)?;
    /// trace.parent().record(Event::FlagSet);
    /// assert!(trace.recording().events().any(|(_, _, event)| event == Event::FlagSet));
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn parent(&self) -> Lane {
        self.open(self.lanes - 1)
    }

    fn open(&self, index: usize) -> Lane {
        let lane = Lane {
            segment: self.segment.clone(),
            index,
            first: index * words_of(self.slots),
            slots: self.slots as u64,
            next: Cell::new(0),
            home: sys::Home::here(),
        };
        if let Some(segment) = &lane.segment {
            let owner = segment.word(lane.first + OWNER);
            let before = owner.load(Ordering::Acquire);
            let (pid, mine) = (before as sys::Pid, sys::getpid());
            let is_free = before == 0 || pid == mine || !sys::alive(pid);
            // A process that is refused changes nothing: the lane stays with its owner.
            let swap =
                || owner.compare_exchange(before, mine as u64, Ordering::AcqRel, Ordering::Acquire);
            assert!(
                is_free && swap().is_ok(),
                "lane {index} of this trace belongs to process {}, which still runs: take one lane for each worker, \
                 inside its closure.",
                owner.load(Ordering::Relaxed)
            );
            lane.next.set(lane.count(segment).load(Ordering::Relaxed));
            lane.record(Event::Started);
        }
        lane
    }

    /// What has been recorded so far. The workers may still be running, or be dead.
    pub fn recording(&self) -> Recording {
        let lanes = (0..self.lanes).map(|index| {
            let name = if index + 1 == self.lanes {
                "parent".to_string()
            } else {
                format!("worker {index}")
            };
            let (events, dropped) = self.read(index);
            LaneRecord::new(name, events, dropped)
        });
        Recording::new(lanes.collect())
    }

    /// The events of a lane, with their times on the monotonic clock, and how many older ones are gone.
    fn read(&self, index: usize) -> (Vec<(u64, Event)>, u64) {
        let Some(segment) = &self.segment else {
            return (Vec::new(), 0);
        };
        let first = index * words_of(self.slots);
        let (slots, kept) = (self.slots as u64, self.slots as u64 - 1);
        let count = segment.word(first + COUNT).load(Ordering::Acquire);
        let oldest = count.saturating_sub(kept);
        let mut events = Vec::with_capacity((count - oldest) as usize);
        for number in oldest..count {
            let slot = first + HEADER + 2 * (number % slots) as usize;
            let time = segment.word(slot).load(Ordering::Relaxed);
            events.push((time, segment.word(slot + 1).load(Ordering::Relaxed)));
        }
        // The loads above come before the next one. A slot that was overwritten in between belongs to an event that is no longer kept.
        std::sync::atomic::fence(Ordering::Acquire);
        let now = segment.word(first + COUNT).load(Ordering::Relaxed);
        let gone = now.saturating_sub(kept).max(oldest);
        let whole = events.into_iter().skip((gone - oldest) as usize);
        let decoded = whole.filter_map(|(time, word)| Some((time, Event::decode(word)?)));
        (decoded.collect(), gone)
    }

    /// What recording one event costs on this machine: 51 samples, in nanoseconds.
    ///
    /// # Errors
    /// There is no room in shared memory.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// use labsupport::prelude::*;
    /// println!("one event: {}", Trace::cost()?);
    /// # Ok::<(), SharedError>(())
    /// ```
    pub fn cost() -> Result<Samples, SharedError> {
        let trace = Trace::new(1)?;
        let log = trace.lane(0);
        Ok(measure(51, || log.record(Event::FlagChecked)))
    }
}

/// The words that a lane with this many slots takes: a multiple of 128 bytes.
fn words_of(slots: usize) -> usize {
    HEADER + (2 * slots).next_multiple_of(HEADER)
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.segment {
            Some(_) => write!(
                f,
                "Trace({} lanes of {} events)",
                self.lanes,
                self.slots - 1
            ),
            None => write!(f, "Trace(off)"),
        }
    }
}

/// The part of a [`Trace`] that one worker writes.
///
/// It records [`Event::Started`] when it is made and [`Event::Exited`] when it is dropped, or [`Event::Panicked`] if a panic drops it. A killed
/// worker leaves neither.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let trace = Trace::new(1)?;
/// let workers = Workers::spawn(1, |w| {
///     let log = trace.lane(w.index());
///     log.record(Event::PillTaken);
/// })?;
/// workers.join()?.values()?;
/// let events: Vec<Event> = trace.recording().events().map(|(_, _, event)| event).collect();
/// assert_eq!(events, [Event::Started, Event::PillTaken, Event::Exited]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Lane {
    segment: Option<Segment>,
    index: usize,
    /// The lane's first word.
    first: usize,
    slots: u64,
    /// The count as this writer left it.
    next: Cell<u64>,
    /// The process that took the lane.
    home: sys::Home,
}

impl Lane {
    fn count<'a>(&self, segment: &'a Segment) -> &'a AtomicU64 {
        segment.word(self.first + COUNT)
    }

    /// Records that `event` happens now, without a lock, a system call or an allocation.
    ///
    /// # Panics
    /// Another process has written to this lane: it was taken twice, or outside the worker's closure.
    // The words of a slot are stored with release, too: a reader that sees one of them also sees the count from before it, and knows
    // that the slot's old event is no longer kept. On x86 this costs nothing.
    #[inline]
    pub fn record(&self, event: Event) {
        let Some(segment) = &self.segment else {
            return;
        };
        let (count, number) = (self.count(segment), self.next.get());
        if count.load(Ordering::Relaxed) != number || !self.home.is_here() {
            shared_lane(self.index);
        }
        let slot = self.first + HEADER + 2 * (number % self.slots) as usize;
        segment
            .word(slot)
            .store(sys::monotonic_nanos(), Ordering::Release);
        fault::point("trace: half written");
        segment
            .word(slot + 1)
            .store(event.encode(), Ordering::Release);
        fault::point("trace: written");
        // The commit.
        count.store(number + 1, Ordering::Release);
        fault::point("trace: committed");
        self.next.set(number + 1);
    }
}

#[cold]
#[inline(never)]
fn shared_lane(index: usize) -> ! {
    panic!(
        "lane {index} of this trace was taken in another process, or another process has written to it: take one lane for each \
         worker, inside its closure, and keep it."
    );
}

impl Drop for Lane {
    fn drop(&mut self) {
        let Some(segment) = &self.segment else {
            return;
        };
        let mine =
            self.home.is_here() && self.count(segment).load(Ordering::Relaxed) == self.next.get();
        if mine {
            self.record(if std::thread::panicking() {
                Event::Panicked
            } else {
                Event::Exited
            });
            segment.word(self.first + OWNER).store(0, Ordering::Release);
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({}, {} events so far)", self.index, self.next.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labsupport::process::{Exit, Workers};
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);

    fn notes(recording: &Recording, lane: usize) -> Vec<u32> {
        let events = recording.lanes()[lane].events().iter();
        events.filter_map(|(_, event)| event.number()).collect()
    }

    #[test]
    fn a_full_ring_keeps_the_newest_and_counts_the_rest() {
        for capacity in [1, 2, 3, 7, 64] {
            let trace = Trace::with_capacity(2, capacity).unwrap();
            let log = trace.lane(1);
            for n in 1..=200u32 {
                log.record(Event::Note(n)); // event number n: the start was number 0
                let recording = trace.recording();
                let kept = capacity.min(n as usize);
                let expected: Vec<u32> = (n + 1 - kept as u32..=n).collect();
                assert_eq!(notes(&recording, 1), expected);
                let dropped = (u64::from(n) + 1).saturating_sub(capacity as u64);
                assert_eq!(recording.lanes()[1].dropped(), dropped);
                assert!(recording.lanes()[0].events().is_empty());
            }
        }
    }

    /// Kills a worker in its fifth event; which of the five are there.
    fn kill_at(point: &'static str) -> Vec<u32> {
        // So small a ring is overwritten from the third event on.
        let trace = Trace::with_capacity(1, 2).unwrap();
        let workers = Workers::spawn(1, |_| {
            let log = trace.lane(0);
            (1..5).for_each(|n| log.record(Event::Note(n)));
            fault::arm(point, fault::Action::Kill);
            log.record(Event::Note(5));
        });
        let report = workers.unwrap().join_timeout(LONG).unwrap();
        assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9), "{point}");
        notes(&trace.recording(), 0)
    }

    #[test]
    fn a_writer_killed_anywhere_loses_nothing_that_it_recorded() {
        assert_eq!(kill_at("trace: half written"), [3, 4]);
        assert_eq!(kill_at("trace: written"), [3, 4]);
        assert_eq!(kill_at("trace: committed"), [4, 5]);
    }

    #[test]
    fn a_lane_says_whether_its_worker_came_to_its_end() {
        let trace = Trace::new(3).unwrap();
        let workers = Workers::spawn(3, |w| {
            let log = trace.lane(w.index());
            match w.index() {
                0 => log.record(Event::Note(1)),
                1 => panic!("no end"),
                _ => std::process::abort(),
            }
        });
        workers.unwrap().join_timeout(LONG).unwrap();
        let recording = trace.recording();
        let ended: Vec<bool> = (0..3)
            .map(|lane| recording.lanes()[lane].summary().exited)
            .collect();
        assert_eq!(ended, [true, false, false]);
        let last = |lane: usize| recording.lanes()[lane].events().last().unwrap().1;
        assert_eq!((last(1), last(2)), (Event::Panicked, Event::Started));
    }

    #[test]
    fn a_reader_beside_a_busy_writer_sees_whole_events_in_order() {
        let trace = Trace::with_capacity(1, 50).unwrap();
        let workers = Workers::spawn(1, |_| {
            let log = trace.lane(0);
            (0..400_000).for_each(|n| log.record(Event::Note(n)));
        })
        .unwrap();
        let mut looks = 0;
        loop {
            let recording = trace.recording();
            let lane = &recording.lanes()[0];
            assert!(lane.events().windows(2).all(|pair| pair[0].0 <= pair[1].0));
            let notes = notes(&recording, 0);
            assert!(
                notes.windows(2).all(|pair| pair[0] + 1 == pair[1]),
                "{notes:?}"
            );
            looks += 1;
            if lane.summary().exited {
                break;
            }
        }
        workers.join_timeout(LONG).unwrap().values().unwrap();
        assert!(looks > 1);
    }

    #[test]
    fn a_lane_in_two_hands_is_a_sentence() {
        let said = |work: &dyn Fn(&Trace)| {
            let trace = Trace::new(1).unwrap();
            let report = Workers::spawn(1, |_| work(&trace)).unwrap().join().unwrap();
            report.outcomes()[0].exit().to_string()
        };
        let outside = said(&|trace| {
            let log = trace.lane(0); // and both workers write to it
            let report = Workers::spawn(2, |_| log.record(Event::FlagChecked)).unwrap();
            panic!("{}", report.join().unwrap().values().unwrap_err());
        });
        assert!(
            outside.contains("another process has written to it"),
            "{outside}"
        );
        let taken = said(&|trace| {
            let _mine = trace.lane(0);
            let report = Workers::spawn(1, |_| drop(trace.lane(0))).unwrap();
            panic!("{}", report.join().unwrap().values().unwrap_err());
        });
        assert!(taken.contains("which still runs"), "{taken}");
        let refused = said(&|trace| {
            let mine = trace.lane(0);
            for _ in 0..2 {
                // The first refused worker must not open the way for the second.
                let report = Workers::spawn(1, |_| drop(trace.lane(0))).unwrap();
                assert!(report.join().unwrap().values().is_err());
            }
            mine.record(Event::FlagSeen); // still mine
        });
        assert_eq!(refused, "returned");
        let number = said(&|trace| drop(trace.lane(1)));
        assert!(
            number.contains("there is no lane 1: this trace was made for 1 workers"),
            "{number}"
        );
    }

    #[test]
    fn bad_sizes_are_errors() {
        let error = |trace: Result<Trace, SharedError>| trace.unwrap_err().to_string();
        assert!(error(Trace::new(0)).starts_with("0 workers"));
        assert!(error(Trace::with_capacity(1, 0)).starts_with("0 events"));
        assert!(error(Trace::with_capacity(1, usize::MAX / 2)).contains("is the most"));
        assert!(error(Trace::new(usize::MAX)).contains("is the most"));
    }
}
