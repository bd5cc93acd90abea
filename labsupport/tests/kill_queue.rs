//! A random consumer killed at a random moment, many times: the order stays, nothing is doubled, at most its one task is lost.

use labsupport::prelude::*;
use std::sync::atomic::Ordering;
use std::time::Duration;

const ROUNDS: u64 = 1_000;
const TASKS: u64 = 400;
const CONSUMERS: usize = 4;

/// A small random number generator (xorshift64*, Vigna 2016), so that a failing round can be run again by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// Waits until `pid` has ended; a consumer that is still dying could take a pill.
fn wait_until_ended(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        std::thread::yield_now();
    }
}

#[test]
fn a_random_consumer_killed_at_a_random_moment_loses_at_most_one_task() {
    let (mut lost, mut at_work) = (0, 0);
    for round in 0..ROUNDS {
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (round + 1));
        let tasks = Queue::<Option<u64>>::bounded(16).unwrap();
        // Word t: how often task t was done.
        let done = Segment::new(8 * TASKS as usize).unwrap();
        let consumers = Workers::spawn(CONSUMERS, |_| {
            let mut before = None;
            while let Some(task) = tasks.get().unwrap() {
                assert!(
                    before.is_none_or(|before| before < task),
                    "task {task} after {before:?}"
                );
                before = Some(task);
                done.word(task as usize).fetch_add(1, Ordering::Relaxed);
            }
        })
        .unwrap();

        let victim = random.below(CONSUMERS as u64) as usize;
        let kill_at = random.below(TASKS);
        for task in 0..TASKS {
            if task == kill_at {
                (0..random.below(2_000)).for_each(|_| std::hint::spin_loop());
                consumers.kill(victim);
            }
            tasks
                .put_timeout(Some(task), Duration::from_secs(20))
                .unwrap();
        }
        wait_until_ended(consumers.pids()[victim]);
        for _ in 0..CONSUMERS - 1 {
            tasks.put_timeout(None, Duration::from_secs(20)).unwrap();
        }
        let report = consumers.join_timeout(Duration::from_secs(20)).unwrap();
        for outcome in report.outcomes() {
            let expected = if outcome.index() == victim {
                Exit::Signaled(9)
            } else {
                Exit::Returned
            };
            assert_eq!(outcome.exit(), &expected, "round {round}");
        }
        let times: Vec<u64> = (0..TASKS)
            .map(|t| done.word(t as usize).load(Ordering::Relaxed))
            .collect();
        let doubled = times.iter().filter(|&&n| n > 1).count();
        let missing = times.iter().filter(|&&n| n == 0).count();
        assert_eq!(doubled, 0, "round {round}");
        assert!(missing <= 1, "round {round}: {missing} tasks are missing");
        assert!(tasks.is_empty(), "round {round}");
        lost += missing;
        at_work += usize::from(kill_at > 0);
    }
    println!(
        "{ROUNDS} rounds, {at_work} of them with a kill in mid-stream: {lost} tasks lost, none doubled"
    );
}
