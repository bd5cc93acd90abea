//! Every unsafe system call, behind a safe signature; no policy.
//!
//! `rustix` and the standard library make what calls they can. `libc` makes the rest: fork, wait4, `_exit`, the robust mutex, and a second
//! mapping of the same pages. Only Linux has all of them (parent-death signals, robust mutexes, futexes); elsewhere the
//! class image provides it.

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
mod overtake;
mod process;
mod shm;

pub use activity::{activity, alive};
pub(crate) use activity::{has_live_children, is_thread_of_this_process, other_threads, sleeps_on};
pub use clock::monotonic_nanos;
pub(crate) use clock::thread_cpu_time;
pub(crate) use futex::{LOOK_AGAIN, futex_wait, futex_wake};
pub use home::Home;
pub(crate) use mutex::{Acquired, RobustMutex, held_by_this_thread};
pub(crate) use overtake::overtaken;
pub(crate) use process::{
    Ended, Usage, die_with_parent, fork, is_main_thread, reap, wait_readable,
};
pub use process::{
    Pid, exit_now, getpid, kill_group, kill_with_parent, send_signal, set_thread_name,
    stop_with_parent,
};
pub(crate) use shm::{clear_up_after, free, map_again, reserve, shm_name, unlink, unmap};
