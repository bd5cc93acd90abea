//! The server's process: how it is started, ended and started again.
//!
//! The system kills a program with the *thread* that started it. So each server has a thread of its own here, which starts it, waits for it
//! and does nothing else. That thread ends with the server or with the whole process, however the process ends.

use crate::address::Address;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::folder::Folder;
use crate::{BrokerError, ErrorKind, program};
use labsupport::internal::{self, Pid};
use labsupport::measure::human;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a server may take to answer for the first time. What it reads from its disk has at most its `maxmemory`.
const START: Duration = Duration::from_secs(30);

/// How often a starting server is asked whether it answers.
const LOOK: Duration = Duration::from_micros(500);

/// The name under which the program runs. `labsupport` knows by it that the process puts nothing into a queue.
const NAME: &str = "labs: broker";

/// The file with what the server has printed.
const LOG: &str = "log";

/// What a private server is started with. All but the last few can be set otherwise.
const SETTINGS: [(&str, &str); 4] = [
    ("save", ""),
    ("appendonly", "no"),
    ("maxmemory", "64mb"),
    ("maxmemory-policy", "noeviction"),
];

/// What makes it private, and findable.
const FIXED: [&str; 16] = [
    "port",
    "tls-port",
    "bind",
    "unixsocket",
    "unixsocketperm",
    "unixsocketgroup",
    "dir",
    "daemonize",
    "supervised",
    "pidfile",
    "logfile",
    "cluster-enabled",
    "include",
    "requirepass",
    "user",
    "aclfile",
];

/// A server process with its folder. Only the process that started it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    folder: Folder,
    program: PathBuf,
    settings: BTreeMap<String, String>,
    /// The number of the process: for messages, in workers too.
    pid: AtomicI32,
    /// The running process. A worker never locks it.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    /// Names the process even after its number was given to another.
    handle: OwnedFd,
    keeper: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Result<Server, BrokerError> {
        let mut all: BTreeMap<String, String> = SETTINGS
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .into();
        for (name, value) in settings {
            let name = name.to_ascii_lowercase();
            let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let is_name =
                name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_name);
            if FIXED.contains(&name.as_str()) || !is_name {
                return Err(BrokerError::new(
                    ErrorKind::Invalid,
                    format!(
                        "the setting {name:?} cannot be chosen: a private server listens only on a socket in a folder of its own. Start a \
                         server by hand and use Broker::connect."
                    ),
                ));
            }
            all.insert(name, value.to_string());
        }
        let program = program::find()?;
        // The folder may be another tomorrow, and the program runs in the server's.
        let program = fs::canonicalize(&program).unwrap_or(program);
        let folder = Folder::new()?;
        symlink(&program, folder.path().join(NAME)).map_err(|error| {
            BrokerError::new(
                ErrorKind::Os,
                format!(
                    "nothing can be made in {} ({error}): is the disk full?",
                    folder.path().display()
                ),
            )
        })?;
        let server = Server {
            folder,
            program,
            settings: all,
            pid: AtomicI32::new(0),
            running: Mutex::new(None),
        };
        server.run()?;
        Ok(server)
    }

    /// Starts the process, and waits until it answers.
    fn run(&self) -> Result<(), BrokerError> {
        let command = self.command().map_err(|error| self.not_run(&error))?;
        let (send, started) = mpsc::channel();
        let keeper = std::thread::Builder::new()
            .name(NAME.into())
            .spawn(move || keep(command, send))
            .map_err(|error| self.not_run(&error))?;
        let first = started
            .recv()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let (pid, handle) = first.map_err(|error| self.not_run(&error))?;
        self.pid.store(pid, Ordering::Relaxed);
        let running = Running { handle, keeper };
        match self.wait_for_answer(&running.handle) {
            Ok(()) => {
                *self.running() = Some(running);
                Ok(())
            }
            Err(why) => {
                running.kill();
                Err(why)
            }
        }
    }

    fn command(&self) -> io::Result<Command> {
        let log = File::create(self.folder.path().join(LOG))?;
        let mut command = Command::new(self.folder.path().join(NAME));
        command
            .current_dir(self.folder.path())
            .args(["--port", "0", "--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .arg("--unixsocket")
            .arg(self.folder.socket())
            .args(["--unixsocketperm", "700"]);
        for (name, value) in &self.settings {
            command.arg(format!("--{name}")).arg(value);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        internal::kill_with_parent(&mut command);
        Ok(command)
    }

    fn wait_for_answer(&self, handle: &OwnedFd) -> Result<(), BrokerError> {
        let deadline = Deadline::after(START);
        loop {
            if ends_within(handle, LOOK) {
                return Err(self.did_not_start("has ended"));
            }
            let Some(left) = deadline.left() else {
                return Err(self.did_not_start(&format!("has not answered for {}", human(START))));
            };
            if !self.folder.socket().exists() {
                continue;
            }
            // A connection whose server dies now ends at once; one to a server that is stopped may last until the deadline.
            let patience = Deadline::after(left.min(Duration::from_millis(200)));
            let answer = Connection::open(&self.address(), patience)
                .and_then(|mut connection| connection.exchange(&["PING"], patience));
            if answer.is_ok() {
                return Ok(());
            }
        }
    }

    #[cold]
    fn did_not_start(&self, what: &str) -> BrokerError {
        let log = fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(4)..].join("\n");
        let said = match last.is_empty() {
            true => "It said nothing.".into(),
            false => format!("Its last words:\n{last}"),
        };
        BrokerError::new(
            ErrorKind::DidNotStart,
            format!(
                "the server {} {what} before it answered. Check the settings; LABS_BROKER_PROGRAM may name another program. {said}",
                self.program.display()
            ),
        )
    }

    #[cold]
    fn not_run(&self, error: &io::Error) -> BrokerError {
        BrokerError::new(
            ErrorKind::DidNotStart,
            format!(
                "the server {} cannot be run ({error}). LABS_BROKER_PROGRAM may name another program.",
                self.program.display()
            ),
        )
    }

    /// Kills the process, if it runs, and waits for its end.
    pub(crate) fn kill(&self) {
        let running = self.running().take();
        if let Some(running) = running {
            running.kill();
        }
    }

    /// Starts the process again if it has ended.
    pub(crate) fn restart(&self) -> Result<(), BrokerError> {
        self.kill();
        let _ = fs::remove_file(self.folder.socket());
        self.run()
    }

    pub(crate) fn address(&self) -> Address {
        Address::unix(&self.folder.socket())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.folder.is_ours()
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid.load(Ordering::Relaxed)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Running {
    fn kill(self) {
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        let _ = self.keeper.join();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_ours() {
            self.kill();
        }
    }
}

/// The thread that starts a server and waits for its end.
fn keep(mut command: Command, started: mpsc::Sender<io::Result<(Pid, OwnedFd)>>) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let handle = rustix::process::Pid::from_raw(child.id() as Pid)
        .ok_or(rustix::io::Errno::SRCH)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
    match handle {
        Ok(handle) => {
            let _ = started.send(Ok((child.id() as Pid, handle)));
        }
        Err(error) => {
            let _ = child.kill();
            let _ = started.send(Err(error.into()));
        }
    }
    let _ = child.wait();
}

/// Whether the process ends within `limit`.
pub(crate) fn ends_within(handle: &OwnedFd, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).ok();
    poll(&mut [PollFd::new(handle, PollFlags::IN)], limit.as_ref()).is_ok_and(|ended| ended > 0)
}
