use super::answer::answer;
use super::exercise::{Exercise, Hint};
use crate::check::Facts;
use labsupport::measure::cpu_time;
use labsupport::process::Workers;
use labsupport::shared::{Array, Barrier, Flag, Value};
use manager::{Dict, Manager};
use std::cell::OnceCell;
use std::ops::Range;
use std::time::{Duration, Instant};

pub(super) const VISITS: Exercise = Exercise {
    name: "04-1",
    asks_for: "count_visit",
    limit: Duration::from_secs(30),
    facts: 5,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker did not end. If it tries again until no other worker has written in the meantime, it may never be lucky.",
                "`visits.update` tries again by itself, as often as it must.",
            ],
        },
        Hint {
            about: &["of home", "of shop"],
            says: &[
                "Two workers read, both get 5, and both write 6. How many visits were there?",
                "Reading and writing back must belong together: write only if no other worker has written in between.",
                "`visits.update(&page, |so_far| …)` does that. Give it a function from the old number to the new one.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "It works as long as few other workers write. Between which two accesses can another worker still write?",
                "The change must be one access: `visits.update(&page, |so_far| …)`, and nothing before it.",
                "The function may be called several times for one visit. It must give the same result each time: `so_far.unwrap_or(0) + 1`.",
            ],
        },
    ],
    next: "count in a `Value` of your own and hand the sum to the Manager once. How many visits a second is that?",
};

pub(super) const REPORTS: Exercise = Exercise {
    name: "04-2",
    asks_for: "count_primes",
    limit: Duration::from_secs(20),
    facts: 13,
    hints: &[
        Hint {
            about: &["primes below"],
            says: &[
                "The sum is wrong. Do you report what is left at the end, and does your count start again at 0 after each report?",
                "After each report, set the count back to 0. When the numbers end, report the rest once.",
            ],
        },
        Hint {
            about: &["before half of their time"],
            says: &[
                "The calls come too late: another process looks at the sum while you count.",
                "Report after every 1,000 numbers, inside the loop.",
            ],
        },
        Hint {
            about: &["a call for 1,000 numbers", "no call tells"],
            says: &[
                "There are too many calls, or too few. Does anyone need to hear of every single prime?",
                "Keep a count of your own, and report it after every 1,000 numbers, however many of them are primes.",
                "Report what is left when the numbers end, too: once, after the loop.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "Look at what the calls reported. Each should report the primes among its own 1,000 numbers. Which numbers was the last call about?",
                "Call `report` after every 1,000 numbers that the function was given, and once for the rest.",
            ],
        },
    ],
    next: "find the smallest portion for which the calls cost less than 2 % of the time, on your machine.",
};

type CountVisit<'a> = &'a dyn Fn(&Dict<String, u64>, &str);
type CountPrimes<'a> = &'a dyn Fn(Range<u64>, &dyn Fn(u64));

answer!("04-1": fn(&Dict<String, u64>, &str), visits);
answer!("04-2": fn(Range<u64>, &dyn Fn(u64)), reports);

fn visits(facts: &Facts, count_visit: CountVisit) {
    let manager = Manager::start().unwrap();
    let visits = manager.dict::<String, u64>("visits").unwrap();
    let start = Barrier::new(4).unwrap();
    facts.name("at the start of a visit", &start);
    let crew = Workers::spawn(4, |_| {
        for _ in 0..50 {
            start.wait(); // all four at the same moment
            count_visit(&visits, "home");
        }
        for _ in 0..500 {
            count_visit(&visits, "shop"); // and as they come
        }
    });
    let report = crew.unwrap().join_timeout(Duration::from_secs(15)).unwrap();
    facts.home("4 workers count: all came home", &report);
    let counted = |page: &str| visits.get(&page.to_string()).unwrap().unwrap_or(0);
    facts.equal("visits of home, counted", 200, counted("home"));
    facts.equal("visits of shop, counted", 2_000, counted("shop"));
    // By force: six others write the number as fast as they can, for at most two seconds. Each writes millions of
    // its own and notes the visits that it wrote over, so they lose nothing.
    let (done, noted) = (Flag::new().unwrap(), Value::new(0u64).unwrap());
    let clock = Instant::now();
    let crew = Workers::spawn(7, |w| {
        if w.index() == 6 {
            for _ in 0..100 {
                count_visit(&visits, "news");
            }
            done.set();
        }
        let mut millions = w.index() as u64;
        while !done.is_set() && clock.elapsed() < Duration::from_secs(2) {
            millions += 6; // never the same number twice
            let before = visits.insert("news".to_string(), 1_000_000 * millions);
            *noted.lock() += before.unwrap().unwrap_or(0) % 1_000_000;
        }
    });
    let report = crew.unwrap().join_timeout(Duration::from_secs(10)).unwrap();
    facts.home("1 counts while 6 others write: all came home", &report);
    facts.equal(
        "visits of news, counted while others write",
        100,
        noted.get() + counted("news") % 1_000_000,
    );
}

