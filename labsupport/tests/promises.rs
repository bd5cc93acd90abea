//! What safe code must not be able to break: one lock at a time, one process per guard, whole values, honest queues.

use labsupport::prelude::*;
use labsupport::process::SpawnError;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::time::Duration;

/// More than anything here takes, on any machine.
const LONG: Duration = Duration::from_secs(20);

/// Runs `work` in a process of its own, which has no other thread and no other child. How it ended.
fn alone<T: serde::Serialize + serde::de::DeserializeOwned + Clone>(
    work: impl Fn() -> T,
) -> Outcome<T> {
    let report = Workers::spawn(1, |_| work()).unwrap().join_timeout(LONG);
    report.unwrap().outcomes()[0].clone()
}

fn said(work: impl Fn()) -> String {
    alone(work).exit().to_string()
}

#[test]
#[allow(clippy::assign_op_pattern)] // what people write
fn a_lock_taken_twice_is_a_panic_that_names_it_and_says_what_to_write() {
    let (lock, flag) = (Lock::new().unwrap(), Flag::new().unwrap());
    let (total, hits) = (Value::new(0u64).unwrap(), Array::<u64>::new(2).unwrap());
    let pair = Value::new((0u64, 0u64)).unwrap();
    let twice: [(&str, &str, &dyn Fn()); 9] = [
        ("this lock", "let guard = lock.lock();", &|| {
            let _guard = lock.lock();
            let _ = lock.lock();
        }),
        ("this value", "*total.lock() += 1", &|| {
            *total.lock() = *total.lock() + 1
        }),
        ("this value", "*total.lock() += 1", &|| {
            total.set(*total.lock() + 1)
        }),
        ("this value", "let mut t = total.lock();", &|| {
            let _guard = total.lock();
            total.get();
        }),
        ("this value", "let mut t = total.lock();", &|| {
            let _guard = pair.lock();
            let _ = pair.lock();
        }),
        ("this flag", "guard.is_set()", &|| {
            let _guard = flag.lock();
            flag.is_set_locked();
        }),
        ("this flag", "guard.is_set()", &|| {
            let _guard = flag.lock();
            let _ = flag.lock();
        }),
        ("this array", "let mut all = hits.lock();", &|| {
            let _guard = hits.lock();
            hits.get(0);
        }),
        ("this array", "let mut all = hits.lock();", &|| {
            let _guard = hits.lock();
            hits.set(0, 1);
        }),
    ];
    for (what, instead, work) in twice {
        let said = said(work);
        for part in ["this process already holds", what, instead] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
    // The guards of the panics above gave everything back.
    assert!(lock.try_lock().is_some_and(|guard| !guard.owner_died()));
    assert_eq!((total.get(), hits.get(0)), (0, 0));
}

#[test]
fn another_thread_that_holds_the_lock_is_waited_for() {
    let total = Value::new(0u64).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let own = total.clone(); // a handle goes to another thread and is not shared with it
            scope.spawn(move || (0..20_000).for_each(|_| *own.lock() += 1));
        }
    });
    assert_eq!(total.get(), 40_000);
}

/// What `work` panics with in a child that a plain fork has made.
fn said_in_a_fork(work: impl Fn()) -> String {
    let (mut out, mut end) = std::io::pipe().unwrap();
    // SAFETY: the child runs `work`, writes to its pipe and leaves at once; it needs none of the locks that other threads of the test
    // may hold, but for the allocator's, which the C library keeps usable across a fork.
    match unsafe { libc::fork() } {
        0 => {
            std::panic::set_hook(Box::new(|_| {}));
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).err();
            let said =
                panic.and_then(|panic| panic.downcast_ref::<&str>().map(|said| said.to_string()));
            end.write_all(said.unwrap_or_default().as_bytes()).unwrap();
            // SAFETY: it never returns.
            unsafe { libc::_exit(0) }
        }
        child => {
            drop(end);
            let mut said = String::new();
            out.read_to_string(&mut said).unwrap();
            // SAFETY: our own child; the status is not wanted.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            said
        }
    }
}

