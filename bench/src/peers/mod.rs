//! Ours and its rivals, each in the way its own documentation recommends.

pub(crate) mod channel;
pub(crate) mod crossbeam;
pub(crate) mod futex;
pub(crate) mod iceoryx2;
pub(crate) mod ipc_channel;
pub(crate) mod kernel;
pub(crate) mod mutex;
pub(crate) mod ours;
pub(crate) mod ping_pong;
pub(crate) mod pipe;
pub(crate) mod processes;
pub(crate) mod redis;
pub(crate) mod seqpacket;
