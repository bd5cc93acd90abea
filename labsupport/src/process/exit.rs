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
    /// The closure returned, and its value reached the parent.
    Returned,
    /// The closure panicked.
    Panicked {
        /// The panic's message.
        message: String,
        /// File, line and column of the panic; empty if they are unknown.
        location: String,
    },
    /// The closure returned, but its value did not reach the parent: its type cannot be serialised, or cannot read the bytes that it has written.
    /// The text is `serde`'s reason.
    ValueLost(String),
    /// The worker left through `std::process::exit` with this code, so there is no value.
    Exited(i32),
    /// A signal ended the worker: 9 is SIGKILL, 15 is SIGTERM.
    Signaled(i32),
    /// The deadline of [`Workers::join_timeout`](super::Workers::join_timeout) passed; the worker was killed.
    TimedOut {
        /// The time that it was given.
        after: Duration,
        /// What it was doing when the time was up.
        doing: String,
    },
}

impl Exit {
    /// Whether the worker returned a value.
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
            Exit::Panicked { message, location } if location.is_empty() => {
                write!(f, "panicked: {message}")
            }
            Exit::Panicked { message, location } => {
                write!(f, "panicked: {message} (at {location})")
            }
            Exit::ValueLost(why) => write!(
                f,
                "returned, but its value was lost on the way to the parent ({why}): make `Serialize` and `Deserialize` of its type agree"
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
        libc::SIGKILL => "SIGKILL (someone sent it, or the system did because memory ran out)",
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
