//! What lab 06 measures on a broker: looks, distance, claims, kills, leases, and what a killed server keeps. A file for each.
//!
//! The lab shows the protocols themselves, each a few of the broker's commands. Here is what runs them again and again, kills a worker at a
//! point with a name, and counts.

mod claims;
mod distance;
mod kept;
mod killed;
mod lease;
mod looks;
mod peers;

use broker::{Broker, FromReply};
use std::time::Duration;

/// No worker here takes longer, on any machine.
const LIMIT: Duration = Duration::from_secs(60);

pub use claims::winners;
pub use distance::{Distance, distance};
pub use kept::{Kept, kept};
pub use killed::{POINTS, Takes, claim_or_read, effects, effects_table};
pub use lease::late_writes;
pub use looks::lost_to_looks;
pub use peers::{PeerError, celery, kafka};

/// The reply to a command. What is measured here runs in cells and workers, where an error of the broker's may end it: a panic with its words.
pub(crate) fn ask<T: FromReply>(broker: &Broker, command: &[&str]) -> T {
    let reply = broker.ask(command);
    reply.unwrap_or_else(|error| panic!("{error}"))
}
