use super::answer::{Answer, answer};
use super::exercise::{Exercise, Hint};
use crate::across::ask;
use crate::check::Facts;
use broker::internal::before_calls;
use broker::{Broker, Reply};
use labsupport::internal::{getpid, send_signal};
use labsupport::process::{Report, Workers};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const NO_TASK_IS_LOST: Exercise = Exercise {
    name: "06-1",
    asks_for: "(work, recover)",
    limit: Duration::from_secs(30),
    facts: 7,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker did not end, or could not go on. The row says why. When does `work` end: what does the broker answer if there is no task?",
                "`LMOVE` answers nil if there is nothing to move, as `RPOP` does: `ask::<Option<String>>` makes `None` of it.",
            ],
        },
        Hint {
            about: &["in hand"],
            says: &[
                "A worker was killed before its task was done. Where was that task at this moment? The broker had forgotten it already, or no worker looks where it is.",
                "A task must lie in some list until it is done. `LMOVE tasks doing RIGHT LEFT` takes it from one and puts it into another, in one step.",
                "`recover` moves what lies in `doing` back to `tasks`, until `LMOVE doing tasks RIGHT RIGHT` answers nil.",
            ],
        },
        Hint {
            about: &["nothing is left", "exactly once"],
            says: &[
                "Every task was done, and the broker still has some of them, or a worker has done one again. When is a task finished for the broker?",
                "After `done(&task)` take it from the list of tasks in hand: `LREM doing 1 task`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "What does each list hold after each call, and what if the worker is killed right there?",
                "Take with LMOVE, do the task, then LREM. `recover` moves back what a killed worker had in hand.",
            ],
        },
    ],
    next: "with two workers, `recover` also moves the task of the worker that is alive. What would tell the two apart? Look at `XAUTOCLAIM`.",
};

pub(super) const RELEASE: Exercise = Exercise {
    name: "06-2",
    asks_for: "release",
    limit: Duration::from_secs(20),
    facts: 5,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "The worker did not come home: the row says why. A script's error is an error of the call.",
            ],
        },
        Hint {
            about: &["its own lease"],
            says: &[
                "The holder wants to give its lease back, and it is still there. What does your comparison compare?",
                "The key is `lease`, and its value is the holder's token, `mine`.",
            ],
        },
        Hint {
            about: &["worker 8"],
            says: &[
                "The lease had run out, and another worker had taken it. Then the first worker deleted it. How can it know whose lease it is?",
                "A look and a deletion are two calls, and the lease may change hands between them. The broker must do both in one.",
                "A script does both: `EVAL \"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end\" 1 lease mine`",
            ],
        },
        Hint {
            about: &[""],
            says: &["Delete `lease` only if it holds `mine`, in one step."],
        },
    ],
    next: "do the same with WATCH, MULTI and EXEC. How many calls is it, and what does EXEC answer if the lease changed hands?",
};

type Work<'a> = &'a dyn Fn(&Broker, &dyn Fn(&str));
type Recover<'a> = &'a dyn Fn(&Broker);
type Release<'a> = &'a dyn Fn(&Broker, &str);

impl<W, R> Answer<(fn(&Broker, &dyn Fn(&str)), fn(&Broker))> for (W, R)
where
    W: Fn(&Broker, &dyn Fn(&str)),
    R: Fn(&Broker),
{
    const EXERCISE: &'static str = "06-1";

    fn report(&self, facts: &Facts) {
        no_task_is_lost(facts, &self.0, &self.1);
    }
}

answer!("06-2": fn(&Broker, &str), release);

const SIGKILL: i32 = 9;

/// A server for this check alone, whatever other broker the student uses.
fn server() -> Broker {
    Broker::start_with(&[]).unwrap_or_else(|error| panic!("{error}"))
}

fn call(broker: &Broker, words: &[&str]) {
    ask::<Reply>(broker, words);
}

fn one(work: impl Fn()) -> Report<()> {
    let worker = Workers::spawn(1, |_| work()).unwrap();
    worker.join_timeout(Duration::from_secs(5)).unwrap()
}

/// When a worker kills itself.
#[derive(Clone, Copy)]
enum Kill {
    /// In the middle of its `n`-th task, before the effect.
    During(u64),
    /// After the effect of its `n`-th task, before it calls the broker again.
    After(u64),
}

