//! Sockets, their readiness, and a process that serves: the system calls, behind safe signatures.

mod epoll;
mod serve_alone;
mod socket;

pub(crate) use epoll::{Epoll, Event, Interest};
#[cfg(test)]
pub(crate) use labsupport::internal::send_signal;
pub(crate) use labsupport::internal::{Pid, activity, alive, getpid, set_thread_name};
pub(crate) use serve_alone::{count_open, most_open, serve_alone};
pub(crate) use socket::{
    Packet, SocketType, Wait, peer_user, receive, receive_descriptor, send, send_descriptor,
    set_timeouts, shut_down, socket_pair, user,
};
