//! The program `worker`: several of them, each some way off, and one is killed with a task in hand.

use crate::common::until;
use broker::prelude::*;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A worker at the other end of `proxy`. It ends with the test.
fn worker(proxy: &Proxy, name: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
    command.args([&proxy.broker().url(), name]);
    command.stdout(Stdio::null());
    labsupport::internal::stop_with_parent(&mut command);
    command.spawn().unwrap()
}

#[test]
fn a_killed_worker_goes_on_with_its_task_when_it_is_started_again() {
    let broker = Broker::start_with(&[]).unwrap();
    let far = [0, 2, 5].map(|ms| broker.far(Duration::from_millis(ms)).unwrap());
    // The first task is long enough to be killed in; the pause before the other workers begin makes sure who has it.
    broker.call(["LPUSH", "tasks", "1 20000000"]).unwrap();
    let mut killed = worker(&far[1], "anna");
    until("anna has a task in hand", || {
        broker.ask::<u64>(["LLEN", "doing:{tasks}:anna"]).unwrap() == 1
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(broker.call(["GET", "primes"]).unwrap().is_nil());
    // A shorter one in its place, as the test need not take so long.
    broker
        .call(["LSET", "doing:{tasks}:anna", "0", "1 1000"])
        .unwrap();
    for hundred in 0..30 {
        let task = format!("{} {}", 100 * hundred + 1, 100 * hundred + 100);
        broker.call(["LPUSH", "tasks", &task]).unwrap();
    }
    broker.call(["LPUSH", "tasks", "no task"]).unwrap();

    let crew = [(0, "berta"), (1, "anna"), (2, "carla")].map(|(at, name)| worker(&far[at], name));
    until("all tasks are done", || {
        broker.ask::<u64>(["HLEN", "primes"]).unwrap() == 32
    });
    broker.call(["SET", "stop", "1"]).unwrap();
    for mut child in crew {
        assert!(child.wait().unwrap().success());
    }
    let found = |task: &str| broker.ask::<String>(["HGET", "primes", task]).unwrap();
    assert_eq!(
        (found("1 1000"), found("1 100"), found("101 200")),
        ("168".into(), "25".into(), "21".into())
    );
    assert!(found("no task").contains("is no task"));
    let left: Vec<String> = broker.ask(["KEYS", "doing:*"]).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_worker_leaves_its_task_in_hand_if_it_is_told_to_stop() {
    let broker = Broker::start_with(&[]).unwrap();
    let near = broker.far(Duration::ZERO).unwrap();
    broker.call(["LPUSH", "tasks", "1 20000000"]).unwrap();
    let mut worker = worker(&near, "anna");
    until("it has a task in hand", || {
        broker.ask::<u64>(["LLEN", "doing:{tasks}:anna"]).unwrap() == 1
    });
    broker.call(["SET", "stop", "1"]).unwrap();
    assert!(worker.wait().unwrap().success());
    assert_eq!(
        broker
            .ask::<Vec<String>>(["LRANGE", "doing:{tasks}:anna", "0", "-1"])
            .unwrap(),
        ["1 20000000"]
    );
}

#[test]
fn without_an_address_or_a_server_a_worker_says_what_to_do() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&[]);
    assert!(
        code == Some(2) && said.starts_with("Usage: worker URL NAME"),
        "{said}"
    );
    let (code, said) = run(&["unix:///nothing/here", "anna"]);
    assert!(code == Some(1) && said.starts_with("anna: "), "{said}");
}
