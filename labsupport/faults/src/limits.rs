//! The system refuses: no room, no process, no descriptor, no memory; one core; a clock that is set. Each time a sentence, nothing left,
//! and with the limit gone everything works in the same process.

use crate::common::{LONG, soon};
use crate::stage::{children, names_of, on_stage};
use crate::table;
use figures::prelude::*;
use labsupport::prelude::*;
use labsupport::process::SpawnError;
use manager::prelude::*;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What a scene shows: the sentences, or why it could not be played on this machine.
type Said = Result<Vec<String>, String>;

/// Plays a scene and writes its row, or says by name that it was skipped.
fn play(fault: &str, scene: impl Fn() -> Said) -> Option<Vec<String>> {
    match on_stage(fault, scene) {
        Ok(said) => {
            // Once each; which worker it was makes no other sentence.
            let mut seen = said.clone();
            seen.dedup_by_key(|sentence| sentence.replace(|c: char| c.is_ascii_digit(), ""));
            table::note(fault, said.len() as u64, &seen.join(" / "), "nothing");
            Some(said)
        }
        Err(why) => {
            println!("SKIPPED: {fault}: {why}");
            table::note(fault, 0, &format!("not tried here: {why}"), "–");
            None
        }
    }
}

/// The last error of the system, as the reason why something cannot be tried here.
fn refused(what: &str) -> String {
    format!(
        "the system refused {what} ({})",
        std::io::Error::last_os_error()
    )
}

fn set_limit(resource: libc::__rlimit_resource_t, soft: u64) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both pointers are to a live local of the right type.
    unsafe {
        assert_eq!(libc::getrlimit(resource, &mut limit), 0);
        let before = limit.rlim_cur;
        limit.rlim_cur = soft.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(resource, &limit), 0);
        before
    }
}

/// One of each, at work: with no fault about, everything works.
fn everything_works() {
    let flag = Flag::new().unwrap();
    let count = Value::new(0u64).unwrap();
    let tasks = Queue::<Option<u64>>::bounded(4).unwrap();
    let trace = Trace::new(3).unwrap();
    let manager = Manager::start().unwrap();
    let log = manager.list::<u64>("log").unwrap();
    let workers = Workers::spawn(3, |w| {
        let lane = trace.lane(w.index());
        if w.index() == 0 {
            (0..50).for_each(|n| tasks.put(Some(n)).unwrap());
            (0..2).for_each(|_| tasks.put(None).unwrap());
            flag.set();
        }
        while w.index() > 0
            && let Some(n) = tasks.get().unwrap()
        {
            *count.lock() += n;
            lane.record(Event::TaskTaken(n as u32));
            log.push(n).unwrap();
        }
    });
    let report = workers.unwrap().join_timeout(LONG).unwrap();
    report.values().unwrap();
    assert!(flag.is_set() && tasks.is_empty());
    assert_eq!((count.get(), log.len().unwrap()), (1225, 50));
    assert_eq!(trace.recording().dropped(), 0);
}

