use super::answer::answer;
use super::exercise::{Exercise, Hint};
use crate::check::Facts;
use figures::Format;
use labsupport::process::Workers;
use labsupport::shared::{Array, Flag};
use std::cell::Cell;
use std::time::Duration;

pub(super) const MEAN: Exercise = Exercise {
    name: "03-1",
    asks_for: "mean_window",
    limit: Duration::from_secs(20),
    facts: 12,
    hints: &[
        Hint {
            about: &["the same limit as before"],
            says: &[
                "The lower end of the window has moved. Does a look cost more or less because you now ask for the mean?",
                "Leave the lower end as it was: `look / (overhead * cost)`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "The flag may be set just after a look, just before the next one, or anywhere in between. Where is it on average?",
                "On average half of an interval is still to come. By what factor may the interval grow then?",
                "The upper end becomes `2.0 * reaction / cost`. The lower end stays: a look costs the same as before.",
            ],
        },
    ],
    next: "ask for a reaction that keeps the budget nine times out of ten. Which factor takes the place of yours?",
};

pub(super) const ITEMS: Exercise = Exercise {
    name: "03-2",
    asks_for: "go_through",
    limit: Duration::from_secs(20),
    facts: 13,
    hints: &[
        Hint {
            about: &["steps done"],
            says: &[
                "Some steps were left out, or done twice. As long as the flag is not set, every step of every item is done.",
                "Call `step()` once for each step of each item, however often you look.",
            ],
        },
        Hint {
            about: &["looks that saw it"],
            says: &[
                "How many looks saw the flag? If several did, the worker went on all the same: what should `go_through` do when a look says \
                 `true`? If none did, the worker never looked after the flag was set: what decides when it looks?",
                "Count the steps since the last look, over all items. Look before a step when there are `every` of them, and `return` from the \
                 function when the look says `true`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "If you look once per item, what happens if an item has one step, and what if it has five thousand?",
                "Where an item ends does not matter. Count the steps since the last look, over all items.",
                "Before a step: `if since == every { if look() { return; } since = 0; }`, and after it `since += 1`. Start with \
                 `since = every`.",
            ],
        },
    ],
    next: "give the items steps that cost 1 µs and others that cost 1 ms. What would you count now instead of steps?",
};

type Window<'a> = &'a dyn Fn(f64, f64, f64, f64) -> (f64, f64);
type GoThrough<'a> = &'a dyn Fn(&[u64], u64, &dyn Fn() -> bool, &dyn Fn());

answer!("03-1": fn(f64, f64, f64, f64) -> (f64, f64), mean);
answer!("03-2": fn(&[u64], u64, &dyn Fn() -> bool, &dyn Fn()), items);

fn mean(facts: &Facts, mean_window: Window) {
    // A worker looks in every `interval`-th iteration. The flag is set once in each of the iterations between two looks, and
    // the worker counts how many more iterations begin before it stops: the mean, and the most.
    let walk = |interval: u64| -> Option<(f64, u64)> {
        let flag = Flag::new().unwrap();
        let walks = Workers::spawn(1, |_| {
            let (mut late, mut longest) = (0u64, 0u64);
            for set_in in 0..interval {
                flag.clear();
                let (mut iteration, mut after) = (0u64, 0u64);
                while !(iteration.is_multiple_of(interval) && flag.is_set()) {
                    if iteration == set_in {
                        flag.set();
                    }
                    after = iteration - set_in.min(iteration);
                    iteration += 1;
                }
                late += after;
                longest = longest.max(after);
            }
            (late as f64 / interval as f64, longest)
        });
        let report = walks.unwrap().join_timeout(Duration::from_secs(5)).unwrap();
        if report.values().is_err() {
            facts.home("the worker that walks came home", &report);
        }
        report.into_values().ok().map(|walks| walks[0])
    };
    let (look, overhead) = (1e-7, 0.02);
    for (name, cost, reaction) in [
        ("10 µs", 1e-5, 0.002),
        ("100 µs", 1e-4, 0.002),
        ("1 µs", 1e-6, 0.0005),
    ] {
        let (low, high) = mean_window(look, cost, overhead, reaction);
        let most = (reaction / cost).round(); // so many iterations fit into the reaction budget
        let Some((mean, longest)) = walk((high.round() as u64).clamp(1, 5_000)) else {
            return;
        };
        let words = |n: f64| format!("{n:.1} iterations after the flag, {most} are allowed");
        facts.holds(
            &format!("{name}: the mean reaction keeps the budget"),
            mean <= most,
            &words(mean),
        );
        facts.holds(
            &format!("{name}: … and is no shorter than it must be, to one iteration"),
            mean >= most - 1.0,
            &words(mean),
        );
        facts.holds(
            &format!("{name}: … the worst is longer than the mean"),
            longest as f64 > 1.5 * mean,
            &words(longest as f64),
        );
        facts.holds(
            &format!("{name}: … looking has the same limit as before"),
            (low * overhead * cost / look - 1.0).abs() < 1e-6,
            &format!("the window begins at {}", Format::Number.write(low)),
        );
    }
}

