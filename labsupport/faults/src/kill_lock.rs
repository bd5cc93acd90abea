//! Holders of a lock are killed, many times, at random moments: the lock never wedges, and every death is told.

use labsupport::prelude::*;
use std::time::Duration;

/// Waits until /proc says `what` of a process.
fn wait_until(pid: u32, file: &str, what: impl Fn(&str) -> bool) {
    let path = format!("/proc/{pid}/{file}");
    while !std::fs::read_to_string(&path).is_ok_and(|text| what(&text)) {
        std::thread::yield_now();
    }
}

/// Lets a thread, 0 for the calling one, run on the core of the calling one alone.
fn stay_on_one_core(pid: i32) {
    // SAFETY: an all-zero set is an empty one; the core is a valid number; the pointers are to live locals.
    unsafe {
        let mut core: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(libc::sched_getcpu() as usize, &mut core);
        assert_eq!(libc::sched_setaffinity(pid, size_of_val(&core), &core), 0);
    }
}

fn run_only_when_idle(pid: i32) {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the pointer is to a live local.
    let code = unsafe { libc::sched_setscheduler(pid, libc::SCHED_IDLE, &priority) };
    assert_eq!(code, 0);
}

#[test]
fn a_wake_up_that_is_swallowed_by_a_killed_waiter_does_not_wedge_the_next() {
    swallow_wake_ups();
}

/// Loses a wake-up; in the end a waiter must have been left without one, and have found the lock all the same.
pub(crate) fn swallow_wake_ups() {
    // If this thread loses its core at the wrong moment, the first one gets the lock and nothing is shown.
    assert!((0..50).any(|_| swallow_a_wake_up()));
}

/// Whether the first of two sleepers was killed between its wake-up and its getting the lock. The second must get it.
fn swallow_a_wake_up() -> bool {
    let lock = Lock::new().unwrap();
    let guard = lock.lock();
    // Two sleep in the order in which they came. The kernel wakes the first one first.
    let sleeper = || {
        let workers = Workers::spawn(1, |_| drop(lock.lock())).unwrap();
        let futex = format!("{} ", libc::SYS_futex);
        wait_until(workers.pids()[0], "syscall", |text| {
            text.starts_with(&futex)
        });
        workers
    };
    let (first, second) = (sleeper(), sleeper());
    // The first shares this thread's core and may run only where nobody else wants to: it is woken, but does not run yet.
    stay_on_one_core(0);
    stay_on_one_core(first.pids()[0] as i32);
    run_only_when_idle(first.pids()[0] as i32);
    drop(guard); // wakes the first
    let again = lock.try_lock();
    first.kill(0);
    first.join_timeout(Duration::from_secs(20)).unwrap();
    let swallowed = again.is_some();
    drop(again);
    let report = second.join_timeout(Duration::from_secs(20)).unwrap();
    report.values().expect("the second gets the lock");
    swallowed
}

#[test]
fn a_holder_killed_with_the_lock_is_reported_to_exactly_one_successor() {
    let value = Value::new((0u64, 0u64)).unwrap();
    let holding = Flag::new().unwrap();
    for round in 0..200 {
        holding.clear();
        let holder = Workers::spawn(1, |_| -> () {
            let mut guard = value.lock();
            guard.0 += 1; // the second word never follows: a half-written value
            holding.set();
            loop {
                std::hint::spin_loop();
            }
        })
        .unwrap();
        while !holding.is_set() {
            std::thread::yield_now();
        }
        // Four wait for the lock when its holder dies.
        let successors = Workers::spawn(4, |_| {
            let mut guard = value.lock();
            let told = guard.owner_died();
            if told {
                assert_eq!(guard.0, guard.1 + 1);
                guard.1 = guard.0; // mend it
            }
            assert_eq!(guard.0, guard.1);
            told
        })
        .unwrap();
        holder.kill(0);
        let told = successors
            .join_timeout(Duration::from_secs(20))
            .unwrap()
            .values()
            .unwrap();
        assert_eq!(
            told.iter().filter(|&&told| told).count(),
            1,
            "round {round}"
        );
        assert_eq!(
            holder.join().unwrap().outcomes()[0].exit(),
            &Exit::Signaled(9)
        );
    }
    assert_eq!(value.get(), (200, 200));
}

#[test]
fn four_workers_that_fight_for_a_lock_survive_kills_at_random_moments() {
    for round in 0u64..200 {
        let count = Value::new(0u64).unwrap();
        let done = Array::<u64>::new(4).unwrap();
        let workers = Workers::spawn(4, |w| {
            for _ in 0..2_000 {
                let mut guard = count.lock();
                *guard += 1;
                done.set(w.index(), done.get(w.index()) + 1);
            }
        })
        .unwrap();
        (0..round * 97 % 5_000).for_each(|_| std::hint::spin_loop());
        workers.kill((round % 4) as usize);
        let report = workers.join_timeout(Duration::from_secs(20)).unwrap();
        let returned = report
            .outcomes()
            .iter()
            .filter(|o| o.exit().is_returned())
            .count();
        assert!(returned >= 3, "round {round}: {report}");
        // The killed one may have counted once without writing that down.
        let written: u64 = done.lock().iter().sum();
        assert!(
            count.get() - written <= 1,
            "round {round}: {} against {written}",
            count.get()
        );
    }
}

#[test]
fn a_lock_that_was_not_held_by_the_killed_is_not_reported() {
    let lock = Lock::new().unwrap();
    let workers = Workers::spawn(1, |_| -> () {
        drop(lock.lock());
        std::process::abort()
    })
    .unwrap();
    workers.join().unwrap();
    assert!(!lock.lock().owner_died());
    assert_eq!(lock.deaths(), 0);
}
