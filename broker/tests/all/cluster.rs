//! The client on a cluster: three nodes of the private server's program, on ports of this machine.

use crate::common::until;
use broker::prelude::*;
use labsupport::prelude::*;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A node. The system kills it with the thread of the test that started it.
struct Node {
    process: Child,
    port: u16,
    id: String,
    /// A client that asks this node alone.
    own: Broker,
}

struct Cluster {
    nodes: Vec<Node>,
    folder: PathBuf,
}

/// A port that is free now. Another program, or the node of another test, may take it before the node does: see [`Node::start`].
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Node {
    /// A node that knows no other, and the port of its bus.
    fn start(program: &Path, folder: &Path, settings: &[&str]) -> (Node, String) {
        fs::create_dir_all(folder).unwrap();
        loop {
            let (port, bus) = (free_port(), free_port().to_string());
            let mut command = Command::new(program);
            command
                .current_dir(folder)
                .args(["--port", &port.to_string(), "--cluster-port", &bus])
                .args(["--bind", "127.0.0.1"])
                .args(["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"])
                .args(["--save", "", "--repl-diskless-sync-delay", "0"])
                .args(settings)
                .stdout(Stdio::null());
            labsupport::internal::kill_with_parent(&mut command);
            let mut process = command.spawn().unwrap();
            let mut own = None;
            until("the node answers, or has ended", || {
                own = Broker::connect(&format!("redis://127.0.0.1:{port}")).ok();
                own.is_some() || process.try_wait().unwrap().is_some()
            });
            // Where somebody else took the port, somebody else may answer, and this node ends.
            if let Some(own) = own.filter(|own| process_of(own) == Some(process.id())) {
                let id = own.ask(["CLUSTER", "MYID"]).unwrap();
                let node = Node {
                    process,
                    port,
                    id,
                    own,
                };
                return (node, bus);
            }
            let _ = process.kill();
            process.wait().unwrap();
        }
    }
}

/// The process of the server that answers `broker`, if it still does.
fn process_of(broker: &Broker) -> Option<u32> {
    let about: String = broker.ask(["INFO", "server"]).ok()?;
    let mut lines = about.lines();
    lines
        .find_map(|line| line.strip_prefix("process_id:"))?
        .trim()
        .parse()
        .ok()
}