fn items(facts: &Facts, go_through: GoThrough) {
    // Looks, steps, steps after the flag, which is set in step `set_in`, and looks that saw it; by one worker.
    let go = |items: &[u64], every: u64, set_in: u64| -> Option<[u64; 4]> {
        let (flag, counts) = (Flag::new().unwrap(), Array::<u64>::new(4).unwrap());
        let one = Workers::spawn(1, |_| {
            let look = || {
                let (mut counts, is_set) = (counts.lock(), flag.is_set());
                counts[0] += 1;
                counts[3] += u64::from(is_set);
                is_set
            };
            let step = || {
                let mut counts = counts.lock();
                counts[2] += u64::from(flag.is_set());
                counts[1] += 1;
                if counts[1] == set_in {
                    flag.set();
                }
            };
            go_through(items, every, &look, &step);
        });
        let report = one.unwrap().join_timeout(Duration::from_secs(5)).unwrap();
        if report.values().is_err() {
            facts.home("the worker came home", &report);
        }
        let counted = report.values().ok();
        counted.map(|_| [0, 1, 2, 3].map(|count| counts.get(count)))
    };
    let never = u64::MAX;
    let most = |n: u64, found: u64| (found <= n, format!("{found}, and {n} are enough"));
    if let Some([looks, steps, ..]) = go(&[1; 1_000], 100, never) {
        facts.equal("1,000 items of 1 step: steps done", 1_000, steps);
        let (ok, words) = most(11, looks);
        facts.holds("1,000 items of 1 step: looks, every 100", ok, &words);
    }
    if let Some([looks, steps, ..]) = go(&[5_000, 0, 3, 5_000], 100, never) {
        facts.equal("4 unlike items: steps done", 10_003, steps);
        let (ok, words) = most(102, looks);
        facts.holds("4 unlike items: looks, every 100", ok, &words);
    }
    for (name, items) in [
        ("of 1 step", vec![1; 1_000]),
        ("of 5,000 steps", vec![5_000; 3]),
        ("of 70 steps", vec![70; 50]),
        ("of 150 steps", vec![150; 20]),
    ] {
        let seen = [1, 99, 100, 101, 455].map(|set_in| go(&items, 100, set_in));
        let seen: Option<Vec<[u64; 4]>> = seen.into_iter().collect();
        if let Some(seen) = seen {
            let largest = |count: usize| seen.iter().map(|counts| counts[count]).max().unwrap();
            let (ok, words) = most(100, largest(2));
            facts.holds(&format!("items {name}: steps after the flag"), ok, &words);
            facts.equal(&format!("items {name}: looks that saw it"), 1, largest(3));
        }
    }
    // Four workers on endless work; one of them sets the flag, and all go home.
    let flag = Flag::new().unwrap();
    let crew = Workers::spawn(4, |w| {
        let (items, done) = (vec![1u64 << 40; 3], Cell::new(0u64));
        go_through(&items, 1_000, &|| flag.is_set(), &|| {
            done.set(done.get() + 1);
            if w.index() == 2 && done.get() == 50_000 {
                flag.set();
            }
        });
    });
    let report = crew.unwrap().join_timeout(Duration::from_secs(3)).unwrap();
    facts.home("4 workers on endless work: all came home", &report);
}
