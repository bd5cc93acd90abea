use super::step::Kind;
use super::*;
use labsupport::internal::thousands;
use std::collections::HashSet;

/// A protocol over found, finder and answer, written so that [`Naive`] can run it without anything of the explorer.
#[derive(Clone, Copy)]
enum Op {
    Leave(fn(&[u64; 3]) -> bool),
    Write(fn(&mut [u64; 3], u64)),
    Swap(fn(&mut [u64; 3]) -> bool),
    Lock,
    Unlock,
}
use Op::{Leave, Lock, Swap, Unlock, Write};

const NAMES: [&str; 3] = ["found", "finder", "answer"];
const TOGETHER: &str = "finder and answer belong together";
const WHOLE: &str = "who sees found sees a whole answer";

const CHECK: Op = Leave(|s| s[0] != 0);
const FINDER: Op = Write(|s, me| s[1] = me);
const ANSWER: Op = Write(|s, me| s[2] = 100 * me);
const FOUND: Op = Write(|s, _| s[0] = 1);
const CLAIM: Op = Swap(|s| {
    let first = s[0] == 0;
    s[0] = 1;
    first
});

const PROTOCOLS: [(&str, &[Op]); 5] = [
    ("no lock", &[CHECK, FINDER, ANSWER, FOUND]),
    ("lock only", &[CHECK, Lock, FINDER, ANSWER, FOUND, Unlock]),
    ("recheck only", &[CHECK, CHECK, FINDER, ANSWER, FOUND]),
    (
        "double check",
        &[CHECK, Lock, CHECK, FINDER, ANSWER, FOUND, Unlock],
    ),
    ("compare-and-swap", &[CLAIM, FINDER, ANSWER]),
];

fn array(words: &Words) -> [u64; 3] {
    words.values().try_into().unwrap()
}

fn steps(ops: &[Op]) -> Steps {
    let mut steps = Steps::new();
    for (index, &op) in ops.iter().enumerate() {
        let name = format!("step {index}");
        steps = match op {
            Leave(look) => steps.leave_if(name, move |s, _| look(&array(s))),
            Write(change) => steps.write(name, move |s, me| {
                let mut words = array(s);
                change(&mut words, me);
                NAMES
                    .iter()
                    .zip(words)
                    .for_each(|(name, word)| s[name] = word);
            }),
            Swap(swap) => steps.swap_or_leave(name, move |s, _| {
                let mut words = array(s);
                let goes_on = swap(&mut words);
                NAMES
                    .iter()
                    .zip(words)
                    .for_each(|(name, word)| s[name] = word);
                goes_on
            }),
            Lock => steps.lock(),
            Unlock => steps.unlock(),
        };
    }
    steps
}

fn explorer(workers: usize, ops: &[Op]) -> Explorer {
    Explorer::new(NAMES)
        .workers(workers, &steps(ops))
        .invariant(TOGETHER, |s| s["answer"] == 100 * s["finder"])
        .always(WHOLE, |s| {
            s["found"] == 0 || s["answer"] == 100 * s["finder"]
        })
}

/// Runs every schedule by itself, one after the other: slow, and too simple to be wrong in the same way.
#[derive(Default)]
struct Naive {
    /// Each schedule and how it went, in the order in which they come.
    runs: Vec<Run>,
}

struct Run {
    schedule: String,
    torn_at_end: bool,
    ever_seen_torn: bool,
    stuck: bool,
}

impl Run {
    fn is_bad(&self) -> bool {
        self.torn_at_end || self.ever_seen_torn || self.stuck
    }

    fn switches(&self) -> usize {
        let letters = self.schedule.as_bytes();
        letters.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }
}

#[derive(Clone)]
struct Walk {
    /// What is left for each worker.
    left: Vec<Vec<Op>>,
    holder: Option<usize>,
    words: [u64; 3],
    schedule: String,
    seen_torn: bool,
}

impl Naive {
    fn of(workers: usize, ops: &[Op]) -> Naive {
        let mut naive = Naive::default();
        naive.walk(Walk {
            left: vec![ops.to_vec(); workers],
            holder: None,
            words: [0; 3],
            schedule: String::new(),
            seen_torn: false,
        });
        naive
    }

