//! A private message broker: a look (`GET`), a task put (`LPUSH`), a task claimed and acknowledged (`XADD`, `XREADGROUP`, `XACK`), and a
//! hand-off from one worker to another one (`LPUSH` here, `BRPOP` there).
//!
//! The server has a core of its own where there are two, as a broker on another machine would have. All peers ask the same server.

use crate::bench::Bench;
use crate::contest::{Contest, Target, per_op};
use crate::cores;
use crate::python::Twin;
use anyhow::{Context, Result, bail};
use broker::Broker;
use labsupport::process::Workers;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

pub(crate) const CONTESTS: usize = 2;

/// The Python of the labs' appendix has the client `redis`.
const PYTHON: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/labs/celery/bin/python"
);

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$4\r\nstop\r\n";
const GOT: &[u8] = b"$1\r\n0\r\n";

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let allowed = cores::allowed();
    let (client, server) = (allowed[0], *allowed.get(1).unwrap_or(&allowed[0]));
    let broker = match Broker::start_with(&[]) {
        Ok(broker) => broker,
        Err(why) => {
            bench.skip("broker", "all", &why.into())?;
            return Ok(());
        }
    };
    cores::stay_on(
        &[server],
        broker.pid().context("a private server has a process")?,
    );
    broker.call(["SET", "stop", "0"])?;
    broker.call(["XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM"])?;
    let url = broker.url();
    let socket = url
        .strip_prefix("unix://")
        .context("a private server has a socket")?;
    let placed = if client == server {
        vec![client]
    } else {
        vec![client, server]
    };
    cores::on(&[client], || {
        look(bench, &broker, socket, &placed)?;
        work(bench, &broker, socket, &placed)
    })
}

/// One look, beside the same bytes and beside the server's own benchmark with one connection.
fn look(bench: &mut Bench, broker: &Broker, socket: &str, cores: &[usize]) -> Result<()> {
    let n = if bench.quick { 200 } else { 5_000 };
    let mut bare = UnixStream::connect(socket)?;
    let look = || {
        Ok([per_op(n, || {
            broker
                .ask::<u64>(["GET", "stop"])
                .expect("the server lives")
        })])
    };
    let contest = Contest::new(["broker: GET".into()], cores, 21, look)
        .peer("the same bytes, bare socket", move || {
            Ok([per_op(n, || {
                let mut reply = [0; GOT.len()];
                bare.write_all(GET).expect("the server lives");
                bare.read_exact(&mut reply).expect("the server lives");
                assert_eq!(reply, GOT);
            })])
        })
        .peer("the server's own benchmark", || Ok([benchmark(socket, n)?]))
        .target(0, Target::Ratio(1.2));
    bench.run(contest)
}

/// A task put, claimed, and handed to another worker.
fn work(bench: &mut Bench, broker: &Broker, socket: &str, cores: &[usize]) -> Result<()> {
    let n = if bench.quick { 100 } else { 2_000 };
    let other = Workers::spawn(1, |_| -> () {
        loop {
            let task = broker
                .call(["BRPOP", "there", "1"])
                .expect("the server lives");
            if !task.is_nil() {
                broker
                    .call(["LPUSH", "back", "task"])
                    .expect("the server lives");
            }
        }
    });
    let call = |words: &[&str]| broker.call(words).expect("the server lives");
    let ours = || {
        let put = per_op(n, || call(&["LPUSH", "tasks", "task"]));
        call(&["DEL", "tasks"]);
        let claim = per_op(n, || {
            call(&["XADD", "jobs", "*", "task", "mail"]);
            let read = call(&[
                "XREADGROUP",
                "GROUP",
                "workers",
                "me",
                "COUNT",
                "1",
                "STREAMS",
                "jobs",
                ">",
            ]);
            let id = read.list().ok().and_then(|streams| {
                streams[0].list().ok()?[1].list().ok()?[0]
                    .list()
                    .ok()?
                    .first()
            });
            let id = id
                .and_then(|id| id.text().ok())
                .expect("the job that was added");
            call(&["XACK", "jobs", "workers", id])
        });
        call(&["XTRIM", "jobs", "MAXLEN", "0"]);
        let there_and_back = per_op(n, || {
            call(&["LPUSH", "there", "task"]);
            call(&["BRPOP", "back", "1"])
        });
        Ok([put, claim, there_and_back / 2.0])
    };
    let python = Twin::with(
        Path::new(PYTHON),
        &bench.folder,
        "broker",
        &[&socket, &cores[0]],
    )
    .context("`cargo labs setup --with celery` installs Python's client")
    .map(|mut twin| {
        move || {
            let seconds: [f64; 3] = twin.ask(n)?;
            Ok(seconds.map(|seconds| seconds * 1e9 / n as f64))
        }
    });
    let names = [
        "a task put",
        "a task added, claimed, acknowledged",
        "a hand-off between workers",
    ];
    let contest = Contest::new(names.map(|name| format!("broker: {name}")), cores, 15, ours)
        .peer_if("CPython with redis-py", python);
    let measured = bench.run(contest);
    drop(other);
    measured
}

/// Nanoseconds for a `GET`, as the benchmark says that comes with the server.
fn benchmark(socket: &str, n: u64) -> Result<f64> {
    for program in ["valkey-benchmark", "redis-benchmark"] {
        let mut command = Command::new(program);
        command.args([
            "-s",
            socket,
            "-c",
            "1",
            "-P",
            "1",
            "-n",
            &n.to_string(),
            "--csv",
            "GET",
            "stop",
        ]);
        let Ok(output) = command.output() else {
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let rate = said.lines().last().and_then(|line| {
            line.split(',')
                .nth(1)?
                .trim_matches('"')
                .parse::<f64>()
                .ok()
        });
        return Ok(1e9 / rate.with_context(|| format!("{program} said {said:?}"))?);
    }
    bail!("there is no valkey-benchmark or redis-benchmark here; apt-get install redis-tools")
}
