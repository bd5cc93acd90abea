//! The names that a lab uses: `use broker::prelude::*;`.

pub use crate::{
    Broker, BrokerError, ErrorKind, FromReply, Message, Proxy, Reply, Restarted, Subscription,
    Watched,
};
