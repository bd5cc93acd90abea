//! One session: an inner kernel, evcxr_jupyter, with a directory, ports and a key of its own.
//!
//! ```text
//!   holder: a front, or the keeper of the spare ──── leash (a socket) ────► labs-evcxr --control_file
//!        │  ▲                                                                 │ compiles in sessions/ID, starts
//!        │  └──────────── output (a socket, what cells print and show) ───── runtime ──► workers
//!        └── lock on sessions/ID/lock
//! ```
//!
//! The process with the other ends of the two sockets and the lock *holds* the session. It can pass all three on to another process: that
//! is how a spare is handed out. The leash says when to end. As soon as the holder is gone, however it ended, the inner kernel kills
//! everything that it has started, removes its directory, and ends itself. As soon as the inner kernel is gone, the holder sees the leash's
//! end.

pub mod answers;
pub mod cells;
pub mod compile;
pub mod config;
pub mod launch;
mod pause;
pub mod rust_src;
pub mod stand_in;
mod state;
pub mod sweep;
pub mod template;
pub mod toolchain;

use crate::client::Connection;
use crate::place::Place;
use anyhow::{Context, Result, bail};
use jupyter_protocol::ConnectionInfo;
use labs_runtime::packet::Order;
use labs_runtime::watch::{self, Signal};
use labs_runtime::{descriptor, directory as session_directory};
use sendfd::{RecvWithFd, SendWithFd};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::Duration;

/// How long an inner kernel may take to end once it was told.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running inner kernel, and the sockets and the lock that hold it. Ends it when dropped.
#[derive(Debug)]
pub struct Session {
    about: About,
    leash: UnixStream,
    output: UnixDatagram,
    lock: File,
    /// The child, if this process is its parent.
    child: Option<Child>,
    handed_on: bool,
}

/// The part of a session that can be sent as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct About {
    connection: ConnectionInfo,
    directory: PathBuf,
    pid: u32,
    journal: PathBuf,
}

impl Session {
    /// Starts an inner kernel for a notebook in `folder`. It is not ready yet; its ports answer when it is.
    pub fn start(place: &Place, folder: &Path) -> Result<Session> {
        Session::begin(place, Some(folder))
    }

    /// As [`start`](Session::start), for a notebook that is not known yet, and that moves it into its own folder. At which moment that will be is not
    /// known either, so it begins in its own directory: in the labs' folder evcxr could read there where the crates lie, and look for them
    /// from another folder.
    pub fn spare(place: &Place) -> Result<Session> {
        Session::begin(place, None)
    }

    fn begin(place: &Place, folder: Option<&Path>) -> Result<Session> {
        let (directory, lock) = sweep::new_directory(place)?;
        let started = Session::start_in(place, folder.unwrap_or(&directory), &directory, lock);
        if started.is_err() {
            session_directory::remove(&directory);
        }
        started
    }

    fn start_in(place: &Place, folder: &Path, directory: &Path, lock: File) -> Result<Session> {
        let Connection { info, file } = Connection::new(directory)?;
        let (leash, inner_leash) = UnixStream::pair().context("A socket cannot be made")?;
        let (output, inner_output) = UnixDatagram::pair().context("A socket cannot be made")?;
        let mut command = thread::scope(|scope| {
            let copy =
                scope.spawn(|| template::copy(&place.template(), &directory.join(launch::EVAL)));
            let command = launch::inner(place, directory, &file);
            copy.join()
                .unwrap_or_else(|_| bail!("The template could not be copied"))?;
            command
        })?;
        launch::on_leash(&mut command, directory, inner_leash, &inner_output)?;
        command.current_dir(folder);
        let child = command.spawn().context("The kernel cannot be started")?;
        Ok(Session {
            about: About {
                connection: info,
                directory: directory.to_path_buf(),
                pid: child.id(),
                journal: launch::journal(place),
            },
            leash,
            output,
            lock,
            child: Some(child),
            handed_on: false,
        })
    }

    /// The ports and the key of the inner kernel.
    pub fn connection(&self) -> &ConnectionInfo {
        &self.about.connection
    }

