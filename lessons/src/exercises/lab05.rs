use super::answer::{Answer, answer};
use super::exercise::{Exercise, Hint};
use crate::check::Facts;
use labsupport::internal::{Pid, SIGCONT, SIGSTOP, overtaken, send_signal};
use labsupport::process::{Worker, Workers};
use labsupport::shared::{Array, Barrier, Segment};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) const EPOCH: Exercise = Exercise {
    name: "05-1",
    asks_for: "(announce, begin, is_decided)",
    limit: Duration::from_secs(20),
    facts: 12,
    hints: &[
        Hint {
            about: &["before any signal", "after its signal", "after its own"],
            says: &[
                "Follow one transaction: first no worker has announced it, then one has. Does `is_decided` give the right answer both times?",
                "`announce` writes the number of the transaction into the word, and `is_decided` compares the word with `me`.",
            ],
        },
        Hint {
            about: &["after a late", "because of the signal"],
            says: &[
                "A late signal comes in the middle of the next transaction. How does `is_decided` know which one it was for, and what was in \
                 the word before?",
                "The word holds the number of a transaction, and `is_decided` compares it with `me`. But a late signal must not overwrite a \
                 newer number, and no other call should erase it.",
                "`word.fetch_max(me, Ordering::AcqRel)` never lets an old number replace a newer one. What is left for `begin` to do?",
            ],
        },
        Hint {
            about: &["begins it"],
            says: &[
                "One worker announces a transaction, and another worker only begins it. What does that `begin` do to the signal?",
                "An epoch needs no reset: `begin` has nothing to do.",
            ],
        },
        Hint {
            about: &["no worker found anything", "long after"],
            says: &[
                "A transaction counts as decided, though no worker announced it. Do you compare the whole word with `me`, or only a part of it? \
                 And do you ask whether the two are equal, or whether one is larger?",
            ],
        },
        Hint {
            about: &["just before it is written", "only grows"],
            says: &[
                "Two workers announce at the same time, and the older number wins. What can happen between comparing and storing?",
                "Comparing and storing must be one access: `word.fetch_max(me, Ordering::AcqRel)`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "Several workers call these functions at once. Which of them may write, and what must never be undone?",
            ],
        },
    ],
    next: "let a fast worker begin the next transaction early. For which of the rows does the epoch in one word fail now?",
};

pub(super) const BOUND: Exercise = Exercise {
    name: "05-2",
    asks_for: "first_match",
    limit: Duration::from_secs(20),
    facts: 15,
    hints: &[
        Hint {
            about: &["goes on", "a smaller match", "the first finder's match"],
            says: &[
                "A worker has found record 7,250. Which workers can stop now, and which cannot?",
                "The word is a bound: compare it with your own record, not with `u64::MAX`.",
            ],
        },
        Hint {
            about: &["within 100", "falls in the meantime", "no more often"],
            says: &[
                "How many records may pass between two looks, and how many do here?",
                "Look once in 100 records, and compare the bound with your own record: `if record % 100 == 0 && best.load(…) < record { return; }`",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "Two workers find a match at the same time, and the larger one is written last. What should the result be?",
                "Comparing and writing must be one access.",
                "`best.fetch_min(record, Ordering::AcqRel)` lets the bound fall and never rise, whichever worker writes last.",
            ],
        },
    ],
    next: "search for the last match instead of the first. Which of the two comparisons turns around, and what does the word start with?",
};

// The functions as they are handed out, and as the check calls them.
type Write = fn(&AtomicU64, u64);
type Ask = fn(&AtomicU64, u64) -> bool;
type CallWrite<'a> = &'a dyn Fn(&AtomicU64, u64);
type CallAsk<'a> = &'a dyn Fn(&AtomicU64, u64) -> bool;
type Step<'a> = (&'a str, bool, &'a dyn Fn(&AtomicU64) -> bool);

impl<A, B, D> Answer<(Write, Write, Ask)> for (A, B, D)
where
    A: Fn(&AtomicU64, u64),
    B: Fn(&AtomicU64, u64),
    D: Fn(&AtomicU64, u64) -> bool,
{
    const EXERCISE: &'static str = "05-1";

    fn report(&self, facts: &Facts) {
        epoch(facts, &self.0, &self.1, &self.2);
    }
}

answer!("05-2": fn(Range<u64>, &AtomicU64, &dyn Fn(u64) -> bool), bound);

