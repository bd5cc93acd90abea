use super::answer::Answer;
use super::exercise::{Exercise, Hint};
use crate::check::Facts;
use labsupport::process::Workers;
use labsupport::shared::{Array, Flag, Queue, Value};
use std::ops::Range;
use std::time::{Duration, Instant};

pub(super) const SHUTDOWN: Exercise = Exercise {
    name: "01-1",
    asks_for: "(run_worker, stop_pool)",
    limit: Duration::from_secs(10),
    facts: 12,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker did not come home. The row says what it was waiting for: who should have sent that?",
                "A worker that takes messages from the queue needs one that says \"go home\". How many workers must read such a message?",
                "Put one `None` for each worker into the queue. A worker goes home when it takes one.",
            ],
        },
        Hint {
            // A row about late tasks fails with each of these mistakes. The others tell the mistakes apart.
            about: &[
                "4 workers: tasks done",
                "1 worker: tasks done",
                "than tasks: tasks done",
            ],
            says: &[
                "When does a worker go home, and can a task still be in the queue then?",
                "The message that there are no more tasks does not travel with the tasks, so it can overtake them. Which way would keep it behind them?",
                "Put one `None` for each worker into the queue, behind the last task. A worker goes home when it takes one.",
            ],
        },
        Hint {
            about: &[
                "4 workers: messages left",
                "1 worker: messages left",
                "than tasks: messages left",
            ],
            says: &[
                "All tasks are done, and something is left in the queue. Who put it there, and who should have taken it?",
                "Put as many pills as there are workers. Each worker takes one and goes home, and no worker puts one back.",
            ],
        },
        Hint {
            about: &["tasks that come late"],
            says: &[
                "The queue may be empty for a while, and then more tasks come. What tells a worker that no more will come?",
                "An empty queue is not a message. Only `stop_pool` knows that the last task has been put.",
                "`tasks.get()` waits as long as it must. Use it, and let the worker go home when it gets `None`.",
            ],
        },
        Hint {
            about: &[""],
            says: &["Before you write code, say in words when a worker goes home."],
        },
    ],
    next: "stop a pool while ten tasks are still waiting, and drop them on purpose. What would the pills have to overtake?",
};

pub(super) const PRODUCERS: Exercise = Exercise {
    name: "01-2",
    asks_for: "(produce, all_producers_are_done)",
    limit: Duration::from_secs(10),
    facts: 19,
    hints: &[
        Hint {
            about: &["came home"],
            says: &[
                "A worker is still waiting for a message. Who sends the pills now, and how many?",
                "Put one pill for each worker, once, after the last producer has put its last task.",
            ],
        },
        Hint {
            about: &["before all were done", "done, once each"],
            says: &[
                "Count the pills in the queue when the first producer has ended, and the tasks that come after them.",
                "A producer knows only that it is done itself. Who knows that all of them are done?",
                "Take the pills out of `produce`, and put one for each worker in `all_producers_are_done`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "Some pills are left over. In how many places does your code put pills?",
                "Only `all_producers_are_done` should put pills.",
            ],
        },
    ],
    next: "let each producer have its own pool size. What would `all_producers_are_done` have to know?",
};

type Tasks = Queue<Option<u32>>;

// The functions as they are handed out, and as the checks call them.
type RunWorker = fn(&Tasks, &Flag, &dyn Fn(u32));
type StopPool = fn(&Tasks, &Flag, usize);
type Produce = fn(Range<u32>, &Tasks, usize);
type Done = fn(&Tasks, usize);
type CallRunWorker<'a> = &'a dyn Fn(&Tasks, &Flag, &dyn Fn(u32));
type CallStopPool<'a> = &'a dyn Fn(&Tasks, &Flag, usize);
type CallProduce<'a> = &'a dyn Fn(Range<u32>, &Tasks, usize);
type CallDone<'a> = &'a dyn Fn(&Tasks, usize);

impl<R, S> Answer<(RunWorker, StopPool)> for (R, S)
where
    R: Fn(&Tasks, &Flag, &dyn Fn(u32)),
    S: Fn(&Tasks, &Flag, usize),
{
    const EXERCISE: &'static str = "01-1";

    fn report(&self, facts: &Facts) {
        shutdown(facts, &self.0, &self.1);
    }
}

