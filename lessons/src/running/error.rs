use labsupport::process::{JoinError, SpawnError, WorkerError};
use labsupport::shared::SharedError;
use manager::ManagerError;
use std::error::Error;
use std::fmt;

/// Why workers did not come home with their results. It says what the part that failed says.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let error = run_workers(0, |_| ()).unwrap_err();
/// assert_eq!(error.to_string(), "0 workers were asked for: ask for at least one.");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// What they share could not be made.
    Shared(SharedError),
    /// They could not be started.
    Spawn(SpawnError),
    /// The parent could not wait for them.
    Join(JoinError),
    /// One of them ended without a result.
    Worker(WorkerError),
    /// A manager could not be started or asked.
    Manager(ManagerError),
}

impl RunError {
    fn part(&self) -> &(dyn Error + 'static) {
        match self {
            RunError::Shared(error) => error,
            RunError::Spawn(error) => error,
            RunError::Join(error) => error,
            RunError::Worker(error) => error,
            RunError::Manager(error) => error,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.part(), f)
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.part().source()
    }
}

impl From<SharedError> for RunError {
    fn from(error: SharedError) -> RunError {
        RunError::Shared(error)
    }
}

impl From<SpawnError> for RunError {
    fn from(error: SpawnError) -> RunError {
        RunError::Spawn(error)
    }
}

impl From<JoinError> for RunError {
    fn from(error: JoinError) -> RunError {
        RunError::Join(error)
    }
}

impl From<WorkerError> for RunError {
    fn from(error: WorkerError) -> RunError {
        RunError::Worker(error)
    }
}

impl From<ManagerError> for RunError {
    fn from(error: ManagerError) -> RunError {
        RunError::Manager(error)
    }
}

labsupport::shown_in_words!(RunError);
