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
pub mod fault;
mod futex;
mod home;
mod mutex;
mod process;
mod shm;

pub use activity::{activity, alive};
pub(crate) use activity::{has_live_children, is_thread_of_this_process, other_threads, sleeps_on};
pub use clock::monotonic_nanos;
pub(crate) use clock::thread_cpu_time;
pub(crate) use futex::{LOOK_AGAIN, futex_wait, futex_wake};
pub use home::Home;
pub(crate) use mutex::{Acquired, RobustMutex, held_by_this_thread};
pub(crate) use process::{
    Ended, Usage, die_with_parent, fork, is_main_thread, reap, wait_readable,
};
pub use process::{Pid, exit_now, getpid, send_signal, set_thread_name, stop_with_parent};
pub(crate) use shm::{clear_up_after, free, map_again, reserve, shm_name, unlink, unmap};
