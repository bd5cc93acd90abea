//! The front's side: telling the keeper when a notebook computes, and asking it for a spare.

use super::ADDRESS;
use crate::place::{Place, peer_is_us};
use crate::session::{Session, config, launch};
use std::io::Write;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for a keeper that does not take a line.
const PATIENCE: Duration = Duration::from_millis(500);

/// The keeper that the environment names, and a connection to it that lasts as long as this notebook.
#[derive(Clone, Debug)]
pub struct Keeper {
    address: SocketAddr,
    stream: Arc<UnixStream>,
}

impl Keeper {
    /// Connects to the keeper that the environment names, if there is one and it is this user's.
    pub fn connect() -> Option<Keeper> {
        Keeper::at(std::env::var_os(ADDRESS)?.as_encoded_bytes())
    }

    fn at(name: &[u8]) -> Option<Keeper> {
        let address = SocketAddr::from_abstract_name(name).ok()?;
        let stream = Arc::new(connect(&address)?);
        Some(Keeper { address, stream })
    }

    /// Says that this notebook computes, or no longer does.
    pub fn tell_busy(&self, busy: bool) {
        say(&self.stream, if busy { "busy" } else { "idle" });
    }
}

fn connect(address: &SocketAddr) -> Option<UnixStream> {
    let stream = UnixStream::connect_addr(address).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    peer_is_us(&stream).then_some(stream)
}

fn say(mut stream: &UnixStream, word: &str) -> bool {
    stream.write_all(format!("{word}\n").as_bytes()).is_ok()
}

/// Asks for a spare for a notebook in `folder`. With `None`, the caller must start a kernel itself.
///
/// The claim has a connection of its own, which is closed when the front stops waiting. If the keeper hands a spare out too late, the
/// system refuses it, or the spare ends because nobody holds its leash.
pub fn claim(keeper: &Keeper, place: &Place, folder: &Path) -> Option<Session> {
    // Spares are made for the labs' configuration.
    let own = config::path(folder, place).canonicalize().ok()?;
    let labs = place.notebooks().join(config::NAME).canonicalize().ok()?;
    if own != labs {
        return None;
    }
    let asking = connect(&keeper.address)?;
    if !say(&asking, "claim") {
        return None;
    }
    let taken = Session::take_over(&asking).and_then(|session| {
        // In a copy of the labs that the server does not know, predictions must go into the copy's journal. A spare with another journal
        // ends here.
        let session = session.filter(|session| session.journal() == launch::journal(place));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::net::UnixListener;
    use std::thread;

    #[test]
    fn a_claim_that_is_given_up_is_closed_and_what_comes_too_late_ends() {
        let name = format!("labs-{}", uuid::Uuid::new_v4().simple());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let keeper = Keeper::at(name.as_bytes()).unwrap();
        let place = Place::find().unwrap();
        let asking = thread::spawn(move || {
            let folder = place.notebooks();
            // The keeper says nothing at first; then its answer comes too late.
            let none = claim(&keeper, &place, &folder).is_none();
            (none, keeper)
        });
        let (_lives, _) = listener.accept().unwrap();
        let (claimed, _) = listener.accept().unwrap();
        claimed
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut lines = BufReader::new(&claimed);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, "claim\n");
        assert_eq!(
            lines.read(&mut [0]).unwrap(),
            0,
            "it is closed when nobody waits any more"
        );
        assert!((&claimed).write_all(b"late").is_err());
        let (none, _keeper) = asking.join().unwrap();
        assert!(none);
    }
}
