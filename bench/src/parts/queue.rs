//! The queue: throughput in three shapes with three sizes of message, and the latency of a hand-off through an empty one.
//!
//! Every timed process is one of our workers, forked beforehand; with crossbeam it is a thread. All of them begin at a barrier. In 1→1 each
//! side has a core of its own, if there are two cores; more processes are placed by the system.

use crate::bench::Bench;
use crate::contest::{Contest, Target, calibrate};
use crate::cores;
use crate::peers::channel::{Make, Plan, Shape};
use crate::peers::{futex, iceoryx2, ipc_channel, ours, pipe, seqpacket};
use crate::python::Twin;
use crate::transfer::{
    PAUSE, processes_carry, processes_hand_off, threads_carry, threads_hand_off,
};
use anyhow::Result;
use std::time::Duration;

const ONE_TO_ONE: Shape = Shape {
    producers: 1,
    consumers: 1,
};
const ONE_TO_FOUR: Shape = Shape {
    producers: 1,
    consumers: 4,
};
const FOUR_TO_FOUR: Shape = Shape {
    producers: 4,
    consumers: 4,
};
const SHAPES: [Shape; 3] = [ONE_TO_ONE, ONE_TO_FOUR, FOUR_TO_FOUR];
const SIZES: [usize; 3] = [8, 1 << 10, 64 << 10];

pub(crate) const CONTESTS: usize = SHAPES.len() * SIZES.len() + LENT.len() + SIZES.len();

/// The sizes that also go through a queue of bytes that are written and read in place.
const LENT: [usize; 2] = [1 << 10, 64 << 10];

const IPC_CHANNEL: &str = "ipc-channel";
const ICEORYX2: &str = "iceoryx2";
const SEQPACKET: &str = "SOCK_SEQPACKET";
const THREADS: &str = "crossbeam threads";

/// The ways to carry messages between processes.
const PEERS: [(&str, Make); 6] = [
    (IPC_CHANNEL, ipc_channel::make),
    ("ipc-channel, shared memory", ipc_channel::make_shared),
    (ICEORYX2, iceoryx2::make),
    ("iceoryx2 with its event", iceoryx2::make_with_event),
    (SEQPACKET, seqpacket::make),
    ("pipe", pipe::make),
];

/// The peers with shared memory of their own, and the system's way.
const PEERS_OF_LENT: [&str; 4] = [
    "ipc-channel, shared memory",
    ICEORYX2,
    "iceoryx2 with its event",
    SEQPACKET,
];

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let (all, folder) = (cores::allowed(), bench.folder.clone());
    for shape in SHAPES {
        let pinned = if shape == ONE_TO_ONE {
            &all[..all.len().min(2)]
        } else {
            &[]
        };
        for size in SIZES {
            let plan = Plan {
                shape,
                size,
                depth: depth(size),
                cores: pinned,
                folder: &folder,
            };
            throughput(bench, plan, if pinned.is_empty() { &all } else { pinned })?;
        }
    }
    let two = &all[..all.len().min(2)];
    for size in LENT {
        let plan = Plan {
            shape: ONE_TO_ONE,
            size,
            depth: depth(size),
            cores: two,
            folder: &folder,
        };
        lent(bench, plan)?;
    }
    for size in SIZES {
        latency(
            bench,
            Plan {
                shape: ONE_TO_ONE,
                size,
                depth: depth(size),
                cores: two,
                folder: &folder,
            },
        )?;
    }
    Ok(())
}

/// How many messages may wait: only 64 of the large ones, so that no channel has to hold 64 MB.
fn depth(size: usize) -> usize {
    if size <= 1 << 10 { 1024 } else { 64 }
}

