use super::{LIMIT, ask};
use broker::{Broker, Reply};
use labsupport::process::Workers;
use labsupport::shared::Flag;
use std::time::{Duration, Instant};

/// How long a lease lasts, in milliseconds. Nothing depends on it: the one process waits until the lease is gone.
const LEASE: &str = "20";

/// In how many of `runs` runs the text of a writer whose lease had run out is what stays.
///
/// In each run a worker takes the lease, and a token: the number of this lease, which only grows. Then it is paused, as by a long garbage
/// collection. Its lease runs out, another worker takes the next one and writes *new*. Then the first worker goes on, and writes *old*.
/// Both call `write` with their token and their text, which write to the key `file`.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use lessons::across::late_writes;
/// let broker = Broker::start()?;
/// let blind = |broker: &Broker, _token: u64, text: &str| {
///     broker.call(["SET", "file", text]).unwrap();
/// };
/// assert_eq!(late_writes(&broker, 3, blind), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// `write` panics in a worker, a worker does not come home, or the broker cannot be asked.
pub fn late_writes(broker: &Broker, runs: u64, write: impl Fn(&Broker, u64, &str)) -> u64 {
    (0..runs).filter(|_| is_overwritten(broker, &write)).count() as u64
}

fn is_overwritten(broker: &Broker, write: &dyn Fn(&Broker, u64, &str)) -> bool {
    let call = |words: &[&str]| -> Reply { ask(broker, words) };
    // Takes the lease, and gives it its number.
    let take = || {
        let clock = Instant::now();
        while call(&["SET", "lab06:lease", "taken", "NX", "PX", LEASE]).is_nil() {
            assert!(clock.elapsed() < LIMIT, "the lease does not run out");
            std::thread::sleep(Duration::from_millis(1));
        }
        ask::<u64>(broker, &["INCR", "lab06:token"])
    };
    for key in ["file", "newest"] {
        call(&["DEL", key]);
    }
    let [has_lease, may_go_on] = [(); 2].map(|()| Flag::new().expect("a flag"));
    let paused = Workers::spawn(1, |_| {
        let token = take();
        has_lease.set();
        wait_for(&may_go_on); // the pause
        write(broker, token, "old");
    });
    wait_for(&has_lease);
    let other = Workers::spawn(1, |_| write(broker, take(), "new")); // take() waits until the first lease has run out
    let home = |crew: Workers<()>| {
        let report = crew.join_timeout(LIMIT).expect("a worker is joined");
        report
            .into_values()
            .unwrap_or_else(|error| panic!("{error}"));
    };
    home(other.expect("a worker starts"));
    may_go_on.set();
    home(paused.expect("a worker starts"));
    broker
        .ask::<String>(["GET", "file"])
        .is_ok_and(|text| text == "old")
}

fn wait_for(flag: &Flag) {
    let clock = Instant::now();
    while !flag.is_set() {
        assert!(
            clock.elapsed() < LIMIT,
            "the other worker did not come so far"
        );
        std::thread::yield_now();
    }
}
