//! What only the labs' other crates use. It may change with any commit.

pub use crate::cell::display::Page;
pub use crate::cell::escape::quote;
pub use crate::cell::host::ask as ask_kernel;
pub use crate::cell::pace::Pace;
pub use crate::cell::table::thousands;
pub use crate::measure::human::{human_seconds, seconds_scale, three_digits};
pub use crate::shared::lock_cell::HELD_ALREADY;
pub use crate::shared::segment::overtaken;
pub use crate::shared::waits::Waits;
pub use libc::{SIGCONT, SIGSTOP};

pub use crate::sys::{
    Home, Pid, activity, alive, exit_now, fault, getpid, kill_group, kill_with_parent,
    monotonic_nanos, send_signal, set_thread_name, stop_with_parent,
};

#[cfg(any(test, feature = "faults"))]
pub use crate::cell::fake::Fake;
