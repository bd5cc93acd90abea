//! What `src/shared/queue/README.md` promises: order, bounds, and a kill at every named point.

mod common;

use common::LONG;
use labsupport::internal::{self, fault};
use labsupport::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::time::Duration;

/// Fills the queue, empties it while it is full, and looks at each message as it comes out.
fn come_out_in_order<T>(queue: &Queue<T>, all: usize, message: impl Fn(usize) -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
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
fn messages_of_every_size_come_out_in_order_across_the_end_of_the_ring() {
    let queue = Queue::<Vec<u8>>::bounded_bytes(100, 512).unwrap();
    let all = if cfg!(miri) { 100 } else { 2000 };
    come_out_in_order(&queue, all, |n| vec![n as u8; n * 7 % 180]);
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

/// A message of more than a few bytes, for which the queue has its own way.
fn large(n: u64) -> String {
    format!("{n} ").repeat(700)
}

#[test]
fn large_messages_come_out_whole_wherever_they_begin() {
    let queue = Queue::<(u64, String, u8)>::bounded_bytes(100, 16 << 10).unwrap();
    let all = if cfg!(miri) { 20 } else { 2_000 };
    come_out_in_order(&queue, all, |n| {
        (n as u64, "x".repeat(n * 37 % 5_000), n as u8)
    });
}

#[test]
fn a_large_message_may_fill_the_queue_and_no_larger_one_fits() {
    let queue = Queue::<String>::bounded_bytes(3, 4096).unwrap();
    queue.put("in front".into()).unwrap();
    queue.try_get().unwrap();
    let limit = 4096 - 8;
    let most = "x".repeat(limit - 2); // serde's length takes two bytes
    queue.put(most.clone()).unwrap();
    assert_eq!(
        queue.try_put(String::new()).unwrap_err().kind(),
        &PutErrorKind::Full
    );
    assert_eq!(queue.try_get().unwrap(), most);
    let error = queue.put(most + "x").unwrap_err();
    let bytes = limit + 1;
    assert_eq!(error.kind(), &PutErrorKind::TooLarge { bytes, limit });
    assert_eq!(error.into_inner().len(), limit - 1);
    assert!(queue.is_empty());
}

#[test]
fn bytes_are_lent_in_place_and_aligned() {
    let queue = Queue::<[u8]>::bounded_bytes(100, 8 << 10).unwrap();
    let aligned = |bytes: &[u8]| {
        let alignment = if bytes.len() < 1024 { 8 } else { 16 };
        // The one that fills the queue has no room to move.
        bytes.len() == (8 << 10) - 8 || (bytes.as_ptr() as usize).is_multiple_of(alignment)
    };
    for len in (0..3000)
        .step_by(if cfg!(miri) { 311 } else { 7 })
        .chain([(8 << 10) - 8])
    {
        let put = queue.put_with(len, |bytes| {
            assert!(bytes.len() == len && aligned(bytes));
            bytes
                .iter_mut()
                .zip(0u32..)
                .for_each(|(byte, n)| *byte = n as u8);
            bytes.as_ptr() as usize
        });
        let got = queue.get_with(|bytes| {
            assert!(bytes.len() == len && aligned(bytes));
            assert!(bytes.iter().zip(0u32..).all(|(byte, n)| *byte == n as u8));
            bytes.as_ptr() as usize
        });
        assert_eq!(put.unwrap(), got.unwrap(), "not the same place");
    }
    let error = queue.put_with((8 << 10) - 7, |_| panic!("lent in spite of that"));
    let (bytes, limit) = ((8 << 10) - 7, (8 << 10) - 8);
    assert_eq!(
        error.unwrap_err().kind(),
        &PutErrorKind::TooLarge { bytes, limit }
    );
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn a_loan_waits_for_room_and_for_a_message_and_says_when_none_can_come() {
    let limit = Duration::from_millis(1);
    let read = |bytes: &[u8]| bytes[0];
    // In a process without any other thread.
    let alone = Workers::spawn(1, |_| {
        let queue = Queue::<[u8]>::bounded_bytes(1, 64).unwrap();
        let put = || queue.put_with_timeout(1, limit, |bytes| bytes[0] = 7);
        let nothing = queue.get_with_timeout(limit, read);
        assert_eq!(nothing, Err(GetError::Disconnected));
        put().unwrap();
        assert_eq!(put().unwrap_err().kind(), &PutErrorKind::Disconnected);
        std::thread::scope(|scope| {
            let company = scope.spawn(std::thread::park);
            assert_eq!(put().unwrap_err().kind(), &PutErrorKind::Full);
            assert_eq!(queue.get_with(read), Ok(7));
            assert_eq!(queue.get_with_timeout(limit, read), Err(GetError::Empty));
            company.thread().unpark();
        });
    });
    alone.unwrap().join_timeout(LONG).unwrap().values().unwrap();
}

/// What a panic said.
fn said(call: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap()
}

/// What a worker does to a queue that holds one message, and what is left of `[1]` and a message `2` that comes afterwards.
fn left_after(act: impl Fn(&Queue<[u8]>)) -> (Exit, Vec<u8>) {
    let queue = Queue::<[u8]>::bounded_bytes(8, 1 << 10).unwrap();
    queue.put_with(1, |bytes| bytes[0] = 1).unwrap();
    let worker = Workers::spawn(1, |_| act(&queue)).unwrap();
    let report = worker.join_timeout(LONG).unwrap();
    queue.put_with(1, |bytes| bytes[0] = 2).unwrap();
    let first = |bytes: &[u8]| bytes[0];
    let left = std::iter::from_fn(|| queue.get_with_timeout(Duration::ZERO, first).ok());
    let left = left.collect();
    (report.outcomes()[0].exit().clone(), left)
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn a_death_in_a_closure_puts_nothing_and_takes_nothing() {
    let die = || -> () { internal::send_signal(internal::getpid(), 9).unwrap() };
    let killed = |act: &dyn Fn(&Queue<[u8]>)| {
        let (exit, left) = left_after(act);
        assert_eq!(exit, Exit::Signaled(9));
        left
    };
    let put = |queue: &Queue<[u8]>| {
        let half_written = |bytes: &mut [u8]| (bytes[..300].fill(7), die()).1;
        let _ = queue.put_with(600, half_written);
    };
    assert_eq!(killed(&put), [1, 2]);
    assert_eq!(killed(&|queue| { _ = queue.get_with(|_| die()) }), [1, 2]);
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn a_panic_in_a_closure_puts_nothing_and_takes_the_message_that_it_met() {
    let panicked = |act: &dyn Fn(&Queue<[u8]>)| {
        let (exit, left) = left_after(act);
        assert!(matches!(exit, Exit::Panicked { .. }), "{exit}");
        left
    };
    let put = |queue: &Queue<[u8]>| _ = queue.put_with(600, |bytes| bytes[600] = 7);
    assert_eq!(panicked(&put), [1, 2]);
    assert_eq!(panicked(&|queue| _ = queue.get_with(|_| panic!("no"))), [2]);
    // The same in the thread itself: it goes on, and no lock stays behind.
    let queue = Queue::<[u8]>::bounded_bytes(8, 64).unwrap();
    said(|| _ = queue.put_with(1, |_| panic!("no")));
    queue.put_with(1, |bytes| bytes[0] = 5).unwrap();
    said(|| _ = queue.get_with(|_| panic!("no")));
    queue.put_with(1, |bytes| bytes[0] = 6).unwrap();
    assert_eq!(queue.get_with(|bytes| bytes[0]), Ok(6));
}

#[test]
#[cfg_attr(miri, ignore = "Miri's mutexes do not say who holds them")]
fn a_closure_that_uses_its_own_queue_is_told_so_and_does_not_hang() {
    let queue = Queue::<[u8]>::bounded_bytes(1, 64).unwrap();
    let fill = |bytes: &mut [u8]| bytes.fill(1);
    let told = |call: &dyn Fn()| {
        let said = said(call);
        assert!(said.starts_with(internal::HELD_ALREADY), "{said}");
        assert!(said.contains("a lock of this queue"), "{said}");
    };
    told(&|| _ = queue.put_with(1, |_| queue.put_with(1, fill)));
    // It waits for a message that only another put can bring.
    told(&|| _ = queue.put_with(1, |_| queue.get_with(|_| ())));
    queue.put_with(1, fill).unwrap();
    told(&|| _ = queue.get_with(|_| queue.get_with(|_| ())));
    queue.put_with(1, fill).unwrap();
    // It waits for room that only another get can make.
    told(&|| _ = queue.get_with(|_| queue.put_with(1, fill)));
    assert!(queue.is_empty());
    // What need not wait works.
    queue.put_with(1, fill).unwrap();
    let nothing = Duration::ZERO;
    let inside = queue.get_with(|_| queue.put_with_timeout(65, nothing, fill).is_err());
    assert_eq!(inside, Ok(true));
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn no_worker_gets_a_copy_of_bytes_that_are_lent() {
    let queue = Queue::<[u8]>::bounded_bytes(1, 64).unwrap();
    let spawn = || Workers::spawn(1, |_| ()).unwrap_err().to_string();
    for error in [
        queue.put_with(1, |_| spawn()).unwrap(),
        queue.get_with(|_| spawn()).unwrap(),
    ] {
        assert!(error.contains("bytes of a queue"), "{error}");
    }
}

/// A message whose `Serialize` writes much and then does something else.
#[derive(Clone, Copy)]
enum Odd {
    Fails,
    Panics,
    Dies,
    /// Writes more each time.
    Grows,
}

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeTuple};
        static GROWN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let grown = GROWN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut tuple = serializer.serialize_tuple(2)?;
        tuple.serialize_element(&"x".repeat(2_000))?;
        match self {
            Odd::Fails => return Err(S::Error::custom("on purpose")),
            Odd::Panics => panic!("on purpose"),
            Odd::Dies => internal::send_signal(internal::getpid(), 9).unwrap(),
            // Too much for the queue when it is written, and little when it is only to be counted.
            Odd::Grows => {
                tuple.serialize_element(&"x".repeat(if grown % 2 == 1 { 9_000 } else { 0 }))?;
            }
        }
        tuple.end()
    }
}

impl<'de> serde::Deserialize<'de> for Odd {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Odd, D::Error> {
        unreachable!("none is ever put")
    }
}

#[test]
fn a_message_that_cannot_be_written_to_its_end_is_not_put() {
    let queue = Queue::<Odd>::bounded_bytes(4, 4096).unwrap();
    let error = queue.put(Odd::Fails).unwrap_err();
    assert!(matches!(error.kind(), PutErrorKind::Unserialisable(_)));
    assert_eq!(said(|| _ = queue.put(Odd::Panics)), "on purpose");
    let error = queue.put(Odd::Grows).unwrap_err().to_string();
    assert!(error.contains("something else each time"), "{error}");
    if !cfg!(miri) {
        let worker = Workers::spawn(1, |_| _ = queue.put(Odd::Dies)).unwrap();
        let report = worker.join_timeout(LONG).unwrap();
        assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9));
    }
    assert!(queue.is_empty());
    assert!(queue.put(Odd::Fails).is_err()); // no lock stays behind
}

#[test]
#[cfg_attr(miri, ignore = "forks, and Miri cannot")]
fn large_messages_wait_for_room_and_go_to_one_consumer_each() {
    let queue = Queue::<Option<String>>::bounded_bytes(64, 8 << 10).unwrap();
    let workers = Workers::spawn(4, |w| {
        let mut sum = 0;
        match w.index() {
            0 | 1 => (0..200).for_each(|n| queue.put(Some(large(n))).unwrap()),
            _ => {
                for message in queue.iter() {
                    let message = message.unwrap();
                    let number = message.split(' ').next().unwrap().parse().unwrap();
                    assert_eq!(message, large(number));
                    sum += number;
                }
            }
        }
        sum
    })
    .unwrap();
    let ended = |pid: u32| internal::activity(pid as i32) == "ending";
    let producers = [workers.pids()[0], workers.pids()[1]];
    assert!(common::soon(|| producers.iter().all(|&pid| ended(pid))));
    (0..2).for_each(|_| queue.put(None).unwrap());
    let sums = workers.join_timeout(LONG).unwrap().values().unwrap();
    assert_eq!(sums.iter().sum::<u64>(), 2 * (0..200).sum::<u64>());
}
