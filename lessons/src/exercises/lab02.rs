use super::answer::answer;
use super::exercise::{Exercise, Hint};
use crate::check::Facts;
use labsupport::process::Workers;
use labsupport::shared::{Array, Barrier, Flag, Value};
use std::time::{Duration, Instant};

pub(super) const PUBLISH: Exercise = Exercise {
    name: "02-1",
    asks_for: "publish",
    limit: Duration::from_secs(20),
    facts: 10,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker did not end. The row says what it was waiting for. At `meet()` each worker waits for the other.",
                "Leave `meet()` where it is, after the first look and before the lock. Every worker that has not seen the flag must call it.",
            ],
        },
        Hint {
            about: &["the flag is set before"],
            says: &[
                "A reader that saw the flag found one part not yet written. In which order does `publish` write?",
                "Write both parts first, then set the flag, all under the lock: `finder.set(me); answer.set(100 * me); guard.set();`",
            ],
        },
        Hint {
            about: &[
                "workers that wrote",
                "exactly one worker wrote",
                "still there",
            ],
            says: &[
                "Both workers looked before either of them had the lock. When the second worker gets the lock, is what it saw still true?",
                "What a worker saw before it waited for the lock may be out of date. Where could it look again?",
                "Ask `guard.is_set()` right after `found.lock()`, and return `false` if it is set.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "A result must be whole: both parts from the same worker, and the flag set. Which of these is missing?",
                "Everything from the second look to `guard.set()` belongs between `found.lock()` and the end of the guard.",
            ],
        },
    ],
    next: "remove the first look. Is the result still right, and what does it cost when the flag was set long ago?",
};

pub(super) const OFFER: Exercise = Exercise {
    name: "02-2",
    asks_for: "offer",
    limit: Duration::from_secs(20),
    facts: 5,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker did not end. The row says what it was waiting for. At `meet()` each worker waits for the other.",
                "Leave `meet()` where it is, and take no lock before it: a worker that holds a lock while it waits keeps the other one out.",
            ],
        },
        Hint {
            about: &["smallest candidate won", "not lost"],
            says: &[
                "Between your look and your write, the other worker may have offered something smaller.",
                "Nothing may come between comparing and writing. Which of the two has to move to the other side of `meet()`?",
                "After `meet()`, take the lock with `best.lock()`, and write only if the candidate is still smaller than `*guard`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "With one worker alone, a smaller candidate must be taken, and a larger one must not. Which of the two goes wrong?",
                "Under the lock, compare the candidate with what is there, and write it if it is smaller.",
            ],
        },
    ],
    next: "write the same with `AtomicU64::fetch_min` on a `Segment`, and compare the two with `measure`.",
};

/// How many rounds are tried by chance, if there is time for them.
const ROUNDS: u64 = 20_000;
const TIME: Duration = Duration::from_secs(5);

/// How many candidates another process offers beside a worker.
const OFFERS: u64 = 1_000;

type Publish<'a> = &'a dyn Fn(u64, &Flag, &Value<u64>, &Value<u64>, &dyn Fn()) -> bool;
type Offer<'a> = &'a dyn Fn(u64, &Value<u64>, &dyn Fn());

answer!("02-1": fn(u64, &Flag, &Value<u64>, &Value<u64>, &dyn Fn()) -> bool, publish);
answer!("02-2": fn(u64, &Value<u64>, &dyn Fn()), offer);

/// Waits a little longer in each round, so that the two workers meet in different moments.
fn dawdle(worker: usize, round: u64) {
    let late = if worker == 0 {
        round % 50
    } else {
        round / 50 % 50
    };
    for _ in 0..late {
        std::hint::spin_loop();
    }
}

