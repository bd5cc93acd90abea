//! What `src/shared/queue/README.md` promises: order, bounds, and a kill at every named point.

mod common;

use common::LONG;
use labsupport::internal::{self, fault};
use labsupport::prelude::*;
use std::time::Duration;

#[test]
fn messages_of_every_size_come_out_in_order_across_the_end_of_the_ring() {
    let queue = Queue::<Vec<u8>>::bounded_bytes(100, 512).unwrap();
    let message = |n: usize| vec![n as u8; n * 7 % 180];
    let all = if cfg!(miri) { 100 } else { 2000 };
    let mut taken = 0;
    for put in 0..all {
        while queue.try_put(message(put)).is_err() {
            assert_eq!(queue.try_get().unwrap(), message(taken));
            taken += 1;
        }
    }
    while let Ok(last) = queue.try_get() {
        assert_eq!(last, message(taken));
        taken += 1;
    }
    assert_eq!(taken, all);
}

#[test]
fn capacity_counts_messages_and_a_full_queue_gives_the_message_back() {
    let queue = Queue::<u8>::bounded(3).unwrap();
    for n in 0..3 {
        queue.put(n).unwrap();
    }
    let error = queue.try_put(3).unwrap_err();
    assert_eq!((error.kind(), queue.len()), (&PutErrorKind::Full, 3));
    assert_eq!(error.into_inner(), 3);
    queue.try_get().unwrap();
    queue.put(4).unwrap();
}

#[test]
fn bad_sizes_are_errors_with_a_sentence() {
    let error = |result: Result<Queue<u8>, SharedError>| result.unwrap_err().to_string();
    assert_eq!(
        error(Queue::bounded(0)),
        "0 messages were asked for: ask for at least one."
    );
    assert!(error(Queue::bounded(usize::MAX)).ends_with("1073741824 is the most."));
    let small = Queue::<Vec<u8>>::bounded_bytes(1, 64).unwrap();
    assert!(matches!(
        small.put(vec![0; 64]).unwrap_err().kind(),
        PutErrorKind::TooLarge {
            bytes: 65,
            limit: 56
        }
    ));
}

/// Kills a producer at `point`; whether its message is in the queue afterwards.
fn kill_producer(point: &'static str) -> bool {
    let queue = Queue::<u64>::bounded(8).unwrap();
    queue.put(1).unwrap();
    let killed = Workers::spawn(1, |_| {
        fault::arm(point, fault::Action::Kill);
        queue.put(2).unwrap();
    });
    let report = killed.unwrap().join_timeout(LONG).unwrap();
    assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9), "{point}");
    // Both sides still work for every other process.
    let next = Workers::spawn(1, |_| queue.put(3).is_ok()).unwrap();
    assert_eq!(next.join_timeout(LONG).unwrap().values().unwrap(), [true]);
    let mut left = Vec::new();
    while let Ok(message) = queue.try_get() {
        left.push(message);
    }
    match left[..] {
        [1, 2, 3] => true,
        [1, 3] => false,
        _ => panic!("{point} left {left:?}"),
    }
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
#[cfg_attr(
    not(debug_assertions),
    ignore = "optimised builds have no named points"
)]
fn a_producer_killed_anywhere_has_put_its_message_or_not() {
    assert!(!kill_producer("put: locked"));
    assert!(!kill_producer("put: written"));
    assert!(kill_producer("put: committed"));
    assert!(kill_producer("put: unlocked"));
}