fn epoch(facts: &Facts, announce: CallWrite, begin: CallWrite, is_decided: CallAsk) {
    let shared = Segment::new(8).unwrap();
    // What worker `w` of `n` sees at the end of `steps`, each in a process of its own.
    let run = |n: usize, steps: &dyn Fn(&Worker, &AtomicU64) -> bool| {
        let crew = Workers::spawn(n, |w| steps(w, shared.word(0))).unwrap();
        let report = crew.join_timeout(Duration::from_secs(5)).unwrap();
        report.into_values().unwrap_or_default()
    };
    let now = |steps: &dyn Fn(&AtomicU64) -> bool| run(1, &|_, word| steps(word)) == [true];
    // Transactions 2, 3 and 4 are honest: no worker announces them.
    let steps: [Step; 9] = [
        ("before any signal, 1 is decided", false, &|w| {
            begin(w, 1);
            is_decided(w, 1)
        }),
        ("1 is decided after its signal", true, &|w| {
            announce(w, 1);
            is_decided(w, 1)
        }),
        (
            "5 begins; is it decided because of the signal for 1",
            false,
            &|w| {
                begin(w, 5);
                is_decided(w, 5)
            },
        ),
        ("… after a late signal for 1", false, &|w| {
            announce(w, 1);
            is_decided(w, 5)
        }),
        ("… after its own", true, &|w| {
            announce(w, 5);
            is_decided(w, 5)
        }),
        ("… after a late one again", true, &|w| {
            announce(w, 1);
            is_decided(w, 5)
        }),
        ("… after another worker begins it", true, &|w| {
            begin(w, 5);
            is_decided(w, 5)
        }),
        (
            "is 4 decided, in which no worker found anything",
            false,
            &|w| is_decided(w, 4),
        ),
        ("is 69 decided, long after", false, &|w| {
            begin(w, 69);
            is_decided(w, 69)
        }),
    ];
    for (what, expected, steps) in steps {
        facts.equal(what, expected, now(steps));
    }
    // Four workers in lock-step, as in section 3: one of them has a signal in every third transaction.
    let (start, looking) = (Barrier::new(4).unwrap(), Barrier::new(4).unwrap());
    let in_step = run(4, &|w, word| {
        let rounds = (1_000..3_000u64).filter(|&me| {
            start.wait(); // no worker begins before all have left the previous transaction
            begin(word, me);
            if me % 12 == 3 * w.index() as u64 {
                announce(word, me);
            }
            looking.wait();
            is_decided(word, me) == me.is_multiple_of(3)
        });
        rounds.count() == 2_000
    });
    facts.equal(
        "2,000 in lock-step: all four know what is decided",
        true,
        in_step == [true; 4],
    );
    // Another announcement comes between what `announce` reads and what it writes. What a number looks like in the word, the answer decides.
    let decided = |before: u64, other: u64| {
        shared.word(0).store(0, Ordering::Release);
        run(1, &|_, word| {
            announce(word, other);
            let other = word.swap(0, Ordering::AcqRel);
            announce(word, before);
            overtaken(&shared, 0, other, || announce(word, 5));
            true
        });
        now(&|word| is_decided(word, other.max(5)))
    };
    facts.equal(
        "5 is announced, and just before it is written another worker announces 3, 6, 1,000: 5, 6, 1,000 is decided",
        [true; 3],
        [decided(2, 3), decided(2, 6), decided(4, 1_000)],
    );
    // Two workers announce as fast as they can, and neither ever sees the word get smaller.
    let (clock, pace) = (Instant::now(), Segment::new(8).unwrap());
    let crew = Workers::spawn(2, |_| {
        let word = shared.word(0);
        let (mut me, mut highest) = (10_000, 0);
        while clock.elapsed() < TOGETHER {
            for _ in 0..10_000 {
                announce(word, me);
                me += 1;
                let seen = word.load(Ordering::Acquire);
                if seen < highest {
                    return false;
                }
                highest = seen;
            }
            me = me.max(pace.word(0).fetch_max(me, Ordering::AcqRel)); // the worker that is behind catches up
        }
        true
    });
    let grows = interrupted(crew.unwrap(), clock);
    facts.equal(
        "two announce at once: the word only grows",
        true,
        grows == [true, true],
    );
}

/// How long two workers write one word together.
const TOGETHER: Duration = Duration::from_millis(500);

/// What each of the two workers brings home, after one of them was stopped again and again, in the middle of whatever it did, while the
/// other one ran on. So a look and the write that follows from it come apart on any machine, however busy it is.
fn interrupted(crew: Workers<bool>, clock: Instant) -> Vec<bool> {
    let pid = crew.pids()[0] as Pid;
    while clock.elapsed() < TOGETHER {
        for signal in [SIGSTOP, SIGCONT] {
            // It may have come to its end.
            let _ = send_signal(pid, signal);
            std::thread::sleep(Duration::from_micros(50));
        }
    }
    let report = crew.join_timeout(Duration::from_secs(5)).unwrap();
    report.into_values().unwrap_or_default()
}

type FirstMatch<'a> = &'a dyn Fn(Range<u64>, &AtomicU64, &dyn Fn(u64) -> bool);

