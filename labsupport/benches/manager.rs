//! A read from a manager's dict, u64 → u64, beside the least that a round trip to another process can cost (the same bytes
//! through a bare stream socket, one write and one read on each side) and beside CPython's `multiprocessing.Manager`, in turn
//! in one run.
//!
//! Both processes on one core, and each on a core of its own: waking a core that sleeps costs several times what all the rest
//! does. Left alone, the system puts the two sides here or there, and keeps them there for long; then the ratio would say
//! which of the pair was lucky.
//!
//! `cargo bench -p labsupport --bench manager`. Without python3 that pair is skipped, and says so.

mod pairs;

use labsupport::prelude::*;
use pairs::{Pair, per_op};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Bytes of the question for a small number and of the answer, as the manager's `README.md` draws them.
const QUESTION: usize = 4 + 1 + 4 + 1;
const ANSWER: usize = 4 + 1 + 1;

/// Answers every question until the other side closes.
fn answer(mut stream: &UnixStream) {
    let mut question = [0; QUESTION];
    while stream.read_exact(&mut question).is_ok() {
        stream.write_all(&[7; ANSWER]).unwrap();
    }
}

fn ask(mut stream: &UnixStream) -> u8 {
    let mut answer = [0; ANSWER];
    stream.write_all(&[1; QUESTION]).unwrap();
    stream.read_exact(&mut answer).unwrap();
    answer[0]
}

/// Lets a process, 0 for this one, run on those cores alone; it and those that it starts from now on.
fn stay_on(allowed: &[usize], pid: u32) {
    // SAFETY: an all-zero set is an empty one; the cores are valid numbers; the pointers are to live locals.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        allowed
            .iter()
            .for_each(|&core| libc::CPU_SET(core, &mut cores));
        assert_eq!(
            libc::sched_setaffinity(pid as i32, size_of_val(&cores), &cores),
            0
        );
    }
}

/// The cores that this process may run on.
fn cores() -> Vec<usize> {
    // SAFETY: an all-zero set is an empty one; the pointer is to a live local; the numbers are within the set.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(
            libc::sched_getaffinity(0, size_of_val(&cores), &mut cores),
            0
        );
        (0..libc::CPU_SETSIZE as usize)
            .filter(|&core| libc::CPU_ISSET(core, &cores))
            .collect()
    }
}

fn python(n: u32, client: usize, server: usize) -> Option<Duration> {
    pairs::python(
        PYTHON,
        &[n.to_string(), client.to_string(), server.to_string()],
    )
}

/// The same program: a dict in a server process, read again and again; prints seconds.
const PYTHON: &str = "
import multiprocessing as mp, os, sys, time
if __name__ == '__main__':
    mp.set_start_method('fork')
    n, client, server = map(int, sys.argv[1:])
    os.sched_setaffinity(0, {server})
    with mp.Manager() as manager:
        os.sched_setaffinity(0, {client})
        numbers = manager.dict()
        numbers[7] = 42
        for _ in range(100): numbers[7]
        start = time.perf_counter()
        for _ in range(n): numbers[7]
        print(time.perf_counter() - start)
";

fn main() {
    let cores = cores();
    both(&cores, cores[0], cores[0], "one core");
    match cores.get(1) {
        Some(&other) => both(&cores, cores[0], other, "two cores"),
        None => println!("On two cores: skipped, there is one here"),
    }
}

/// Both pairs, with the two sides on these of all cores.
fn both(all: &[usize], client: usize, server: usize, place: &str) {
    let manager = Manager::start().unwrap();
    stay_on(&[server], manager.pid());
    let numbers = manager.dict::<u64, u64>("numbers").unwrap();
    numbers.insert(7, 42).unwrap();
    let (mine, theirs) = UnixStream::pair().unwrap();
    // The worker has a copy of this end too and would never see it close.
    let mine = RefCell::new(Some(mine));
    let peer = Workers::spawn(1, |_| {
        mine.take();
        answer(&theirs);
    })
    .unwrap();
    stay_on(&[server], peer.pids()[0]);
    let mine = mine.take().unwrap();

    let here = |work: &dyn Fn() -> Duration| {
        stay_on(&[client], 0);
        let elapsed = work();
        stay_on(all, 0);
        elapsed
    };
    let read = |n: u32| here(&|| per_op(n, || assert_eq!(numbers.get(&7), Ok(Some(42)))));
    let bare = |n: u32| here(&|| per_op(n, || ask(&mine)));
    let name = format!("2,000 reads, {place}: Dict::get / bare socket ping-pong");
    Pair::new(name.leak(), 51).run(|| read(2_000), || bare(2_000));
    drop(mine);
    peer.join().unwrap();

    if python(10, client, server).is_none() {
        println!("CPython's Manager: skipped, there is no python3 here");
        return;
    }
    let name = format!("5,000 reads, {place}: Dict::get / CPython Manager dict");
    let ratio = Pair::new(name.leak(), 11).run(
        || read(5_000),
        || python(5_000, client, server).expect("python3 worked a moment ago"),
    );
    println!(
        "      → {:.1} times as many reads a second as CPython\n",
        1.0 / ratio
    );
}