#[test]
fn a_full_dev_shm_is_a_sentence() {
    let said = play("/dev/shm full (1 MB)", || {
        // SAFETY: unshare takes a number; mount gets C strings that live for the call. Both change this process's own view alone.
        let mounted = unsafe {
            let (tmpfs, shm, root) = (c"tmpfs".as_ptr(), c"/dev/shm".as_ptr(), c"/".as_ptr());
            let none = std::ptr::null();
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let size = c"size=1m".as_ptr().cast();
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(none, root, none, private, none.cast()) == 0
                && libc::mount(tmpfs, shm, tmpfs, 0, size) == 0
        };
        if !mounted {
            return Err(refused("a /dev/shm of its own"));
        }
        let mut kept = Vec::new();
        let full = loop {
            match Segment::new(100_000) {
                Ok(segment) => kept.push(segment),
                Err(error) => break error,
            }
        };
        assert!(kept.len() >= 9, "{}", kept.len());
        // To the last page.
        while let Ok(segment) = Segment::new(1) {
            kept.push(segment);
        }
        let errors = [
            full,
            Queue::<u64>::bounded(8).unwrap_err(),
            Value::new(1u64).unwrap_err(),
            Array::<u64>::new(1).unwrap_err(),
            Flag::new().unwrap_err(),
            Lock::new().unwrap_err(),
            Barrier::new(2).unwrap_err(),
            Trace::new(2).unwrap_err(),
        ];
        let mut said = Vec::new();
        for error in errors {
            assert!(matches!(error, SharedError::Full { .. }), "{error:?}");
            said.push(error.to_string());
        }
        // What needs no shared memory works all the same.
        let workers = Workers::spawn(2, |w| w.index()).unwrap();
        assert_eq!(
            workers.join_timeout(LONG).unwrap().values().unwrap(),
            [0, 1]
        );
        let manager = Manager::start().unwrap();
        manager.list("log").unwrap().push(1u64).unwrap();
        assert_eq!(fs::read_dir("/dev/shm").unwrap().count(), 0);
        drop((kept, manager));
        everything_works();
        said.truncate(1); // the others differ in the number of bytes alone
        Ok(said)
    });
    if let Some(said) = said {
        assert!(said[0].starts_with("no room in /dev/shm for 100000 more bytes ("));
    }
}

/// Becomes a user without rights and without processes, as far as this machine's limit goes.
fn become_nobody() -> Result<(), String> {
    const NOBODY: u32 = 65534;
    // SAFETY: these take numbers and change this process alone.
    let changed = unsafe { libc::setgid(NOBODY) == 0 && libc::setuid(NOBODY) == 0 };
    if !changed {
        return Err(refused("another user"));
    }
    // SAFETY: as above. A process that changed its user is shut out of its own /proc, and forgets its parent-death signal.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 1);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    Ok(())
}

#[test]
fn a_fork_that_fails_is_a_sentence_and_stops_those_already_started() {
    let said = play("fork fails (limit of processes)", || {
        // The limit does not bind root.
        become_nobody()?;
        let before = set_limit(libc::RLIMIT_NPROC, 0);
        let first = Workers::spawn(4, |_| ()).unwrap_err().to_string();
        let manager = Manager::start().unwrap_err().to_string();
        // How many this user has depends on the machine; find a limit that lets three through.
        let error = (1..10_000)
            .map(|limit| {
                set_limit(libc::RLIMIT_NPROC, limit);
                Workers::spawn(8, |_| crate::common::spin_for_ever())
            })
            .find_map(|spawned: Result<Workers<()>, _>| match spawned {
                Err(error @ SpawnError::Os { started: 3, .. }) => Some(error),
                _ => None,
            });
        let part = error.expect("some limit lets three through").to_string();
        assert!(children().is_empty(), "those already started were stopped");
        set_limit(libc::RLIMIT_NPROC, before);
        everything_works();
        Ok(vec![first, part, manager])
    });
    if let Some(said) = said {
        let [first, part, manager] = &said[..] else {
            panic!()
        };
        assert!(first.starts_with("the system refused worker 0 of 4 (Resource temporarily"));
        assert!(part.starts_with("the system refused worker 3 of 8 (Resource temporarily"));
        assert!(manager.starts_with("the manager could not be started: the system refused"));
    }
}

