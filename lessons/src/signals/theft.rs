use crate::fraud::detect::DETECTORS;
use figures::{Event, Recording, Timeline};
use labsupport::measure::human;
use std::time::Duration;

/// Of three recorded transactions, the second of which is a theft: how long until the signal, and from there to the next transaction.
///
/// # Panics
/// The recording has no second and third transaction, or no signal.
pub fn from_signal_to_next(seen: &Recording) -> String {
    let [begun, signal, next] = moments(seen);
    format!(
        "transaction 2: a signal after {}, and {} later\ntransaction 3 begins",
        human(signal - begun),
        human(next - signal)
    )
}

/// The timeline around the second of three recorded transactions, a lane for each detector.
///
/// # Panics
/// As [`from_signal_to_next`].
pub fn theft_timeline(seen: &Recording) -> Timeline {
    let [begun, _, next] = moments(seen);
    let margin = (next - begun) / 4;
    let timeline = Timeline::new("One theft, from the signal to the next transaction", seen)
        .between(begun.saturating_sub(margin), next + margin)
        .after_flag("the signal is there, and not yet seen")
        .caption(
            "Transaction 2 is the theft; \"flag set\" is its signal. A step takes 1 ms of a core, and longer on the clock where workers wait for \
             one. Only looks that saw the signal are marked.",
        );
    let names = DETECTORS.iter().enumerate();
    names.fold(timeline, |timeline, (index, (name, _))| {
        timeline.name(index, *name)
    })
}

/// When transaction 2 began, when its signal came, and when transaction 3 began.
fn moments(seen: &Recording) -> [Duration; 3] {
    [Event::TaskTaken(2), Event::FlagSet, Event::TaskTaken(3)].map(|event| {
        let found = seen.events().find(|(_, _, seen)| *seen == event);
        let (_, nanoseconds, _) = found.unwrap_or_else(|| panic!("{event:?} was not recorded"));
        Duration::from_nanos(nanoseconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use figures::Trace;

    #[test]
    fn a_recorded_theft_is_told_and_drawn() {
        let trace = Trace::new(4).unwrap();
        let lane = trace.lane(0);
        lane.record(Event::TaskTaken(2));
        lane.record(Event::FlagSet);
        lane.record(Event::TaskDone(2));
        lane.record(Event::TaskTaken(3));
        lane.record(Event::TaskDone(3));
        drop(lane);
        let seen = trace.recording();
        assert!(from_signal_to_next(&seen).starts_with("transaction 2: a signal after"));
        let timeline = theft_timeline(&seen);
        assert!(timeline.svg().is_ok() && timeline.text().contains("velocity"));
    }
}
