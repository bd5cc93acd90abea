use super::all::EXERCISES;
use super::attempt::{Attempt, State};
use super::check_lab::{check_on, find};
use super::exercise::{Exercise, SECOND_LOCK};
use super::*;
use crate::check::{Checked, Facts, judge};
use crate::journal::Journal;
use broker::Broker;
use labsupport::cell::Display;
use labsupport::internal::Fake;
use labsupport::process::Worker;
use labsupport::shared::{Flag, Queue, Value};
use manager::Dict;
use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn checked<S, A: Answer<S>>(answer: A) -> (&'static Exercise, Checked) {
    let exercise = find(A::EXERCISE, A::EXERCISE).unwrap();
    let harness = |facts: &Facts| answer.report(facts);
    let checked = judge(&exercise.title(), exercise.limit, harness, |_| ());
    (exercise, checked)
}

#[track_caller]
fn passes<S, A: Answer<S>>(answer: A) {
    let (exercise, checked) = checked(answer);
    assert!(checked.passed(), "{checked}");
    // What the page counts to while it runs.
    assert_eq!(checked.facts().len(), exercise.facts, "{checked}");
    // A hint about a fact that has another name now would never be given.
    for part in exercise.hints.iter().flat_map(|hint| hint.about) {
        let is_a_fact = checked.facts().iter().any(|one| one.what().contains(part));
        assert!(is_a_fact, "no fact has \"{part}\" in its name\n{checked}");
    }
}

// The right answers are in `notebooks/solutions` and in `notebooks/tests/answers`, with the wrong ones. Here is one for each exercise.

#[test]
fn a_right_answer_to_lab_00_passes() {
    passes(
        |w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool| {
            let mine = w.share_of(0..n).filter(|&number| is_hit(number)).count() as u64;
            *total.lock() += mine;
        },
    );
}

fn run_worker(tasks: &Queue<Option<u32>>, _: &Flag, done: &dyn Fn(u32)) {
    while let Some(task) = tasks.get().unwrap() {
        done(task);
    }
}

#[test]
fn right_answers_to_lab_01_pass() {
    let pills = |tasks: &Queue<Option<u32>>, workers: usize| {
        (0..workers).for_each(|_| tasks.put(None).unwrap());
    };
    passes((
        run_worker,
        |tasks: &Queue<Option<u32>>, _: &Flag, workers: usize| {
            pills(tasks, workers);
        },
    ));
    let produce = |numbers: Range<u32>, tasks: &Queue<Option<u32>>, _: usize| {
        numbers.for_each(|number| tasks.put(Some(number)).unwrap());
    };
    passes((produce, pills));
}

fn publish(
    me: u64,
    found: &Flag,
    finder: &Value<u64>,
    answer: &Value<u64>,
    meet: &dyn Fn(),
) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let guard = found.lock();
    if guard.is_set() {
        return false;
    }
    finder.set(me);
    answer.set(100 * me);
    guard.set();
    true
}

#[test]
fn right_answers_to_lab_02_pass() {
    passes(publish);
    passes(|candidate: u64, best: &Value<u64>, meet: &dyn Fn()| {
        if candidate < best.get() {
            meet();
            let mut best = best.lock();
            *best = candidate.min(*best);
        }
    });
}

#[test]
fn right_answers_to_lab_03_pass() {
    passes(|look: f64, cost: f64, overhead: f64, reaction: f64| {
        (look / (overhead * cost), 2.0 * reaction / cost)
    });
    passes(
        |items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()| {
            let steps = items.iter().flat_map(|&steps| 0..steps);
            for (done, _) in (0u64..).zip(steps) {
                if done % every == 0 && look() {
                    return;
                }
                step();
            }
        },
    );
}

#[test]
fn right_answers_to_lab_04_pass() {
    passes(|visits: &Dict<String, u64>, page: &str| {
        let more = |so_far: Option<u64>| Some(so_far.unwrap_or(0) + 1);
        visits.update(&page.to_string(), more).unwrap();
    });
    passes(|numbers: Range<u64>, report: &dyn Fn(u64)| {
        for from in numbers.clone().step_by(1_000) {
            let portion = from..numbers.end.min(from + 1_000);
            let primes =
                portion.filter(|&n| n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0));
            report(primes.count() as u64);
        }
    });
}

#[test]
fn right_answers_to_lab_05_pass() {
    passes((
        |word: &AtomicU64, me: u64| {
            word.fetch_max(me, Ordering::AcqRel);
        },
        |_: &AtomicU64, _: u64| (),
        |word: &AtomicU64, me: u64| word.load(Ordering::Acquire) == me,
    ));
    passes(
        |mine: Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool| {
            for record in mine {
                if record % 100 == 0 && best.load(Ordering::Acquire) < record {
                    return;
                }
                if matches(record) {
                    best.fetch_min(record, Ordering::AcqRel);
                    return;
                }
            }
        },
    );
}

