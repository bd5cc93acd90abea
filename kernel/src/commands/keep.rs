//! `labs keep`: the keeper of the spare kernel, a child of the Jupyter server whose notebooks it is for.

use crate::place::Place;
use crate::session::sweep;
use crate::spare::keeper::Keeper;
use anyhow::{Context, Result};
use labs_runtime::{descriptor, watch};
use std::os::unix::net::UnixListener;

/// Keeps a spare until the parent ends, for those that connect to the socket which is open as standard input.
pub(super) fn run() -> Result<()> {
    let server = watch::expected_parent();
    let listener = UnixListener::from(descriptor::take_stdin()?);
    listener.local_addr().context(
        "`labs keep` wants a socket for its standard input. Jupyter's server starts it: see kernel/jupyter/labs_keeper.py",
    )?;
    // This makes nothing, because an image may be read-only. Without the things that `setup` makes, kernels start more slowly.
    let place = Place::find()?;
    sweep::sweep(&place.sessions());
    let Some(keeper) = Keeper::start(&place, listener)? else {
        return Ok(());
    };
    watch::wait_for_parents_end(server);
    drop(keeper);
    sweep::sweep(&place.sessions());
    Ok(())
}
