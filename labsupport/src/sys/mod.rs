//! Every unsafe system call, behind a safe signature; no policy.
//!
//! What differs between systems lives in one file per system. Only Linux is written and tested: the labs need
//! parent-death signals, robust mutexes and futexes with one meaning. Elsewhere the class image gives them.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "labsupport runs on Linux only (it needs robust mutexes, futexes and parent-death signals). \
     On macOS or Windows use the class image: see the Dockerfile in the repository."
);

mod activity;
mod clock;
pub(crate) mod fault;
mod futex;
mod mutex;
mod process;
mod shm;

pub(crate) use activity::{activity, alive, has_live_children, other_threads};
pub(crate) use clock::{monotonic_nanos, thread_cpu_time};
pub(crate) use futex::{futex_wait, futex_wake};
pub(crate) use mutex::{Acquired, RobustMutex};
pub(crate) use process::{
    Ended, Pid, Pipe, Usage, die_with_parent, exit_now, fork, getpid, read_available, send_signal,
    try_reap, wait_readable, write_all,
};
pub(crate) use shm::{free, reserve, unlink};
