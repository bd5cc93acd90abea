use std::fmt;

/// Something that happened in a worker, for its [`Lane`](crate::Lane) of a trace.
///
/// `Started` and `Exited` are recorded by the lane itself. Two events that belong together, such as `TaskTaken` and `TaskDone`,
/// become a span in the picture.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// assert_eq!(Event::TaskTaken(7).to_string(), "task 7 taken");
/// assert_eq!(Event::FlagSeen.to_string(), "flag seen");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The lane was made.
    Started,
    /// The task with this number is about to be put into the queue. Recorded before the put, so that no worker's note comes first.
    TaskPut(u32),
    /// A poison pill is about to be put into the queue.
    PillPut,
    /// A task was taken; the number says which.
    TaskTaken(u32),
    /// The task with this number was done.
    TaskDone(u32),
    /// The task with this number was given up, because another worker's answer made it pointless.
    TaskAbandoned(u32),
    /// The flag was looked at and was clear.
    FlagChecked,
    /// The flag was looked at and was set.
    FlagSeen,
    /// The flag was set.
    FlagSet,
    /// The worker began to wait for the lock.
    LockWaited,
    /// The lock was acquired.
    LockHeld,
    /// The lock was released.
    LockReleased,
    /// A poison pill was taken.
    PillTaken,
    /// The workers were ended from outside, by `terminate` or `kill`.
    Terminated,
    /// The lane was dropped: its worker ended by itself.
    Exited,
    /// The lane was dropped by a panic.
    Panicked,
    /// Anything else that a lesson wants to mark; the number says what.
    Note(u32),
}

impl Event {
    /// The number that some events carry.
    pub(super) fn number(self) -> Option<u32> {
        match self {
            Event::TaskPut(n)
            | Event::TaskTaken(n)
            | Event::TaskDone(n)
            | Event::TaskAbandoned(n)
            | Event::Note(n) => Some(n),
            _ => None,
        }
    }

    /// The event as a word of memory: its kind in the upper half, its number in the lower half. Zero is not an event.
    pub(super) fn encode(self) -> u64 {
        let kind: u64 = match self {
            Event::Started => 1,
            Event::TaskTaken(_) => 2,
            Event::TaskDone(_) => 3,
            Event::FlagChecked => 4,
            Event::FlagSeen => 5,
            Event::FlagSet => 6,
            Event::LockWaited => 7,
            Event::LockHeld => 8,
            Event::LockReleased => 9,
            Event::PillTaken => 10,
            Event::Terminated => 11,
            Event::Exited => 12,
            Event::Panicked => 14,
            Event::Note(_) => 13,
            Event::TaskAbandoned(_) => 15,
            Event::TaskPut(_) => 16,
            Event::PillPut => 17,
        };
        kind << 32 | u64::from(self.number().unwrap_or(0))
    }

    /// The event that [`encode`](Event::encode) made into `word`.
    pub(super) fn decode(word: u64) -> Option<Event> {
        let number = word as u32;
        Some(match word >> 32 {
            1 => Event::Started,
            2 => Event::TaskTaken(number),
            3 => Event::TaskDone(number),
            4 => Event::FlagChecked,
            5 => Event::FlagSeen,
            6 => Event::FlagSet,
            7 => Event::LockWaited,
            8 => Event::LockHeld,
            9 => Event::LockReleased,
            10 => Event::PillTaken,
            11 => Event::Terminated,
            12 => Event::Exited,
            13 => Event::Note(number),
            14 => Event::Panicked,
            15 => Event::TaskAbandoned(number),
            16 => Event::TaskPut(number),
            17 => Event::PillPut,
            _ => return None,
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Event::Started => "started",
            Event::TaskPut(n) => return write!(f, "task {n} put"),
            Event::PillPut => "pill put",
            Event::TaskTaken(n) => return write!(f, "task {n} taken"),
            Event::TaskDone(n) => return write!(f, "task {n} done"),
            Event::TaskAbandoned(n) => return write!(f, "task {n} abandoned"),
            Event::FlagChecked => "flag checked",
            Event::FlagSeen => "flag seen",
            Event::FlagSet => "flag set",
            Event::LockWaited => "lock waited",
            Event::LockHeld => "lock held",
            Event::LockReleased => "lock released",
            Event::PillTaken => "pill taken",
            Event::Terminated => "terminated",
            Event::Exited => "exited",
            Event::Panicked => "panicked",
            Event::Note(n) => return write!(f, "note {n}"),
        };
        f.write_str(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_comes_back_from_its_word() {
        let plain = [
            Event::Started,
            Event::FlagChecked,
            Event::FlagSeen,
            Event::FlagSet,
            Event::LockWaited,
            Event::LockHeld,
            Event::LockReleased,
            Event::PillPut,
            Event::PillTaken,
            Event::Terminated,
            Event::Exited,
            Event::Panicked,
        ];
        let numbered = [0, 7, u32::MAX].into_iter().flat_map(|n| {
            [
                Event::TaskPut(n),
                Event::TaskTaken(n),
                Event::TaskDone(n),
                Event::TaskAbandoned(n),
                Event::Note(n),
            ]
        });
        for event in plain.into_iter().chain(numbered) {
            assert_eq!(Event::decode(event.encode()), Some(event));
        }
        assert_eq!(Event::decode(0), None);
        assert_eq!(Event::decode(18 << 32), None);
    }
}