    fn walk(&mut self, here: Walk) {
        let torn = here.words[2] != 100 * here.words[1];
        let seen_torn = here.seen_torn || (here.words[0] != 0 && torn);
        let mut is_end = true;
        for worker in 0..here.left.len() {
            let Some(&op) = here.left[worker].first() else {
                continue;
            };
            if matches!(op, Lock) && here.holder.is_some() {
                continue;
            }
            is_end = false;
            let mut next = here.clone();
            next.seen_torn = seen_torn;
            next.schedule.push(['A', 'B', 'C', 'D'][worker]);
            next.left[worker].remove(0);
            let goes_on = match op {
                Leave(look) => !look(&next.words),
                Write(change) => {
                    change(&mut next.words, worker as u64 + 1);
                    true
                }
                Swap(swap) => swap(&mut next.words),
                Lock => {
                    next.holder = Some(worker);
                    true
                }
                Unlock => {
                    next.holder = None;
                    true
                }
            };
            if !goes_on {
                let held = next.holder == Some(worker);
                let unlocks = next.left[worker].iter().any(|op| matches!(op, Unlock));
                next.left[worker] = if held && unlocks {
                    vec![Unlock]
                } else {
                    vec![]
                };
            }
            self.walk(next);
        }
        if is_end {
            self.runs.push(Run {
                stuck: here.left.iter().any(|left| !left.is_empty()),
                schedule: here.schedule,
                torn_at_end: torn,
                ever_seen_torn: seen_torn,
            });
        }
    }

    fn count(&self, which: impl Fn(&Run) -> bool) -> u128 {
        self.runs.iter().filter(|run| which(run)).count() as u128
    }

    fn shortest_bad(&self) -> Option<&Run> {
        let runs = self.runs.iter().filter(|run| run.is_bad());
        runs.min_by_key(|run| (run.schedule.len(), run.switches(), run.schedule.clone()))
    }
}

fn writes(count: usize) -> Steps {
    (0..count).fold(Steps::new(), |steps, _| steps.write("w", |_, _| {}))
}

fn factorial(n: u128) -> u128 {
    (1..=n).product()
}

#[test]
fn workers_that_only_write_are_counted_by_the_multinomials() {
    for lengths in [
        vec![1, 1],
        vec![2, 3],
        vec![5, 4],
        vec![10, 12],
        vec![1, 2, 3],
        vec![4, 4, 4],
        vec![2, 2, 2, 2],
    ] {
        let explorer = lengths
            .iter()
            .fold(Explorer::new(["x"]), |explorer, &length| {
                explorer.worker(&writes(length))
            });
        let each: u128 = lengths.iter().map(|&n| factorial(n as u128)).product();
        let all = lengths.iter().sum::<usize>() as u128;
        assert_eq!(
            explorer.explore().unwrap().schedules(),
            factorial(all) / each,
            "{lengths:?}"
        );
    }
}

#[test]
fn a_lock_makes_blocks() {
    let block = Steps::new().lock().write("w", |s, me| s["x"] = me).unlock();
    for (workers, schedules) in [(2, 2), (3, 6), (4, 24)] {
        let seen = Explorer::new(["x"])
            .workers(workers, &block)
            .explore()
            .unwrap();
        assert_eq!((seen.schedules(), seen.broken()), (schedules, 0));
    }
}

#[test]
fn the_five_protocols_agree_with_one_run_for_each_schedule() {
    for workers in [2, 3] {
        for (name, ops) in PROTOCOLS {
            let naive = Naive::of(workers, ops);
            let seen = explorer(workers, ops).explore().unwrap();
            assert_eq!(seen.schedules(), naive.count(|_| true), "{name}");
            assert_eq!(
                seen.broken_by(TOGETHER),
                naive.count(|run| run.torn_at_end),
                "{name}"
            );
            assert_eq!(
                seen.broken_by(WHOLE),
                naive.count(|run| run.ever_seen_torn),
                "{name}"
            );
            assert_eq!(seen.stuck(), naive.count(|run| run.stuck), "{name}");
            assert_eq!(seen.broken(), naive.count(Run::is_bad), "{name}");
            let shortest = seen.shortest_bad().map(|bad| bad.schedule());
            assert_eq!(
                shortest.as_ref(),
                naive.shortest_bad().map(|run| &run.schedule),
                "{name}"
            );
        }
    }
}

