//! What a broker costs, as `cargo run --release -p broker --example measure` measures it: the start, the memory, a round trip beside the same
//! bytes on a bare socket, and a look at a watched key. If `redis-benchmark` or `valkey-benchmark` is in PATH, its figure stands beside them.
//!
//! With addresses behind `--` it measures those servers instead, in turn: a new connection, and a GET. So the price of TLS shows if a server has
//! a port with it and one without.

use broker::prelude::*;
use labsupport::prelude::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const CALLS: usize = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", machine());
    let urls: Vec<String> = std::env::args().skip(1).collect();
    if !urls.is_empty() {
        return Ok(compare(&urls)?);
    }
    let starts: Vec<f64> = (0..20)
        .map(|_| {
            let begun = Instant::now();
            let broker = Broker::start_with(&[])?;
            broker.call(["PING"])?;
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        })
        .collect::<Result<_, BrokerError>>()?;
    show("start to first answer", "ms", starts);

    let broker = Broker::start_with(&[])?;
    broker.call(["SET", "stop", "0"])?;
    println!("memory: {:.1} MB", broker.memory()? as f64 / 1e6);

    let socket = broker.url();
    let socket = socket.strip_prefix("unix://").expect("a private server");
    let mut bare = UnixStream::connect(socket)?;
    let (mut ours, mut theirs, mut pushes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(each(|| broker.call(["GET", "stop"]).map(drop))?);
        theirs.push(each(|| round_trip(&mut bare))?);
        pushes.push(each(|| broker.call(["LPUSH", "tasks", "1"]).map(drop))?);
        broker.call(["DEL", "tasks"])?;
    }
    show("GET", "µs", ours.clone());
    show("the same bytes on a bare socket", "µs", theirs.clone());
    let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs);
    show("GET beside the bare socket", "times", ratios.collect());
    show("LPUSH", "µs", pushes);
    if let Some((program, micros)) = benchmark(socket) {
        println!("{program}, GET, one connection: {micros:.1} µs");
    }

    let stop = broker.watched("stop")?;
    let flag = Flag::new()?;
    let mut looks = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        looks.0.push(measure(200, || stop.is_set()).median());
        looks.1.push(measure(200, || flag.is_set()).median());
    }
    show("look at a watched key", "ns", looks.0);
    show("look at a flag in shared memory", "ns", looks.1);

    for milliseconds in [0, 1, 5, 25] {
        let proxy = broker.far(Duration::from_millis(milliseconds))?;
        let far = proxy.broker();
        far.call(["PING"])?;
        let times: Vec<f64> = (0..20)
            .map(|_| {
                let begun = Instant::now();
                far.call(["GET", "stop"])?;
                Ok(begun.elapsed().as_secs_f64() * 1e3)
            })
            .collect::<Result<_, BrokerError>>()?;
        show(
            &format!("GET through {milliseconds} ms each way"),
            "ms",
            times,
        );
    }
    Ok(())
}

/// A connection and a GET at each address.
fn compare(urls: &[String]) -> Result<(), BrokerError> {
    let mut all = vec![(Vec::new(), Vec::new()); urls.len()];
    for _ in 0..ROUNDS {
        for (url, (connects, gets)) in urls.iter().zip(&mut all) {
            for _ in 0..10 {
                let begun = Instant::now();
                let broker = Broker::connect(url)?;
                connects.push(begun.elapsed().as_secs_f64() * 1e3);
                drop(broker);
            }
            let broker = Broker::connect(url)?;
            gets.push(each(|| broker.call(["GET", "stop"]).map(drop))?);
        }
    }
    for (url, (connects, gets)) in urls.iter().zip(all) {
        let broker = Broker::connect(url)?;
        println!("{}", broker.url());
        show("connection to first answer", "ms", connects);
        show("GET", "µs", gets);
    }
    Ok(())
}

/// Microseconds for one of many calls.
fn each<E>(mut call: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    for _ in 0..1000 {
        call()?;
    }
    let begun = Instant::now();
    for _ in 0..CALLS {
        call()?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / CALLS as f64)
}

/// A GET as a program would write it that knows the reply's length beforehand.
fn round_trip(stream: &mut UnixStream) -> std::io::Result<()> {
    stream.write_all(b"*2\r\n$3\r\nGET\r\n$4\r\nstop\r\n")?;
    let mut reply = [0; 7];
    stream.read_exact(&mut reply)?;
    assert_eq!(&reply, b"$1\r\n0\r\n");
    Ok(())
}

/// Microseconds for a GET, as the server's own benchmark says.
fn benchmark(socket: &str) -> Option<(&'static str, f64)> {
    ["valkey-benchmark", "redis-benchmark"]
        .into_iter()
        .find_map(|program| {
            let output = Command::new(program)
                .args(["-s", socket, "-c", "1", "-P", "1", "-n", "100000"])
                .args(["--csv", "GET", "stop"])
                .output()
                .ok()?;
            let said = String::from_utf8(output.stdout).ok()?;
            let rate = said.lines().last()?.split(',').nth(1)?;
            let rate: f64 = rate.trim_matches('"').parse().ok()?;
            Some((program, 1e6 / rate))
        })
}

fn show(what: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
    println!(
        "{what}: {:.3} {unit} ({:.3} to {:.3})",
        at(0.5),
        at(0.25),
        at(0.75)
    );
}
