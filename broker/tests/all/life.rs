//! A private server: who may reach it, and that nothing of it is left however its owner ends.

use crate::common::{SIGKILL, folder, runs, signal, until};
use broker::prelude::*;
use labsupport::internal::{SIGCONT, SIGSTOP, activity};
use labsupport::prelude::*;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// A fresh folder for a test.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("labs-test-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs `body` in a process of its own, where it may change the environment.
fn alone<T>(body: impl Fn() -> T) -> T
where
    T: serde::Serialize + for<'de> serde::Deserialize<'de>,
{
    let workers = Workers::spawn(1, |_| body()).unwrap();
    let report = workers.join_timeout(LIMIT).unwrap();
    report.into_values().unwrap().remove(0)
}

/// Whether this process runs this test alone. If not, the test is run by such a process. A worker that sets a variable needs that: were
/// another test's thread to read the environment at the fork, the worker would wait forever for the end of that.
fn is_quiet() -> bool {
    const QUIET: &str = "LABS_TEST_QUIET";
    if std::env::var_os(QUIET).is_some() {
        return true;
    }
    let thread = std::thread::current();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([thread.name().unwrap(), "--exact", "--test-threads=1"])
        .env(QUIET, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    false
}

/// Sets a variable of the environment in a worker.
fn set(name: &str, value: impl AsRef<std::ffi::OsStr>) {
    // SAFETY: this process was forked from a quiet one and has one thread, so no other thread reads the environment.
    unsafe { std::env::set_var(name, value) };
}

/// A program in the place of the server's.
fn fake_program(folder: &Path, script: &str) -> PathBuf {
    let program = folder.join("server.sh");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program
}

#[test]
fn only_this_user_can_open_the_folder_and_the_socket_and_there_is_no_port() {
    let broker = Broker::start_with(&[]).unwrap();
    let folder = folder(&broker);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let socket = folder.join("socket");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(mode(&socket), 0o700);
    let port: Vec<String> = broker.ask(["CONFIG", "GET", "port"]).unwrap();
    assert_eq!(port, ["port", "0"]);
    // No socket of the process has an address of the network.
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{}/fd", broker.pid().unwrap()))
        .unwrap()
        .flatten()
        .filter_map(|fd| {
            let link = fs::read_link(fd.path()).ok()?;
            let link = link.to_str()?;
            Some(
                link.strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_string(),
            )
        })
        .collect();
    assert!(!inodes.is_empty());
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in table.lines() {
            let inode = line.split_whitespace().nth(9).unwrap_or_default();
            assert!(!inodes.iter().any(|known| known == inode), "{line}");
        }
    }
}

#[test]
fn nothing_is_left_when_the_last_handle_is_dropped() {
    let broker = Broker::start_with(&[]).unwrap();
    let (pid, folder) = (broker.pid().unwrap(), folder(&broker));
    let clone = broker.clone();
    drop(broker);
    assert!(runs(pid) && folder.exists());
    assert_eq!(clone.call(["PING"]).unwrap(), "PONG");
    drop(clone);
    assert!(!runs(pid) && !folder.exists());
}

#[test]
fn nothing_is_left_after_a_panic() {
    let seen = alone(|| {
        let caught = std::panic::catch_unwind(|| {
            let broker = Broker::start_with(&[]).unwrap();
            let seen = (broker.pid().unwrap(), folder(&broker));
            std::panic::panic_any(seen);
        });
        let seen = caught.unwrap_err().downcast::<(u32, PathBuf)>().unwrap();
        (seen.0, runs(seen.0), seen.1.exists())
    });
    assert_ne!(seen.0, 0);
    assert!(!seen.1 && !seen.2);
}