fn no_task_is_lost(facts: &Facts, work: Work, recover: Recover) {
    let broker = server();
    // What happened: how often each task was done, in a hash that the answer knows nothing about.
    let effects = server();
    let fill = |tasks: u64| {
        call(&broker, &["FLUSHALL"]);
        call(&effects, &["FLUSHALL"]);
        for task in 0..tasks {
            call(&broker, &["LPUSH", "tasks", &format!("task {task}")]);
        }
    };
    let done = |task: &str| call(&effects, &["HINCRBY", "done", task, "1"]);
    let times = || {
        let counts: Vec<String> = effects.ask(["HVALS", "done"]).unwrap();
        counts
            .iter()
            .map(|count| count.parse().unwrap())
            .collect::<Vec<u64>>()
    };
    let once = |times: &[u64]| times.iter().filter(|&&times| times == 1).count();

    fill(60);
    let crew = Workers::spawn(3, |_| work(&broker, &done)).unwrap();
    let report = crew.join_timeout(Duration::from_secs(5)).unwrap();
    facts.home("3 workers: all came home", &report);
    if report.values().is_err() {
        return; // nothing of what follows would end
    }
    facts.equal(
        "3 workers: of 60 tasks, done exactly once",
        60,
        once(&times()),
    );
    facts.equal(
        "3 workers: nothing is left in the broker",
        0,
        ask::<u64>(&broker, &["DBSIZE"]),
    );

    fill(10);
    facts.home(
        "recover, though no worker was killed: it came home",
        &one(|| recover(&broker)),
    );
    one(|| work(&broker, &done));
    let all_once = once(&times());

    let killed = |kill: Kill| {
        fill(10);
        one(|| {
            let begun = Arc::new(AtomicU64::new(0));
            let die_if = |now: bool| {
                if now {
                    let _ = send_signal(getpid(), SIGKILL);
                }
            };
            let counted = |task: &str| {
                let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
                die_if(matches!(kill, Kill::During(n) if n == number));
                done(task);
            };
            let number = Arc::clone(&begun);
            let watched = before_calls(&broker, move || {
                die_if(matches!(kill, Kill::After(n) if n == number.load(Ordering::Relaxed)));
            });
            work(&watched, &counted);
        });
        one(|| recover(&broker));
        one(|| work(&broker, &done));
        times()
    };
    let done_at_all = [1, 5, 10].map(|task| killed(Kill::During(task)).len());
    facts.equal(
        "killed with task 1, 5 or 10 in hand: of 10 tasks, done in the end",
        [10; 3],
        done_at_all,
    );
    // A task that was done and not yet taken from the list may be done again, but no other.
    let again = [1, 5, 10].map(|task| {
        let times = killed(Kill::After(task));
        times.len() == 10 && times.iter().sum::<u64>() <= 11
    });
    facts.equal(
        "killed after task 1, 5 or 10: every task is done, and only that one may be done again",
        [true; 3],
        again,
    );
    facts.equal(
        "without a kill, after recover: of 10 tasks, done exactly once",
        10,
        all_once,
    );
}

fn release(facts: &Facts, release: Release) {
    let broker = server();
    // Worker 7 gives its lease back while `holder` has it, and before the `taken`-th call it changes hands. What is in the key afterwards, and
    // how many calls worker 7 has made.
    let after = |holder: Option<&str>, taken: usize| {
        call(&broker, &["FLUSHALL"]);
        if let Some(holder) = holder {
            call(&broker, &["SET", "lease", holder]);
        }
        let one = Workers::spawn(1, |_| {
            let calls = Arc::new(AtomicUsize::new(0));
            let (counter, other) = (Arc::clone(&calls), Mutex::new(broker.clone()));
            let watched = before_calls(&broker, move || {
                if counter.fetch_add(1, Ordering::Relaxed) + 1 == taken {
                    call(&other.lock().unwrap(), &["SET", "lease", "worker 8"]);
                }
            });
            release(&watched, "worker 7");
            calls.load(Ordering::Relaxed)
        });
        let report = one.unwrap().join_timeout(Duration::from_secs(5)).unwrap();
        let left: Option<String> = broker.ask(["GET", "lease"]).unwrap();
        (left.unwrap_or_else(|| "nothing".into()), report)
    };
    let (own, report) = after(Some("worker 7"), 0);
    facts.home("the worker came home", &report);
    facts.equal(
        "worker 7 gives back its own lease; what is left",
        "nothing",
        &own,
    );
    let (others, _) = after(Some("worker 8"), 0);
    facts.equal(
        "worker 7's lease has run out, and worker 8 has it now; what is left",
        "worker 8",
        &others,
    );
    let (none, report) = after(None, 0);
    facts.holds(
        "a lease that has run out, and that no worker has, is no harm",
        none == "nothing" && report.values().is_ok(),
        "the worker did not come home, or made a lease",
    );
    // Before each call of the answer, in turn.
    let lost = (1..=8).find(|&taken| {
        let (left, report) = after(Some("worker 7"), taken);
        let made = report.into_values().map_or(taken, |calls| calls[0]);
        left != "worker 8" && made >= taken
    });
    let words = lost.map_or(String::new(), |call| {
        format!("it deleted worker 8's lease, which came just before call {call}")
    });
    facts.holds(
        "it changes hands just before a call, whichever: worker 8's lease stays",
        lost.is_none(),
        &words,
    );
}
