//! A message broker for worker processes: a private server that ends with its parent, and a client whose every wait has an end.
//!
//! # Modules

mod address;
mod blocking;
mod broker;
mod connection;
mod deadline;
mod error;
mod folder;
mod from_reply;
pub mod internal;
pub mod prelude;
mod program;
mod proxy;
mod reply;
mod server;
mod stream;
mod subscription;
mod watched;

pub use broker::{Broker, Restarted};
pub use error::{BrokerError, ErrorKind};
pub use from_reply::FromReply;
pub use proxy::Proxy;
pub use reply::Reply;
pub use subscription::{Message, Subscription};
pub use watched::Watched;

labsupport::shown_in_words!(Broker, BrokerError, Message, Proxy, Reply, Restarted);