#[test]
fn right_answers_to_lab_06_pass() {
    let next = |broker: &Broker, from: &str, to: &str| -> Option<String> {
        broker.ask(["LMOVE", from, to, "RIGHT", "LEFT"]).unwrap()
    };
    passes((
        |broker: &Broker, done: &dyn Fn(&str)| {
            while let Some(task) = next(broker, "tasks", "doing") {
                done(&task);
                broker.call(["LREM", "doing", "1", &task]).unwrap();
            }
        },
        |broker: &Broker| while next(broker, "doing", "tasks").is_some() {},
    ));
    passes(|broker: &Broker, mine: &str| {
        let script = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";
        broker.call(["EVAL", script, "1", "lease", mine]).unwrap();
    });
}

/// What stands below the verdict, after each of these tries: the fingerprint of the code and its state.
fn words(name: &str, checked: &Checked, tries: &[(&str, State)]) -> Vec<String> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file: PathBuf =
        std::env::temp_dir().join(format!("labs-tries-{}-{number}.tsv", std::process::id()));
    let journal = Journal::in_file(file.clone());
    let exercise = find(
        name,
        EXERCISES.iter().find(|one| one.name == name).unwrap().name,
    )
    .unwrap();
    let said = tries.iter().map(|&(code, state)| {
        let code = code.to_string();
        exercise
            .reply(&journal, checked, Some(&Attempt { code, state }))
            .join("|")
    });
    let said = said.collect();
    let _ = std::fs::remove_file(file);
    said
}

#[test]
fn only_code_that_was_not_tried_uses_up_a_hint() {
    let lost = judge(
        "T",
        Duration::from_secs(5),
        |facts| facts.equal("visits of home, counted", 200, 190),
        |_| (),
    );
    use State::{Compiled, HandedOut};
    let said = words(
        "04-1",
        &lost,
        &[
            ("0", HandedOut),
            ("0", HandedOut),
            ("a", Compiled),
            ("a", Compiled),
            ("b", Compiled),
            ("a", Compiled),
        ],
    );
    let hints = lab04::VISITS.hints[1].says;
    assert!(
        said[0].contains("as it was handed out, which is no try"),
        "{}",
        said[0]
    );
    assert_eq!(said[0], said[1]);
    assert_eq!(said[2], format!("Try 1. Hint: {}", hints[0]));
    assert!(
        said[3].starts_with("The code has not changed since try 1"),
        "{}",
        said[3]
    );
    assert!(said[3].ends_with(hints[0]), "{}", said[3]);
    assert_eq!(said[4], format!("Try 2. Hint: {}", hints[1]));
    assert!(
        said[5].starts_with(&format!(
            "Try 3. Hint: {}|You have tried 3 times.",
            hints[2]
        )),
        "{}",
        said[5]
    );
}

