//! What becomes of workers, their results, their output and their leftovers.

mod common;

use common::{LONG, alive, soon, spin_for_ever};
use labsupport::internal::Home;
use labsupport::prelude::*;
use std::process::Command;
use std::time::Duration;

fn asleep(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") S "))
}

#[test]
fn results_of_any_size_come_home_in_order() {
    let workers =
        Workers::spawn(3, |w| vec![w.index() as u8; 1_000_000 * (w.index() + 1)]).unwrap();
    let values = workers.join_timeout(LONG).unwrap().values().unwrap();
    for (index, value) in values.iter().enumerate() {
        assert_eq!(value.len(), 1_000_000 * (index + 1));
        assert!(value.iter().all(|&byte| byte == index as u8));
    }
}

#[test]
fn a_panic_comes_home_with_its_message_and_place() {
    let report = Workers::spawn(2, |w| {
        if w.index() == 1 {
            panic!("worker {} met {}", w.index(), "trouble");
        }
        7
    })
    .unwrap()
    .join()
    .unwrap();
    let Exit::Panicked { message, location } = report.outcomes()[1].exit() else {
        panic!("{report}");
    };
    assert_eq!(message, "worker 1 met trouble");
    assert!(location.contains("workers.rs:"), "{location}");
    assert_eq!(report.outcomes()[0].value(), Some(&7));
    let error = report.values().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("worker 1 of 2 panicked: worker 1 met trouble")
    );
}

#[test]
fn a_deadline_stops_the_late_ones_alone_and_says_what_they_did() {
    let tasks = Queue::<u64>::bounded(4).unwrap();
    let workers = Workers::spawn(3, |w| match w.index() {
        0 => 5,
        1 => spin_for_ever(),
        _ => tasks.get().unwrap(),
    })
    .unwrap();
    let pids = workers.pids();
    // On a busy machine a worker may begin late; from here on the third is where it stays.
    assert!(soon(|| asleep(pids[2])));
    let report = workers.join_timeout(Duration::from_millis(500)).unwrap();
    assert_eq!(report.outcomes()[0].value(), Some(&5));
    let doing = |index: usize| match report.outcomes()[index].exit() {
        Exit::TimedOut { doing, .. } => doing.clone(),
        other => panic!("{other}"),
    };
    assert!(doing(1).starts_with("running"), "{}", doing(1));
    assert!(doing(2).contains("waiting at a queue"), "{}", doing(2));
    assert!(!pids.iter().any(|&pid| alive(pid)));
}

#[test]
fn workers_die_with_their_parent() {
    let pids = Array::<u32>::new(3).unwrap();
    let ready = Flag::new().unwrap();
    let parent = Workers::spawn(1, |_| -> () {
        let children = Workers::spawn(3, |_| -> () { spin_for_ever() }).unwrap();
        for (index, pid) in children.pids().into_iter().enumerate() {
            pids.set(index, pid);
        }
        ready.set();
        spin_for_ever()
    })
    .unwrap();
    assert!(soon(|| ready.is_set()));
    let children = pids.lock().to_vec();
    assert!(children.iter().all(|&pid| alive(pid)));
    parent.kill(0);
    assert!(
        soon(|| !children.iter().any(|&pid| alive(pid))),
        "{children:?} outlived their parent"
    );
}

#[test]
fn dropping_workers_kills_and_collects_them() {
    let workers = Workers::spawn(3, |_| -> () { spin_for_ever() }).unwrap();
    let pids = workers.pids();
    drop(workers);
    // Collected, not only dead: no zombie is left either.
    assert!(
        pids.iter()
            .all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    );
}

#[test]
fn the_kernel_accounts_cpu_time_to_the_worker_that_used_it() {
    let stop = Flag::new().unwrap();
    let workers = Workers::spawn(2, |w| {
        if w.index() == 0 {
            (0..300_000_000u64).for_each(|n| {
                std::hint::black_box(n);
            });
            stop.set();
        } else {
            while !stop.is_set() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    })
    .unwrap();
    let report = workers.join_timeout(LONG).unwrap();
    let cpu: Vec<Duration> = report.outcomes().iter().map(Outcome::cpu).collect();
    assert!(cpu[0] > 5 * cpu[1], "{cpu:?}");
    assert_eq!(report.cpu(), cpu[0] + cpu[1]);
}

#[test]
fn shared_memory_has_no_name_while_it_is_used() {
    let _all = (
        Flag::new().unwrap(),
        Value::new(1u64).unwrap(),
        Array::<u64>::new(1000).unwrap(),
        Queue::<u64>::bounded(10).unwrap(),
    );
    let mine = format!("labs-{}-", std::process::id());
    // Another test of this process may be between creating and unlinking just now.
    assert!(soon(|| {
        std::fs::read_dir("/dev/shm")
            .unwrap()
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with(&mine))
    }));
}

