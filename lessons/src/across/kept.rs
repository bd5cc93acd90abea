use broker::{Broker, BrokerError};
use labsupport::measure::{Samples, measure};

/// What a server kept that was killed, and what a write to it cost.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Writes that the server had answered when it was killed.
    pub answered: u64,
    /// Of these, how many a new server found.
    pub found: u64,
    /// One write, in ns.
    pub price: Samples,
}

/// Starts a server with `settings`, writes `writes` keys one after the other, and calls `halfway` after half of them. Then it kills the server
/// (SIGKILL), starts it again with the same settings, and counts the keys.
///
/// # Examples
/// ```
/// use lessons::across::kept;
/// let nothing = kept(&[], 100, |_| ())?;
/// assert_eq!((nothing.answered, nothing.found), (100, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The server does not start, or does not answer.
pub fn kept(
    settings: &[(&str, &str)],
    writes: u64,
    halfway: impl Fn(&Broker),
) -> Result<Kept, BrokerError> {
    let broker = Broker::start_with(settings)?;
    for number in 0..writes {
        if number == writes / 2 {
            halfway(&broker);
        }
        broker.call(["SET", &format!("key {number}"), "written"])?;
    }
    let price = measure(20, || broker.call(["SET", "key 0", "written"]));
    broker.kill()?;
    broker.restart()?;
    let found = broker.ask::<u64>(["DBSIZE"])?;
    Ok(Kept {
        answered: writes,
        found,
        price,
    })
}
