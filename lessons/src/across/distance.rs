use broker::{Broker, BrokerError};
use labsupport::measure::{Samples, measure, time};
use std::time::Duration;

/// What four ways to coordinate cost from some distance, each in seconds.
#[derive(Clone, Debug)]
pub struct Distance {
    /// A look: one `GET`.
    pub asked: Samples,
    /// A look at a key that the broker watches for us.
    pub watched: Samples,
    /// Ten tasks, each taken by a call of its own.
    pub ten_calls: Samples,
    /// Ten tasks, taken by one call.
    pub one_call: Samples,
}

/// How often each is measured.
const TURNS: usize = 7;

/// Measures them with everything that is sent held up for `delay`, on each of the two ways.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use lessons::across::distance;
/// use std::time::Duration;
/// let broker = Broker::start()?;
/// let far = distance(&broker, Duration::from_millis(2))?;
/// assert!(far.asked.min() >= 0.004); // there and back
/// assert!(far.watched.median() < far.asked.median());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The broker cannot be asked.
pub fn distance(broker: &Broker, delay: Duration) -> Result<Distance, BrokerError> {
    let proxy = broker.far(delay)?;
    let far = proxy.broker();
    let seconds = |turn: &dyn Fn() -> Result<(), BrokerError>| -> Result<Samples, BrokerError> {
        turn()?; // the first one connects
        let turns = (0..TURNS).map(|_| {
            let timed = time(turn);
            timed.value.map(|()| timed.elapsed.as_secs_f64())
        });
        Ok(Samples::new("s", turns.collect::<Result<Vec<f64>, _>>()?))
    };
    let asked = seconds(&|| far.call(["GET", "lab06:stop"]).map(drop))?;
    let flag = far.watched("lab06:stop")?;
    flag.get()?;
    let watched = measure(TURNS, || flag.get().is_ok());
    let watched = Samples::new(
        "s",
        watched
            .values()
            .iter()
            .map(|ns| ns * 1e-9)
            .collect::<Vec<_>>(),
    );
    let mut fill = vec!["LPUSH", "lab06:tasks"];
    fill.extend(["task"; 10]);
    let fill = || broker.call(&fill).map(drop); // from nearby
    let ten_calls = seconds(&|| {
        fill()?;
        (0..10).try_for_each(|_| far.call(["RPOP", "lab06:tasks"]).map(drop))
    })?;
    let one_call = seconds(&|| {
        fill()?;
        far.call(["RPOP", "lab06:tasks", "10"]).map(drop)
    })?;
    Ok(Distance {
        asked,
        watched,
        ten_calls,
        one_call,
    })
}