fn throughput(bench: &mut Bench, plan: Plan, cores: &[usize]) -> Result<()> {
    let plan = &plan;
    let wanted = bench.run_time();
    let between = |make: Make, shape| {
        let plan = Plan { shape, ..*plan };
        timed(wanted, move |n| processes_carry(make, &plan, n))
    };
    let Shape {
        producers,
        consumers,
    } = plan.shape;
    let python = twin(
        bench,
        plan,
        "queue",
        &[&producers, &consumers, &plan.size, &plan.depth],
    );
    let python = python.map(|mut twin| {
        // Its processes are started again for each run. That is not timed, but it takes a while, so the runs are longer.
        timed(wanted * 4, move |n| {
            Ok(twin.ask::<1>(n)?[0] * 1e9 / n as f64)
        })
    });

    let name = format!("queue {producers}→{consumers}, {}", bytes(plan.size));
    let mut contest = Contest::new([name], cores, 11, between(ours::make, plan.shape));
    for (name, make) in PEERS {
        contest = contest.peer(name, between(make, plan.shape));
        if let Some(most) = target(name, plan) {
            contest = contest.target(0, Target::Ratio(most));
        }
    }
    let threads = timed(wanted, move |n| threads_carry(plan, n));
    contest = contest.peer(THREADS, threads);
    if let Some(most) = target(THREADS, plan) {
        contest = contest.target(0, Target::Ratio(most));
    }
    let designed = plan.size == 8 && plan.shape == ONE_TO_FOUR;
    if designed {
        contest = contest
            .target(0, Target::PerSecond(4e6))
            .peer("ipc-channel, 1→1", between(ipc_channel::make, ONE_TO_ONE))
            .target(0, Target::Ratio(0.1));
    }
    contest = contest.peer_if("CPython Queue", python);
    if designed {
        contest = contest.target(0, Target::Ratio(1.0 / 50.0));
    }
    bench.run(contest)
}

/// The most that ours may take beside this peer.
fn target(peer: &str, plan: &Plan) -> Option<f64> {
    match (peer, plan.shape, plan.size >> 10) {
        (IPC_CHANNEL, ONE_TO_ONE, 0) => Some(0.1),
        (ICEORYX2, ONE_TO_ONE, 1) => Some(1.0),
        (SEQPACKET, ONE_TO_ONE, 64) => Some(0.7),
        (THREADS, ONE_TO_FOUR, 0) => Some(2.0),
        _ => None,
    }
}

/// Bytes that are written and read in place.
fn lent(bench: &mut Bench, plan: Plan) -> Result<()> {
    let (plan, wanted) = (&plan, bench.run_time());
    let between = |make: Make| timed(wanted, move |n| processes_carry(make, plan, n));
    let name = format!("queue 1→1, {} lent", bytes(plan.size));
    let mut contest = Contest::new([name], plan.cores, 11, between(ours::make_lent));
    let peers = PEERS
        .iter()
        .filter(|(name, _)| PEERS_OF_LENT.contains(name));
    for &(name, make) in peers {
        contest = contest.peer(name, between(make));
        if name == ICEORYX2 && plan.size > 1 << 10 {
            contest = contest.target(0, Target::Ratio(1.5));
        }
    }
    bench.run(contest)
}

fn latency(bench: &mut Bench, plan: Plan) -> Result<()> {
    let plan = &plan;
    let n = if bench.quick { 50 } else { 500 };
    let pause = PAUSE.as_secs_f64();
    let python = twin(bench, plan, "latency", &[&plan.size, &plan.depth, &pause]);
    let python = python.map(|mut twin| {
        move || {
            let times: [f64; 3] = twin.ask(n)?;
            Ok(times.map(|seconds| seconds * 1e9))
        }
    });
    let between = |make: Make| move || processes_hand_off(make, plan, n);
    let names = [
        "median",
        "99th percentile",
        "the consumer's CPU time for each",
    ];
    let names = names.map(|part| format!("hand-off, {}, {part}", bytes(plan.size)));
    let mut contest = Contest::new(names, plan.cores, 11, between(ours::make));
    for (name, make) in PEERS {
        contest = contest.peer(name, between(make));
    }
    if plan.size == 8 {
        contest = contest.peer("futex and one place", between(futex::make));
    }
    let contest = contest
        .peer(THREADS, || threads_hand_off(plan, n))
        .peer_if("CPython Queue", python);
    bench.run(contest)
}

/// Nanoseconds per message, from runs with as many messages as take `wanted`; the first run finds that number.
fn timed<'a>(
    wanted: Duration,
    mut run: impl FnMut(u64) -> Result<f64> + 'a,
) -> impl FnMut() -> Result<[f64; 1]> + 'a {
    let mut known = None;
    move || {
        let n = match known {
            Some(n) => n,
            // A multiple of four, so that four producers have equal shares.
            None => *known.insert(calibrate(wanted, &mut run)?.next_multiple_of(4)),
        };
        Ok([run(n)?])
    }
}

fn twin(bench: &Bench, plan: &Plan, peer: &str, numbers: &[&dyn ToString]) -> Result<Twin> {
    let cores = plan.cores.iter().map(|core| core as &dyn ToString);
    let arguments: Vec<_> = numbers.iter().copied().chain(cores).collect();
    Twin::start(&bench.folder, peer, &arguments)
}

fn bytes(size: usize) -> String {
    match size {
        8 => "8 B".into(),
        size => format!("{} KB", size >> 10),
    }
}