#[test]
fn the_server_ends_with_a_killed_parent_and_the_next_start_removes_its_folder() {
    if !is_quiet() {
        return;
    }
    let place = scratch("killed");
    let pid = Value::new(0u64).unwrap();
    let workers = Workers::spawn(1, |_| {
        set("LABS_SESSION", &place);
        let broker = Broker::start_with(&[]).unwrap();
        pid.set(broker.pid().unwrap().into());
        loop {
            std::thread::park();
        }
    })
    .unwrap();
    until("the worker's server", || pid.get() != 0);
    let server = pid.get() as u32;
    assert!(runs(server));
    let left: Vec<PathBuf> = fs::read_dir(&place)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert_eq!(left.len(), 1);
    workers.kill(0);
    until("the server's end", || !runs(server));
    // Its main thread may have ended while others still hold the socket; a folder whose socket answers is in use.
    until("the socket's end", || {
        UnixStream::connect(left[0].join("socket")).is_err()
    });
    let _: Report<()> = workers.join_timeout(LIMIT).unwrap();
    let others = alone(|| {
        set("LABS_SESSION", &place);
        let _broker = Broker::start_with(&[]).unwrap();
        fs::read_dir(&place).unwrap().count()
    });
    assert!(!left[0].exists());
    assert_eq!(others, 1, "its own");
    fs::remove_dir(&place).unwrap();
}

#[test]
fn the_server_lives_on_when_the_thread_that_started_it_ends() {
    let broker = std::thread::spawn(|| Broker::start_with(&[]).unwrap())
        .join()
        .unwrap();
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
    assert!(runs(broker.pid().unwrap()));
}

#[test]
fn a_worker_ends_nothing() {
    let broker = Broker::start_with(&[]).unwrap();
    let workers = Workers::spawn(1, |_| {
        let errors = [broker.kill().unwrap_err(), broker.restart().unwrap_err()];
        drop(broker.clone());
        errors.map(|error| error.kind() == ErrorKind::NotOwner)
    })
    .unwrap();
    let values = workers.join_timeout(LIMIT).unwrap().into_values().unwrap();
    assert_eq!(values, [[true, true]]);
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
}

