use crate::measure::human;
use std::fmt;
use std::time::Duration;

/// How a worker ended.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let workers = Workers::spawn(1, |_| -> u32 { panic!("no luck") })?;
/// let report = workers.join()?;
/// assert!(report.outcomes()[0].exit().to_string().starts_with("panicked: no luck"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// The closure returned, and its value came home.
    Returned,
    /// The closure panicked.
    Panicked {
        /// What the panic said.
        message: String,
        /// File, line and column of the panic, where the compiler knew them.
        place: String,
    },
    /// The closure returned, and its value was lost on the way home: its type does not serialise, or reads its own bytes wrongly. The
    /// text says what `serde` said.
    ValueLost(String),
    /// The worker left through `std::process::exit` with this code, so it brought no value home.
    Exited(i32),
    /// A signal ended the worker: 9 is SIGKILL, 15 is SIGTERM.
    Signaled(i32),
    /// The deadline of [`Workers::join_timeout`](super::Workers::join_timeout) passed; the worker was killed.
    TimedOut {
        /// The time it was given.
        after: Duration,
        /// What it was doing when the time was up.
        doing: String,
    },
}

impl Exit {
    /// Whether the worker brought its value home.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// assert!(Exit::Returned.is_returned());
    /// assert!(!Exit::Signaled(9).is_returned());
    /// ```
    pub fn is_returned(&self) -> bool {
        matches!(self, Exit::Returned)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Returned => write!(f, "returned"),
            Exit::Panicked { message, place } if place.is_empty() => {
                write!(f, "panicked: {message}")
            }
            Exit::Panicked { message, place } => write!(f, "panicked: {message} (at {place})"),
            Exit::ValueLost(why) => write!(
                f,
                "returned, but its value was lost on the way home ({why}): its type must serialise and deserialise alike"
            ),
            Exit::Exited(code) => write!(f, "left through process::exit with code {code}"),
            Exit::Signaled(signal) => write!(f, "killed by {}", signal_name(*signal)),
            Exit::TimedOut { after, doing } => {
                write!(
                    f,
                    "not finished after {}, then killed; it was {doing}",
                    human(*after)
                )
            }
        }
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGKILL => "SIGKILL (somebody sent it, or the system did because memory ran out)",
        libc::SIGTERM => "SIGTERM (terminate)",
        libc::SIGINT => "SIGINT (interrupt)",
        libc::SIGSEGV => "SIGSEGV (a bad memory access)",
        libc::SIGBUS => "SIGBUS (shared memory that is not there: is /dev/shm full?)",
        libc::SIGABRT => "SIGABRT (it gave up: perhaps it got no more memory)",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGHUP => "SIGHUP",
        other => return format!("signal {other}"),
    };
    name.into()
}
