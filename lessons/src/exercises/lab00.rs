use super::answer::answer;
use super::exercise::{Exercise, Hint};
use crate::check::Facts;
use labsupport::process::{Worker, Workers};
use labsupport::shared::{Array, Flag, Value};
use std::time::Duration;

pub(super) const COUNT: Exercise = Exercise {
    name: "00-1",
    asks_for: "count",
    limit: Duration::from_secs(20),
    facts: 10,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker did not come home. Its row says how it ended: a panic names the line, and a worker that was too late says what it was doing.",
                "Does every loop end, and does the worker wait for anything but the lock of `total`?",
            ],
        },
        Hint {
            about: &["share of the numbers", "exactly once"],
            says: &[
                "Look at the row about numbers that are tested exactly once. Which part of the range belongs to which worker?",
                "Section 3 divides a range: `w.share_of(0..n)` is this worker's part of it.",
                "Loop with `for number in w.share_of(0..n)`. Nothing else needs to decide which worker tests which number.",
            ],
        },
        Hint {
            about: &["hits found", "not lost"],
            says: &[
                "Every number is tested once, and yet something that was added gets lost. What can happen between reading the total and writing it?",
                "Section 4 adds to a number that all workers share. Reading, adding and writing belong under one lock.",
                "Count your hits in a variable `mine`, and add them once at the end: `*total.lock() += mine;`",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "Two things have to be right: who tests which number, and how the counts come together.",
            ],
        },
    ],
    next: "add each hit under the lock as soon as it is found, instead of once at the end. The result is the same; what does it cost?",
};

type Count<'a> = &'a dyn Fn(&Worker, u64, &Value<u64>, &dyn Fn(u64) -> bool);

answer!("00-1": fn(&Worker, u64, &Value<u64>, &dyn Fn(u64) -> bool), count);

fn count(facts: &Facts, count: Count) {
    let hits = |n: u64| (0..n).filter(|number| number % 7 == 3).count() as u64;
    let count_with = |crew: usize, n: u64| {
        let total = Value::new(0u64).unwrap();
        facts.name("total", &total);
        let tested = Array::<u64>::new(n as usize).unwrap(); // how often each number was tested
        let by = Array::<u64>::new(crew).unwrap(); // how many numbers each worker tested
        let workers = Workers::spawn(crew, |w| {
            count(w, n, &total, &|number| {
                tested.lock()[number as usize] += 1;
                by.lock()[w.index()] += 1;
                number % 7 == 3
            });
        });
        let report = workers
            .unwrap()
            .join_timeout(Duration::from_secs(5))
            .unwrap();
        facts.home(&format!("{crew} workers: all came home"), &report);
        let share = n / crew as u64..=n.div_ceil(crew as u64);
        let busy = (by.lock().iter())
            .filter(|numbers| share.contains(numbers))
            .count();
        facts.equal(
            &format!("{crew} workers: with just their share of the numbers"),
            crew,
            busy,
        );
        let once = tested.lock().iter().filter(|&&times| times == 1).count() as u64;
        facts.equal(
            &format!("{crew} workers: numbers below {n} tested exactly once"),
            n,
            once,
        );
        facts.equal(&format!("{crew} workers: hits found"), hits(n), total.get());
    };
    count_with(4, 1_000);
    count_with(3, 10);
    // One worker adds 1 again and again. In the meantime this process adds a million, 500 times.
    let (total, stop) = (Value::new(0u64).unwrap(), Flag::new().unwrap());
    facts.name("total", &total);
    let crew = Workers::spawn(1, |w| {
        let mut rounds = 0u64;
        while !stop.is_set() {
            count(w, 1, &total, &|_| true);
            rounds += 1;
        }
        rounds
    });
    for _ in 0..500 {
        std::thread::sleep(Duration::from_micros(100));
        *total.lock() += 1_000_000;
    }
    stop.set();
    let report = crew.unwrap().join_timeout(Duration::from_secs(5)).unwrap();
    facts.home("a worker beside another process: it came home", &report);
    if let Ok(rounds) = report.values() {
        let kept = total.get().saturating_sub(rounds[0]) / 1_000_000;
        facts.equal("additions of another process that are not lost", 500, kept);
    }
}