    /// Its private directory.
    pub fn directory(&self) -> &Path {
        &self.about.directory
    }

    /// Its process number, which is also that of its process group.
    pub fn pid(&self) -> u32 {
        self.about.pid
    }

    /// The journal in which its cells write.
    pub fn journal(&self) -> &Path {
        &self.about.journal
    }

    /// The last lines that it said on standard error.
    pub fn last_words(&self) -> String {
        launch::last_words(&self.about.directory)
    }

    /// A second handle of the leash, to wait for its end.
    pub fn leash(&self) -> std::io::Result<UnixStream> {
        self.leash.try_clone()
    }

    /// A second handle of the socket on which the runtime's output arrives.
    pub fn output(&self) -> std::io::Result<UnixDatagram> {
        self.output.try_clone()
    }

    /// Moves the inner kernel and its runtime into `folder`, as if they had been started there.
    pub fn move_to(&self, folder: &Path) -> Result<()> {
        let folder = folder
            .to_str()
            .context("The notebook's folder is not UTF-8")?;
        (&self.leash).write_all(format!("{folder}\n").as_bytes())?;
        self.output
            .send(&Order::Folder(folder.to_string()).to_bytes())?;
        Ok(())
    }

    /// Stops the inner kernel where this process is its parent, or lets it go on. Returns `false` if it is compiling and cannot be stopped
    /// now; then try again soon.
    pub fn pause(&self, paused: bool) -> bool {
        match (&self.child, paused) {
            (None, _) => true,
            (Some(_), true) => pause::stop(self.about.pid),
            (Some(_), false) => {
                pause::go_on(self.about.pid);
                true
            }
        }
    }

    /// Whether the inner kernel still runs, as far as its parent knows.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => true,
        }
    }

    /// Passes the session on through `receiver`; afterwards the child only has to be collected.
    pub fn hand_on(mut self, receiver: &UnixStream) -> Result<Option<Child>> {
        let words = serde_json::to_vec(&self.about)?;
        let handles = [
            self.leash.as_raw_fd(),
            self.output.as_raw_fd(),
            self.lock.as_raw_fd(),
        ];
        if receiver.send_with_fd(&words, &handles)? != words.len() {
            bail!("The session could not be passed on whole");
        }
        self.handed_on = true;
        Ok(self.child.take())
    }

    /// Takes over a session from [`hand_on`](Session::hand_on); `None` when the other side closed without one.
    pub fn take_over(sender: &UnixStream) -> Result<Option<Session>> {
        let mut words = [0; 4096];
        let mut handles: [RawFd; 3] = [-1; 3];
        let (length, count) = sender.recv_with_fd(&mut words, &mut handles)?;
        // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
        let mut owned = handles[..count]
            .iter()
            .map(|&handle| unsafe { OwnedFd::from_raw_fd(handle) });
        let (Some(leash), Some(output), Some(lock)) = (owned.next(), owned.next(), owned.next())
        else {
            return Ok(None);
        };
        for handle in [&leash, &output, &lock] {
            descriptor::close_on_exec(handle);
        }
        Ok(Some(Session {
            about: serde_json::from_slice(&words[..length])?,
            leash: leash.into(),
            output: output.into(),
            lock: lock.into(),
            child: None,
            handed_on: false,
        }))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.handed_on {
            return;
        }
        self.pause(false);
        let _ = self.leash.shutdown(Shutdown::Write);
        // It removes its directory, ends, and so closes its end.
        let _ = self.leash.set_nonblocking(false);
        let _ = self.leash.set_read_timeout(Some(PATIENCE));
        let ended = match self.leash.read(&mut [0; 16]) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        if let Some(child) = &mut self.child {
            if !ended {
                // The child was not collected yet, so the number is still its own.
                watch::send_to_group(self.about.pid as i32, Signal::KILL);
            }
            let _ = child.wait();
        }
        // If the inner kernel was killed, it could not remove its directory itself.
        session_directory::remove(&self.about.directory);
    }
}