impl Cluster {
    /// `primaries` nodes without keys that know each other, and so many replicas of the last one.
    fn start(name: &str, primaries: usize, replicas: usize, settings: &[&str]) -> Cluster {
        let folder =
            std::env::temp_dir().join(format!("labs-cluster-{name}-{}", std::process::id()));
        // The program that a private server runs.
        let private = Broker::start_with(&[]).unwrap();
        let program = fs::read_link(format!("/proc/{}/exe", private.pid().unwrap())).unwrap();
        let mut cluster = Cluster {
            nodes: Vec::new(),
            folder,
        };
        for number in 0..primaries + replicas {
            let folder = cluster.folder.join(number.to_string());
            let (node, bus) = Node::start(&program, &folder, settings);
            let epoch = (number + 1).to_string();
            let set = ["CLUSTER", "SET-CONFIG-EPOCH", &epoch];
            node.own.call(set).unwrap();
            if let Some(first) = cluster.nodes.first() {
                let port = node.port.to_string();
                let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus];
                first.own.call(meet).unwrap();
            }
            cluster.nodes.push(node);
        }
        let all = cluster.nodes.len();
        cluster.until_all("all know all", |node| {
            let nodes: String = node.own.ask(["CLUSTER", "NODES"]).unwrap();
            nodes
                .lines()
                .filter(|line| line.contains(" connected"))
                .count()
                == all
                && !nodes.contains("handshake")
        });
        for replica in &cluster.nodes[primaries..] {
            let of = &cluster.nodes[primaries - 1].id;
            replica.own.call(["CLUSTER", "REPLICATE", of]).unwrap();
        }
        cluster
    }

    /// Three nodes, each with a third of the slots.
    fn of_three(name: &str, settings: &[&str]) -> Cluster {
        let cluster = Cluster::start(name, 3, 0, settings);
        cluster.share_slots();
        cluster
    }

    fn share_slots(&self) {
        for (node, (first, last)) in [("0", "5460"), ("5461", "10922"), ("10923", "16383")]
            .iter()
            .enumerate()
        {
            let add = ["CLUSTER", "ADDSLOTSRANGE", first, last];
            self.nodes[node].own.call(add).unwrap();
        }
        self.until_all("the cluster is ready", |node| {
            let info: String = node.own.ask(["CLUSTER", "INFO"]).unwrap();
            info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
        });
    }

    fn until_all(&self, words: &str, what: impl Fn(&Node) -> bool) {
        for node in &self.nodes {
            until(words, || what(node));
        }
    }

    /// A client that knows only the first node.
    fn client(&self) -> Broker {
        Broker::connect(&format!("redis://127.0.0.1:{}", self.nodes[0].port)).unwrap()
    }

    /// A key that `node` has.
    fn key_at(&self, node: usize) -> String {
        (0..)
            .map(|number| format!("key {number}"))
            .find(|key| self.slot(key) / 5461 == node as u64)
            .unwrap()
    }

    fn slot(&self, key: &str) -> u64 {
        self.nodes[0].own.ask(["CLUSTER", "KEYSLOT", key]).unwrap()
    }

    fn kill(&mut self, node: usize) {
        self.nodes[node].process.kill().unwrap();
        self.nodes[node].process.wait().unwrap();
    }

    /// Says of `slot` that it moves from one node to another; its keys stay where they are.
    fn begin_move(&self, slot: u64, from: usize, to: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let slot = slot.to_string();
        to.own
            .call(["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from.id])
            .unwrap();
        from.own
            .call(["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to.id])
            .unwrap();
    }

    fn move_key(&self, key: &str, from: usize, to: usize) {
        let port = self.nodes[to].port.to_string();
        let migrate = ["MIGRATE", "127.0.0.1", &port, key, "0", "5000"];
        assert_eq!(self.nodes[from].own.call(migrate).unwrap(), "OK");
    }

    fn end_move(&self, slot: u64, from: usize, to: usize) {
        let id = &self.nodes[to].id;
        for node in [to, from] {
            let set = ["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", id];
            self.nodes[node].own.call(set).unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.process.kill();
            let _ = node.process.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn each_command_finds_the_node_of_its_key() {
    let cluster = Cluster::of_three("commands", &[]);
    let broker = cluster.client();
    for number in 0..60 {
        let (key, value) = (format!("number {number}"), number.to_string());
        broker.call(["SET", &key, &value]).unwrap();
        assert_eq!(broker.call(["GET", &key]).unwrap(), value.as_str());
    }
    let counts: Vec<u64> = cluster
        .nodes
        .iter()
        .map(|node| node.own.ask(["DBSIZE"]).unwrap())
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), 60);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");

    for node in 0..3 {
        let key = cluster.key_at(node);
        // Each time a client that knows nothing.
        let waits = cluster.client();
        let pops = std::thread::scope(|scope| {
            let pops = scope.spawn(|| {
                let waits = waits;
                waits
                    .ask::<(String, String)>(["BRPOP", &key, "10"])
                    .unwrap()
            });
            broker.call(["LPUSH", &key, "task"]).unwrap();
            pops.join().unwrap()
        });
        assert_eq!(pops, (key.clone(), "task".into()));
        let fresh = cluster.client();
        fresh.call(["XADD", &key, "*", "task", "1"]).unwrap();
        assert!(
            !cluster
                .client()
                .call(["XREAD", "COUNT", "1", "STREAMS", &key, "0"])
                .unwrap()
                .is_nil()
        );
        fresh.call(["DEL", &key]).unwrap();
        let script = "return redis.call('INCR', KEYS[1])";
        assert_eq!(
            cluster.client().call(["EVAL", script, "1", &key]).unwrap(),
            1
        );
        assert_eq!(fresh.call(["EVAL", script, "1", &key]).unwrap(), 2);
    }
    // A message goes to those who listen at any node.
    let mut ear = cluster.nodes[0].own.subscribe(["signals"]).unwrap();
    cluster.nodes[2]
        .own
        .call(["PUBLISH", "signals", "stop"])
        .unwrap();
    assert!(ear.next(Duration::from_secs(10)).unwrap().is_some());

    let error = broker
        .call(["MSET", "tasks", "1", "doing", "2"])
        .unwrap_err();
    assert_eq!(error.code(), Some("CROSSSLOT"));
    assert!(error.to_string().contains("{tasks}:todo"), "{error}");
    broker
        .call(["MSET", "tasks", "1", "doing:{tasks}", "2"])
        .unwrap();
}

#[test]
fn a_transaction_is_where_its_first_key_is() {
    let cluster = Cluster::of_three("transactions", &[]);
    let knowing = cluster.client();
    for node in 0..3 {
        let key = cluster.key_at(node);
        knowing.call(["SET", &key, "0"]).unwrap();
        for broker in [&cluster.client(), &knowing] {
            broker.call(["MULTI"]).unwrap();
            assert_eq!(broker.call(["INCR", &key]).unwrap(), "QUEUED");
            assert_eq!(broker.call(["INCR", &key]).unwrap(), "QUEUED");
            assert_eq!(broker.call(["EXEC"]).unwrap().list().unwrap().len(), 2);

            broker.call(["WATCH", &key]).unwrap();
            // Another key may be read meanwhile, wherever it is.
            broker
                .call(["GET", &cluster.key_at((node + 1) % 3)])
                .unwrap();
            cluster.nodes[node].own.call(["INCR", &key]).unwrap();
            broker.call(["MULTI"]).unwrap();
            broker.call(["INCR", &key]).unwrap();
            assert!(
                broker.call(["EXEC"]).unwrap().is_nil(),
                "somebody else was faster"
            );
        }
        assert_eq!(knowing.call(["GET", &key]).unwrap(), "6");
    }
    // Keys of two nodes in one transaction, for one that knows where they are and one that does not.
    for broker in [&cluster.client(), &knowing] {
        broker.call(["MULTI"]).unwrap();
        broker.call(["INCR", &cluster.key_at(1)]).unwrap();
        let error = broker.call(["INCR", &cluster.key_at(2)]).unwrap_err();
        assert_eq!(error.code(), Some("MOVED"));
        assert!(
            error.to_string().contains("the same word in braces"),
            "{error}"
        );
        assert_eq!(broker.call(["EXEC"]).unwrap_err().code(), Some("EXECABORT"));
        // Nothing is left of it.
        assert_eq!(broker.call(["GET", &cluster.key_at(2)]).unwrap(), "6");
    }
    // A command that was refused ends the transaction also if the next one is for another node.
    knowing.call(["MULTI"]).unwrap();
    knowing.call(["NONSENSE"]).unwrap_err();
    knowing.call(["INCR", &cluster.key_at(2)]).unwrap_err();
    assert_eq!(
        knowing.call(["EXEC"]).unwrap_err().code(),
        Some("EXECABORT")
    );
    assert_eq!(knowing.call(["GET", &cluster.key_at(2)]).unwrap(), "6");
}

#[test]
fn workers_watched_keys_and_a_proxy_find_their_node() {
    let cluster = Cluster::of_three("others", &[]);
    let broker = cluster.client();
    let keys = [0, 1, 2].map(|node| cluster.key_at(node));
    let watched = [0, 1, 2].map(|node| cluster.client().watched(&keys[node]).unwrap());
    for (key, watched) in keys.iter().zip(&watched) {
        broker.call(["SET", key, "1"]).unwrap();
        until("the news is here", || watched.is_set().unwrap());
    }
    let workers = Workers::spawn(3, |worker| {
        let sum = keys
            .iter()
            .map(|key| broker.ask::<u64>(["INCR", key]).unwrap())
            .sum::<u64>();
        assert!(watched[worker.index()].is_set().unwrap());
        sum
    });
    workers.unwrap().join().unwrap().into_values().unwrap();
    let proxy = broker.far(Duration::from_millis(2)).unwrap();
    let far = proxy.broker().within(Duration::from_millis(500));
    for key in &keys {
        assert_eq!(far.call(["GET", key]).unwrap(), "4");
        let look = time(|| far.call(["GET", key]).unwrap());
        assert!(
            look.elapsed >= Duration::from_millis(4),
            "it went past the proxy"
        );
        assert_eq!(proxy.broker().watched(key).unwrap().get().unwrap(), "4");
    }
    proxy.cut();
    for key in &keys {
        let error = far.call(["GET", key]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    }
}

#[test]
fn a_slot_that_moves_loses_nothing() {
    let cluster = Cluster::of_three("moves", &[]);
    let broker = cluster.client();
    let key = cluster.key_at(1);
    let slot = cluster.slot(&key);
    let other = format!("other {{{key}}}"); // in the same slot
    broker.call(["SET", &key, "0"]).unwrap();
    let watched = cluster.client().watched(&key).unwrap();
    let stop = AtomicBool::new(false);
    /// A failed test must not leave the writer to its loop.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        let mine = broker.clone();
        let writes = scope.spawn(|| {
            let mine = mine;
            let mut written = 0u64;
            while !stop.load(Ordering::Relaxed) {
                written = mine.ask(["INCR", &key]).unwrap();
            }
            written
        });
        for (from, to) in [(1, 2), (2, 0), (0, 1)] {
            cluster.begin_move(slot, from, to);
            cluster.move_key(&key, from, to);
            // Between the two the old node says ASK.
            let before: u64 = broker.ask(["GET", &key]).unwrap();
            until("somebody has written meanwhile", || {
                broker.ask::<u64>(["GET", &key]).unwrap() > before
            });
            // A transaction says what to do.
            let careful = broker.clone();
            careful.call(["MULTI"]).unwrap();
            careful.call(["INCR", &other]).unwrap();
            let error = careful.call(["EXEC"]).unwrap_err();
            assert_eq!(error.code(), Some("ASK"));
            assert!(error.to_string().ends_with("begin again."), "{error}");
            assert!(careful.call(["GET", &other]).unwrap().is_nil());
            cluster.end_move(slot, from, to);
            until("somebody has written since", || {
                broker.ask::<u64>(["GET", &key]).unwrap() > before + 1
            });
            let now: i64 = broker.ask(["GET", &key]).unwrap();
            until("the news is here", || {
                watched.get().unwrap().int().unwrap() >= now
            });
        }
        stop.store(true, Ordering::Relaxed);
        let written = writes.join().unwrap();
        assert_eq!(broker.ask::<u64>(["GET", &key]).unwrap(), written);
    });

    // Of two keys one has arrived: the command waits for the other.
    broker.call(["SET", &other, "1"]).unwrap();
    cluster.begin_move(slot, 1, 2);
    cluster.move_key(&key, 1, 2);
    let both = || {
        broker
            .within(Duration::from_millis(100))
            .call(["MGET", &key, &other])
    };
    let error = both().unwrap_err();
    assert_eq!(error.code(), Some("TRYAGAIN"));
    assert!(
        error.to_string().contains("again and again for 100 ms"),
        "{error}"
    );
    let patient = broker.clone();
    let waits = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let patient = patient;
            patient.ask::<Vec<String>>(["MGET", &key, &other])
        });
        cluster.move_key(&other, 1, 2);
        waits.join().unwrap()
    });
    assert_eq!(waits.unwrap()[1], "1");
}

