//! Barriers between processes: rounds, limits, and parties that die.

mod common;

use common::{LONG, alive};
use labsupport::internal::fault;
use labsupport::prelude::*;
use std::time::Duration;

/// How many have arrived, as the barrier itself says.
fn arrived(barrier: &Barrier) -> usize {
    let said = format!("{barrier:?}");
    let digits = said.strip_prefix("Barrier(").unwrap().split(' ').next();
    digits.unwrap().parse().unwrap()
}

/// Runs `workers` parties through `rounds` rounds; returns how often each was the last. No party may ever be a round ahead.
fn run(barrier: &Barrier, workers: usize, rounds: u64) -> Vec<u64> {
    let reached = Array::<u64>::new(workers).unwrap();
    let report = Workers::spawn(workers, |w| {
        let mut last = 0;
        for round in 1..=rounds {
            reached.set(w.index(), round);
            last += u64::from(barrier.wait());
            // No party passes the next barrier before we reach it, so there are at most two rounds.
            let seen = reached.lock().to_vec();
            assert!(
                seen.iter().all(|&n| n == round || n == round + 1),
                "after round {round} worker {} saw {seen:?}",
                w.index()
            );
        }
        last
    })
    .unwrap()
    .join_timeout(LONG)
    .unwrap();
    report.into_values().unwrap()
}

#[test]
fn no_party_is_a_round_ahead_and_one_is_the_last_of_each() {
    let barrier = Barrier::new(4).unwrap();
    assert_eq!(run(&barrier, 4, 2_000).iter().sum::<u64>(), 2_000);
}

#[test]
fn more_workers_than_cores_come_through() {
    let workers = 3 * std::thread::available_parallelism().map_or(1, |cores| cores.get()) + 1;
    let barrier = Barrier::new(workers).unwrap();
    assert_eq!(run(&barrier, workers, 200).iter().sum::<u64>(), 200);
}

#[test]
fn a_barrier_of_one_lets_it_through() {
    let barrier = Barrier::new(1).unwrap();
    assert!((0..10).all(|_| barrier.wait()));
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "optimised builds have no named points"
)]
fn a_killed_party_leaves_the_rest_waiting_and_the_report_says_so() {
    let limit = Duration::from_millis(125);
    let are_asleep = || {
        let barrier = Barrier::new(3).unwrap();
        let workers = Workers::spawn(3, |w| {
            if w.index() == 1 {
                fault::arm("barrier: arriving", fault::Action::Kill);
            }
            barrier.wait()
        });
        // Before the limit runs the victim is dead, so that a busy machine does not make it late.
        let workers = workers.unwrap();
        while alive(workers.pids()[1]) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let report = workers.join_timeout(limit).unwrap();
        assert_eq!(report.outcomes()[1].exit(), &Exit::Signaled(9));
        [0, 2].into_iter().all(|index| {
            let said = report.outcomes()[index].exit().to_string();
            assert!(said.starts_with("not finished after 125 ms"), "{said}");
            said.contains("asleep, waiting at a barrier")
        })
    };
    // A sleeper wakes now and then to look again, and may do so just at the limit.
    assert!((0..20).any(|_| are_asleep()));
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "optimised builds have no named points"
)]
fn one_that_dies_after_it_arrived_was_there() {
    // The last one dies before it wakes anybody; another dies while it waits.
    for (point, dies_last) in [("barrier: complete", true), ("barrier: arrived", false)] {
        let barrier = Barrier::new(3).unwrap();
        let workers = Workers::spawn(3, |w| {
            if w.index() == 0 {
                let others = if dies_last { 2 } else { 0 };
                while arrived(&barrier) < others {
                    std::thread::sleep(Duration::from_millis(1));
                }
                fault::arm(point, fault::Action::Kill);
            }
            if !dies_last && w.index() > 0 {
                while arrived(&barrier) < 1 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            barrier.wait()
        });
        let report = workers.unwrap().join_timeout(LONG).unwrap();
        assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9), "{point}");
        let last = [1, 2].map(|index| report.outcomes()[index].value().copied().unwrap());
        let lasts = last.iter().filter(|&&last| last).count();
        assert_eq!(lasts, usize::from(!dies_last), "{point}");
    }
}

#[test]
fn a_party_that_gives_up_has_not_arrived() {
    let barrier = Barrier::new(2).unwrap();
    for _ in 0..3 {
        let limit = Duration::from_millis(2);
        assert_eq!(barrier.wait_timeout(limit), None);
        assert_eq!(barrier.wait_timeout(Duration::ZERO), None);
    }
    assert_eq!(format!("{barrier:?}"), "Barrier(0 of 2 arrived)");
    assert_eq!(run(&barrier, 2, 10).iter().sum::<u64>(), 10);
}

#[test]
fn impatient_and_patient_parties_agree_on_the_rounds() {
    let barrier = Barrier::new(3).unwrap();
    let report = Workers::spawn(3, |w| {
        let (mut rounds, mut last) = (0, 0);
        while rounds < 300 {
            let said = match w.index() {
                0 => Some(barrier.wait()),
                1 => barrier.wait_timeout(Duration::ZERO),
                _ => barrier.wait_timeout(Duration::from_micros(20)),
            };
            rounds += u32::from(said.is_some());
            last += u32::from(said == Some(true));
        }
        last
    });
    let report = report.unwrap().join_timeout(LONG).unwrap();
    let last = report.values().unwrap();
    assert_eq!(last.iter().sum::<u32>(), 300, "{last:?}");
}

#[test]
fn the_process_that_made_it_does_not_wait_alone() {
    // In a process of its own, which has no other threads and no other children.
    let maker = Workers::spawn(1, |_| {
        let barrier = Barrier::new(3).unwrap();
        let other = Workers::spawn(1, |_| {
            barrier.wait_timeout(Duration::from_millis(100));
        });
        let other = other.unwrap();
        barrier.wait();
        drop(other);
    });
    let report = maker.unwrap().join_timeout(LONG).unwrap();
    let said = report.outcomes()[0].exit().to_string();
    assert!(
        said.starts_with("panicked: a barrier of 3 parties waits for 2 more, and no worker"),
        "{said}"
    );
}

#[test]
fn no_parties_and_too_many_are_errors_with_a_sentence() {
    let error = |parties| Barrier::new(parties).unwrap_err().to_string();
    assert_eq!(error(0), "0 parties were asked for: ask for at least one.");
    assert_eq!(
        error(70_000),
        "70000 parties were asked for; 65535 is the most."
    );
}
