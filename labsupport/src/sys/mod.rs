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
mod epoll;
pub mod fault;
mod futex;
mod home;
mod mutex;
mod process;
mod server;
mod shm;
mod socket;

pub(crate) use activity::{
    activity, alive, has_live_children, is_thread_of_this_process, other_threads, sleeps_on,
};
pub(crate) use clock::{monotonic_nanos, thread_cpu_time};
pub(crate) use epoll::{Epoll, Event, Until};
pub(crate) use futex::{LOOK_AGAIN, futex_wait, futex_wake};
pub(crate) use home::Home;
pub(crate) use mutex::{Acquired, RobustMutex, held_by_this_thread};
pub(crate) use process::{
    Ended, Pid, Pipe, Usage, die_with_parent, exit_now, fork, getpid, read_available, send_signal,
    stop_with_parent, try_reap, wait_readable, write_all,
};
pub(crate) use server::{count_open, most_open, serve_alone, set_name};
pub(crate) use shm::{clear_up_after, free, map_again, reserve, shm_name, unlink, unmap};
pub(crate) use socket::{
    Carries, Packet, Wait, peer_user, receive, receive_descriptor, send, send_descriptor,
    set_timeouts, shut_down, socket_pair, user,
};