#[test]
fn too_few_descriptors_are_a_sentence_wherever_they_run_out() {
    play("too many open files (`ulimit -n`)", || {
        let mut said = Vec::new();
        let open = || fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
        // The numbers in use may have gaps; fill them, so that a limit lets through exactly so many more.
        let mut fillers = Vec::new();
        loop {
            let filler = fs::File::open("/dev/null").unwrap();
            if filler.as_raw_fd() as u64 + 1 == open() {
                break;
            }
            fillers.push(filler);
        }
        let full = open();
        let old = names_of(std::process::id());
        let mut refused = |what: &str, make: &dyn Fn() -> Result<(), String>| {
            // Every number of descriptors too few, until it works: each place where one is asked for refuses once.
            for more in 0.. {
                let before = set_limit(libc::RLIMIT_NOFILE, full + more);
                let made = make();
                set_limit(libc::RLIMIT_NOFILE, before);
                assert_eq!(open(), full, "{what} with {more} more: {made:?}");
                assert_eq!(
                    names_of(std::process::id()),
                    old,
                    "{what} with {more} more: {made:?}"
                );
                assert!(children().is_empty(), "{what} with {more} more");
                match made {
                    Err(sentence) => {
                        assert!(sentence.contains("ulimit -n"), "{what}: {sentence}");
                        said.push(sentence);
                    }
                    Ok(()) => return assert!(more > 0, "{what} needs no descriptor"),
                }
                assert!(more < 100, "{what} never works");
            }
        };
        refused("a segment", &|| {
            Segment::new(8).map(drop).map_err(|e| e.to_string())
        });
        refused("a queue", &|| {
            Queue::<u8>::bounded(8).map(drop).map_err(|e| e.to_string())
        });
        refused("a value", &|| {
            Value::new(8).map(drop).map_err(|e| e.to_string())
        });
        refused("a trace", &|| {
            Trace::new(2).map(drop).map_err(|e| e.to_string())
        });
        refused("workers", &|| {
            let workers = Workers::spawn(8, |_| ()).map_err(|e| e.to_string())?;
            let report = workers.join_timeout(LONG).unwrap();
            report.values().map(drop).map_err(|e| e.to_string())
        });
        refused("a manager", &|| {
            let manager = Manager::start().map_err(|e| e.to_string())?;
            let log = manager.list("log").map_err(|e| e.to_string())?;
            log.push(1u64).map_err(|e| e.to_string())
        });
        drop(fillers);
        everything_works();
        said.sort();
        Ok(said)
    });
}

#[test]
fn on_one_core_everything_works() {
    play("1 core", || {
        // SAFETY: an all-zero set is an empty one; the core is a valid number; the pointers are to live locals.
        unsafe {
            let mut core: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(libc::sched_getcpu() as usize, &mut core);
            assert_eq!(libc::sched_setaffinity(0, size_of_val(&core), &core), 0);
        }
        assert_eq!(std::thread::available_parallelism().unwrap().get(), 1);
        (0..10).for_each(|_| everything_works());
        Ok(vec!["the result".into(); 10])
    });
}

/// A memory group of its own for one process, where this machine allows it.
struct Group(PathBuf);

impl Group {
    fn new(bytes: u64) -> Result<Group, String> {
        let known = fs::read_to_string("/proc/self/cgroup").map_err(|e| e.to_string())?;
        let line = known.lines().find(|line| line.contains(":memory:"));
        let line = line.ok_or("there is no memory group of version 1")?;
        let mine = line.splitn(3, ':').nth(2).unwrap();
        let name = format!("labs-faults-{}", std::process::id());
        let roots = [
            format!("/sys/fs/cgroup/memory{mine}"),
            "/sys/fs/cgroup/memory".into(),
        ];
        let root = roots.iter().find(|root| Path::new(root).is_dir());
        let group = Path::new(root.ok_or("the memory group is not mounted")?).join(name);
        fs::create_dir(&group).map_err(|e| format!("the system refused a memory group ({e})"))?;
        let group = Group(group);
        let limit = group.0.join("memory.limit_in_bytes");
        fs::write(limit, bytes.to_string()).map_err(|e| format!("no limit could be set ({e})"))?;
        Ok(group)
    }