#[test]
fn no_worker_gets_a_reference_to_what_its_parent_has_locked() {
    let (value, pair) = (Value::new(0u64).unwrap(), Value::new((0u64, 0u64)).unwrap());
    let (array, flag, lock) = (
        Array::<u64>::new(1).unwrap(),
        Flag::new().unwrap(),
        Lock::new().unwrap(),
    );
    let refused = |why: &str, work: &dyn Fn()| {
        let spawned = Workers::spawn(2, |_| work());
        assert!(
            matches!(spawned, Err(SpawnError::GuardHeld)),
            "{why}: {spawned:?}"
        );
    };
    {
        let mut guard = value.lock();
        let count = RefCell::new(&mut *guard);
        refused("a value", &|| {
            (0..1000).for_each(|_| **count.borrow_mut() += 1)
        });
    }
    {
        let mut guard = pair.lock();
        let count = std::sync::Mutex::new(&mut guard.0);
        refused("a pair", &|| **count.lock().unwrap() += 1);
    }
    {
        let mut guard = array.lock();
        let all = RefCell::new(&mut guard[..]);
        refused("an array", &|| all.borrow_mut()[0] += 1);
    }
    // Where nothing is lent, workers start and wait for the lock; and where a guard was dropped, as ever.
    let (locked, flagged) = (lock.lock(), flag.lock());
    let waiting = Workers::spawn(2, |_| {
        *value.lock() += u64::from(lock.lock().owner_died()) + 1
    })
    .unwrap();
    drop((locked, flagged));
    waiting.join_timeout(LONG).unwrap().values().unwrap();
    assert_eq!(value.get(), 2);
    // Nor does the guard of another thread keep anybody from it.
    std::thread::scope(|scope| {
        let guard = pair.lock();
        let other = scope.spawn(|| alone(|| 7).value().copied());
        assert_eq!(other.join().unwrap(), Some(7));
        drop(guard);
    });
}

#[test]
fn a_guard_that_a_fork_copied_neither_reads_nor_writes_nor_unlocks() {
    let (value, pair) = (Value::new(7u64).unwrap(), Value::new((7u64, 7u64)).unwrap());
    let (array, flag, lock) = (
        Array::<u64>::new(1).unwrap(),
        Flag::new().unwrap(),
        Lock::new().unwrap(),
    );
    {
        // Workers cannot be spawned while these are held, so the fork comes from other code.
        let guards = RefCell::new((value.lock(), pair.lock(), array.lock()));
        let inherited = |use_it: &dyn Fn()| {
            let said = said_in_a_fork(use_it);
            assert!(said.contains("a worker has only a copy of it"), "{said}");
        };
        inherited(&|| *guards.borrow_mut().0 += 1);
        inherited(&|| assert_eq!(*guards.borrow().0, 7));
        inherited(&|| guards.borrow_mut().1.0 += 1);
        inherited(&|| guards.borrow_mut().2[0] += 1);
    }
    let guards = RefCell::new(Some((flag.lock(), lock.lock())));
    let inherited = |use_it: &dyn Fn()| {
        let said = said(use_it);
        assert!(said.contains("a worker has only a copy of it"), "{said}");
    };
    inherited(&|| guards.borrow().as_ref().unwrap().0.set());
    inherited(&|| guards.borrow().as_ref().unwrap().0.clear());
    // A copy that is dropped leaves the lock with its holder.
    let dropped = alone(|| {
        drop(guards.take());
        lock.try_lock().is_none()
    });
    assert_eq!(dropped.value(), Some(&true));
    // Nor does it give back what the worker has locked itself since.
    let free = Flag::new().unwrap();
    let locked_since = Workers::spawn(1, |_| {
        while !free.is_set() {
            std::thread::yield_now();
        }
        let _own = lock.lock();
        drop(guards.take());
        lock.try_lock().is_none()
    });
    drop(guards.take());
    free.set();
    let locked_since = locked_since.unwrap().join_timeout(LONG).unwrap();
    assert_eq!(locked_since.values().unwrap(), [true]);
    assert_eq!(
        (value.get(), pair.get(), array.get(0), flag.is_set()),
        (7, (7, 7), 0, false)
    );
    assert!(!lock.lock().owner_died());
}

#[test]
fn a_copy_of_the_workers_handle_can_neither_stop_them_nor_steal_their_results() {
    let others = RefCell::new(Some(Workers::spawn(1, |w| w.index() + 7).unwrap()));
    let stop = said(|| others.borrow().as_ref().unwrap().kill(0));
    assert!(
        stop.contains("only the process that spawned these workers"),
        "{stop}"
    );
    let terminate = said(|| others.borrow().as_ref().unwrap().terminate());
    assert!(
        terminate.contains("only the process that spawned these workers"),
        "{terminate}"
    );
    let joined = alone(|| others.take().unwrap().join().unwrap_err().to_string());
    assert!(joined.value().unwrap().contains("join them in the parent"));
    assert_eq!(
        others.take().unwrap().join().unwrap().values().unwrap(),
        [7]
    );
}

#[test]
fn the_next_owner_learns_of_a_death_even_if_a_handle_was_dropped_in_between() {
    let lock = Lock::new().unwrap();
    let go = Flag::new().unwrap();
    let victim = Workers::spawn(1, |_| -> () {
        let _guard = lock.lock();
        std::process::abort()
    });
    let next = Workers::spawn(1, |_| {
        while !go.is_set() {
            std::thread::yield_now();
        }
        lock.lock().owner_died()
    });
    let _: Report<()> = victim.unwrap().join_timeout(LONG).unwrap();
    drop(lock); // the last handle of this process
    go.set();
    assert_eq!(
        next.unwrap().join_timeout(LONG).unwrap().values().unwrap(),
        [true]
    );
}

