use super::epoch::Epoch;
use super::job::Job;
use super::night::Note;
use crate::fraud::Verdict;
use crate::fraud::detect::DETECTORS;
use figures::{Event, Lane};
use labsupport::shared::Barrier;
use std::time::Instant;

/// What one worker has before it: its detector, the transactions, and what it shares with the other three. It keeps the worker's notes.
#[derive(Debug)]
pub struct Shift<'a> {
    /// Where all four meet before each transaction.
    pub begin: &'a Barrier,
    /// The number of the transaction that was decided last.
    pub epoch: &'a Epoch,
    /// Steps between two looks.
    pub interval: u64,
    job: &'a Job<'a>,
    detector: usize,
    clock: Instant,
    lane: Lane,
    begun: f64,
    late: u64,
    pub(super) notes: Vec<Note>,
}

impl<'a> Shift<'a> {
    pub(super) fn new(
        job: &'a Job<'a>,
        detector: usize,
        (begin, epoch): (&'a Barrier, &'a Epoch),
        clock: Instant,
    ) -> Shift<'a> {
        Shift {
            begin,
            epoch,
            interval: job.interval,
            job,
            detector,
            clock,
            lane: job.lane(detector),
            begun: 0.0,
            late: 0,
            notes: vec![],
        }
    }

    /// How many transactions there are. They have the numbers 1, 2, and so on.
    pub fn transactions(&self) -> u64 {
        self.job.cases.len() as u64
    }

    /// Notes that transaction `me` begins.
    pub fn begins(&mut self, me: u64) {
        self.lane.record(Event::TaskTaken(me as u32));
        self.late = 0;
        self.begun = self.clock.elapsed().as_secs_f64();
    }

    /// This worker's detector at transaction `me`. It makes its steps, each of which costs the job's work, and asks `look` after each. Where
    /// that says true, it gives up.
    ///
    /// # Panics
    /// There is no such transaction.
    pub fn judge(&mut self, me: u64, mut look: impl FnMut() -> bool) -> Verdict {
        let (job, epoch) = (self.job, self.epoch);
        let mut late = 0;
        let verdict = DETECTORS[self.detector].1(job.log, job.cases[me as usize - 1], &mut || {
            job.work.run();
            late += u64::from(epoch.is_now(me)); // only counted, and always
            look()
        });
        self.late = late;
        verdict
    }

    /// Notes how transaction `me` ended.
    pub fn ends(&mut self, me: u64, verdict: Verdict) {
        let ended = self.clock.elapsed().as_secs_f64();
        let signalled = (verdict == Verdict::Fraud).then_some(ended);
        self.notes.push((self.begun, signalled, ended, self.late));
        let me = me as u32;
        match verdict {
            Verdict::Fraud => self.lane.record(Event::FlagSet),
            Verdict::Abandoned => self.lane.record(Event::FlagSeen),
            Verdict::Honest => (),
        }
        self.lane.record(match verdict {
            Verdict::Abandoned => Event::TaskAbandoned(me),
            Verdict::Fraud | Verdict::Honest => Event::TaskDone(me),
        });
    }
}
