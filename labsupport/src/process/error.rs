use super::Exit;
use std::fmt;
use std::io;

/// Why no workers were started. None is left running.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let error = Workers::spawn(0, |_| 1).unwrap_err();
/// assert_eq!(error.to_string(), "0 workers were asked for: ask for at least one.");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// Zero workers were asked for.
    NoWorkers,
    /// The system refused a process or a pipe.
    Os {
        /// How many were asked for.
        asked: usize,
        /// How many had been started; they were killed.
        started: usize,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::NoWorkers => write!(f, "0 workers were asked for: ask for at least one."),
            SpawnError::Os {
                asked,
                started,
                source,
            } => write!(
                f,
                "the system refused worker {started} of {asked} ({source}); those already started were stopped. \
                 Ask for fewer, or raise the limits (`ulimit -u` for processes, `ulimit -n` for open files)."
            ),
        }
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SpawnError::NoWorkers => None,
            SpawnError::Os { source, .. } => Some(source),
        }
    }
}

/// The system failed while we waited for workers. It does not happen in a healthy process.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let joined: Result<Report<u32>, JoinError> = Workers::spawn(2, |w| w.index() as u32)?.join();
/// assert!(joined.is_ok());
/// # Ok::<(), SpawnError>(())
/// ```
#[derive(Debug)]
pub struct JoinError(pub(super) io::Error);

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "waiting for the workers failed ({}); they were stopped. Restart the kernel and run again.",
            self.0
        )
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The first worker that did not return, and how it ended.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let workers = Workers::spawn(2, |w| if w.index() == 1 { std::process::exit(3) } else { 7 })?;
/// let error = workers.join()?.values().unwrap_err();
/// assert_eq!(error.index(), 1);
/// assert_eq!(error.exit(), &Exit::Exited(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WorkerError {
    pub(super) index: usize,
    pub(super) count: usize,
    pub(super) exit: Exit,
}

impl WorkerError {
    /// Which worker, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How it ended.
    pub fn exit(&self) -> &Exit {
        &self.exit
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} of {} {}.", self.index, self.count, self.exit)?;
        match self.exit {
            Exit::TimedOut { .. } => write!(
                f,
                " Does every worker get its pill, and does every loop look at its flag? If the work only needs longer, \
                 give join_timeout more time."
            ),
            Exit::Signaled(libc::SIGBUS) => {
                write!(f, " `cargo labs doctor` shows how much is free.")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for WorkerError {}