fn reports(facts: &Facts, count_primes: CountPrimes) {
    let told = Array::<u64>::new(3).unwrap(); // the sum, the calls, the largest
    let crew = Workers::spawn(4, |w| {
        let (begun, first) = (cpu_time(), OnceCell::new());
        count_primes(w.share_of(0..41_500u64), &|more| {
            first.get_or_init(|| cpu_time() - begun);
            let mut told = told.lock();
            (told[0], told[1], told[2]) = (told[0] + more, told[1] + 1, told[2].max(more));
        });
        first
            .get()
            .is_some_and(|&first| first < (cpu_time() - begun) / 2)
    });
    let report = crew.unwrap().join_timeout(Duration::from_secs(10)).unwrap();
    facts.home("4 workers count: all came home", &report);
    let early = report.into_values().unwrap_or_default();
    let early = early.into_iter().filter(|&early| early).count();
    let (calls, largest) = (told.get(1), told.get(2));
    facts.equal("primes below 41,500", 4_339, told.get(0));
    facts.holds(
        "a call for 1,000 numbers, and a last one",
        (44..=48).contains(&calls),
        &format!("there were {calls} calls"),
    );
    facts.holds(
        "no call tells of more than 1,000 numbers",
        largest <= 168,
        &format!("one call told of {largest} primes"),
    );
    facts.equal(
        "workers that first reported before half of their time",
        4,
        early,
    );
    // One worker, and what each of its calls tells.
    let prime = |n: &u64| {
        *n >= 2
            && (2..)
                .take_while(|d| d * d <= *n)
                .all(|d| !n.is_multiple_of(d))
    };
    for (name, numbers) in [
        ("2,500 numbers", 0..2_500u64),
        ("20,000 numbers", 500..20_500),
        ("10 numbers", 7_000..7_010),
        ("no numbers", 3..3),
    ] {
        let told = Array::<u64>::new(100).unwrap(); // the calls, and what the first 99 of them told
        let one = Workers::spawn(1, |_| {
            count_primes(numbers.clone(), &|more| {
                let mut told = told.lock();
                told[0] += 1;
                let call = told[0] as usize;
                if call < 100 {
                    told[call] = more;
                }
            });
        });
        let report = one.unwrap().join_timeout(Duration::from_secs(5)).unwrap();
        facts.home(&format!("{name}: the worker came home"), &report);
        let (calls, told) = (told.get(0), told.lock()[1..].to_vec());
        let told: Vec<u64> = told.into_iter().filter(|&primes| primes > 0).collect();
        // A thousand may begin with the first number, or with a number that is a multiple of it.
        let portions = |begin: u64| -> Vec<u64> {
            let parts = (begin..numbers.end).step_by(1_000);
            let primes = parts.map(|from| {
                let part = from.max(numbers.start)..numbers.end.min(from + 1_000);
                part.filter(prime).count() as u64
            });
            primes.filter(|&count| count > 0).collect()
        };
        let fits =
            told == portions(numbers.start) || told == portions(numbers.start / 1_000 * 1_000);
        facts.holds(
            &format!("{name}: each call tells of its own 1,000"),
            fits && calls <= told.len() as u64 + 2,
            &format!("{calls} calls told of these primes: {told:?}"),
        );
    }
}
