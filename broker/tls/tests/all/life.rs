//! All that a broker does, over TLS; and what remains when one of the three processes is killed.

use crate::front::{Front, file};
use broker::prelude::*;
use labsupport::prelude::*;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A copy of the authority's certificate. By its path a test knows the relays that are its own.
struct Ca(PathBuf);

impl Ca {
    fn new(name: &str) -> Ca {
        let copy = std::env::temp_dir().join(format!("labs-ca-{name}-{}.pem", std::process::id()));
        fs::copy(file("ca.pem"), &copy).unwrap();
        Ca(copy)
    }

    fn url(&self, front: &Front) -> String {
        format!("{}?cacert={}", front.bare_url(), self.0.display())
    }

    /// The processes of the relays that run.
    fn relays(&self) -> Vec<u32> {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(self.0.to_str().unwrap())
        })
        .collect()
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn until(words: &str, mut what: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "waited in vain: {words}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn calls_messages_watched_keys_workers_and_distance_work_over_tls() {
    let front = Front::with("server.pem");
    let broker = Broker::connect(&front.url("localhost", "")).unwrap();

    let large = "x".repeat(3_000_000);
    broker.call(["SET", "large", &large]).unwrap();
    assert_eq!(broker.ask::<String>(["GET", "large"]).unwrap(), large);

    let mut signals = broker.subscribe(["signals"]).unwrap();
    broker.call(["PUBLISH", "signals", "stop"]).unwrap();
    let message = signals.next(Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!(message.text().unwrap(), "stop");

    let stop = broker.watched("stop").unwrap();
    assert!(!stop.is_set().unwrap());
    broker.call(["SET", "stop", "1"]).unwrap();
    until("the news is here", || stop.is_set().unwrap());

    let workers = Workers::spawn(3, |_| {
        assert!(stop.is_set().unwrap());
        broker.ask::<u64>(["INCR", "epoch"]).unwrap()
    });
    let mut epochs = workers.unwrap().join().unwrap().into_values().unwrap();
    epochs.sort();
    assert_eq!(epochs, [1, 2, 3]);
    // The workers' copies are gone, and this connection stands.
    assert_eq!(broker.call(["GET", "epoch"]).unwrap(), "3");

    let proxy = broker.far(Duration::from_millis(2)).unwrap();
    let far = proxy.broker();
    assert_eq!(far.call(["GET", "epoch"]).unwrap(), "3");
    let look = time(|| far.call(["GET", "epoch"]).unwrap());
    assert!(look.elapsed >= Duration::from_millis(4));
}

#[test]
fn a_relay_ends_with_its_connection_and_is_collected() {
    let front = Front::with("server.pem");
    let ca = Ca::new("collected");
    let broker = Broker::connect(&ca.url(&front)).unwrap();
    let watched = broker.watched("stop").unwrap();
    let relays = ca.relays();
    assert_eq!(relays.len(), 2);
    // One that has ended and was not collected still has its folder.
    let left = || {
        let folder = |pid: &&u32| fs::exists(format!("/proc/{pid}")).unwrap();
        relays.iter().filter(folder).count()
    };
    drop(broker);
    assert_eq!(left(), 1);
    drop(watched);
    until("the listening thread has let go", || left() == 0);
}

#[test]
fn a_killed_relay_is_an_error_at_once_and_the_next_call_has_another() {
    let front = Front::with("server.pem");
    let ca = Ca::new("killed");
    let broker = Broker::connect(&ca.url(&front)).unwrap();
    let [relay] = ca.relays()[..] else {
        panic!("there is one relay")
    };
    let waiting = std::thread::spawn(move || {
        let error = broker.call(["BRPOP", "nothing", "60"]).unwrap_err();
        (error, broker)
    });
    until("the call waits at the server", || {
        let clients: String = front.broker.ask(["CLIENT", "LIST"]).unwrap();
        clients.contains("cmd=brpop")
    });
    labsupport::internal::send_signal(relay as i32, 9).unwrap();
    let (error, broker) = waiting.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
    assert_ne!(ca.relays(), [relay]);
}

#[test]
fn a_relay_ends_with_the_process_that_started_it() {
    let front = Front::with("server.pem");
    let ca = Ca::new("parent");
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "life::connects_and_waits",
            "--ignored",
            "--nocapture",
        ])
        .env("TESTS_URL", ca.url(&front))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let ready = lines
        .map_while(Result::ok)
        .find(|line| line.contains("connected"));
    assert!(ready.is_some());
    // The connections of the parent and of its worker.
    assert_eq!(ca.relays().len(), 2);
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("no relay is left", || ca.relays().is_empty());
}

#[test]
fn a_relay_ends_with_its_parent_even_if_somebody_holds_its_connection() {
    let front = Front::with("server.pem");
    let ca = Ca::new("held");
    let (mut held, theirs) = UnixStream::pair().unwrap();
    let server = TcpStream::connect(("localhost", front.port)).unwrap();
    // A shell without job control gives a program in the background no input of its own accord.
    let script = r#"exec 3<&0; "$0" $$ localhost --cacert "$1" <&3 & wait"#;
    let mut parent = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_broker-tls")])
        .arg(&ca.0)
        .stdin(OwnedFd::from(theirs))
        .stdout(OwnedFd::from(server))
        .spawn()
        .unwrap();
    let mut trusted = [0];
    held.read_exact(&mut trusted).unwrap();
    assert_eq!(&trusted, b"\n");
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("no relay is left", || ca.relays().is_empty());
}

#[test]
#[ignore = "a part of a test above"]
fn connects_and_waits() {
    let broker = Broker::connect(&std::env::var("TESTS_URL").unwrap()).unwrap();
    let _workers = Workers::spawn(1, |_| {
        broker.call(["PING"]).unwrap();
        println!("connected");
        broker.call(["BRPOP", "nothing", "60"]).map(drop)
    });
    broker.call(["BRPOP", "nothing", "60"]).unwrap();
}