fn bound(facts: &Facts, first_match: FirstMatch) {
    let (shared, tested) = (Segment::new(8).unwrap(), Array::<u64>::new(6).unwrap());
    let best = shared.word(0);
    // Walks over `part`. At record 5,050 another worker finds 1,800: after the look, before the write.
    let walk = |turn: usize, part: Range<u64>, hits: &[u64]| {
        let matches = |record: u64| {
            tested.lock()[turn] += 1;
            if record == 5_050 {
                best.store(1_800, Ordering::Release);
            }
            hits.contains(&record)
        };
        let one = Workers::spawn(1, |_| first_match(part.clone(), best, &matches)).unwrap();
        let report = one.join_timeout(Duration::from_secs(5)).unwrap();
        facts.home(&format!("walk {}: the worker came home", turn + 1), &report);
        best.load(Ordering::Acquire)
    };
    let words = |turn: usize| format!("{} records tested", tested.get(turn));
    best.store(u64::MAX, Ordering::Release);
    let hits = [1_900, 2_500, 7_250];
    facts.equal(
        "the first finder's match",
        7_250,
        walk(0, 7_000..9_000, &hits),
    );
    facts.holds(
        "the first finder stops within 100 records",
        (251..=351).contains(&tested.get(0)),
        &words(0),
    );
    facts.equal("a smaller match", 1_900, walk(1, 0..2_000, &hits));
    facts.equal(
        "a worker that may find a smaller one goes on",
        true,
        tested.get(1) >= 1_901,
    );
    walk(2, 2_000..4_000, &hits);
    facts.holds(
        "a worker that cannot find a smaller one stops within 100",
        tested.get(2) <= 101,
        &words(2),
    );
    best.store(u64::MAX, Ordering::Release);
    walk(3, 5_000..9_000, &[]);
    facts.holds(
        "it also stops if the bound falls in the meantime",
        tested.get(3) <= 151,
        &words(3),
    );
    best.store(u64::MAX, Ordering::Release);
    facts.equal(
        "a smaller one that another worker found in the meantime stays",
        1_800,
        walk(4, 5_000..9_000, &[5_050]),
    );
    // How often does it look? The bound falls in ten places, and each time it goes on to its next look.
    let gone_on: Vec<u64> = (0..10)
        .map(|place| {
            let (at, count) = (6_005 + 10 * place, Array::<u64>::new(1).unwrap());
            let matches = |record: u64| {
                if record == at {
                    best.store(1_800, Ordering::Release);
                }
                count.lock()[0] += u64::from(record > at);
                false
            };
            best.store(u64::MAX, Ordering::Release);
            let one = Workers::spawn(1, |_| first_match(5_000..9_000, best, &matches)).unwrap();
            let report = one.join_timeout(Duration::from_secs(5)).unwrap();
            if report.values().is_err() {
                let what = format!("the bound falls at {at}: the worker came home");
                facts.home(&what, &report);
            }
            count.get(0)
        })
        .collect();
    let mean = gone_on.iter().sum::<u64>() / 10; // about 50, if it looks at every 100th record
    facts.holds(
        "it looks at every 100th record, and no more often",
        (40..=100).contains(&mean),
        &format!("after the bound fell it went on for {mean} records, on average"),
    );
    // Another worker's match comes between what this one reads and what it writes.
    let left = |other: u64| {
        best.store(u64::MAX, Ordering::Release);
        let find = || first_match(5_000..9_000, best, &|record| record == 5_050);
        let one = Workers::spawn(1, |_| overtaken(&shared, 0, other, find)).unwrap();
        let _ = one.join_timeout(Duration::from_secs(5));
        best.load(Ordering::Acquire)
    };
    facts.equal(
        "5,050 is found, and just before it is written another worker writes 1,800, 5,049, 7,250",
        [1_800, 5_049, 5_050],
        [left(1_800), left(5_049), left(7_250)],
    );
    // Two workers find smaller and smaller records as fast as they can, and neither ever sees the bound rise.
    best.store(u64::MAX, Ordering::Release);
    let clock = Instant::now();
    let crew = Workers::spawn(2, |_| {
        let (mut record, mut lowest) = (1 << 40, u64::MAX);
        while clock.elapsed() < TOGETHER {
            for _ in 0..10_000 {
                record -= 1;
                first_match(record..record + 1, best, &|_| true);
                let seen = best.load(Ordering::Acquire);
                if seen > lowest {
                    return false;
                }
                lowest = seen;
            }
            record = record.min(lowest); // the worker that is behind catches up
        }
        true
    });
    let shrinks = interrupted(crew.unwrap(), clock);
    facts.equal(
        "two find at once: the bound only shrinks",
        true,
        shrinks == [true, true],
    );
}