#[test]
fn a_cluster_that_is_not_ready_is_waited_for() {
    let cluster = Cluster::start("unready", 3, 0, &[]);
    let broker = cluster.client();
    let error = broker
        .within(Duration::from_millis(100))
        .call(["GET", "word"])
        .unwrap_err();
    assert_eq!(error.code(), Some("CLUSTERDOWN"));
    assert!(
        error.to_string().contains("again and again for 100 ms"),
        "{error}"
    );
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let broker = broker;
            broker.call(["SET", "word", "pill"])
        });
        let refused = || {
            let stats: String = cluster.nodes[0].own.ask(["INFO", "commandstats"]).unwrap();
            stats
                .lines()
                .any(|line| line.starts_with("cmdstat_set:") && line.contains("rejected_calls="))
        };
        until("it was refused once", refused);
        cluster.share_slots();
        assert_eq!(waits.join().unwrap().unwrap(), "OK");
    });
}

#[test]
fn a_killed_node_is_an_error_at_once_and_its_keys_alone_are_gone() {
    let mut cluster = Cluster::of_three("killed", &["--cluster-require-full-coverage", "no"]);
    let keys = [0, 1, 2].map(|node| cluster.key_at(node));
    let broker = cluster.client();
    for key in &keys {
        broker.call(["SET", key, "1"]).unwrap();
    }
    let list = format!("list {{{}}}", keys[2]);
    let waits = broker.clone();
    let waits = std::thread::spawn(move || waits.call(["BRPOP", &list, "60"]).unwrap_err());
    until("the call waits at the node", || {
        let clients: String = cluster.nodes[2].own.ask(["CLIENT", "LIST"]).unwrap();
        clients.contains("cmd=brpop")
    });
    cluster.kill(2);
    let error = waits.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    // This connection breaks, too; then nobody listens, and the others still name the node.
    let _ = broker.call(["GET", &keys[2]]);
    let error = broker.call(["GET", &keys[2]]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("call again"), "{error}");
    for key in &keys[..2] {
        assert_eq!(broker.call(["GET", key]).unwrap(), "1");
    }
    // The node that the address names is gone: the other one is known.
    cluster.kill(0);
    let _ = broker.call(["PING"]);
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
    let twin = broker.clone();
    assert_eq!(twin.call(["GET", &keys[1]]).unwrap(), "1");
    assert_eq!(twin.watched(&keys[1]).unwrap().get().unwrap(), "1");
    assert!(twin.subscribe(["signals"]).is_ok());
}

