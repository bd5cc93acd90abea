//! Keeps spares, and hands them out.

use super::{COUNT, memory};
use crate::place::{Place, peer_is_us};
use crate::session::{Session, template};
use anyhow::Result;
use labs_runtime::descriptor;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// When to try again to stop a spare in which a compiler is at work.
const AGAIN: Duration = Duration::from_millis(20);

/// How long a keeper that ends waits for a spare that is just being started.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps spares as long as it lives. Unclaimed spares end with it.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    place: Place,
    wanted: usize,
    state: Mutex<State>,
    /// Notified when the state has changed.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    spares: Vec<Spare>,
    /// One is being started.
    starting: bool,
    /// The notebooks that compute just now.
    busy: HashSet<usize>,
    closed: bool,
}

#[derive(Debug)]
struct Spare {
    session: Session,
    /// The fingerprint of the sources that it was made from.
    made_from: String,
}

impl Keeper {
    /// Starts a keeper, which fronts reach through `listener`, and its first spare, in the background. `None` if no spare is wanted.
    pub fn start(place: &Place, listener: UnixListener) -> Result<Option<Keeper>> {
        let wanted = wanted();
        if wanted == 0 {
            eprintln!("No spare kernel is kept: {COUNT}=0.");
            return Ok(None);
        }
        let shared = Arc::new(Shared {
            place: place.clone(),
            wanted,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        thread::Builder::new().name("labs-keeper".into()).spawn({
            let shared = shared.clone();
            move || listen(&listener, &shared)
        })?;
        thread::Builder::new().name("labs-pause".into()).spawn({
            let shared = shared.clone();
            move || stop_and_go(&shared)
        })?;
        refill(&shared);
        Ok(Some(Keeper { shared }))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        self.shared.changed.notify_all();
        // A spare that is only half started would leave its directory behind.
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, |state| state.starting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let spares = std::mem::take(&mut state.spares);
        drop(state);
        drop(spares);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wanted() -> usize {
    match std::env::var(COUNT) {
        Ok(text) => text.trim().parse().unwrap_or_else(|_| {
            eprintln!("{COUNT}={text} is no number; one spare kernel is kept.");
            1
        }),
        Err(_) => 1,
    }
}

fn listen(listener: &UnixListener, shared: &Arc<Shared>) {
    for (number, connection) in listener.incoming().enumerate() {
        let Ok(connection) = connection else {
            thread::sleep(Duration::from_millis(50)); // for example, there are no free descriptors
            continue;
        };
        if !peer_is_us(&connection) {
            eprintln!("Another user asked for a spare kernel and was refused.");
            continue;
        }
        let shared = shared.clone();
        let serving = thread::Builder::new()
            .name("labs-keeper-one".into())
            .spawn(move || serve(&connection, number, &shared));
        if let Err(error) = serving {
            eprintln!("A notebook could not be served with a spare kernel: {error}.");
        }
    }
}

/// Serves one notebook as long as it lives.
fn serve(connection: &UnixStream, number: usize, shared: &Arc<Shared>) {
    for line in BufReader::new(connection).lines().map_while(Result::ok) {
        match line.as_str() {
            "busy" | "idle" => tell_busy(shared, number, line == "busy"),
            "claim" => {
                if let Err(error) = hand_out(connection, shared) {
                    eprintln!("A spare kernel could not be handed out: {error:#}.");
                }
                refill(shared);
            }
            _ => break, // none of ours
        }
    }
    tell_busy(shared, number, false);
}

fn tell_busy(shared: &Shared, number: usize, busy: bool) {
    let mut state = shared.state();
    if busy {
        state.busy.insert(number);
    } else {
        state.busy.remove(&number);
    }
    shared.changed.notify_all();
}

/// Stops the spare that is being made while a notebook computes, and lets it go on afterwards.
fn stop_and_go(shared: &Shared) {
    let mut state = shared.state();
    while !state.closed {
        let stop = !state.busy.is_empty();
        let all_do = state
            .spares
            .iter()
            .fold(true, |all, spare| spare.session.pause(stop) && all);
        state = if all_do {
            shared.changed.wait(state)
        } else {
            let again = shared.changed.wait_timeout(state, AGAIN);
            again
                .map(|(state, _)| state)
                .map_err(|poisoned| PoisonError::new(poisoned.into_inner().0))
        }
        .unwrap_or_else(PoisonError::into_inner);
    }
}

fn hand_out(connection: &UnixStream, shared: &Arc<Shared>) -> Result<()> {
    let now = template::fingerprint(&shared.place)?;
    if is_closed(connection) {
        return Ok(()); // it took too long, and the notebook starts a kernel of its own
    }
    loop {
        let spare = shared.state().spares.pop();
        let Some(mut spare) = spare else {
            (&*connection).write_all(b"none\n")?;
            return Ok(());
        };
        if spare.made_from != now {
            eprintln!("The spare kernel was made from older sources and is thrown away.");
            continue;
        }
        if !spare.session.is_alive() {
            eprintln!(
                "The spare kernel has ended. It said: {}",
                spare.session.last_words()
            );
            continue;
        }
        spare.session.pause(false);
        if let Some(mut child) = spare.session.hand_on(connection)? {
            // Only its parent can collect it when it ends.
            thread::spawn(move || child.wait());
        }
        return Ok(());
    }
}

/// Whether nobody waits at the other end of `connection`. After its claim a notebook says nothing more.
fn is_closed(connection: &UnixStream) -> bool {
    descriptor::is_readable(connection)
}

/// Starts spares in the background until there are as many as wanted.
fn refill(shared: &Arc<Shared>) {
    let shared = shared.clone();
    let filling = thread::Builder::new()
        .name("labs-spare".into())
        .spawn(move || {
            loop {
                {
                    let mut state = shared.state();
                    if state.closed || state.starting || state.spares.len() >= shared.wanted {
                        return;
                    }
                    state.starting = true;
                }
                let started = start(&shared);
                let mut state = shared.state();
                state.starting = false;
                shared.changed.notify_all();
                match started {
                    Ok(Some(spare)) => state.spares.push(spare),
                    Ok(None) => return,
                    Err(error) => {
                        eprintln!("No spare kernel: {error:#}.");
                        return;
                    }
                }
            }
        });
    if let Err(error) = filling {
        eprintln!("No spare kernel: {error}.");
    }
}

fn start(shared: &Shared) -> Result<Option<Spare>> {
    if let Some(reason) = memory::too_little() {
        eprintln!("No spare kernel: {reason}.");
        return Ok(None);
    }
    let place = &shared.place;
    let made_from = template::fingerprint(place)?;
    let session = Session::spare(place)?;
    Ok(Some(Spare { session, made_from }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebook_that_has_given_up_is_seen_and_one_that_waits_is_not() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert!(!is_closed(&ours));
        drop(theirs);
        assert!(is_closed(&ours));
    }
}