/// Does not compile when a kind of step is added, and then fails until one of the protocols has a step of that kind.
#[test]
fn every_kind_of_step_is_compared_with_the_naive_model() {
    let mut used = [false; 5];
    for (_, ops) in PROTOCOLS {
        for step in &steps(ops).steps {
            let kind = match step.kind {
                Kind::Write(_) => 0,
                Kind::LeaveIf(_) => 1,
                Kind::SwapOrLeave(_) => 2,
                Kind::Lock => 3,
                Kind::Unlock => 4,
            };
            used[kind] = true;
        }
    }
    assert_eq!(used, [true; 5]);
}

#[test]
fn every_number_is_a_schedule_and_they_come_in_order() {
    for (name, ops) in PROTOCOLS {
        let naive = Naive::of(2, ops);
        let explorer = explorer(2, ops);
        let seen = explorer.explore().unwrap();
        let replays: Vec<Replay> = (0..seen.schedules())
            .map(|id| explorer.replay(id).unwrap())
            .collect();
        for (replay, run) in replays.iter().zip(&naive.runs) {
            assert_eq!(replay.schedule(), run.schedule, "{name}");
            assert_eq!(
                !replay.broken().is_empty() || !replay.stuck().is_empty(),
                run.is_bad(),
                "{name}"
            );
            assert_eq!(
                replay.broken().contains(&WHOLE),
                run.ever_seen_torn,
                "{name}"
            );
        }
        let distinct: HashSet<String> = replays.iter().map(Replay::schedule).collect();
        assert_eq!(distinct.len(), naive.runs.len(), "{name}");
        if let Some(bad) = seen.shortest_bad() {
            assert_eq!(explorer.replay(bad.id()).unwrap(), bad, "{name}");
        }
        let error = explorer.replay(seen.schedules()).unwrap_err();
        assert!(matches!(error, ExplorerError::NoSuchSchedule { .. }));
    }
}

#[test]
fn a_worker_that_forgets_to_unlock_makes_the_others_stuck() {
    let ops = [Lock, FINDER, ANSWER];
    let naive = Naive::of(3, &ops);
    let seen = explorer(3, &ops).explore().unwrap();
    assert_eq!((seen.schedules(), seen.stuck(), seen.broken()), (3, 3, 3));
    assert_eq!(naive.count(|run| run.stuck), 3);
    assert_eq!(seen.broken_by(TOGETHER), 0);
    let bad = seen.shortest_bad().unwrap();
    assert_eq!(
        (bad.schedule().as_str(), bad.stuck()),
        ("AAA", vec!['B', 'C'])
    );
    assert!(
        bad.to_string()
            .contains("Stuck: B and C wait for the lock forever: A ended while it held the lock.")
    );
}

#[test]
fn who_leaves_with_the_lock_gives_it_back_and_is_done() {
    let steps = Steps::new()
        .lock()
        .leave_if("always", |_, _| true)
        .write("never", |s, _| s["x"] = 1)
        .unlock()
        .write("not after leaving either", |s, _| s["x"] = 2)
        .lock()
        .unlock();
    let explorer = Explorer::new(["x"]).worker(&steps);
    let replay = explorer.replay(0).unwrap();
    let names: Vec<String> = replay.steps().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["lock", "always → leaves", "unlock"]);
    assert_eq!(replay.end()["x"], 0);
    assert!(explorer.force(0).unwrap().matches_model());
}

#[test]
fn a_torn_moment_counts_only_for_what_must_hold_always() {
    let steps = Steps::new()
        .write("up", |s, _| s["x"] = 1)
        .write("down", |s, _| s["x"] = 0);
    let explorer = Explorer::new(["x"])
        .worker(&steps)
        .invariant("at the end", |s| s["x"] == 0)
        .always("always", |s| s["x"] == 0);
    let seen = explorer.explore().unwrap();
    assert_eq!(
        (
            seen.broken_by("at the end"),
            seen.broken_by("always"),
            seen.broken()
        ),
        (0, 1, 1)
    );
    let text = seen.shortest_bad().unwrap().to_string();
    assert!(
        text.contains(
            "Step 1: rule broken: always.\nRule kept: at the end. Rule broken: always.\n"
        ),
        "{text}"
    );
    // The start counts too.
    let seen = explorer
        .always("not at the start", |s| s["x"] == 1)
        .explore()
        .unwrap();
    assert_eq!(seen.broken_by("not at the start"), 1);
    let text = seen.shortest_bad().unwrap().to_string();
    assert!(
        text.ends_with("Rule broken from the start: not at the start.\n"),
        "{text}"
    );
}