/// Kills a consumer at `point`; whether it took the first message with it.
fn kill_consumer(point: &'static str) -> bool {
    let queue = Queue::<u64>::bounded(8).unwrap();
    for message in 1..=3 {
        queue.put(message).unwrap();
    }
    let killed = Workers::spawn(1, |_| {
        fault::arm(point, fault::Action::Kill);
        queue.get().unwrap()
    });
    let report = killed.unwrap().join_timeout(LONG).unwrap();
    assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9), "{point}");
    let next = Workers::spawn(1, |_| (queue.get().unwrap(), queue.get().unwrap())).unwrap();
    match next.join_timeout(LONG).unwrap().values().unwrap()[..] {
        [(2, 3)] => true,
        [(1, 2)] => false,
        ref other => panic!("{point} left {other:?}"),
    }
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
#[cfg_attr(
    not(debug_assertions),
    ignore = "optimised builds have no named points"
)]
fn a_consumer_killed_anywhere_takes_at_most_its_own_message() {
    assert!(!kill_consumer("get: locked"));
    assert!(!kill_consumer("get: copied"));
    assert!(kill_consumer("get: committed"));
    assert!(kill_consumer("get: unlocked"));
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
#[cfg_attr(
    not(debug_assertions),
    ignore = "optimised builds have no named points"
)]
fn a_wake_up_that_dies_with_its_sleeper_is_not_missed() {
    let queue = Queue::<u64>::bounded(8).unwrap();
    let victim = Workers::spawn(1, |_| {
        fault::arm("bell: woken", fault::Action::Kill);
        queue.get().unwrap()
    })
    .unwrap();
    // It dies by itself when its first sleep ends, by a ring or by the clock.
    let report = victim.join_timeout(LONG).unwrap();
    assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9));
    let other = Workers::spawn(2, |_| queue.get().unwrap()).unwrap();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    let mut got = other.join_timeout(LONG).unwrap().values().unwrap();
    got.sort();
    assert_eq!(got, [1, 2]);
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn a_put_into_a_full_queue_waits_for_room() {
    let queue = Queue::<u64>::bounded(2).unwrap();
    let producers = Workers::spawn(2, |w| {
        for n in 0..500 {
            queue.put(w.index() as u64 * 1000 + n).unwrap();
        }
    })
    .unwrap();
    let mut last = [None::<u64>; 2];
    for _ in 0..1000 {
        let message = queue.get_timeout(LONG).unwrap();
        let (producer, n) = ((message / 1000) as usize, message % 1000);
        assert!(
            last[producer].is_none_or(|last| n == last + 1),
            "out of order"
        );
        last[producer] = Some(n);
    }
    producers.join_timeout(LONG).unwrap().values().unwrap();
    assert!(queue.is_empty());
}

/// How a `get` ends in a process whose only company is `company`.
fn get_beside<C>(company: impl Fn() -> C) -> Result<u64, GetError> {
    // The worker has no other thread and no child, and a name that begins almost like those of the library's helpers.
    let program = Workers::spawn(1, |_| {
        internal::set_thread_name(c"labs-evcxr");
        let _company = company();
        Queue::<u64>::bounded(1)
            .unwrap()
            .get_timeout(Duration::from_millis(200))
    });
    let report = program.unwrap().join_timeout(LONG).unwrap();
    report.into_values().unwrap().remove(0)
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn the_library_does_not_count_its_own_helpers_as_company_and_counts_everyone_else() {
    let pause = || std::thread::sleep(LONG);
    assert_eq!(get_beside(|| ()), Err(GetError::Disconnected));
    // Threads and workers inherit the name of their creator.
    assert_eq!(
        get_beside(|| std::thread::spawn(pause)),
        Err(GetError::Empty)
    );
    let worker = || Workers::spawn(1, |_| std::thread::sleep(LONG)).unwrap();
    assert_eq!(get_beside(worker), Err(GetError::Empty));
    let helper = || {
        let name = std::thread::Builder::new().name("labs: test".into());
        let helper = name.spawn(|| std::thread::sleep(LONG)).unwrap();
        let named = || {
            let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
            let names = tasks.map(|task| std::fs::read_to_string(task.path().join("comm")));
            names.flatten().any(|name| name == "labs: test\n")
        };
        assert!(common::soon(named));
        helper
    };
    assert_eq!(get_beside(helper), Err(GetError::Disconnected));
}
