use std::fmt;
use std::io;

/// Why shared memory could not be had.
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
    /// Nothing was asked for; the text says what must be at least one.
    Empty(&'static str),
    /// There is no room in `/dev/shm`.
    Full {
        /// Bytes asked for.
        asked: usize,
        /// Bytes free there, where the system tells.
        free: Option<u64>,
    },
    /// More was asked for than can be addressed.
    TooLarge {
        /// What was asked for.
        asked: usize,
        /// The most there can be.
        limit: usize,
        /// Of what.
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
            // The message says what the system said; behind it comes what is behind that.
            SharedError::Os(error) => error.source(),
            _ => None,
        }
    }
}