#[test]
fn the_hint_is_about_the_fact_that_failed_and_a_second_lock_comes_first() {
    let with = |what: &'static str, found: &'static str| {
        judge(
            "T",
            Duration::from_secs(5),
            move |facts| facts.holds(what, false, found),
            |_| (),
        )
    };
    let hint = |checked: &Checked| lab02::PUBLISH.hint(checked);
    assert_eq!(
        hint(&with("by force, finder: both came home", "0 of 2")).0,
        1
    );
    assert_eq!(
        hint(&with(
            "by force: the flag is set before the finder is written",
            ""
        ))
        .0,
        2
    );
    assert_eq!(
        hint(&with("rounds in which exactly one worker wrote", "")).0,
        3
    );
    assert_eq!(hint(&with("the check ran to its end", "")).0, 4);
    let (_, locked_twice) = checked(|candidate: u64, best: &Value<u64>, meet: &dyn Fn()| {
        meet();
        let guard = best.lock();
        if candidate < *guard {
            best.set(candidate);
        }
    });
    let (number, hint) = lab02::OFFER.hint(&locked_twice);
    assert_eq!(
        (number, hint.says[0]),
        (0, SECOND_LOCK.says[0]),
        "{locked_twice}"
    );
    // A new topic begins with its first hint, however many tries there were.
    let file = std::env::temp_dir().join(format!("labs-topics-{}.tsv", std::process::id()));
    let journal = Journal::in_file(file.clone());
    let attempt = |code: &str| Attempt {
        code: code.into(),
        state: State::Compiled,
    };
    let home = with("by force, finder: both came home", "0 of 2");
    let order = with("by force: the flag is set before the finder is written", "");
    let said = |checked: &Checked, code: &str| {
        lab02::PUBLISH.reply(&journal, checked, Some(&attempt(code)))
    };
    said(&home, "a");
    assert!(said(&home, "b")[0].ends_with(lab02::PUBLISH.hints[0].says[1]));
    assert!(said(&order, "c")[0].ends_with(lab02::PUBLISH.hints[1].says[0]));
    let good = judge(
        "T",
        Duration::from_secs(5),
        |facts| facts.holds("so", true, ""),
        |_| (),
    );
    let solved = said(&good, "d");
    assert!(solved[0].starts_with("Solved on try 4"), "{solved:?}");
    assert_eq!(solved[1], format!("Next: {}", lab02::PUBLISH.next));
    assert!(said(&good, "d")[0].starts_with("You have solved this exercise before"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn workers_that_ended_alike_share_a_line_that_names_what_they_waited_for() {
    // No pills: all wait for a message.
    let (_, all) = checked((run_worker, |_: &Queue<Option<u32>>, _: &Flag, _: usize| ()));
    let row = &all.facts()[0];
    assert_eq!(row.what(), "4 workers: all came home");
    assert_eq!(
        row.found(),
        "0 of 4; all 4 workers did not end within 1 s, waiting for a message in the queue `tasks`, which was empty"
    );
    // One that holds a lock at the barrier, and one that waits for the lock.
    let (_, pair) = checked(|candidate: u64, best: &Value<u64>, meet: &dyn Fn()| {
        let mut guard = best.lock();
        meet();
        *guard = candidate.min(*guard);
    });
    let found = pair.facts()[0].found();
    assert!(found.contains("waiting for the lock of `best`"), "{found}");
    assert!(
        found.contains("waiting at the barrier in meet(), for those"),
        "{found}"
    );
}

#[test]
fn the_page_says_at_once_that_it_runs_and_then_the_result() {
    let facts = |facts: &Facts| facts.holds("so", true, "");
    for page in [Fake::live(), Fake::stock()] {
        let display = Display::on(page.page());
        check_on(display, "02-2", "02-2", &facts).unwrap();
        let shown = page.take();
        assert!(shown[0].contains("Lab 02, exercise 2: "), "{shown:?}");
        assert!(
            shown[0].contains("checking … 0 of 5 facts")
                || shown[0].contains("the check is running"),
            "{shown:?}"
        );
        let last = shown.last().unwrap();
        assert!(
            last.contains("this fact holds") && last.contains("Next: "),
            "{last}"
        );
    }
}

#[test]
fn a_wrong_name_and_a_wrong_function_are_told_apart() {
    let ran = RefCell::new(false);
    let harness = |_: &Facts| *ran.borrow_mut() = true;
    let page = Fake::live();
    let said = check_on(Display::on(page.page()), "02-2", "02-1", &harness).unwrap_err();
    assert!(
        said.to_string().contains("exercise 02-2 asks for `offer`"),
        "{said}"
    );
    assert!(page.take().is_empty() && !ran.take());
    let names = EXERCISES.map(|one| one.name);
    assert!(names.is_sorted());
}

/// The first hint that a wrong answer gets.
#[track_caller]
fn first_hint<S, A: Answer<S>>(answer: A) -> &'static str {
    let (exercise, checked) = checked(answer);
    assert!(!checked.passed(), "{checked}");
    exercise.hint(&checked).1.says[0]
}

#[test]
fn a_pill_that_is_left_and_a_task_that_is_lost_get_hints_of_their_own() {
    // Both also leave something in the queue when the tasks come late.
    let hands_on = |tasks: &Queue<Option<u32>>, flag: &Flag, done: &dyn Fn(u32)| {
        run_worker(tasks, flag, done);
        tasks.put(None).unwrap();
    };
    let one_pill = |tasks: &Queue<Option<u32>>, _: &Flag, _: usize| tasks.put(None).unwrap();
    let hint = first_hint((hands_on, one_pill));
    assert!(hint.starts_with("All tasks are done, and"), "{hint}");

    let until_the_flag = |tasks: &Queue<Option<u32>>, flag: &Flag, done: &dyn Fn(u32)| {
        while !flag.is_set() {
            match tasks.get().unwrap() {
                Some(task) => done(task),
                None => break,
            }
        }
    };
    let flag_and_pills = |tasks: &Queue<Option<u32>>, flag: &Flag, workers: usize| {
        flag.set();
        (0..workers).for_each(|_| tasks.put(None).unwrap());
    };
    let hint = first_hint((until_the_flag, flag_and_pills));
    assert!(hint.starts_with("When does a worker go home"), "{hint}");

    let until_it_is_empty = |tasks: &Queue<Option<u32>>, _: &Flag, done: &dyn Fn(u32)| {
        while let Ok(Some(task)) = tasks.try_get() {
            done(task);
        }
    };
    let hint = first_hint((
        until_it_is_empty,
        |_: &Queue<Option<u32>>, _: &Flag, _: usize| (),
    ));
    assert!(hint.starts_with("The queue may be empty"), "{hint}");
}

#[test]
fn a_worker_that_never_looks_is_not_told_that_a_look_saw_the_flag() {
    let hint = first_hint(
        |items: &[u64], _: u64, _: &dyn Fn() -> bool, step: &dyn Fn()| {
            // It gives up after some steps, since the last items have no end.
            (0..items.iter().sum::<u64>().min(1 << 20)).for_each(|_| step());
        },
    );
    assert!(!hint.starts_with("A look said"), "{hint}");
    assert!(hint.contains("If none did"), "{hint}");
}