#[test]
fn building_mistakes_are_sentences() {
    let ok = writes(1);
    let words = || Explorer::new(["x"]);
    let cases = [
        (
            words(),
            "there are no workers: add some with .workers(2, &steps).",
        ),
        (
            words().workers(5, &ok),
            "5 workers are more than the explorer takes: use at most 4.",
        ),
        (
            words().worker(&ok).worker(&Steps::new()),
            "worker B has no steps: add some",
        ),
        (
            words().worker(&Steps::new().lock().lock()),
            "step 2 of worker A locks while the worker holds the lock",
        ),
        (
            words()
                .worker(&ok)
                .worker(&Steps::new().lock().unlock().unlock()),
            "step 3 of worker B unlocks, but",
        ),
        (
            words().start("y", 1).worker(&ok),
            "there is no word \"y\" to start with another value: the words are x.",
        ),
        (
            Explorer::new(["x", "x"]).worker(&ok),
            "two words are named \"x\"",
        ),
        (
            words()
                .worker(&ok)
                .always("a", |_| true)
                .invariant("a", |_| true),
            "two invariants are named \"a\"",
        ),
        (
            words().workers(2, &writes(101)),
            "202 steps, all workers together, are more than the explorer takes (200)",
        ),
        (
            words().workers(2, &writes(100)),
            "there are more schedules than a 128-bit number can count",
        ),
    ];
    for (explorer, sentence) in cases {
        let error = explorer.explore().unwrap_err().to_string();
        assert!(
            error.starts_with(sentence) && error.ends_with('.'),
            "{error}"
        );
    }
}

#[test]
fn too_many_states_are_a_sentence() {
    let steps = (0..6).fold(Steps::new(), |steps, _| {
        steps.write("mix", |s, me| {
            s["x"] = (s["x"].wrapping_mul(31).wrapping_add(me)) % 1_000_003
        })
    });
    let explorer = Explorer::new(["x"]).workers(3, &steps);
    let error = explorer.graph_within(1000).unwrap_err();
    assert_eq!(error, ExplorerError::TooManyStates { limit: 1000 });
    assert!(
        error
            .to_string()
            .starts_with("there are more than 1,000 different states: use fewer workers")
    );
}

#[test]
fn what_is_added_after_a_look_counts() {
    let explorer = Explorer::new(["x"]).worker(&writes(2));
    assert_eq!(explorer.explore().unwrap().schedules(), 1);
    let explorer = explorer.worker(&writes(2));
    assert_eq!(explorer.explore().unwrap().schedules(), 6);
    let seen = explorer
        .start("x", 1)
        .invariant("zero", |s| s["x"] == 0)
        .explore()
        .unwrap();
    assert_eq!(seen.broken(), 6);
}

#[test]
fn a_torn_pair_is_really_in_shared_memory() {
    let explorer = explorer(2, PROTOCOLS[0].1);
    let bad = explorer.explore().unwrap().shortest_bad().unwrap();
    let forced = explorer.force(bad.id()).unwrap();
    assert!(forced.matches_model());
    assert_ne!(forced.end()["answer"], 100 * forced.end()["finder"]);
    let text = forced.to_string();
    assert!(
        text.contains("The real processes did what the model says: found = 1, finder = "),
        "{text}"
    );
}

#[test]
fn who_is_stuck_in_the_model_is_refused_the_real_lock() {
    let explorer = explorer(3, &[Lock, FINDER]);
    for (id, refused) in [['B', 'C'], ['A', 'C'], ['A', 'B']].into_iter().enumerate() {
        let forced = explorer.force(id as u128).unwrap();
        assert!(forced.matches_model(), "{forced}");
        let sentences = refused.map(|who| format!("Worker {who} was refused the lock."));
        assert!(
            forced.to_string().contains(&sentences.join(" ")),
            "{forced}"
        );
    }
}

#[test]
fn fewest_steps_count_more_than_fewest_switches() {
    let pulse = Steps::new()
        .write("up", |s, _| s["x"] = 1)
        .write("down", |s, _| s["x"] = 0);
    let other = Steps::new()
        .leave_if("up?", |s, _| s["x"] == 1)
        .write("w", |_, _| {});
    let explorer = Explorer::new(["x"])
        .worker(&pulse)
        .worker(&other)
        .invariant("never", |_| false);
    let bad = explorer.explore().unwrap().shortest_bad().unwrap();
    assert_eq!(bad.schedule(), "ABA"); // AABB and BBAA change once only, and are longer
}

