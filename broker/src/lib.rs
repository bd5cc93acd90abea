//! A message broker for worker processes: a private server that ends with its parent, or one on another machine.
//!
//! [`Broker::start`] starts a Valkey server that only this user can reach. [`Broker::call`] sends it a command of its own and waits for the
//! reply, and every wait has an end. Workers use the handle that they inherit:
//!
//! ```
//! use broker::prelude::*;
//! use labsupport::prelude::*;
//!
//! let broker = Broker::start()?;
//! let workers = Workers::spawn(3, |_| -> Result<u64, BrokerError> {
//!     let mut sum = 0;
//!     loop {
//!         let (_, task): (String, String) = broker.ask(["BRPOP", "tasks", "5"])?;
//!         match task.parse::<u64>() {
//!             Ok(task) => sum += task,
//!             Err(_) => return Ok(sum), // the pill
//!         }
//!     }
//! })?;
//! for task in 1..=60 {
//!     broker.call(["LPUSH", "tasks", &task.to_string()])?;
//! }
//! for _ in 0..3 {
//!     broker.call(["LPUSH", "tasks", "pill"])?;
//! }
//! let sums = workers.join()?.into_values()?.into_iter().collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(sums.iter().sum::<u64>(), 1830);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Commands and replies
//!
//! A command is an array of words, as the server's own documentation writes it. [`call`](Broker::call) returns a [`Reply`], which a cell
//! shows as `redis-cli` does. [`ask`](Broker::ask) turns it into a type of Rust's: a number, a `String`, an `Option`, a `Vec`, a pair, a
//! `HashMap` ([`FromReply`]).
//!
//! # Deadlines
//!
//! A call takes at most ten seconds, or as long as [`within`](Broker::within) says. A command that waits at the server (`BRPOP`, `BLMOVE`,
//! `XREAD … BLOCK`, `WAIT`) may wait as long as it says, and the ten seconds count from then on. With a time of 0 it would wait forever; it
//! ends at the limit, with an error that says so.
//!
//! A call is sent at most once. An error of the kind [`Disconnected`](ErrorKind::Disconnected) or [`TimedOut`](ErrorKind::TimedOut) means
//! that nobody knows whether the server has carried it out. The next call connects anew.
//!
//! # Processes and threads
//!
//! Each process that uses a handle has a connection of its own, and so has each clone. A thread gets a clone:
//!
//! ```
//! # use broker::prelude::*;
//! let broker = Broker::start()?;
//! let mine = broker.clone();
//! std::thread::spawn(move || mine.call(["SET", "word", "pill"])).join().expect("no panic")?;
//! assert_eq!(broker.call(["GET", "word"])?, "pill");
//! # Ok::<(), BrokerError>(())
//! ```
//!
//! # When the server dies
//!
//! A call that waits for a reply is an error at once. [`Broker::kill`] crashes a private server on purpose, and [`Broker::restart`] starts it
//! again in the same folder: what its settings had saved comes back, by default nothing. [`Broker::start_with`] has the settings.
//!
//! # Let the broker tell you
//!
//! [`Broker::subscribe`] listens to channels, [`Broker::watched`] keeps a copy of a key in this process until the server says that it has
//! changed.
//!
//! # Far away
//!
//! [`Broker::far`] puts a delay between this process and the server, with a valve for partitions.
//!
//! # Another server
//!
//! [`Broker::connect`] uses a server that runs already, on this machine or another one. If the environment variable `LABS_BROKER` has an
//! address, [`Broker::start`] connects to it too, and the server is shared with everybody who uses it.
//!
//! # TLS
//!
//! An address that begins with `rediss://` asks for TLS. Another program does it, `broker-tls`, which is started for each connection and ends
//! with it; `cargo labs setup --with tls` makes it. The server must have a certificate for the host's name, signed by an authority that the
//! system trusts. Settings at the end of the address, named as the options of `valkey-cli` and `redis-cli`, change that:
//!
//! | setting | what it is |
//! |---|---|
//! | `?cacert=/file.pem` | the authority to trust instead of the system's; without it, `LABS_BROKER_CA` names one for all addresses |
//! | `&sni=name` | the name to check, if it is not the host's |
//! | `&cert=/file.pem&key=/file.pem` | this client's own certificate, for a server that wants one |
//!
//! There is no way to leave out the check.
//!
//! # Clusters
//!
//! The address of one node is enough. A handle asks that node, follows it to the one that has the key, and remembers that. The same user,
//! password and TLS are used at every node. A slot may move and a replica may take over while a program works.
//!
//! * The first key of a command decides. All keys of a command, of a script and of a transaction must be in one slot: they have the same word
//!   in braces, as `{tasks}:todo` and `{tasks}:doing`, or `tasks` and `doing:{tasks}`.
//! * A transaction is at the node of its first key.
//! * A command without a key goes to the node that the address names. `KEYS`, `DBSIZE`, `SCAN`, `FLUSHALL` and `SCRIPT LOAD` know of that node
//!   alone. `WAIT` goes to the node that was asked last. A message goes to everybody, whichever node they listen at.
//! * What a cluster refuses for a moment (`CLUSTERDOWN`, `TRYAGAIN`) is sent again until the limit.
//! * [`Broker::far`] leads to the nodes that the cluster has when it is called.
//!
//! ```
//! use broker::prelude::*;
//! let broker = Broker::start()?; // or a cluster
//! broker.call(["RPUSH", "tasks", "2", "3"])?;
//! let task: String = broker.ask(["LMOVE", "tasks", "doing:{tasks}", "RIGHT", "LEFT"])?;
//! assert_eq!(task, "3");
//! # Ok::<(), BrokerError>(())
//! ```
//!
//! # Errors
//!
//! | kind | carried out? | what it is, and what to do |
//! |---|---|---|
//! | [`Invalid`](ErrorKind::Invalid) | no | an address, a setting or a command that cannot be right: the text says what to write |
//! | [`ServerMissing`](ErrorKind::ServerMissing) | no | no server program, or none for TLS: `cargo labs setup`, `cargo labs setup --with tls` |
//! | [`Refused`](ErrorKind::Refused) | no | nothing listens; a certificate is expired, for another host or signed by a stranger; the server wants a client's certificate; no TLS where TLS was asked for; a node of a cluster is gone and has no replica yet: the text says which |
//! | [`Disconnected`](ErrorKind::Disconnected) | perhaps | the connection broke, or the program for TLS was killed. The next call connects anew |
//! | [`TimedOut`](ErrorKind::TimedOut) | perhaps | no answer within the limit. A server without TLS may say nothing at all to a client with it |
//! | [`Server`](ErrorKind::Server), `MOVED`, `ASK` | no | a transaction whose keys are not at one node, or nodes that name each other without an end |
//! | [`Server`](ErrorKind::Server), `CROSSSLOT` | no | keys of several slots in one command: the same word in braces |
//! | [`Server`](ErrorKind::Server), `CLUSTERDOWN`, `TRYAGAIN` | no | the cluster was not ready within the limit |
//! | [`Server`](ErrorKind::Server), `NOSCRIPT` | no | each node knows only the scripts that were sent to it: `EVAL` |
//! | [`Server`](ErrorKind::Server), others | as the server says | its words, and what to do about the usual ones |
//! | [`WrongType`](ErrorKind::WrongType) | yes | the reply is of another type than was asked for |
//! | [`Unreadable`](ErrorKind::Unreadable) | perhaps | the address is that of another program, or of TLS without `rediss://` |
//! | [`DidNotStart`](ErrorKind::DidNotStart), [`NotOwner`](ErrorKind::NotOwner), [`Os`](ErrorKind::Os) | no | a private server's start, a worker that may not do this, a system without room |
//!
//! # Where the server comes from
//!
//! The first of: the program that `LABS_BROKER_PROGRAM` names, the one that `cargo labs setup` has downloaded, `valkey-server` or
//! `redis-server` in `PATH`.

mod address;
mod blocking;
mod broker;
mod cluster;
mod connection;
mod deadline;
mod error;
mod folder;
mod from_reply;
pub mod internal;
mod keys;
mod nodes;
pub mod prelude;
mod program;
mod proxy;
mod reply;
mod resp;
mod server;
mod stream;
mod subscription;
mod tls;
mod watched;

pub use broker::{Broker, Restarted};
pub use error::{BrokerError, ErrorKind};
pub use from_reply::FromReply;
pub use proxy::Proxy;
pub use reply::Reply;
pub use subscription::{Message, Subscription};
pub use watched::Watched;

labsupport::shown_in_words!(Broker, BrokerError, Message, Proxy, Reply, Restarted);

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
