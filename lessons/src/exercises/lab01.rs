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
                "Somebody did not come home. The row says what each of them was waiting for: who would have sent it?",
                "A worker that takes a message from the queue needs a message that says *go home*. How many workers must read one?",
                "Put one `None` for each worker into the queue. A worker goes home when it takes one.",
            ],
        },
        Hint {
            about: &["tasks that come late"],
            says: &[
                "The queue may be empty for a while and more tasks still come. What tells a worker that there will be none?",
                "An empty queue is no message. Only `stop_pool` knows that the last task has been put.",
                "`tasks.get()` waits as long as it must: use it, and go home at `None`.",
            ],
        },
        Hint {
            about: &["done, once each"],
            says: &[
                "When does a worker go home, and can a task still be in the queue then?",
                "The message *no more tasks* goes another way than the tasks, so it can overtake them. Which way would keep it behind them?",
                "Put one `None` for each worker into the queue, behind the last task. A worker goes home when it takes one.",
            ],
        },
        Hint {
            about: &["left in the queue"],
            says: &[
                "All tasks are done, and something is left in the queue. Who put it there, and who should have taken it?",
                "As many pills as workers: each takes one and goes home, and nobody puts one back.",
            ],
        },
        Hint {
            about: &[""],
            says: &["Say in words when a worker goes home, before you write it."],
        },
    ],
    next: "stop a pool while ten tasks still wait, and drop them on purpose. What would the pills have to overtake?",
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
                "One pill for each worker, put once, when no producer puts tasks any more.",
            ],
        },
        Hint {
            about: &["before all were done", "done, once each"],
            says: &[
                "Count the pills in the queue when the first producer has ended, and the tasks that come after them.",
                "A producer knows that it is done itself. Who knows that all of them are?",
                "Take the pills out of `produce`, and put one for each worker in `all_producers_are_done`.",
            ],
        },
        Hint {
            about: &[""],
            says: &[
                "Too many pills: some of them are left. In how many places are they put?",
                "Only `all_producers_are_done` puts pills.",
            ],
        },
    ],
    next: "let each producer have its own pool size. What would all_producers_are_done have to know?",
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
            // They begin when stop_pool has ended; but if it waits for them, after a while.
            let clock = Instant::now();
            while !begin.is_set() && clock.elapsed() < Duration::from_millis(200) {
                std::thread::yield_now();
            }
            run_worker(&tasks, &stop, &|task| times.lock()[task as usize] += 1);
        });
        let crew = crew.unwrap();
        if late {
            begin.set(); // they find an empty queue, and it stays empty longer than any pool took to go home
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
            // One after the other: the next begins when this one's tasks and pills are used up.
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
