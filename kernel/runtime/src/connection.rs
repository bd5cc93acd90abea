//! The runtime's connection to the tap: the sockets, and the first byte of each packet, which says what the packet is.

use crate::watch;
use std::os::unix::net::UnixDatagram;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

/// The runtime's ends of the sockets that lead to the tap.
pub(super) struct Tap {
    /// For the thread that runs cells.
    pub main: UnixDatagram,
    /// For all other threads, and for messages that are not questions.
    pub others: UnixDatagram,
    /// On this socket a snapshot waits until it is needed.
    pub snapshots: UnixDatagram,
    /// The tap's process number.
    pub process: i32,
}

static TAP: OnceLock<Tap> = OnceLock::new();
/// The one process that may use the tap. A worker has a copy of `TAP`, but another process number.
static RUNTIME: AtomicI32 = AtomicI32::new(0);

/// From now on, this process gets its standard input from the tap.
pub(super) fn open(tap: Tap) {
    let _ = TAP.set(tap);
    now_is_runtime();
}

/// This process is the runtime from now on.
pub(super) fn now_is_runtime() {
    RUNTIME.store(watch::pid(), Ordering::Release);
}

/// The tap, if this process is the runtime; `None` in a worker.
pub(super) fn tap() -> Option<&'static Tap> {
    TAP.get()
        .filter(|_| RUNTIME.load(Ordering::Acquire) == watch::pid())
}

/// The first byte of an answer of the tap's: here follows a command.
pub(super) const COMMAND: u8 = b'c';
/// A command before which no snapshot is made.
pub(super) const REPEATED: u8 = b'2';
/// There will be no more commands.
pub(super) const COMMAND_END: u8 = b'.';
pub(super) const INPUT: u8 = b'i';
pub(super) const FOLDER: u8 = b'f';

/// The first byte of a packet from the runtime: here follows a question.
pub(super) const QUESTION: u8 = b'r';
/// A question to the front, and the first byte of its answer.
pub(super) const ASK: u8 = b'a';
pub(super) const PANIC: u8 = b'p';
pub(super) const CRASH: u8 = b'k';
pub(super) const REMEMBER: u8 = b'm';
pub(super) const SNAPSHOT: u8 = b'b';
