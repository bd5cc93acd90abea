//! The appendix of lab 06: what the programs of `notebooks/peers` say of Celery and Kafka, and what they leave behind.
//!
//! A step of its own in `cargo labs test --night`. The server is a private one, of the program that `LABS_BROKER_PROGRAM` names, that
//! `cargo labs setup` has installed, or that is in PATH.

use crate::common::{SOON, alive, family, kill};
use labs::environment::appendix::Appendix;
use labs::place::Place;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A guard against hanging.
const LIMIT: Duration = Duration::from_secs(30);

/// They keep both cores busy.
static ALONE: Mutex<()> = Mutex::new(());

/// A Valkey or Redis server at a socket in a folder of its own. It ends with the test.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Server {
        let home = Place::find().unwrap().home.join("broker/valkey-server");
        let path = std::env::var_os("PATH").unwrap();
        let in_path = ["valkey-server", "redis-server"]
            .into_iter()
            .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
        let named = std::env::var_os("LABS_BROKER_PROGRAM").map(PathBuf::from);
        let program = named
            .into_iter()
            .chain([home])
            .chain(in_path)
            .find(|program| program.is_file())
            .expect("no server: install valkey-server, or name it with LABS_BROKER_PROGRAM");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command
            .args(["--port", "0", "--save", "", "--unixsocket", "socket"])
            .current_dir(&folder)
            .stdout(Stdio::null());
        // SAFETY: a call of the kernel, which allocates nothing.
        unsafe {
            command.pre_exec(
                || match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                },
            );
        }
        let server = Server {
            process: command.spawn().unwrap(),
            folder,
        };
        let begin = Instant::now();
        while UnixStream::connect(server.socket()).is_err() {
            assert!(begin.elapsed() < LIMIT, "the server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The first line of the answer to a command.
    fn says(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        write!(stream, "{command}\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program of the appendix.
fn program(name: &str) -> Command {
    let place = Place::find().unwrap();
    Appendix::Celery.set_up(&place).unwrap();
    let python = Appendix::Celery.venv(&place).join("bin/python");
    let mut command = labs_launcher::venv::python(python);
    command
        .arg(Appendix::Celery.programs(&place).join(name))
        .env_remove("LABS_KAFKA");
    command
}

/// The rows of the table, once it is certain that each is complete and held.
fn rows(output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = document["rows"].as_array().unwrap().clone();
    for row in &rows {
        assert_eq!(row["failed"], Value::Null, "{row}");
        for text in ["experiment", "done", "source", "seen"] {
            assert!(
                row[text].as_str().is_some_and(|text| !text.is_empty()),
                "{text}: {row}"
            );
        }
        if row["experiment"] != "mock broker" {
            assert_ne!(row["promise"], "", "{row}");
            assert_eq!(row["held"], true, "{row}");
        }
    }
    rows
}

/// How many rows each experiment has.
fn counted(rows: &[Value]) -> BTreeMap<&str, usize> {
    rows.iter().fold(BTreeMap::new(), |mut counts, row| {
        *counts
            .entry(row["experiment"].as_str().unwrap())
            .or_default() += 1;
        counts
    })
}

/// The effects of those rows, in order, in which something was done that contains `words`.
fn effects(rows: &[Value], words: &str) -> Vec<u64> {
    let done = |row: &&Value| row["done"].as_str().unwrap().contains(words);
    rows.iter()
        .filter(done)
        .filter_map(|row| row["effects"].as_u64())
        .collect()
}

/// Starts a lab and kills it when so many processes run that it is in the midst of its work. All of them must end, and soon.
fn killed(mut command: Command, processes: usize) {
    let mut lab = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = drained(lab.stderr.take().unwrap());
    let begin = Instant::now();
    let all = loop {
        let all = family(lab.id());
        if all.len() >= processes {
            break all;
        }
        assert!(
            lab.try_wait().unwrap().is_none(),
            "it has ended: {}",
            said.lock().unwrap()
        );
        assert!(
            begin.elapsed() < LIMIT,
            "it never had {processes} processes"
        );
    };
    kill(lab.id());
    lab.wait().unwrap();
    let killed = Instant::now();
    let left = || {
        all.iter()
            .copied()
            .filter(|&pid| alive(pid))
            .collect::<Vec<u32>>()
    };
    while !left().is_empty() && killed.elapsed() < SOON {
        std::thread::sleep(Duration::from_millis(10));
    }
    let left = left();
    left.iter().copied().for_each(kill); // a test that fails leaves nothing either
    assert!(left.is_empty(), "these processes lived: {left:?}");
}

/// Reads what a program says, so that it does not wait for a reader.
fn drained(mut stderr: ChildStderr) -> std::sync::Arc<Mutex<String>> {
    let said = std::sync::Arc::new(Mutex::new(String::new()));
    let all = said.clone();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        *all.lock().unwrap() = text;
    });
    said
}

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
#[ignore = "takes half a minute, and needs a server"]
fn celery_does_what_its_documentation_promises() {
    let _alone = alone();
    let server = Server::start();
    let mut lab = program("celery_lab.py");
    let output = lab
        .args(["--table", "json", "--broker"])
        .arg(server.socket())
        .output()
        .unwrap();
    let rows = rows(&output);
    let expected = [
        ("cold shutdown (QUIT)", 2),
        ("kill -9 of a process", 12),
        ("kill -9 of a worker", 2),
        ("poison pills", 1),
        ("revoke(terminate=True)", 4),
        ("sources", 10),
        ("visibility timeout", 1),
        ("warm shutdown (TERM)", 2),
    ];
    assert_eq!(counted(&rows), BTreeMap::from(expected));
    // At no point, after the take, after the effect.
    for (late, reject, expected) in [
        ("False", "False", [1, 0, 1]),
        ("False", "True", [1, 0, 1]),
        ("True", "False", [1, 0, 1]),
        ("True", "True", [1, 1, 2]),
    ] {
        let setting = format!("acks_late={late}, reject_on_worker_lost={reject}:");
        assert_eq!(effects(&rows, &setting), expected, "{setting}");
    }
    assert_eq!(server.says("DBSIZE"), ":0", "keys are left");
}

#[test]
#[ignore = "needs a server"]
fn nothing_of_celery_outlives_its_lab() {
    let _alone = alone();
    let server = Server::start();
    let lab = |words: &[&str]| {
        let mut lab = program("celery_lab.py");
        lab.arg("--broker").arg(server.socket()).args(words);
        lab
    };
    // The lab, four workers, and a process of each one's pool.
    killed(lab(&["--only", "lost"]), 9);
    // A killed lab leaves its keys. The next one removes them, when the key that says that it is alive has expired.
    assert_ne!(server.says("DBSIZE"), ":0");
    let expire = r#"EVAL "for _, key in ipairs(redis.call('KEYS', 'celery-lab:*:alive')) do redis.call('DEL', key) end" 0"#;
    server.says(expire);
    assert!(
        lab(&["--only", "sources"])
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_eq!(server.says("DBSIZE"), ":0", "keys are left");
}

#[test]
#[ignore = "takes half a minute"]
fn kafka_does_what_its_documentation_promises() {
    let _alone = alone();
    let output = program("kafka_lab.py")
        .args(["--table", "json"])
        .output()
        .unwrap();
    let rows = rows(&output);
    let expected = [
        ("kill -9 of a consumer", 6),
        ("leaving a group", 2),
        ("mock broker", 4),
        ("rebalance", 2),
        ("slow consumer", 1),
        ("sources", 1),
    ];
    assert_eq!(counted(&rows), BTreeMap::from(expected));
    assert_eq!(effects(&rows, "committed before the work"), [1, 0, 1]);
    assert_eq!(effects(&rows, "committed after the work"), [1, 2, 1]);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("MOCK"),
        "it says what it was measured with"
    );
}

#[test]
#[ignore = "needs the appendix"]
fn nothing_of_kafka_outlives_its_lab() {
    let _alone = alone();
    killed(program("kafka_lab.py"), 8);
}

#[test]
#[ignore = "needs the appendix"]
fn a_missing_server_is_a_sentence() {
    let _alone = alone();
    let celery = program("celery_lab.py")
        .args(["--broker", "/nowhere/socket"])
        .output()
        .unwrap();
    let kafka = program("kafka_lab.py")
        .env("LABS_KAFKA", "127.0.0.1:1")
        .output()
        .unwrap();
    for (output, sentence, advice) in [
        (
            celery,
            "No Redis or Valkey server answers at unix:///nowhere/socket",
            "--broker redis://",
        ),
        (
            kafka,
            "No Kafka broker answers at 127.0.0.1:1",
            "LABS_KAFKA=HOST:PORT",
        ),
    ] {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(sentence) && said.contains(advice), "{said}");
        assert!(!said.contains("Traceback"), "{said}");
    }
}
