//! One producer, four consumers, u64: our queue beside ipc-channel (one to one: it has one receiver) and CPython's
//! `multiprocessing.Queue`, in turn in one run.
//!
//! `cargo bench -p labsupport --bench queue`. Without python3 that pair is skipped, and says so.

mod pairs;

use ipc_channel::ipc;
use labsupport::prelude::*;
use pairs::Pair;
use std::time::{Duration, Instant};

const CONSUMERS: usize = 4;

/// Seconds for `n` messages, put by this process and taken by `CONSUMERS` workers, as a duration.
fn ours(n: u64) -> Duration {
    let tasks = Queue::<Option<u64>>::bounded(1024).unwrap();
    let workers = Workers::spawn(CONSUMERS, |_| {
        let mut sum = 0u64;
        while let Some(task) = tasks.get().unwrap() {
            sum += task;
        }
        sum
    })
    .unwrap();
    let start = Instant::now();
    (0..n).for_each(|task| tasks.put(Some(task)).unwrap());
    (0..CONSUMERS).for_each(|_| tasks.put(None).unwrap());
    let sums = workers.join().unwrap().values().unwrap();
    let elapsed = start.elapsed();
    assert_eq!(sums.iter().sum::<u64>(), n * (n - 1) / 2);
    elapsed
}

fn ipc_channel(n: u64) -> Duration {
    let (sender, receiver) = ipc::channel::<Option<u64>>().unwrap();
    let workers = Workers::spawn(1, |_| {
        let mut sum = 0u64;
        while let Some(task) = receiver.recv().unwrap() {
            sum += task;
        }
        sum
    })
    .unwrap();
    let start = Instant::now();
    (0..n).for_each(|task| sender.send(Some(task)).unwrap());
    sender.send(None).unwrap();
    let sums = workers.join().unwrap().values().unwrap();
    let elapsed = start.elapsed();
    assert_eq!(sums[0], n * (n - 1) / 2);
    elapsed
}

fn python(n: u64) -> Option<Duration> {
    pairs::python(PYTHON, &[n.to_string()])
}

/// The same program: one producer, four consumers, pills; prints seconds.
const PYTHON: &str = "
import multiprocessing as mp, sys, time
def consume(queue):
    while queue.get() is not None: pass
if __name__ == '__main__':
    mp.set_start_method('fork')
    n, queue = int(sys.argv[1]), mp.Queue(1024)
    workers = [mp.Process(target=consume, args=(queue,)) for _ in range(4)]
    for worker in workers: worker.start()
    start = time.perf_counter()
    for task in range(n): queue.put(task)
    for _ in workers: queue.put(None)
    for worker in workers: worker.join()
    print(time.perf_counter() - start)
";

fn main() {
    // Time per million messages on both sides, so that the ratio is one of rates.
    let million = |n: u64, elapsed: Duration| elapsed.mul_f64(1e6 / n as f64);
    let show = |peer: &str, ratio: f64| {
        println!(
            "      → {:.1} times as many messages a second as {peer}\n",
            1.0 / ratio
        );
    };
    let rounds = 11;
    let ratio = Pair::new("a million u64: Queue 1 → 4 / ipc-channel 1 → 1", rounds).run(
        || million(1_000_000, ours(1_000_000)),
        || million(100_000, ipc_channel(100_000)),
    );
    show("ipc-channel", ratio);
    if python(10).is_none() {
        println!("CPython's Queue: skipped, there is no python3 here");
        return;
    }
    let ratio = Pair::new("a million u64: Queue 1 → 4 / CPython Queue 1 → 4", rounds).run(
        || million(1_000_000, ours(1_000_000)),
        || million(20_000, python(20_000).expect("python3 worked a moment ago")),
    );
    show("CPython", ratio);
}
