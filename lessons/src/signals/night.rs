use labsupport::measure::Samples;

/// What a worker notes of a transaction: the seconds at which it began, at which this worker signalled (if it did) and at which it ended, and
/// the steps after another one's signal.
pub(super) type Note = (f64, Option<f64>, f64, u64);

/// What four detectors have shown in one night.
#[derive(Clone, Debug)]
pub struct Night {
    stopped: Vec<bool>,
    pub(super) seconds: f64,
    /// Of the night's alarms, the medians: seconds from the begin to the signal …
    pub(super) to_signal: f64,
    /// … from the signal until all are free …
    pub(super) reaction: f64,
    /// … the time that nine in ten keep …
    pub(super) slow_reaction: f64,
    /// … and the steps of all workers after the signal.
    pub(super) late: f64,
}

/// One transaction, of all workers: the first beginning, the first signal, the last end, and all late steps.
struct Case {
    begun: f64,
    signalled: Option<f64>,
    ended: f64,
    late: u64,
}

impl Night {
    pub(super) fn of(notes: &[Vec<Note>], cases: usize) -> Night {
        let cases: Vec<Case> = (0..cases).map(|case| Case::of(notes, case)).collect();
        let seconds = match (cases.first(), cases.last()) {
            (Some(first), Some(last)) => last.ended - first.begun,
            _ => 0.0,
        };
        let alarms: Vec<[f64; 3]> = cases.iter().filter_map(Case::alarm).collect();
        let of = |what: usize| {
            let none = alarms.is_empty().then_some(0.0);
            Samples::new("", alarms.iter().map(|alarm| alarm[what]).chain(none))
        };
        Night {
            stopped: cases.iter().map(|case| case.signalled.is_some()).collect(),
            seconds,
            to_signal: of(0).median(),
            reaction: of(1).median(),
            slow_reaction: of(1).percentile(90.0),
            late: of(2).median(),
        }
    }

    /// For each transaction, whether some detector had a signal.
    pub fn stopped(&self) -> &[bool] {
        &self.stopped
    }

    /// Transactions per second.
    pub fn throughput(&self) -> f64 {
        self.stopped.len() as f64 / self.seconds
    }
}

impl Case {
    fn of(notes: &[Vec<Note>], case: usize) -> Case {
        let of_all = || notes.iter().map(|worker| worker[case]);
        Case {
            begun: of_all().map(|note| note.0).fold(f64::INFINITY, f64::min),
            signalled: of_all().filter_map(|note| note.1).reduce(f64::min),
            ended: of_all().map(|note| note.2).fold(0.0, f64::max),
            late: of_all().map(|note| note.3).sum(),
        }
    }

    /// To the signal, from the signal to the last end, late steps.
    fn alarm(&self) -> Option<[f64; 3]> {
        let signalled = self.signalled?;
        Some([
            signalled - self.begun,
            self.ended - signalled,
            self.late as f64,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_and_the_last_end_count() {
        let first = vec![(0.0, None, 4.0, 3), (5.0, None, 6.0, 0)];
        let second = vec![(1.0, Some(2.0), 2.0, 0), (4.5, None, 7.0, 0)];
        let night = Night::of(&[first, second], 2);
        assert_eq!(night.stopped(), [true, false]);
        assert_eq!(
            (night.to_signal, night.reaction, night.late),
            (2.0, 2.0, 3.0)
        );
        assert_eq!((night.seconds, night.throughput()), (7.0, 2.0 / 7.0));
    }

    #[test]
    fn a_night_without_alarms_has_no_reaction() {
        let night = Night::of(&[vec![(0.0, None, 1.0, 0)]], 1);
        assert_eq!((night.reaction, night.slow_reaction), (0.0, 0.0));
    }
}
