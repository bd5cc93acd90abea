//! A read from a manager's dict, u64 → u64.
//!
//! Measured with both processes on one core, and with each on a core of its own, because waking a sleeping core costs several times as much
//! as all the rest. If the system chose the cores, it would leave the two sides wherever they happened to be for a long time, and the ratio
//! would only say which of them was lucky.

use crate::bench::Bench;
use crate::contest::{Contest, Target, per_op};
use crate::cores;
use crate::peers::ping_pong::PingPong;
use crate::peers::redis::Redis;
use crate::python::Twin;
use anyhow::Result;
use manager::Manager;

pub(crate) fn contests() -> usize {
    cores::allowed().len().min(2)
}

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let cores = cores::allowed();
    beside(bench, cores[0], cores[0], "one core")?;
    match cores.get(1) {
        Some(&other) => beside(bench, cores[0], other, "two cores"),
        None => {
            bench.say("manager, two cores: skipped, there is one here");
            Ok(())
        }
    }
}

fn beside(bench: &mut Bench, client: usize, server: usize, place: &str) -> Result<()> {
    let manager = Manager::start()?;
    cores::stay_on(&[server], manager.pid());
    let numbers = manager.dict::<u64, u64>("numbers")?;
    numbers.insert(7, 42)?;
    let mut bare = PingPong::start(server)?;
    let n = if bench.quick { 200 } else { 2_000 };
    let python = Twin::start(&bench.folder, "manager", &[&client, &server]).map(|mut twin| {
        move || {
            let [seconds] = twin.ask(n)?;
            Ok([seconds * 1e9 / n as f64])
        }
    });
    let redis = Redis::start(&bench.folder, server)
        .map(|mut redis| move || Ok([per_op(n, || redis.get())]));
    let cores = match client == server {
        true => vec![client],
        false => vec![client, server],
    };
    let read = || Ok([per_op(n, || assert_eq!(numbers.get(&7), Ok(Some(42))))]);
    let contest = Contest::new([format!("manager: Dict::get, {place}")], &cores, 51, read)
        .peer("bare socket ping-pong", || Ok([per_op(n, || bare.ask())]))
        .target(0, Target::Ratio(1.2))
        .peer_if("CPython Manager dict", python)
        .peer_if("Redis GET on loopback", redis);
    cores::on(&[client], || bench.run(contest))
}
