//! What was in the queue at each instant: derived from the notes of those who put and those who took.

use super::event::Event;
use super::recording::Recording;
use std::collections::{HashMap, VecDeque};

/// What the notes tell of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// Nobody noted what was put into a queue.
    NotNoted,
    /// Notes were overwritten, or more was left than was noted to be put.
    Unknown,
    /// Everything that was put, in the order of the notes.
    Messages(Vec<Sent>),
}

/// A message and its way: it waits from `put` on, is out of the queue from `out` on, and is known to be in a hand, or swallowed, from `noted` on.
/// Times are nanoseconds; what never happened, or nobody knows, is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The task's number; a pill has none.
    pub(crate) task: Option<u32>,
    pub(crate) put: u64,
    /// From when on it may have been taken by a worker that was ended before it noted it.
    pub(crate) doubt: Option<u64>,
    pub(crate) out: Option<u64>,
    pub(crate) noted: Option<u64>,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    NotPut,
    Waits,
    /// In the queue, or in the hand of a worker that was ended before it could note it.
    InDoubt,
    /// Taken: a later message is out of the queue already. Its taker has not noted it yet.
    OnItsWay,
    Taken,
}

impl Sent {
    /// Where it is at `time`.
    pub(crate) fn place(&self, time: u64) -> Place {
        let is_past = |event: Option<u64>| event.is_some_and(|event| event <= time);
        if is_past(self.noted) {
            Place::Taken
        } else if is_past(self.out) {
            Place::OnItsWay
        } else if self.put > time {
            Place::NotPut
        } else if is_past(self.doubt) {
            Place::InDoubt
        } else {
            Place::Waits
        }
    }
}

impl Recording {
    /// The way of every message. `left` is the number of messages that were found in the queue at the end, if somebody looked.
    ///
    /// All that is put is taken to go into one queue, which keeps its order. With one lane that puts, this order is known: when a message was
    /// taken, all those before it had been. With several lanes it is not, since two puts may come in another order than their notes.
    pub(crate) fn queue(&self, left: Option<usize>) -> Queued {
        let mut sent = Vec::new();
        let mut waiting: HashMap<Option<u32>, VecDeque<usize>> = HashMap::new();
        let mut putters = Vec::new();
        for (lane, time, event) in self.events() {
            let task = match event {
                Event::TaskPut(number) => Some(number),
                Event::PillPut => None,
                _ => continue,
            };
            waiting.entry(task).or_default().push_back(sent.len());
            sent.push(Sent {
                task,
                put: time,
                doubt: None,
                out: None,
                noted: None,
            });
            if !putters.contains(&lane) {
                putters.push(lane);
            }
        }
        if sent.is_empty() {
            return Queued::NotNoted;
        }
        if self.dropped() > 0 {
            return Queued::Unknown;
        }
        for (_, time, event) in self.events() {
            let task = match event {
                Event::TaskTaken(number) => Some(number),
                Event::PillTaken => None,
                _ => continue,
            };
            // What nobody noted to be put came another way.
            if let Some(index) = waiting.get_mut(&task).and_then(VecDeque::pop_front) {
                (sent[index].out, sent[index].noted) = (Some(time), Some(time));
            }
        }
        if putters.len() == 1 {
            let mut later: Option<u64> = None;
            for message in sent.iter_mut().rev() {
                later = later.into_iter().chain(message.noted).min();
                message.out = later;
            }
        }
        let remaining = sent.iter().filter(|message| message.out.is_none()).count();
        let free_handed = self.ended_free_handed(&putters);
        let missing = match left {
            Some(left) if left > remaining => return Queued::Unknown,
            Some(left) => remaining - left,
            None => remaining.min(free_handed.len()),
        };
        let since = free_handed.into_iter().min().unwrap_or(0);
        let in_doubt = match putters.len() {
            1 => missing,
            _ if missing > 0 => remaining, // any of them
            _ => 0,
        };
        // What is out, and was never noted, left the queue at some time before that.
        for message in sent.iter_mut() {
            if message.out.is_some() && message.noted.is_none() {
                message.doubt = Some(since.max(message.put));
            }
        }
        let open = sent.iter_mut().filter(|message| message.out.is_none());
        for message in open.take(in_doubt) {
            message.doubt = Some(since.max(message.put));
        }
        self.doubt_last_puts(&putters, &mut sent);
        Queued::Messages(sent)
    }

    /// Of each worker that did not end by itself and had no task: when it last noted something of its hand. It may have taken one more message
    /// after that.
    fn ended_free_handed(&self, putters: &[usize]) -> Vec<u64> {
        let states = self.states();
        let lanes = self.lanes().iter().enumerate();
        lanes
            .filter(|(index, lane)| {
                let hand = states[*index].last().and_then(|(_, state)| state.task);
                let went_home = matches!(lane.events().last(), Some((_, Event::Exited)));
                !putters.contains(index) && lane.name() != "parent" && hand.is_none() && !went_home
            })
            .filter_map(|(_, lane)| {
                use Event::*;
                let is_of_hand = |event: &Event| {
                    matches!(
                        event,
                        Started | TaskTaken(_) | TaskDone(_) | TaskAbandoned(_) | PillTaken
                    )
                };
                let notes = lane.events().iter();
                notes
                    .rev()
                    .find(|(_, event)| is_of_hand(event))
                    .map(|(time, _)| *time)
            })
            .collect()
    }

    /// A worker that was ended right after it noted a put may not have put it.
    fn doubt_last_puts(&self, putters: &[usize], sent: &mut [Sent]) {
        for &lane in putters {
            let lane = &self.lanes()[lane];
            if let Some((time, Event::TaskPut(_) | Event::PillPut)) = lane.events().last()
                && lane.name() != "parent"
            {
                let last = sent.iter_mut().rfind(|message| message.put == *time);
                for message in last.into_iter().filter(|message| message.out.is_none()) {
                    message.doubt = Some(*time);
                }
            }
        }
    }
}