#[test]
fn a_replica_takes_the_place_of_a_killed_node() {
    let mut cluster = Cluster::start("replica", 3, 1, &["--cluster-require-full-coverage", "no"]);
    cluster.share_slots();
    let key = cluster.key_at(2);
    let broker = cluster.client();
    let watched = broker.watched(&key).unwrap();
    broker.call(["SET", &key, "1"]).unwrap();
    until("the replica has it", || {
        let replicas: u64 = broker.ask(["WAIT", "1", "1000"]).unwrap();
        replicas == 1
    });
    cluster.kill(2);
    until("the replica has taken over", || {
        broker.call(["GET", &key]).is_ok()
    });
    broker.call(["SET", &key, "2"]).unwrap();
    until("the copy has it", || {
        watched.get().is_ok_and(|value| value == "2")
    });
}

#[test]
fn nodes_that_send_each_other_on_forever_are_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read) = client.read(&mut buffer) {
                    let answer = match () {
                        () if read == 0 => break,
                        () if buffer[..read].ends_with(b"PING\r\n") => "+PONG\r\n".into(),
                        () => format!("-MOVED 1 {place}\r\n"),
                    };
                    client.write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    let broker = Broker::connect(&format!("redis://{place}")).unwrap();
    let error = broker.call(["GET", "word"]).unwrap_err();
    assert_eq!(error.code(), Some("MOVED"));
    assert!(error.to_string().contains("sent on 16 times"), "{error}");
}

#[test]
fn a_worker_works_on_a_cluster() {
    let cluster = Cluster::of_three("worker", &[]);
    let broker = cluster.client();
    for task in ["1 100", "101 200"] {
        broker.call(["LPUSH", "tasks", task]).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
    command.args([&broker.url(), "anna"]).stdout(Stdio::null());
    labsupport::internal::stop_with_parent(&mut command);
    let mut worker = command.spawn().unwrap();
    until("all tasks are done", || {
        broker.ask::<u64>(["HLEN", "primes"]).unwrap() == 2
    });
    broker.call(["SET", "stop", "1"]).unwrap();
    assert!(worker.wait().unwrap().success());
    assert_eq!(broker.call(["HGET", "primes", "1 100"]).unwrap(), "25");
}
