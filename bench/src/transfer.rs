//! Messages through a channel, from processes to processes or from threads to threads: how long each takes, and how late it arrives.

use crate::cores;
use crate::peers::channel::{Channel, Make, PILL, Plan};
use crate::peers::crossbeam;
use anyhow::{Context, Result, ensure};
use labsupport::prelude::{Barrier, Samples, Workers};
use serde::{Deserialize, Serialize};
use std::sync::Barrier as ThreadBarrier;
use std::thread;
use std::time::{Duration, Instant};

/// The pause between two messages whose latency is measured: long enough for the queue to be empty and its consumer to sleep.
pub(crate) const PAUSE: Duration = Duration::from_micros(200);

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// When a producer began and a consumer ended, and how many messages it took.
#[derive(Serialize, Deserialize)]
struct Share {
    moment: u64,
    taken: u64,
}

/// The part that one process or thread plays. `together` waits for all of them, `produced` for all producers.
struct Role<'a> {
    plan: &'a Plan<'a>,
    index: usize,
    epoch: Instant,
    together: &'a dyn Fn(),
    produced: &'a dyn Fn(),
}

impl Role<'_> {
    fn is_producer(&self) -> bool {
        self.index < self.plan.shape.producers
    }

    fn stay(&self) {
        if !self.plan.cores.is_empty() {
            cores::stay_on(&[self.plan.cores[self.index % self.plan.cores.len()]], 0);
        }
    }

    /// Nanoseconds since the epoch; the clock is the same in all processes.
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// A producer puts its share of `n` messages; a consumer takes messages until a pill comes.
    fn carry(&self, channel: &dyn Channel, n: u64) -> Share {
        self.stay();
        let shape = self.plan.shape;
        if self.is_producer() {
            let mut send = channel.sender();
            (self.together)();
            let moment = self.now();
            (0..n / shape.producers as u64).for_each(&mut send);
            (self.produced)();
            if self.index == 0 {
                (0..shape.consumers).for_each(|_| send(PILL));
            }
            // Wait until everything has arrived: some channels would lose waiting messages when their sender ends.
            (self.together)();
            return Share { moment, taken: 0 };
        }
        let mut receive = channel.receiver();
        (self.together)();
        let mut taken = 0;
        while receive() != PILL {
            taken += 1;
        }
        let moment = self.now();
        (self.together)();
        Share { moment, taken }
    }

    /// A producer sends the time now and then. A consumer returns for each message the time from just before it was sent to just after it
    /// was received, and the CPU time that it used in all.
    fn hand_off(&self, channel: &dyn Channel, n: u64) -> (Vec<u64>, u64) {
        self.stay();
        let (mut times, mut cpu) = (Vec::new(), 0);
        if self.is_producer() {
            let mut send = channel.sender();
            (self.together)();
            for _ in 0..n {
                thread::sleep(PAUSE);
                send(self.now());
            }
            send(PILL);
        } else {
            let mut receive = channel.receiver();
            (self.together)();
            let before = cores::cpu_time_of_this_thread();
            loop {
                let sent = receive();
                if sent == PILL {
                    break;
                }
                times.push(self.now() - sent);
            }
            cpu = cores::cpu_time_of_this_thread() - before;
        }
        (self.together)();
        (times, cpu)
    }
}

/// Runs every part as a worker process, and returns what each of them returned.
fn as_processes<T>(plan: &Plan, part: impl Fn(&Role) -> T) -> Result<Vec<T>>
where
    T: Serialize + for<'de> Deserialize<'de>,
{
    let parties = plan.shape.producers + plan.shape.consumers;
    let (all, producers) = (Barrier::new(parties)?, Barrier::new(plan.shape.producers)?);
    let epoch = Instant::now();
    let workers = Workers::spawn(parties, |w| {
        part(&Role {
            plan,
            index: w.index(),
            epoch,
            together: &|| _ = all.wait(),
            produced: &|| _ = producers.wait(),
        })
    })?;
    // A channel that loses a message would wait forever; a slow one takes seconds.
    Ok(workers.join_timeout(PATIENCE)?.into_values()?)
}

/// Runs every part as a thread of this process.
fn as_threads<T: Send>(plan: &Plan, part: impl Fn(&Role) -> T + Sync) -> Result<Vec<T>> {
    let parties = plan.shape.producers + plan.shape.consumers;
    let all = ThreadBarrier::new(parties);
    let producers = ThreadBarrier::new(plan.shape.producers);
    let epoch = Instant::now();
    let run = |index| {
        part(&Role {
            plan,
            index,
            epoch,
            together: &|| _ = all.wait(),
            produced: &|| _ = producers.wait(),
        })
    };
    let run = &run;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..parties).map(|i| scope.spawn(move || run(i))).collect();
        let results = threads.into_iter().map(|thread| thread.join().ok());
        results
            .collect::<Option<Vec<T>>>()
            .context("a thread panicked")
    })
}