#[test]
fn more_shared_memory_than_there_is_is_an_error_and_no_signal() {
    let error = Segment::new(1 << 45).unwrap_err();
    assert!(matches!(error, SharedError::Full { .. }), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("no room in /dev/shm for 35184372088832 more bytes")
    );
}

#[test]
fn output_is_printed_once() {
    if std::env::var_os("LABS_PRINTS").is_some() {
        print!("before "); // no line end: it waits in the buffer
        let workers = Workers::spawn(4, |w| print!("[worker {}]", w.index())).unwrap();
        workers.join().unwrap();
        print!("after");
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "output_is_printed_once", "--nocapture"])
        .env("LABS_PRINTS", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for once in [
        "before ",
        "[worker 0]",
        "[worker 1]",
        "[worker 2]",
        "[worker 3]",
        "after",
    ] {
        assert_eq!(text.matches(once).count(), 1, "{once} in {text}");
    }
}

#[test]
fn a_queue_without_another_process_is_an_error_and_no_wait() {
    // In a process of its own: the children of this one belong to all its tests.
    let lonely = Workers::spawn(1, |_| {
        let tasks = Queue::<u64>::bounded(2).unwrap();
        let producer = Workers::spawn(1, |_| tasks.put(1).unwrap()).unwrap();
        assert_eq!(tasks.get(), Ok(1));
        let empty = tasks.get(); // its only producer ends; nothing more can come
        producer.join().unwrap();
        tasks.put(1).unwrap();
        tasks.put(2).unwrap();
        let full = tasks.put(3).unwrap_err().kind().clone();
        (empty, full == PutErrorKind::Disconnected)
    });
    let values = lonely
        .unwrap()
        .join_timeout(LONG)
        .unwrap()
        .values()
        .unwrap();
    assert_eq!(values, [(Err(GetError::Disconnected), true)]);
}

#[test]
fn threads_that_panic_and_print_do_not_hang_a_worker() {
    if std::env::var_os("LABS_PANICS").is_some() {
        // A hook of its own prints under the lock that standard error has; the usual one does not.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            eprintln!("a panic:");
            usual(info);
        }));
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_secs(60));
            std::process::abort(); // it hangs
        });
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        let _ = std::panic::catch_unwind(|| panic!("with a long backtrace"));
                        println!("and a line");
                    }
                });
            }
            let workers = (0..300).map(|round| {
                let workers = Workers::spawn(2, |w| {
                    println!("from a worker");
                    assert!(w.index() == 0, "its own panic");
                })
                .unwrap();
                let report = workers.join_timeout(LONG).unwrap();
                let [first, second] = report.outcomes() else {
                    unreachable!()
                };
                let good = first.exit().is_returned();
                let bad = second
                    .exit()
                    .to_string()
                    .starts_with("panicked: its own panic");
                good && bad || panic!("round {round}: {report}")
            });
            let all = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workers.count()));
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(all.unwrap(), 300);
        });
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "threads_that_panic_and_print_do_not_hang_a_worker",
            "--nocapture",
        ])
        .envs([("LABS_PANICS", "1"), ("RUST_BACKTRACE", "1")])
        .output()
        .unwrap();
    // The last lines: what the threads print is of no interest.
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        &said[said.len().saturating_sub(2_000)..]
    );
}

#[test]
fn workers_that_return_nothing_have_no_column_of_nothing() {
    let nothing = Workers::spawn(1, |_| ()).unwrap().join().unwrap();
    let shown = nothing.to_string();
    assert!(!shown.contains("value") && !shown.contains("()"), "{shown}");
    let seven = Workers::spawn(1, |_| 7).unwrap().join().unwrap();
    let shown = seven.to_string();
    assert!(
        shown.contains("value") && shown.contains("returned  7"),
        "{shown}"
    );
}

#[test]
fn a_copy_in_a_fork_is_not_at_home() {
    let home = Home::here();
    let workers = Workers::spawn(2, |_| {
        let own = Home::here();
        let grandchild = Workers::spawn(1, |_| !home.is_here() && !own.is_here());
        let grandchild = grandchild.unwrap().join().unwrap().values().unwrap();
        !home.is_here() && own.is_here() && grandchild == [true]
    });
    let report = workers.unwrap().join().unwrap();
    assert_eq!(report.values().unwrap(), [true, true]);
    assert!(home.is_here());
}
