use super::facts::{MOST_FACTS, MOST_TEXT, REPORTED, SLOT, SLOTS};
use super::*;
use labsupport::cell::Show;
use labsupport::process::Workers;
use labsupport::shared::{Array, Barrier, Flag};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// The last row, which must not hold: why the closure did not end by itself.
fn end(checked: &Checked) -> &str {
    let last = checked.facts().last().unwrap();
    assert!(!checked.passed() && !last.holds(), "{checked}");
    assert_eq!(last.what(), "the check ran to its end");
    last.found()
}

#[test]
fn a_check_passes_when_all_facts_hold() {
    let checked = check("T", LONG, |facts| {
        facts.equal("a word", "pill", "pill");
        facts.holds("so", true, "never seen");
        facts.returned(&Workers::spawn(3, |w| w.index()).unwrap().join().unwrap());
    });
    assert!(checked.passed());
    assert_eq!(
        checked.to_string(),
        "fact                    expected  found   holds\n\
         a word                  \"pill\"    \"pill\"  ✓ yes\n\
         so                      yes       yes     ✓ yes\n\
         every worker came home  3 of 3    3 of 3  ✓ yes\n\
         \n\
         T: all 3 facts hold.\n"
    );
}

#[test]
fn a_fact_that_does_not_hold_says_why_and_nothing_panics() {
    let checked = check("T", LONG, |facts| {
        facts.equal("sum", 3, 4);
        facts.holds("good", true, "never seen");
        facts.holds("so", false, "because");
        let workers = Workers::spawn(3, |w| match w.index() {
            0 => {}
            1 => panic!("no\nluck"),
            _ => std::process::exit(7),
        });
        facts.returned(&workers.unwrap().join().unwrap());
    });
    assert!(!checked.passed());
    let holds: Vec<bool> = checked.facts().iter().map(Fact::holds).collect();
    assert_eq!(holds, [false, true, false, false]);
    let found: Vec<&str> = checked.facts().iter().map(Fact::found).collect();
    assert_eq!(found[..3], ["4", "yes", "because"]);
    assert!(found[3].starts_with("1 of 3; worker 1 panicked: no luck (at "));
    assert!(found[3].ends_with("; worker 2 left through process::exit with code 7"));
    let text = checked.to_string();
    assert!(text.contains("\nT: not yet. 3 of 4 facts do not hold.\n"));
}

#[test]
fn a_panic_becomes_a_row_and_keeps_the_facts_before_it() {
    let checked = check("T", LONG, |facts| {
        facts.equal("one", 1, 1);
        assert_eq!(1, 2, "numbers");
    });
    assert!(checked.facts()[0].holds());
    let said = end(&checked);
    assert!(said.starts_with("it panicked: assertion `left == right` failed: numbers left: 1"));
    assert!(
        said.contains("check/tests.rs:") && !said.contains('\n'),
        "{said}"
    );
    assert!(checked.to_string().contains("1 of 2 facts does not hold"));
}

#[test]
fn a_hang_becomes_a_row_and_keeps_the_facts_before_it() {
    // Not at a moment when a sleeper looks again: every 50 ms.
    let limit = Duration::from_millis(325);
    let begun = Instant::now();
    let checked = check("T", limit, |facts| {
        facts.equal("one", 1, 1);
        let nobody_comes = Barrier::new(2).unwrap();
        nobody_comes.wait_timeout(LONG);
    });
    assert!(begun.elapsed() < LONG / 2);
    assert_eq!(
        (checked.facts().len(), checked.facts()[0].holds()),
        (2, true)
    );
    let said = end(&checked);
    assert!(
        said.starts_with("it did not end within 325 ms; it was asleep, waiting at a barrier, "),
        "{said}"
    );
}

#[test]
fn a_function_that_leaves_the_process_or_is_killed_becomes_a_row() {
    for code in [0, 3] {
        let checked = check("T", LONG, |facts| {
            facts.equal("one", 1, 1);
            std::process::exit(code);
        });
        let said = format!("it left through process::exit with code {code}");
        assert_eq!(end(&checked), said);
    }
    let checked = check("T", LONG, |_| std::process::abort());
    assert_eq!(
        end(&checked),
        "it was killed by SIGABRT (it gave up: perhaps it got no more memory)"
    );
}

#[test]
fn a_function_that_writes_where_it_must_not_harms_nobody() {
    let checked = check("T", LONG, |facts| {
        for _ in 0..4 {
            facts.equal("one", 1, 1);
        }
        let slot = |index: usize| SLOTS + index * SLOT;
        facts
            .memory
            .word(slot(1))
            .store(u64::MAX, Ordering::Relaxed);
        facts
            .memory
            .word(slot(2) + 1)
            .store(u64::MAX, Ordering::Relaxed);
        facts.memory.word(REPORTED).store(6, Ordering::Relaxed);
    });
    let holds: Vec<bool> = checked.facts().iter().map(Fact::holds).collect();
    assert_eq!(holds, [true, false, false, true, false, false]);
    let checked = check("T", LONG, |facts| {
        for word in 0..facts.memory.len() / 8 {
            facts.memory.word(word).store(u64::MAX, Ordering::Relaxed);
        }
    });
    assert!(!checked.passed());
}