/// Nanoseconds per message, of `n`, from the first producer's start to the last consumer's pill.
fn per_message(shares: &[Share], plan: &Plan, n: u64) -> Result<f64> {
    let (producers, consumers) = shares.split_at(plan.shape.producers);
    let taken: u64 = consumers.iter().map(|share| share.taken).sum();
    ensure!(taken == n, "{n} messages were sent and {taken} arrived");
    let begun = producers.iter().map(|share| share.moment).min();
    let ended = consumers.iter().map(|share| share.moment).max();
    let (begun, ended) = begun.zip(ended).context("there are both")?;
    Ok((ended - begun) as f64 / n as f64)
}

/// Median and 99th percentile of the consumer's times, and its CPU time for each message.
fn latency(consumers: Vec<(Vec<u64>, u64)>) -> [f64; 3] {
    let cpu: u64 = consumers.iter().map(|(_, cpu)| cpu).sum();
    let times = consumers.into_iter().flat_map(|(times, _)| times);
    let times = Samples::new("ns", times.map(|nanos| nanos as f64));
    let each = cpu as f64 / times.len() as f64;
    [times.median(), times.percentile(99.0), each]
}

pub(crate) fn processes_carry(make: Make, plan: &Plan, n: u64) -> Result<f64> {
    let channel = make(plan)?;
    let shares = as_processes(plan, |role| role.carry(&*channel, n))?;
    per_message(&shares, plan, n)
}

pub(crate) fn threads_carry(plan: &Plan, n: u64) -> Result<f64> {
    let channel = crossbeam::make(plan);
    let shares = as_threads(plan, |role| role.carry(&channel, n))?;
    per_message(&shares, plan, n)
}

pub(crate) fn processes_hand_off(make: Make, plan: &Plan, n: u64) -> Result<[f64; 3]> {
    let channel = make(plan)?;
    Ok(latency(as_processes(plan, |role| {
        role.hand_off(&*channel, n)
    })?))
}

pub(crate) fn threads_hand_off(plan: &Plan, n: u64) -> Result<[f64; 3]> {
    let channel = crossbeam::make(plan);
    Ok(latency(as_threads(plan, |role| {
        role.hand_off(&channel, n)
    })?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper;
    use crate::peers::channel::Shape;
    use crate::peers::{futex, iceoryx2, ipc_channel, ours, pipe, seqpacket};

    /// A folder whose shared memory is removed with it, as the keeper does.
    struct Folder(tempfile::TempDir);

    impl Drop for Folder {
        fn drop(&mut self) {
            keeper::remove_shared_memory(&keeper::prefix(self.0.path()));
        }
    }

    /// Every channel carries every message, in each shape and size that it claims to support.
    #[test]
    fn what_is_sent_arrives() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let makes: [(Make, usize); 9] = [
            (ours::make, 6),
            (ours::make_lent, 6),
            (seqpacket::make, 6),
            (pipe::make, 5),
            (futex::make, 1),
            (ipc_channel::make, 2),
            (ipc_channel::make_shared, 2),
            (iceoryx2::make, 2),
            (iceoryx2::make_with_event, 2),
        ];
        for (index, (make, expected)) in makes.into_iter().enumerate() {
            let mut carried = 0;
            for (producers, consumers) in [(1, 1), (1, 4), (4, 4)] {
                for size in [8, 64 << 10] {
                    let plan = Plan {
                        shape: Shape {
                            producers,
                            consumers,
                        },
                        size,
                        depth: 64,
                        cores: &[],
                        folder: folder.0.path(),
                    };
                    match processes_carry(make, &plan, 200) {
                        Ok(_) => carried += 1,
                        Err(why) => {
                            let why =
                                format!("way {index}, {producers}→{consumers}, {size}: {why:#}");
                            let alone = why.ends_with("1→1 only") || why.ends_with("8 B only");
                            assert!(alone, "{why}");
                        }
                    }
                    assert!(threads_carry(&plan, 200).is_ok());
                }
            }
            // Pipes: not the large messages from one to four and from four to four.
            let expected = if index == 3 { 4 } else { expected };
            assert_eq!(carried, expected, "way {index}");
        }
    }
}