impl<P, D> Answer<(Produce, Done)> for (P, D)
where
    P: Fn(Range<u32>, &Tasks, usize),
    D: Fn(&Tasks, usize),
{
    const EXERCISE: &'static str = "01-2";

    fn report(&self, facts: &Facts) {
        producers(facts, &self.0, &self.1);
    }
}

fn shutdown(facts: &Facts, run_worker: CallRunWorker, stop_pool: CallStopPool) {
    let pools = [
        ("4 workers", 4, 30u64, false),
        ("1 worker", 1, 5, false),
        ("more workers than tasks", 6, 2, false),
        ("tasks that come late", 4, 30, true),
    ];
    let mut longest = Duration::ZERO; // that a pool took to go home
    for (pool, workers, sent, late) in pools {
        let tasks = Tasks::bounded(100).unwrap();
        let stop = Flag::new().unwrap();
        facts.name("tasks", &tasks);
        facts.name("stop", &stop);
        let times = Array::<u64>::new(30).unwrap(); // how often each task was done
        let begin = Flag::new().unwrap();
        let crew = Workers::spawn(workers, |_| {
            // They begin when stop_pool has returned. If it waits for them, they begin after a while.
            let clock = Instant::now();
            while !begin.is_set() && clock.elapsed() < Duration::from_millis(200) {
                std::thread::yield_now();
            }
            run_worker(&tasks, &stop, &|task| times.lock()[task as usize] += 1);
        });
        let crew = crew.unwrap();
        if late {
            begin.set(); // they find an empty queue, which stays empty for longer than any pool took to go home
            std::thread::sleep(longest + Duration::from_millis(200));
        }
        (0..sent as u32).for_each(|task| tasks.put(Some(task)).unwrap());
        let clock = Instant::now();
        stop_pool(&tasks, &stop, workers);
        begin.set();
        let report = crew.join_timeout(Duration::from_secs(1)).unwrap();
        facts.home(&format!("{pool}: all came home"), &report);
        longest = longest.max(clock.elapsed());
        let once = times.lock().iter().filter(|&&n| n == 1).count() as u64;
        facts.equal(&format!("{pool}: tasks done, once each"), sent, once);
        let left = tasks.len();
        facts.equal(&format!("{pool}: messages left in the queue"), 0, left);
    }
}

fn producers(facts: &Facts, produce: CallProduce, all_producers_are_done: CallDone) {
    let orders = [
        ("the second one first", vec![1, 0u32]),
        ("the first one first", vec![0, 1]),
        ("three of them", vec![2, 0, 1]),
    ];
    for (order, producers) in orders {
        let tasks = Tasks::bounded(100).unwrap();
        facts.name("tasks", &tasks);
        let times = Array::<u64>::new(60).unwrap(); // how often each task was done
        let (all_done, early) = (Flag::new().unwrap(), Value::new(0u64).unwrap());
        let crew = Workers::spawn(5, |_| {
            while let Some(task) = tasks.get().unwrap() {
                times.lock()[task as usize] += 1;
            }
            *early.lock() += u64::from(!all_done.is_set());
        });
        let crew = crew.unwrap();
        for &producer in &producers {
            // One after the other: the next producer begins when the tasks and pills of this one are used up.
            let numbers = 20 * producer..20 * producer + 20;
            let one = Workers::spawn(1, |_| produce(numbers.clone(), &tasks, 5)).unwrap();
            let report = one.join_timeout(Duration::from_secs(1)).unwrap();
            facts.home(&format!("{order}: producer {producer} came home"), &report);
            let clock = Instant::now();
            while !tasks.is_empty() && clock.elapsed() < Duration::from_millis(500) {
                std::thread::yield_now();
            }
        }
        all_done.set();
        all_producers_are_done(&tasks, 5);
        let report = crew.join_timeout(Duration::from_secs(1)).unwrap();
        facts.home(&format!("{order}: the 5 workers came home"), &report);
        let once = times.lock().iter().filter(|&&n| n == 1).count();
        let all = 20 * producers.len();
        facts.equal(&format!("{order}: tasks done, once each"), all, once);
        facts.equal(
            &format!("{order}: workers that went home before all were done"),
            0,
            early.get(),
        );
        let left = tasks.len();
        facts.equal(&format!("{order}: messages left in the queue"), 0, left);
    }
}
