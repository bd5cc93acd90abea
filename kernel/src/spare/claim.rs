//! The front's side: telling the keeper when a notebook computes, and asking it for a spare.

use super::ADDRESS;
use crate::place::{Place, peer_is_us};
use crate::session::{Session, config};
use std::io::Write;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A keeper that does not take a line by then is not waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The connection to the keeper, as long as this notebook lives.
#[derive(Clone)]
pub struct Keeper(Arc<UnixStream>);

impl Keeper {
    /// Connects to the keeper that the environment names, if there is one and it is this user's.
    pub fn connect() -> Option<Keeper> {
        let name = std::env::var_os(ADDRESS)?;
        let address = SocketAddr::from_abstract_name(name.as_encoded_bytes()).ok()?;
        let stream = UnixStream::connect_addr(&address).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        peer_is_us(&stream).then(|| Keeper(Arc::new(stream)))
    }

    /// Says that this notebook computes, or no longer does.
    pub fn tell_busy(&self, busy: bool) {
        self.say(if busy { "busy" } else { "idle" });
    }

    fn say(&self, word: &str) -> bool {
        (&*self.0).write_all(format!("{word}\n").as_bytes()).is_ok()
    }
}

/// Asks for a spare for a notebook in `folder`. `None`: start one yourself.
pub fn claim(keeper: &Keeper, place: &Place, folder: &Path) -> Option<Session> {
    // Spares are made for the labs' configuration.
    let own = config::path(folder, place).canonicalize().ok()?;
    let labs = place.notebooks().join(config::NAME).canonicalize().ok()?;
    if own != labs || !keeper.say("claim") {
        return None;
    }
    let taken = Session::take_over(&keeper.0).and_then(|session| {
        if let Some(session) = &session {
            session.move_to(folder)?;
        }
        Ok(session)
    });
    taken.unwrap_or_else(|error| {
        eprintln!("The spare kernel could not be taken over ({error:#}); starting one.");
        None
    })
}