#[test]
fn the_memory_goes_with_its_last_handle_though_a_worker_holds_the_lock() {
    let mapped = || {
        std::fs::read_to_string("/proc/self/maps")
            .unwrap()
            .matches("/dev/shm/labs-")
            .count()
    };
    let end = alone(|| {
        let (lock, held) = (Lock::new().unwrap(), Flag::new().unwrap());
        let holder = Workers::spawn(1, |_| -> () {
            let _guard = lock.lock();
            held.set();
            loop {
                std::thread::park();
            }
        });
        while !held.is_set() {
            std::thread::yield_now();
        }
        let before = mapped();
        drop(lock);
        let after = mapped();
        drop(holder);
        before - after
    });
    assert_eq!(end.value(), Some(&1), "{}", end.exit());
}

#[test]
fn a_thread_that_is_about_to_put_counts_as_a_producer() {
    let end = alone(|| {
        let tasks = Queue::<u64>::bounded(1).unwrap();
        let go = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                go.wait();
                // Long enough for the other thread to look for company more than once.
                std::thread::sleep(Duration::from_millis(200));
                tasks.put(7).unwrap();
            });
            go.wait();
            tasks.get()
        })
    });
    assert_eq!(end.value(), Some(&Ok(7)), "{}", end.exit());
}

#[test]
fn the_timed_forms_say_when_no_process_is_left() {
    let end = alone(|| {
        let tasks = Queue::<u64>::bounded(1).unwrap();
        let got = tasks.get_timeout(Duration::MAX);
        tasks.put_timeout(1, Duration::MAX).unwrap();
        let put = tasks.put_timeout(2, LONG).unwrap_err();
        (got, put)
    });
    let (got, put) = end.value().unwrap().clone();
    assert_eq!(got, Err(GetError::Disconnected));
    assert_eq!(
        (put.kind(), put.clone().into_inner()),
        (&PutErrorKind::Disconnected, 2)
    );
}

#[test]
fn a_queue_never_says_that_it_holds_more_than_it_can() {
    let tasks = Queue::<u64>::bounded(2).unwrap();
    let workers = Workers::spawn(2, |w| {
        for n in 0..100_000 {
            match w.index() {
                0 => tasks.put_timeout(n, LONG).unwrap(),
                _ => drop(tasks.get_timeout(LONG).unwrap()),
            }
        }
    });
    let workers = workers.unwrap();
    let most = (0..500_000).map(|_| tasks.len()).max();
    workers.join_timeout(LONG).unwrap().values().unwrap();
    assert!(most <= Some(2), "{most:?}");
}

#[test]
fn a_value_of_up_to_eight_bytes_is_read_in_one_piece() {
    let pair = Value::new((0u32, 0u32)).unwrap();
    let bytes = Value::new([0u8; 7]).unwrap();
    let over = Flag::new().unwrap();
    let writer = Workers::spawn(1, |_| {
        for n in 0.. {
            if over.is_set() {
                break;
            }
            pair.set((n, n));
            *bytes.lock() = [n as u8; 7];
        }
    });
    let writer = writer.unwrap();
    for _ in 0..1_000_000 {
        let (first, second) = pair.get_unlocked();
        assert_eq!(first, second);
        let seen = bytes.get_unlocked();
        assert_eq!(seen, [seen[0]; 7]);
    }
    over.set();
    writer.join_timeout(LONG).unwrap().values().unwrap();
}

#[test]
fn a_number_written_under_the_lock_is_there_before_the_lock_is_given_back() {
    let (prime, found, seen) = (
        Value::new(0u64).unwrap(),
        Flag::new().unwrap(),
        Flag::new().unwrap(),
    );
    let finder = Workers::spawn(1, |_| {
        let mut guard = prime.lock();
        *guard = 7;
        found.set();
        while !seen.is_set() {
            std::thread::yield_now();
        }
    });
    while !found.is_set() {
        std::thread::yield_now();
    }
    assert_eq!(prime.get_unlocked(), 7);
    seen.set();
    finder.unwrap().join_timeout(LONG).unwrap();
}

#[test]
fn a_holder_that_dies_leaves_no_half_of_a_pair_of_up_to_eight_bytes() {
    let pair = Value::new((1u32, 1u32)).unwrap();
    let victim = Workers::spawn(1, |_| -> () {
        let mut guard = pair.lock();
        guard.0 += 1;
        std::process::abort()
    });
    let _: Report<()> = victim.unwrap().join_timeout(LONG).unwrap();
    let guard = pair.lock();
    assert_eq!((guard.owner_died(), *guard), (true, (1, 1)));
}

#[test]
fn a_queue_is_iterated_up_to_its_pill() {
    let tasks = Queue::<Option<u64>>::bounded(8).unwrap();
    for task in [Some(1), Some(2), None, Some(3)] {
        tasks.try_put(task).unwrap();
    }
    assert_eq!(tasks.iter().collect::<Vec<_>>(), [Ok(1), Ok(2)]);
    assert_eq!(tasks.len(), 1);
    let end = alone(|| tasks.try_get());
    assert_eq!(end.value(), Some(&Ok(Some(3))));
}