    /// Puts the calling process in.
    fn enter(&self) {
        fs::write(self.0.join("cgroup.procs"), std::process::id().to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It stays busy for a moment after its last process has ended.
        soon(|| fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn a_worker_that_runs_out_of_memory_is_not_said_to_have_been_killed_by_somebody() {
    play(
        "a worker reaches its container's memory limit (32 MB)",
        || {
            let group = Group::new(32 << 20)?;
            let value = Value::new(0u64).unwrap();
            let workers = Workers::spawn(3, |w| {
                if w.index() == 0 {
                    group.enter();
                    let mut hoard = Vec::new();
                    let _guard = value.lock();
                    for n in 0..256u64 {
                        hoard.push(vec![n as u8 + 1; 1 << 20]);
                    }
                    return std::hint::black_box(hoard).len();
                }
                *value.lock() += 1;
                0
            })
            .unwrap();
            let report = workers.join_timeout(LONG).unwrap();
            if report.outcomes()[0].exit().is_returned() {
                return Err("the limit of a memory group is not kept here".into());
            }
            assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(libc::SIGKILL));
            assert_eq!(value.get(), 2);
            let said = report.values().unwrap_err().to_string();
            assert!(said.contains("memory"), "{said}");
            everything_works();
            Ok(vec![said])
        },
    );
}

#[test]
fn a_worker_that_is_given_no_more_memory_says_so() {
    play("a worker is given no more memory (`ulimit -v`)", || {
        let workers = Workers::spawn(2, |w| {
            let mut hoard = Vec::new();
            if w.index() == 1 {
                set_limit(libc::RLIMIT_AS, 1 << 30);
                // Reserved and not touched: so much address space, and no memory.
                (0..64).for_each(|_| hoard.push(Vec::<u8>::with_capacity(64 << 20)));
            }
            std::hint::black_box(hoard).len()
        })
        .unwrap();
        let report = workers.join_timeout(LONG).unwrap();
        assert_eq!(report.outcomes()[0].value(), Some(&0));
        assert_eq!(report.outcomes()[1].exit(), &Exit::Signaled(libc::SIGABRT));
        let said = report.values().unwrap_err().to_string();
        assert!(said.contains("memory"), "{said}");
        everything_works();
        Ok(vec![said])
    });
}

/// What `a_lost_wake_up_is_found_while_the_clock_is_set` starts: this test, with a wall clock that goes back by an hour.
const CLOCK: &str = "LABS_CLOCK_IS_SET";

#[test]
fn a_lost_wake_up_is_found_while_the_clock_is_set() {
    if std::env::var_os(CLOCK).is_some() {
        let wall = || std::time::UNIX_EPOCH.elapsed().unwrap();
        let (first, second) = (wall(), wall());
        assert!(
            first.abs_diff(second) > Duration::from_secs(1800),
            "no clock was set"
        );
        crate::kill_lock::swallow_wake_ups();
        return everything_works();
    }
    play("the clock is set, to and fro by an hour", || {
        let folder = std::env::temp_dir().join(format!("labs-clock-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (source, shim) = (folder.join("clock.c"), folder.join("clock.so"));
        fs::write(&source, SHIM).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&shim, &source]);
        let compiled = cc.status().is_ok_and(|status| status.success());
        let name = "limits::a_lost_wake_up_is_found_while_the_clock_is_set";
        let output = compiled.then(|| {
            let mut again = Command::new(std::env::current_exe().unwrap());
            again.args(["--exact", name, "--nocapture"]);
            again.env(CLOCK, "1").env("LD_PRELOAD", &shim);
            again.output().unwrap()
        });
        fs::remove_dir_all(&folder).unwrap();
        let Some(output) = output else {
            return Err("there is no C compiler".into());
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}\n{errors}");
        assert!(text.contains("1 passed"), "{text}\n{errors}");
        Ok(vec!["the result".into()])
    });
}

/// A wall clock that is an hour ahead at every second look, for whoever asks the C library.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int looks;
    int code = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME && __atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) % 2 == 0)
        now->tv_sec += 3600;
    return code;
}
"#;
