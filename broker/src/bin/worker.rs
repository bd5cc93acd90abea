//! A worker as a program of its own, for other machines: it takes tasks from a broker until it is told to stop.
//!
//! ```console
//! $ cargo run --release -p broker --bin worker -- redis://localhost:6379 anna
//! ```
//!
//! A task is a text such as `1 100000` in the list `tasks`; the worker counts the primes in that range and adds them to the hash `primes`. What
//! it has in hand lies in `doing:{tasks}:NAME` until it is done. A worker that is started again under the same name does that first, so a task is done
//! at least once, and the result is written once: the same task again writes the same number. It goes home when the key `stop` is set.

use broker::{Broker, BrokerError};
use std::process::ExitCode;

/// How long it waits for a task before it looks at `stop` again, in seconds.
const WAIT: &str = "1";

/// Iterations between two looks at `stop` within a task.
const LOOK_EVERY: u64 = 1_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, name] = &arguments[..] else {
        eprintln!("Usage: worker URL NAME, for example: worker redis://localhost:6379 anna");
        return ExitCode::from(2);
    };
    match work(url, name) {
        Ok(done) => {
            println!("{name}: told to stop after {done} tasks");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(url: &str, name: &str) -> Result<u64, BrokerError> {
    let broker = Broker::connect(url)?;
    let stop = broker.watched("stop")?;
    // The braces put it beside `tasks`, if the broker is a cluster.
    let doing = format!("doing:{{tasks}}:{name}");
    let mut done = 0;
    while !stop.is_set()? {
        // What it had in hand when it was killed comes first.
        let left: Option<String> = broker.ask(["LINDEX", &doing, "-1"])?;
        let next = || broker.ask(["BLMOVE", "tasks", &doing, "RIGHT", "LEFT", WAIT]);
        let Some(task) = left.map_or_else(next, |task| Ok(Some(task)))? else {
            continue;
        };
        let range: Vec<u64> = task
            .split(' ')
            .map_while(|number| number.parse().ok())
            .collect();
        let found = match range[..] {
            [low, high] => primes(low, high, || stop.is_set())?.map(|count| count.to_string()),
            _ => Some(format!(
                "{task:?} is no task: write two numbers, as in 1 100000"
            )),
        };
        let Some(found) = found else {
            break; // the task stays in hand
        };
        println!("{name}: {task}: {found}");
        broker.call(["HSET", "primes", &task, &found])?;
        broker.call(["LREM", &doing, "1", &task])?;
        done += 1;
    }
    Ok(done)
}

/// The primes from `low` to `high`; `None` if `is_stopped` says so in the middle of it.
fn primes(
    low: u64,
    high: u64,
    is_stopped: impl Fn() -> Result<bool, BrokerError>,
) -> Result<Option<u64>, BrokerError> {
    let mut count = 0;
    for number in low..=high {
        if number % LOOK_EVERY == 0 && is_stopped()? {
            return Ok(None);
        }
        let is_prime = number > 1
            && (2..)
                .take_while(|d| d * d <= number)
                .all(|d| number % d != 0);
        count += u64::from(is_prime);
    }
    Ok(Some(count))
}
