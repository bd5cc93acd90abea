//! A process that can open no file cannot look into /proc, and must not take the living for dead for that.

use crate::common::{LONG, soon};
use crate::stage::{on_stage, state};
use crate::table;
use figures::prelude::*;
use labsupport::prelude::*;
use manager::prelude::*;
use std::fs::File;
use std::time::Duration;

/// Runs `work` while this process can open nothing: every descriptor that it may have is in use.
fn blind<R>(work: impl FnOnce() -> R) -> R {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    let set = |limit: &libc::rlimit| {
        // SAFETY: the pointer is to a live `rlimit`.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) }, 0);
    };
    // SAFETY: the pointer is to a live local of the right type.
    let code = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    assert_eq!(code, 0);
    let before = limit;
    limit.rlim_cur = 256;
    set(&limit);
    let mut fillers = Vec::new();
    while let Ok(filler) = File::open("/dev/null") {
        fillers.push(filler);
    }
    let result = work();
    drop(fillers);
    set(&before);
    result
}

fn send(pid: u32, signal: i32) {
    // SAFETY: kill passes two integers to the kernel; the process is a child of ours, or our parent's, that was not collected.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0);
}

#[test]
fn who_can_open_no_file_does_not_take_the_living_for_dead() {
    on_stage("no descriptor, others alive", || {
        let trace = Trace::new(1).unwrap();
        let tasks = Queue::<u64>::bounded(4).unwrap();
        let manager = Manager::start().unwrap();
        let list = manager.list::<u64>("list").unwrap();
        let (ready, over) = (Flag::new().unwrap(), Flag::new().unwrap());
        let worker = Workers::spawn(1, |_| {
            let _log = trace.lane(0);
            ready.set();
            while !over.is_set() {
                std::thread::sleep(Duration::from_millis(1));
            }
            // No race is won by these: they give those who wait the time to look around, and nothing is asserted of it.
            std::thread::sleep(Duration::from_millis(200));
            tasks.put(7).unwrap();
            std::thread::sleep(Duration::from_millis(200));
            send(manager.pid(), libc::SIGCONT);
        });
        let worker = worker.unwrap();
        assert!(soon(|| ready.is_set()));
        send(manager.pid(), libc::SIGSTOP);
        assert!(soon(|| state(manager.pid()) == Some('T')));
        let (lane, task, push) = blind(|| {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(|_| {}));
            let lane = std::panic::catch_unwind(|| drop(trace.lane(0)));
            std::panic::set_hook(hook);
            over.set();
            (lane, tasks.get(), list.push(1))
        });
        // The lane belongs to a living worker, who also puts something, and the server only stands still.
        assert_eq!((lane.is_err(), task, push), (true, Ok(7), Ok(())));
        worker.join_timeout(LONG).unwrap().values().unwrap();
    });
    table::note(
        "no descriptor left: who else is alive?",
        3,
        "the result, or a refusal that is true",
        "nothing",
    );
}