#[test]
fn each_process_and_each_clone_has_a_connection_of_its_own() {
    let broker = Broker::start_with(&[]).unwrap();
    broker.call(["PING"]).unwrap();
    let (called, counted) = (Barrier::new(4).unwrap(), Barrier::new(4).unwrap());
    let workers = Workers::spawn(3, |_| {
        let me: String = broker.ask(["CLIENT", "ID"]).unwrap();
        called.wait_timeout(LIMIT).unwrap();
        counted.wait_timeout(LIMIT).unwrap();
        me
    })
    .unwrap();
    called.wait_timeout(LIMIT).unwrap();
    let clients: String = broker.ask(["CLIENT", "LIST"]).unwrap();
    counted.wait_timeout(LIMIT).unwrap();
    assert_eq!(clients.lines().count(), 4, "{clients}");
    let mut ids = workers.join_timeout(LIMIT).unwrap().into_values().unwrap();
    ids.push(broker.ask(["CLIENT", "ID"]).unwrap());
    ids.push(broker.clone().ask(["CLIENT", "ID"]).unwrap());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_call_that_was_given_up_leaves_nobody_at_the_server() {
    let broker = Broker::start_with(&[]).unwrap();
    let hasty = broker.within(Duration::from_millis(20));
    let go = Flag::new().unwrap();
    hasty.call(["PING"]).unwrap();
    // A worker has a copy of the connection, which must not keep it open.
    let workers = Workers::spawn(1, |_| {
        while !go.is_set() {
            std::thread::sleep(Duration::from_millis(1));
        }
    })
    .unwrap();
    let error = hasty.call(["BRPOP", "tasks", "0"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("without an end"), "{error}");
    until("the server's look at its clients", || {
        let clients: String = broker.ask(["CLIENT", "LIST"]).unwrap();
        clients.lines().count() == 1
    });
    broker.call(["LPUSH", "tasks", "7"]).unwrap();
    assert_eq!(broker.ask::<u64>(["LLEN", "tasks"]).unwrap(), 1);
    go.set();
    workers.join_timeout(LIMIT).unwrap();
}

/// Commands of all kinds that a lab uses.
const COMMANDS: [&str; 12] = [
    "PING",
    "GET stop",
    "SET stop 1 NX",
    "LPUSH tasks 1",
    "BRPOP tasks 5",
    "BLMOVE tasks mine RIGHT LEFT 5",
    "INCR epoch",
    "XADD log * task 1",
    "XREAD BLOCK 5000 STREAMS log $",
    "EVAL return(1) 0",
    "PUBLISH signals stop",
    "WAIT 0 5000",
];

#[test]
fn a_server_that_is_killed_during_a_command_is_an_error_at_once() {
    let broker = Broker::start_with(&[]).unwrap();
    for command in COMMANDS {
        let ready = Flag::new().unwrap();
        let workers = Workers::spawn(1, |_| {
            broker.call(["PING"]).unwrap();
            ready.set();
            until("the stop", || {
                activity(broker.pid().unwrap() as i32).starts_with("stopped")
            });
            broker.call(command.split(' ')).unwrap_err()
        })
        .unwrap();
        until("the worker", || ready.is_set());
        let server = broker.pid().unwrap();
        signal(server, SIGSTOP);
        // The command is with the server, and the worker waits for the reply.
        let worker = workers.pids()[0] as i32;
        until("the worker's wait", || {
            activity(worker) == "asleep, waiting for data"
        });
        broker.kill().unwrap();
        let errors = workers.join_timeout(LIMIT).unwrap().into_values().unwrap();
        assert_eq!(
            errors[0].kind(),
            ErrorKind::Disconnected,
            "{command}: {}",
            errors[0]
        );
        assert_eq!(
            broker.clone().call(["PING"]).unwrap_err().kind(),
            ErrorKind::Refused
        );
        assert_eq!(broker.restart().unwrap().keys(), 0);
        assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
    }
}

#[test]
fn a_connection_that_broke_is_one_error_and_a_call_is_sent_once() {
    let broker = Broker::start_with(&[]).unwrap();
    let other = broker.clone();
    let id: String = broker.ask(["CLIENT", "ID"]).unwrap();
    other.call(["CLIENT", "KILL", "ID", &id]).unwrap();
    let error = broker.call(["INCR", "epoch"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert_eq!(other.call(["GET", "epoch"]).unwrap(), Reply::Nil);
    assert_eq!(broker.ask::<u64>(["INCR", "epoch"]).unwrap(), 1);
}

#[test]
fn a_stopped_server_ends_in_the_deadline_and_its_late_reply_is_nobodys() {
    let broker = Broker::start_with(&[]).unwrap();
    let hasty = broker.within(Duration::from_millis(50));
    hasty.call(["SET", "word", "pill"]).unwrap();
    signal(broker.pid().unwrap(), SIGSTOP);
    until("the stop", || {
        activity(broker.pid().unwrap() as i32).starts_with("stopped")
    });
    let known = hasty.call(["GET", "word"]).unwrap_err();
    let new = hasty.call(["GET", "word"]).unwrap_err(); // on a new connection
    signal(broker.pid().unwrap(), SIGCONT);
    for error in [known, new] {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("was stopped"), "{error}");
    }
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
    assert_eq!(broker.call(["GET", "word"]).unwrap(), "pill");
}

#[test]
fn a_server_that_dies_while_it_starts_is_an_error_with_its_last_words() {
    if !is_quiet() {
        return;
    }
    let place = scratch("start");
    let program = fake_program(&place, "echo out of luck; kill -9 $$");
    let error = alone(|| {
        set("LABS_SESSION", &place);
        set("LABS_BROKER_PROGRAM", &program);
        Broker::start_with(&[]).unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::DidNotStart);
    assert!(error.to_string().contains("out of luck"), "{error}");
    fs::remove_file(&program).unwrap();
    fs::remove_dir(&place).unwrap(); // no folder is left
}

#[test]
fn a_setting_that_the_server_does_not_know_is_an_error_in_its_words() {
    let error = Broker::start_with(&[("maxmemroy", "1mb")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DidNotStart);
    assert!(error.to_string().contains("maxmemroy"), "{error}");
    for setting in [
        ("port", "6379"),
        ("Bind", "0.0.0.0"),
        ("--port", "1"),
        ("", ""),
    ] {
        let error = Broker::start_with(&[setting]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{setting:?}");
    }
}

#[test]
fn a_server_ends_when_its_parent_is_killed_while_it_starts() {
    if !is_quiet() {
        return;
    }
    let place = scratch("starting");
    let file = place.join("pid");
    let program = fake_program(
        &place,
        &format!(
            "echo $$ > {}.new; mv {0}.new {0}; exec sleep 600",
            file.display()
        ),
    );
    let workers = Workers::spawn(1, |_| -> () {
        set("LABS_SESSION", &place);
        set("LABS_BROKER_PROGRAM", &program);
        let _ = Broker::start_with(&[]);
    })
    .unwrap();
    until("the program", || file.exists());
    let pid: u32 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    assert!(runs(pid));
    workers.kill(0);
    until("the program's end", || !runs(pid));
    workers.join_timeout(LIMIT).unwrap();
    fs::remove_dir_all(&place).unwrap();
}

#[test]
fn two_brokers_know_nothing_of_each_other() {
    let brokers = [(); 2].map(|()| Broker::start_with(&[]).unwrap());
    brokers[0].call(["SET", "word", "pill"]).unwrap();
    assert!(brokers[1].call(["GET", "word"]).unwrap().is_nil());
    brokers[0].kill().unwrap();
    assert_eq!(brokers[1].call(["PING"]).unwrap(), "PONG");
}

#[test]
fn it_needs_no_home_and_no_folder_to_stand_in() {
    if !is_quiet() {
        return;
    }
    let word = alone(|| {
        set("HOME", "/proc");
        set("XDG_RUNTIME_DIR", "/proc/missing");
        std::env::set_current_dir("/proc").unwrap();
        let broker = Broker::start_with(&[]).unwrap();
        std::env::set_current_dir("/").unwrap();
        broker.call(["SET", "word", "pill"]).unwrap();
        broker.kill().unwrap();
        broker.restart().unwrap();
        broker.ask::<String>(["PING"]).unwrap()
    });
    assert_eq!(word, "PONG");
}

#[test]
fn a_program_may_be_named_by_a_link_and_from_here() {
    if !is_quiet() {
        return;
    }
    let place = scratch("link");
    let found: String = {
        let broker = Broker::start_with(&[]).unwrap();
        let link = fs::read_link(folder(&broker).join("labs: broker")).unwrap();
        link.to_str().unwrap().into()
    };
    symlink(&found, place.join("server")).unwrap();
    let word = alone(|| {
        std::env::set_current_dir(&place).unwrap();
        set("LABS_BROKER_PROGRAM", "./server");
        Broker::start_with(&[])
            .unwrap()
            .ask::<String>(["PING"])
            .unwrap()
    });
    assert_eq!(word, "PONG");
    fs::remove_dir_all(&place).unwrap();
}

#[test]
fn a_named_server_is_used_instead_of_a_private_one() {
    if !is_quiet() {
        return;
    }
    let broker = Broker::start_with(&[]).unwrap();
    let url = broker.url();
    let (pid, word) = alone(|| {
        set("LABS_BROKER", &url);
        let shared = Broker::start().unwrap();
        shared.call(["SET", "word", "pill"]).unwrap();
        (
            shared.pid(),
            shared.kill().unwrap_err().kind() == ErrorKind::NotOwner,
        )
    });
    assert_eq!((pid, word), (None, true));
    assert_eq!(broker.call(["GET", "word"]).unwrap(), "pill");
}

#[test]
fn a_full_server_refuses_and_keeps_what_it_has() {
    let broker = Broker::start_with(&[("maxmemory", "4mb")]).unwrap();
    let value = "x".repeat(100_000);
    let mut kept = 0;
    let error = loop {
        match broker.call(["RPUSH", "values", &value]) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1000);
    };
    assert_eq!(error.code(), Some("OOM"));
    assert!(
        error.to_string().contains("Remove what you no longer need"),
        "{error}"
    );
    assert_eq!(broker.ask::<u64>(["LLEN", "values"]).unwrap(), kept);
    broker.call(["DEL", "values"]).unwrap();
    broker.call(["RPUSH", "values", &value]).unwrap();
}

#[test]
fn what_was_saved_comes_back_and_nothing_else() {
    let logged = Broker::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]).unwrap();
    logged.call(["RPUSH", "tasks", "1", "2"]).unwrap();
    logged.kill().unwrap();
    let restarted = logged.restart().unwrap();
    assert_eq!(restarted.to_string(), "the server runs again and has 1 key");
    assert_eq!(
        logged
            .ask::<Vec<u64>>(["LRANGE", "tasks", "0", "-1"])
            .unwrap(),
        [1, 2]
    );

    let snapshot = Broker::start_with(&[("save", "3600 1")]).unwrap();
    snapshot.call(["SET", "before", "1"]).unwrap();
    snapshot.call(["SAVE"]).unwrap();
    snapshot.call(["SET", "after", "1"]).unwrap();
    snapshot.kill().unwrap();
    assert_eq!(snapshot.restart().unwrap().keys(), 1);
    assert!(snapshot.ask::<bool>(["EXISTS", "before"]).unwrap());
}

#[test]
fn a_get_from_an_empty_queue_still_notices_that_nobody_can_put() {
    let _broker = Broker::start_with(&[]).unwrap();
    let _watched = _broker.watched("stop").unwrap();
    let _proxy = _broker.far(Duration::ZERO).unwrap();
    // The threads of other tests count as producers, so this needs a process with one thread and a broker of its own.
    let ended = alone(|| {
        let broker = Broker::start_with(&[]).unwrap();
        let _watched = broker.watched("stop").unwrap();
        let _proxy = broker.far(Duration::ZERO).unwrap();
        let tasks = Queue::<u64>::bounded(1).unwrap();
        tasks.get().is_err()
    });
    assert!(ended);
}

#[test]
fn an_error_and_a_reply_cross_to_the_parent_unchanged() {
    let broker = Broker::start_with(&[]).unwrap();
    let replies = || {
        broker.call(["RPUSH", "tasks", "1", "2"]).unwrap();
        let list = broker.call(["LRANGE", "tasks", "0", "-1"]).unwrap();
        let bytes = broker.call([&b"ECHO"[..], b"\xff\x00"]).unwrap();
        let map = Reply::Map(vec![(Reply::Text("a".into()), Reply::Double(0.5))]);
        broker.call(["DEL", "tasks"]).unwrap();
        vec![
            list,
            bytes,
            map,
            Reply::Nil,
            Reply::Bool(true),
            Reply::Int(-1),
            Reply::Status("OK".into()),
        ]
    };
    let errors = || broker.call(["GET"]).unwrap_err();
    assert_eq!(alone(replies), replies());
    assert_eq!(alone(errors), errors());
}

#[test]
fn a_killed_server_is_collected() {
    let broker = Broker::start_with(&[]).unwrap();
    let pid = broker.pid().unwrap();
    signal(pid, SIGKILL);
    until("the server's end", || {
        !Path::new(&format!("/proc/{pid}")).exists()
    });
    assert_eq!(
        broker.call(["PING"]).unwrap_err().kind(),
        ErrorKind::Refused
    );
}
