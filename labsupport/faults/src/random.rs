//! A random victim, a random moment, a random signal, over everything that processes share.
//!
//! 500 rounds; 10,000 with `LABS_NIGHT=1`. A round that fails names its seed, and `LABS_SEED=…` plays that one alone. The seed fixes
//! victim, signal and waiting; what the processes do in that time is for the scheduler, so a failure may need several tries.

use crate::common::{LONG, soon};
use crate::stage::{on_stage, state};
use crate::table;
use figures::prelude::*;
use labsupport::prelude::*;
use manager::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const WORKERS: usize = 4;

/// The victim that is no worker but the manager's server.
const SERVER: usize = WORKERS;

/// Messages that one producer may put in a round.
const MOST: usize = 4_000;

/// Events that a lane of the trace keeps.
const KEPT: usize = 200;

/// A small random number generator (xorshift64*, Vigna 2016), which never leaves a state that is not zero.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn spin(&mut self, limit: u64) {
        (0..self.below(limit)).for_each(|_| std::hint::spin_loop());
    }
}

#[test]
fn a_random_process_struck_at_a_random_moment_harms_nobody() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (first, rounds) = match (number("LABS_SEED"), std::env::var_os("LABS_NIGHT")) {
        (Some(seed), _) => (seed, 1),
        (None, night) => {
            let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
            (now, if night.is_some() { 10_000 } else { 500 })
        }
    };
    println!("{rounds} rounds with the seeds from {first}; LABS_SEED repeats one");
    let mut times = BTreeMap::new();
    for seed in first..first + rounds {
        let (signal, who, lost) = on_stage(&format!("LABS_SEED={seed}"), || play(seed));
        let entry = times.entry((signal, who)).or_insert((0u64, 0u64, 0u64));
        *entry = (entry.0 + 1, entry.1 + lost.0, entry.2 + lost.1);
    }
    for ((signal, who), (rounds, lost, told)) in times {
        let name = match signal {
            libc::SIGKILL => "SIGKILL",
            libc::SIGSTOP => "SIGSTOP, then SIGCONT,",
            _ => "SIGTERM",
        };
        let (whom, seen) = match (who, signal) {
            (_, libc::SIGSTOP) if who => ("the manager's server", "the answer, later".into()),
            (_, libc::SIGSTOP) => ("a worker", "the result, later".into()),
            (true, _) => ("the manager's server", ManagerError::Gone.to_string()),
            (false, _) => (
                "a worker",
                format!("worker 0 of {WORKERS} {}.", Exit::Signaled(signal)),
            ),
        };
        let left = format!(
            "nothing; messages lost: {lost}; times that a lock's next one was told: {told}"
        );
        println!("{name} to {whom}: {rounds} rounds, {left}");
        table::note(
            &format!("{name} to {whom} at a random moment"),
            rounds,
            &seen,
            &left,
        );
    }
}

/// What worker `index` has surely done, in shared memory, where it outlives the worker.
struct Done(Segment);

impl Done {
    const KINDS: usize = 5;
    const PUT: usize = 0;
    const ADDED: usize = 1;
    const NOTED: usize = 2;
    const KEPT: usize = 3;
    const TOLD: usize = 4;

    fn of(&self, index: usize, kind: usize) -> &AtomicU64 {
        self.0.word(index * Done::KINDS + kind)
    }

    fn get(&self, index: usize, kind: usize) -> u64 {
        self.of(index, kind).load(Ordering::Relaxed)
    }

    /// Counts one more.
    fn more(&self, index: usize, kind: usize) {
        self.of(index, kind).fetch_add(1, Ordering::Relaxed);
    }

    fn sum(&self, kind: usize) -> u64 {
        (0..WORKERS).map(|index| self.get(index, kind)).sum()
    }
}

