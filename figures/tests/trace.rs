//! A trace under SIGKILL at random moments: everything that was recorded is there, in order.

use figures::prelude::*;
use labsupport::prelude::*;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// The numbers of the notes in a lane.
fn notes(lane: &LaneRecord) -> Vec<u32> {
    let number = |(_, event): &(u64, Event)| match event {
        Event::Note(number) => Some(*number),
        _ => None,
    };
    lane.events().iter().filter_map(number).collect()
}

#[test]
fn workers_killed_at_random_moments_lose_nothing_that_they_recorded() {
    const EVENTS: usize = 300;
    let mut in_full_rings = 0;
    for round in 0..300u64 {
        let trace = Trace::with_capacity(4, EVENTS).unwrap();
        // Word w: how many notes worker w has recorded, written after each.
        let recorded = Segment::new(8 * 4).unwrap();
        let workers = Workers::spawn(4, |w| -> () {
            let log = trace.lane(w.index());
            for number in 0.. {
                log.record(Event::Note(number));
                recorded
                    .word(w.index())
                    .store(u64::from(number) + 1, Ordering::Release);
            }
        })
        .unwrap();
        let wanted = round * 7 % 1_000;
        while recorded.word(0).load(Ordering::Acquire) < wanted {
            std::hint::spin_loop();
        }
        (0..4).for_each(|index| workers.kill(index));
        workers.join_timeout(LONG).unwrap();
        let recording = trace.recording();
        for (index, lane) in recording.lanes().iter().take(4).enumerate() {
            let said = recorded.word(index).load(Ordering::Acquire);
            let notes = notes(lane);
            let there = notes.last().map_or(0, |&last| u64::from(last) + 1);
            // It may have died between the record and the word.
            assert!(there == said || there == said + 1, "{there} for {said}");
            assert!(notes.windows(2).all(|pair| pair[0] + 1 == pair[1]));
            assert!(lane.events().windows(2).all(|pair| pair[0].0 <= pair[1].0));
            let all = lane.events().len() as u64 + lane.dropped();
            assert!(all == there + 1 || all == 0, "{all} events, {there} notes"); // the start is one more
            assert!(!lane.summary().exited);
            in_full_rings += usize::from(lane.dropped() > 0);
        }
    }
    assert!(
        in_full_rings > 0,
        "no ring was ever full: the test does not test that"
    );
    println!("300 rounds, {in_full_rings} of 1,200 lanes with a full ring: nothing lost");
}

#[test]
fn two_pools_can_follow_each_other_in_one_lane() {
    let trace = Trace::new(1).unwrap();
    for number in 1..=2 {
        let pool = Workers::spawn(1, |_| trace.lane(0).record(Event::Note(number))).unwrap();
        pool.join_timeout(LONG).unwrap().values().unwrap();
    }
    let recording = trace.recording();
    let events: Vec<Event> = recording.events().map(|(_, _, event)| event).collect();
    let round = |n| [Event::Started, Event::Note(n), Event::Exited];
    assert_eq!(events, [round(1), round(2)].concat());
}