fn publish(facts: &Facts, publish: Publish) {
    let [finder, answer] = [0, 0].map(|zero| Value::new(zero).unwrap());
    let (found, said) = (Flag::new().unwrap(), Array::<u64>::new(2).unwrap());
    let [start, both, end] = [2; 3].map(|two| Barrier::new(two).unwrap());
    facts.name("finder", &finder);
    facts.name("answer", &answer);
    facts.name("found", &found);
    facts.name("in meet()", &both);
    facts.name("at the start of a round", &start);
    facts.name("at the end of a round", &end);
    // First by force: while this process holds the lock of a part, no worker writes that part.
    for (name, part) in [("finder", &finder), ("answer", &answer)] {
        let locked = Flag::new().unwrap();
        let pair = Workers::spawn(2, |w| {
            while !locked.is_set() {
                std::thread::yield_now();
            }
            publish(w.index() as u64 + 1, &found, &finder, &answer, &|| {
                both.wait();
            })
        });
        let pair = pair.unwrap();
        let held = part.lock(); // workers are not spawned under it
        locked.set();
        let clock = Instant::now();
        while !found.is_set() && clock.elapsed() < Duration::from_millis(100) {
            std::thread::yield_now(); // a reader, without the lock
        }
        let early = found.is_set();
        drop(held);
        let report = pair.join_timeout(Duration::from_secs(2)).unwrap();
        facts.home(&format!("by force, {name}: both came home"), &report);
        let Ok(wrote) = report.values() else { return };
        facts.equal(
            &format!("by force, {name}: workers that wrote"),
            1,
            wrote.iter().filter(|&&wrote| wrote).count(),
        );
        facts.equal(
            &format!("by force: the flag is set before the {name} is written"),
            false,
            early,
        );
        found.clear();
    }
    // Then by chance.
    let (over, clock) = (Flag::new().unwrap(), Instant::now());
    let pair = Workers::spawn(2, |w| {
        let (me, mut good) = (w.index() as u64 + 1, [0u64; 4]);
        for round in 0..ROUNDS {
            start.wait();
            if over.is_set() {
                break;
            }
            let meet = || {
                both.wait();
                dawdle(w.index(), round);
            };
            let mine = publish(me, &found, &finder, &answer, &meet);
            said.set(w.index(), if mine { me } else { 0 });
            if end.wait() {
                // One of the two looks at the result and clears it.
                let wrote = said.get(0) + said.get(1); // 1, 2, or 3 if both say so
                good[0] += u64::from(wrote == 1 || wrote == 2);
                good[1] += u64::from(answer.get() == 100 * finder.get() && found.is_set());
                good[2] += u64::from(finder.get() == wrote);
                good[3] += 1;
                if clock.elapsed() > TIME {
                    over.set();
                }
                found.clear();
                finder.set(0);
                answer.set(0);
            }
        }
        good
    });
    let report = pair.unwrap().join_timeout(Duration::from_secs(10)).unwrap();
    facts.home("by chance: both came home", &report);
    let Ok(good) = report.values() else { return };
    let names = [
        "rounds in which exactly one worker wrote",
        "rounds with a whole result and the flag set",
        "rounds in which the writer's result is still there",
    ];
    for (fact, name) in names.into_iter().enumerate() {
        let rounds = |fact: usize| good[0][fact] + good[1][fact];
        facts.equal(name, rounds(3), rounds(fact));
    }
}

fn offer(facts: &Facts, offer: Offer) {
    let mut right = 0;
    for round in 0..50 {
        let (best, both) = (Value::new(u64::MAX).unwrap(), Barrier::new(2).unwrap());
        facts.name("best", &best);
        facts.name("in meet()", &both);
        let first = Flag::new().unwrap();
        let pair = Workers::spawn(2, |w| {
            // Worker 1 brings the larger number and always writes last.
            let meet = || {
                both.wait();
                while w.index() == 1 && !first.is_set() {
                    std::thread::yield_now();
                }
            };
            let candidate = if w.index() == 0 { 10 } else { 900 };
            offer(candidate + round, &best, &meet);
            if w.index() == 0 {
                first.set();
            }
        });
        let report = pair.unwrap().join_timeout(Duration::from_secs(2)).unwrap();
        if report.values().is_err() {
            return facts.home("by force: both came home", &report);
        }
        right += u64::from(best.get() == 10 + round);
    }
    // By chance too: a worker offers 10 again and again. Meanwhile this process writes 5, under the lock, at any moment of such a round.
    let (best, over) = (Value::new(u64::MAX).unwrap(), Flag::new().unwrap());
    let written = Value::new(false).unwrap(); // in the worker's present round
    facts.name("best", &best);
    let one = Workers::spawn(1, |_| {
        let mut lost = 0u64;
        while !over.is_set() {
            {
                let mut guard = best.lock();
                written.set(false);
                *guard = u64::MAX;
            }
            offer(10, &best, &|| ());
            let guard = best.lock();
            lost += u64::from(written.get() && *guard != 5);
        }
        lost
    });
    for _ in 0..OFFERS {
        std::thread::sleep(Duration::from_micros(100));
        let mut guard = best.lock();
        written.set(true);
        *guard = 5;
    }
    over.set();
    let report = one.unwrap().join_timeout(Duration::from_secs(5)).unwrap();
    facts.home("a worker beside another process: it came home", &report);
    let Ok(lost) = report.values() else { return };
    let (alone, done) = (Value::new(50).unwrap(), Flag::new().unwrap());
    facts.name("best", &alone);
    facts.equal("rounds in which the smallest candidate won", 50, right);
    facts.equal(
        "smaller candidates of another process that are not lost",
        OFFERS,
        OFFERS - lost[0].min(OFFERS),
    );
    offer(40, &alone, &|| done.set());
    facts.equal("a smaller one is taken", 40, alone.get());
    offer(60, &alone, &|| ());
    facts.equal("a larger one is not", 40, alone.get());
}
