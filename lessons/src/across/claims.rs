use super::LIMIT;
use broker::Broker;
use labsupport::process::Workers;
use labsupport::shared::Barrier;

/// How many workers claim the same thing at once.
const WORKERS: usize = 4;

/// How many of four workers believed that they had won, in each of `rounds` rounds.
///
/// In a round all four call `claim` at the same moment, with the key of that round and a name of their own. `claim` says whether its worker
/// has won. With a right protocol, every entry of the result is 1.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use lessons::across::winners;
/// let broker = Broker::start()?;
/// let first = |broker: &Broker, key: &str, me: &str| !broker.call(["SET", key, me, "NX"]).unwrap().is_nil();
/// assert_eq!(winners(&broker, 50, first), [1; 50]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// `claim` panics in a worker, or a worker does not come home.
pub fn winners(
    broker: &Broker,
    rounds: usize,
    claim: impl Fn(&Broker, &str, &str) -> bool,
) -> Vec<usize> {
    let start = Barrier::new(WORKERS).expect("a barrier");
    let crew = Workers::spawn(WORKERS, |w| {
        let me = format!("worker {}", w.index());
        let rounds = (0..rounds).map(|round| {
            let key = format!("lab06:round {round}");
            start.wait();
            let won = claim(broker, &key, &me);
            start.wait(); // all have claimed
            let _ = broker.call(["UNLINK", &key]);
            won
        });
        rounds.collect::<Vec<bool>>()
    });
    let report = crew.expect("workers start").join_timeout(LIMIT);
    let won = report.expect("workers are joined").into_values();
    let won = won.unwrap_or_else(|error| panic!("{error}"));
    (0..rounds)
        .map(|round| won.iter().filter(|worker| worker[round]).count())
        .collect()
}
