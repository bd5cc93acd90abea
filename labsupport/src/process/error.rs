use super::Exit;
use std::fmt;
use std::io;

/// Why no workers were spawned. None is left running.
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
    /// The calling thread holds the guard of a value or an array, or writes or reads a message of a queue in place. The workers would get copies of
    /// the reference that it lends, and could write through it without the lock.
    GuardHeld,
    /// The system refused a process or a pipe.
    Os {
        /// How many were asked for.
        asked: usize,
        /// How many had been started. They were killed.
        started: usize,
        /// The system's error.
        source: io::Error,
    },
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::NoWorkers => write!(f, "0 workers were asked for: ask for at least one."),
            SpawnError::GuardHeld => write!(
                f,
                "this thread still holds the guard of a shared value or array, or bytes of a queue, and the workers would get copies of it: \
                 `drop(guard)` before you spawn them, and lock inside the worker's closure."
            ),
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
            SpawnError::NoWorkers | SpawnError::GuardHeld => None,
            // The message already contains the system's error, so the chain goes on behind it.
            SpawnError::Os { source, .. } => source.source(),
        }
    }
}

/// Waiting for workers failed: the system gave an error, which does not happen in a healthy process, or a process waited that is not their
/// parent.
///
/// # Examples
/// ```
/// use labsupport::process::{JoinError, SpawnError};
/// use labsupport::prelude::*;
/// let joined: Result<Report<u32>, JoinError> = Workers::spawn(2, |w| w.index() as u32)?.join();
/// assert!(joined.is_ok());
/// # Ok::<(), SpawnError>(())
/// ```
#[derive(Debug)]
pub struct JoinError(pub(super) Why);

/// Why waiting failed.
#[derive(Debug)]
pub(super) enum Why {
    System(io::Error),
    /// The handle is a copy made by a fork.
    NotTheirParent,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::System(error) => write!(
                f,
                "waiting for the workers failed ({error}); they were stopped. Restart the kernel and run the cell again."
            ),
            Why::NotTheirParent => write!(
                f,
                "only the process that spawned these workers can wait for them, and a worker has only a copy of their handle: join \
                 them in the parent."
            ),
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Why::System(error) => error.source(),
            Why::NotTheirParent => None,
        }
    }
}

/// The first worker that did not return a value, and how it ended.
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
    /// The worker's number, from 0.
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
                " Does every worker get its pill, and does every loop look at its flag? If the work just takes longer, give \
                 join_timeout more time."
            ),
            Exit::Signaled(libc::SIGBUS) => {
                write!(f, " `cargo labs doctor` shows how much is free.")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for WorkerError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::SharedError;
    use std::error::Error;

    #[test]
    fn no_error_chain_says_the_same_thing_twice() {
        let os = || io::Error::from_raw_os_error(libc::EMFILE);
        let errors: [Box<dyn Error>; 3] = [
            Box::new(SpawnError::Os {
                asked: 4,
                started: 2,
                source: os(),
            }),
            Box::new(JoinError(Why::System(os()))),
            Box::new(SharedError::Os(os())),
        ];
        for error in errors {
            assert!(error.to_string().contains("Too many open files"));
            let mut link = error.source();
            while let Some(behind) = link {
                assert!(!error.to_string().contains(&behind.to_string()), "{error}");
                link = behind.source();
            }
        }
    }
}