#[test]
fn where_reality_differs_the_first_difference_is_named() {
    // The model runs in this process, and the workers are others.
    let steps = Steps::new()
        .write("same", |s, me| s["x"] = me)
        .write("whose process?", |s, _| s["x"] = std::process::id().into());
    let forced = Explorer::new(["x"]).workers(2, &steps).force(0).unwrap();
    assert!(!forced.matches_model());
    let text = forced.to_string();
    assert!(
        text.contains(
            "did not do what the model says: after step 2, \"whose process?\" of worker A"
        ),
        "{text}"
    );

    let parent = std::process::id();
    let steps = Steps::new()
        .leave_if("in a worker?", move |_, _| std::process::id() != parent)
        .write("write", |s, me| s["x"] = me);
    let forced = Explorer::new(["x"]).workers(2, &steps).force(0).unwrap();
    assert!(!forced.matches_model());
    let text = forced.to_string();
    assert!(
        text.contains("at step 1 worker A did \"in a worker? → leaves\", and the model says"),
        "{text}"
    );
}

#[test]
fn a_worker_that_panics_is_named_at_once() {
    let parent = std::process::id();
    let steps = Steps::new().write("write", move |s, me| {
        assert!(me == 1 || std::process::id() == parent, "no luck");
        s["x"] = me;
    });
    let started = std::time::Instant::now();
    let error = Explorer::new(["x"])
        .workers(3, &steps)
        .force(0)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("worker B did not reach the end of schedule 0: panicked: no luck"),
        "{error}"
    );
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn numbers_have_commas() {
    let all: Vec<String> = [0, 999, 1000, 1_234_567]
        .into_iter()
        .map(|number: u128| thousands(number))
        .collect();
    assert_eq!(all, ["0", "999", "1,000", "1,234,567"]);
}

#[test]
fn every_word_is_played_and_has_its_number() {
    for (name, ops) in PROTOCOLS {
        let explorer = explorer(2, ops);
        for id in 0..explorer.explore().unwrap().schedules() {
            let word = explorer.replay(id).unwrap().schedule();
            assert_eq!(explorer.id(&word).unwrap(), id, "{name}, {word}");
        }
    }
    let explorer = explorer(2, PROTOCOLS[1].1);
    for id in 0..explorer.explore().unwrap().schedules() {
        let model = explorer.replay(id).unwrap();
        let played = explorer.play(&model.schedule().to_lowercase()).unwrap();
        assert!(played.matches_model(), "{played}");
        assert_eq!(played.end(), model.end());
    }
}

#[test]
fn a_word_that_cannot_be_played_says_which_letter_and_why() {
    let lock_only = explorer(2, PROTOCOLS[1].1);
    let stuck = explorer(3, &[Lock, FINDER]);
    for (explorer, word, says) in [
        (
            &lock_only,
            "AAX",
            "\"AAX\" cannot be played: at letter 3, there is no worker X. The workers are A and B.",
        ),
        (
            &lock_only,
            "ABBA",
            "\"ABBA\" cannot be played: at letter 4, A waits for the lock that B holds. There, B can take a step.",
        ),
        (
            &lock_only,
            "aaaaaa aab",
            "\"AAAAAAAAB\" cannot be played: at letter 7, A is done: its last step was \"unlock\". There, B can take a step.",
        ),
        (
            &lock_only,
            "AAAAAABB",
            "\"AAAAAABB\" cannot be played: at letter 8, B is done: its last step was \"step 0 → leaves\". No worker can \
             take a step there: leave this letter out, and all after it.",
        ),
        (
            &lock_only,
            "",
            "\"\" ends before the workers do: go on until none of them can take a step, such as \"AAAAAAB\".",
        ),
        (
            &stuck,
            "AAC",
            "\"AAC\" cannot be played: at letter 3, C waits for the lock that A holds. No worker can take a step there: \
             leave this letter out, and all after it.",
        ),
    ] {
        assert_eq!(explorer.play(word).unwrap_err().to_string(), says);
    }
    assert!(stuck.play("AA").unwrap().matches_model()); // and B and C wait forever
}
