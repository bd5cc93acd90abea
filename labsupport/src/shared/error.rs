use std::fmt;
use std::io;

/// Why there is no shared memory for a new lock, flag, value, array, barrier, queue or segment.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let error = Array::<u64>::new(0).unwrap_err();
/// assert_eq!(error.to_string(), "0 elements were asked for: ask for at least one.");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SharedError {
    /// Zero was asked for. The text says of what there must be at least one.
    Empty(&'static str),
    /// There is no room in `/dev/shm`.
    Full {
        /// Bytes asked for.
        asked: usize,
        /// Bytes that are free there, if the system says.
        free: Option<u64>,
    },
    /// More was asked for than can be addressed.
    TooLarge {
        /// What was asked for.
        asked: usize,
        /// The largest number that is possible.
        limit: usize,
        /// The unit of both, in the plural.
        of: &'static str,
    },
    /// The system refused for another reason.
    Os(io::Error),
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SharedError::Empty(what) => {
                write!(f, "0 {what} were asked for: ask for at least one.")
            }
            SharedError::Full { asked, free } => {
                write!(f, "no room in /dev/shm for {asked} more bytes")?;
                if let Some(free) = free {
                    write!(f, " ({free} are free)")?;
                }
                write!(
                    f,
                    ". Ask for less, drop what you no longer need, or give the container more \
                     (`docker run --shm-size=1g`)."
                )
            }
            SharedError::TooLarge { asked, limit, of } => {
                write!(f, "{asked} {of} were asked for; {limit} is the most.")
            }
            SharedError::Os(error) => write!(
                f,
                "the system gave no shared memory ({error}). `cargo labs doctor` looks at /dev/shm; `ulimit -n` is the \
                 limit of open files, of which each flag, value, array and queue takes one."
            ),
        }
    }
}

impl std::error::Error for SharedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The message already contains the system's error, so the chain goes on behind it.
            SharedError::Os(error) => error.source(),
            _ => None,
        }
    }
}