#[test]
fn no_facts_are_not_enough() {
    let checked = check("T", LONG, |_| {});
    assert!(!checked.passed() && checked.facts().is_empty());
    let text = checked.to_string();
    assert!(
        text.ends_with("\nT: not yet. No fact was reported.\n"),
        "{text}"
    );
}

#[test]
fn more_facts_than_fit_are_counted_and_a_bad_one_among_them_is_not_lost() {
    let long = "ü".repeat(5_000);
    for (bad, last) in [
        (0, "all hold"),
        (1, "1 does not hold"),
        (3, "3 do not hold"),
    ] {
        let checked = check("T", LONG, |facts| {
            for n in 0..1_500 {
                facts.holds(&long, n < 1_500 - bad, &long);
            }
        });
        assert_eq!(checked.facts().len(), MOST_FACTS + 1);
        assert_eq!(checked.passed(), bad == 0);
        let row = checked.facts().last().unwrap();
        assert_eq!(row.what(), "500 more were reported; a check keeps 1,000");
        assert_eq!((row.found(), row.holds()), (last, bad == 0));
        let what = checked.facts()[999].what();
        assert!(what.len() <= MOST_TEXT && what.ends_with("ü…"), "{what}");
    }
    // The largest fact there can be fits its slot.
    let checked = check("T", LONG, |facts| facts.equal(&long, &long, &long));
    assert!(checked.passed());
}

#[test]
fn workers_report_too_and_a_killed_one_harms_no_other() {
    let checked = check("T", LONG, |facts| {
        let workers = Workers::spawn(4, |w| -> () {
            if w.index() == 0 {
                // As far as one comes that is killed in the middle.
                facts.memory.word(REPORTED).fetch_add(1, Ordering::Relaxed);
                std::process::abort();
            }
            for n in 0..100 {
                facts.equal(&format!("worker {} fact {n}", w.index()), n, n);
            }
        });
        workers.unwrap().join().unwrap();
    });
    let (good, bad): (Vec<_>, Vec<_>) = checked.facts().iter().partition(|fact| fact.holds());
    assert_eq!((good.len(), bad.len()), (300, 1), "{checked}");
    assert!(
        bad[0]
            .found()
            .starts_with("its reporter was stopped halfway")
    );
    for worker in 1..4 {
        let prefix = format!("worker {worker} ");
        let of_worker = good.iter().filter(|fact| fact.what().starts_with(&prefix));
        // Each in its own order.
        assert!(
            of_worker
                .map(|fact| fact.expected().to_string())
                .eq((0..100).map(|n| n.to_string()))
        );
    }
}

#[test]
fn what_the_closure_started_dies_with_it() {
    let (pids, ready) = (Array::<u32>::new(2).unwrap(), Flag::new().unwrap());
    // Once it hangs, once it leaves.
    for leaves in [false, true] {
        ready.clear();
        let checked = check("T", Duration::from_millis(500), |_| {
            let workers = Workers::spawn(2, |_| -> () {
                loop {
                    std::hint::spin_loop();
                }
            });
            let workers = workers.unwrap();
            for (index, pid) in workers.pids().into_iter().enumerate() {
                pids.set(index, pid);
            }
            ready.set();
            if leaves {
                std::process::exit(0);
            }
            workers.join().unwrap();
        });
        assert!(!checked.passed() && ready.is_set(), "{checked}");
        let begun = Instant::now();
        let alive = |pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        while pids.lock().iter().any(alive) {
            assert!(begun.elapsed() < LONG, "they outlived the check");
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_page_has_words_beside_the_colours_and_a_text_twin() {
    let checked = check("A < B", LONG, |facts| {
        facts.holds("x < y", true, "");
        facts.equal("list", vec!["<b>"], vec![]);
    });
    let contents = checked.contents();
    let mimes: Vec<&str> = contents.iter().map(|(mime, _)| *mime).collect();
    assert_eq!(mimes, ["text/html", "text/plain"]);
    let html = &contents[0].1;
    assert!(html.contains("4px solid #009e73\"><b>✓ yes</b>"), "{html}");
    assert!(html.contains("4px solid #d55e00\"><b>✗ no</b>"), "{html}");
    assert!(html.contains("<b>A &lt; B: not yet. 1 of 2 facts does not hold.</b>"));
    assert!(
        html.contains(">x &lt; y<") && !html.contains("<b>\""),
        "{html}"
    );
    // The theme's own colour of text, on white and on black.
    assert!(
        !html.contains(";color:") && !html.contains("\"color:"),
        "{html}"
    );
    assert_eq!(contents[1].1, checked.to_string());
}
