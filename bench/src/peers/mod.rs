//! Ours and its rivals, each in the way its own documentation recommends.

pub mod channel;
pub mod crossbeam;
pub mod iceoryx2;
pub mod ipc_channel;
pub mod kernel;
pub mod mutex;
pub mod ours;
pub mod ping_pong;
pub mod pipe;
pub mod processes;
pub mod redis;
pub mod seqpacket;