/// One round: the signal, whether it went to the server, and how many messages were lost and successors told.
fn play(seed: u64) -> (i32, bool, (u64, u64)) {
    let mut random = Random::new(seed);
    let signal = [libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM][random.below(3) as usize];
    let victim = random.below(WORKERS as u64 + 1) as usize;

    let tasks = Queue::<(usize, usize)>::bounded(4).unwrap();
    let taken = Segment::new(2 * 8 * MOST).unwrap();
    let value = Value::new((0u64, 0u64)).unwrap();
    let trace = Trace::with_capacity(WORKERS, KEPT).unwrap();
    let manager = Manager::start().unwrap();
    let counts = manager.dict::<usize, u64>("counts").unwrap();
    let done = Done(Segment::new(8 * WORKERS * Done::KINDS).unwrap());
    let (over, drained) = (Flag::new().unwrap(), Flag::new().unwrap());

    let take = |limit, at_its_end| match tasks.get_timeout(limit) {
        Ok((producer, number)) => {
            taken
                .word(producer * MOST + number)
                .fetch_add(1, Ordering::Relaxed);
            true
        }
        Err(error) => {
            assert_eq!(error, at_its_end);
            false
        }
    };
    let workers = Workers::spawn(WORKERS, |w| {
        let index = w.index();
        let mut random = Random::new(seed + index as u64 + 1);
        let lane = trace.lane(index);
        let (mut put, mut noted, mut gone) = (0, 0, false);
        while !over.is_set() {
            match random.below(8) {
                0..5 if index < 2 => {
                    let limit = Duration::from_millis(1);
                    if put < MOST && tasks.put_timeout((index, put), limit).is_ok() {
                        put += 1;
                        done.more(index, Done::PUT);
                    }
                }
                0..5 => {
                    take(Duration::from_millis(1), GetError::Empty);
                }
                5 => {
                    let mut guard = value.lock();
                    if guard.owner_died() {
                        done.more(index, Done::TOLD);
                        guard.1 = guard.0; // mend it
                    }
                    assert_eq!(guard.0, guard.1);
                    guard.0 += 1;
                    random.spin(3_000); // half written for a while
                    guard.1 += 1;
                    done.more(index, Done::ADDED);
                }
                6 => {
                    lane.record(Event::Note(noted));
                    noted += 1;
                    done.more(index, Done::NOTED);
                }
                _ if gone => {}
                _ => match counts.update(&index, |n| Some(n.unwrap_or(0) + 1)) {
                    Ok(_) => done.more(index, Done::KEPT),
                    Err(error) => {
                        assert_eq!(error, ManagerError::Gone);
                        gone = true;
                    }
                },
            }
        }
        // Nobody leaves a message: a producer has nothing to say any more, and what is there is taken by the stage.
        while !drained.is_set() {
            std::thread::yield_now();
        }
        gone
    })
    .unwrap();

    let pid = workers.pids().get(victim).copied().unwrap_or(manager.pid());
    random.spin(200_000);
    let send = |signal| {
        // SAFETY: kill passes two integers to the kernel; `pid` is a child that was not collected.
        assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0);
    };
    send(signal);
    if signal == libc::SIGSTOP {
        assert!(soon(|| state(pid) == Some('T')));
        random.spin(100_000);
        send(libc::SIGCONT);
    } else {
        assert!(soon(|| matches!(state(pid), Some('Z') | None)));
    }
    random.spin(50_000);
    over.set();
    drained.set();
    let report = workers.join_timeout(LONG).unwrap();
    while take(Duration::ZERO, GetError::Disconnected) {}

    let deadly = signal != libc::SIGSTOP;
    for outcome in report.outcomes() {
        let expected = if deadly && outcome.index() == victim {
            Exit::Signaled(signal)
        } else {
            Exit::Returned
        };
        assert_eq!(outcome.exit(), &expected, "{report}");
        // Who asked a dead server was told so; nobody else was.
        assert!(outcome.value() != Some(&true) || deadly && victim == SERVER);
    }
    let is_victim = |index| u64::from(deadly && index == victim);

    // The queue: nothing twice, nothing that nobody put, and all but at the most the victim's one message.
    let mut lost = 0;
    for producer in 0..2 {
        let put = done.get(producer, Done::PUT);
        for number in 0..MOST {
            let times = taken.word(producer * MOST + number).load(Ordering::Relaxed);
            assert!(times <= 1, "message {number} was taken {times} times");
            lost += u64::from(times == 0 && (number as u64) < put);
            assert!(times == 0 || (number as u64) < put + is_victim(producer));
        }
    }
    assert!(lost <= is_victim(2) + is_victim(3), "{lost} messages lost");

    // The lock: at the most one is told, and what the victim left half done is the most that is uncounted.
    let guard = value.lock();
    let told = done.sum(Done::TOLD) + u64::from(guard.owner_died());
    assert!(told <= u64::from(deadly && victim < WORKERS));
    assert!(guard.0 - done.sum(Done::ADDED) <= told, "{guard:?}");
    drop(guard);

    // The trace: each lane ends with the last note, but for the end of who had one.
    let recording = trace.recording();
    for (index, lane) in recording.lanes().iter().take(WORKERS).enumerate() {
        let notes: Vec<u64> = (lane.events().iter())
            .filter_map(|(_, event)| match event {
                Event::Note(number) => Some(u64::from(*number)),
                _ => None,
            })
            .collect();
        let noted = done.get(index, Done::NOTED);
        let next = notes.last().map_or(0, |last| last + 1);
        assert!(next == noted || next == noted + is_victim(index));
        assert!(notes.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        let all = lane.dropped() + lane.events().len() as u64;
        if is_victim(index) == 0 {
            assert_eq!(all, 1 + next + 1); // with its start and its end
        } else {
            assert!(all == 1 + next || all + next == 0);
        }
    }

    // The manager: what it has answered it has done.
    if !(deadly && victim == SERVER) {
        for index in 0..WORKERS {
            let kept = done.get(index, Done::KEPT);
            let there = counts.get(&index).unwrap().unwrap_or(0);
            assert!(there == kept || there == kept + is_victim(index));
        }
    } else {
        assert_eq!(counts.get(&0), Err(ManagerError::Gone));
    }
    (signal, victim == SERVER, (lost, told))
}
