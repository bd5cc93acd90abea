//! A look at a shared flag, with and without its lock. Ours and the peers stay on one core.

use crate::bench::Bench;
use crate::contest::{Contest, Target, per_op};
use crate::cores;
use crate::peers::mutex::BareMutex;
use crate::python::Twin;
use anyhow::Result;
use labsupport::prelude::{Flag, Lock, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const CONTESTS: usize = 5;

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let core = &cores::allowed()[..1];
    cores::on(core, || contests(bench, core))
}

fn contests(bench: &mut Bench, core: &[usize]) -> Result<()> {
    let (flag, lock, value) = (Flag::new()?, Lock::new()?, Value::new(0u64)?);
    let (atomic, mutex) = (Arc::new(AtomicU32::new(0)), BareMutex::new());
    let (looks, locks, python) = match bench.quick {
        false => (4_000_000, 400_000, 200_000),
        true => (400_000, 40_000, 20_000),
    };
    let twin = |bench: &Bench, name: &str| {
        let mut twin = Twin::start(&bench.folder, name, &[&core[0]])?;
        anyhow::Ok(move || {
            let [seconds] = twin.ask(python)?;
            Ok([seconds * 1e9 / python as f64])
        })
    };
    let bare = || timed(locks, || mutex.lock_and_unlock());
    let rounds = 101;

    // Both are handles to a word elsewhere. In a loop that does little else, the compiler keeps the word's address in a register …
    let ours = || {
        let flag = flag.clone();
        Ok([per_op(looks, || flag.is_set())])
    };
    let peer = || {
        let atomic = Arc::clone(&atomic);
        Ok([per_op(looks, || atomic.load(Ordering::Acquire) == 1)])
    };
    let contest = Contest::new(["flag: Flag::is_set".into()], core, rounds, ours)
        .peer("in-process atomic", peer)
        .target(0, Target::Ratio(1.1))
        .peer_if("CPython RawValue.value", twin(bench, "raw_value"));
    bench.run(contest)?;

    // … but if a closure borrows the handle and calls code that the compiler cannot see into, it reads the address again each time.
    let ours = timed(looks, || flag.is_set());
    let name = "flag: Flag::is_set, handle read anew";
    let contest = Contest::new([name.into()], core, rounds, ours).peer(
        "in-process atomic, handle read anew",
        timed(looks, || atomic.load(Ordering::Acquire) == 1),
    );
    bench.run(contest)?;

    let ours = timed(locks, || flag.is_set_locked());
    let contest = Contest::new(["flag: Flag::is_set_locked".into()], core, rounds, ours)
        .peer("bare robust mutex", bare())
        .target(0, Target::Ratio(1.3))
        .peer_if("CPython Value.value", twin(bench, "value"));
    bench.run(contest)?;

    let ours = timed(locks, || value.get());
    let contest = Contest::new(["flag: Value::get".into()], core, rounds, ours)
        .peer("bare robust mutex", bare())
        .target(0, Target::Ratio(1.3))
        .peer_if("CPython Value.value", twin(bench, "value"));
    bench.run(contest)?;

    let ours = timed(locks, || drop(lock.lock()));
    let contest = Contest::new(["flag: Lock, taken and given".into()], core, rounds, ours)
        .peer("bare robust mutex", bare())
        .target(0, Target::Ratio(1.3));
    bench.run(contest)
}

fn timed<R>(n: u64, mut op: impl FnMut() -> R) -> impl FnMut() -> Result<[f64; 1]> {
    move || Ok([per_op(n, &mut op)])
}
