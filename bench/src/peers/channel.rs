//! What all channels that pass messages have in common.

use anyhow::Result;
use std::path::Path;

/// The number that sends a consumer home.
pub(crate) const PILL: u64 = u64::MAX;

/// Carries messages of one size from some processes, or threads, to others. A message is a number, followed by zeros up to the size.
///
/// A channel is made before the processes are forked. Each process fetches its own end once, before anything is timed.
pub(crate) trait Channel {
    /// Sends a number; waits while there is no room.
    fn sender(&self) -> Box<dyn FnMut(u64) + '_>;
    /// Takes the next number; waits while there is none.
    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_>;
}

/// How many producers and how many consumers there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub producers: usize,
    pub consumers: usize,
}

/// What a channel has to carry.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub shape: Shape,
    /// Bytes of a message.
    pub size: usize,
    /// How many messages may wait, in channels where that can be chosen.
    pub depth: usize,
    /// The cores for the processes, which take them in turn; if there are none, the system places the processes.
    pub cores: &'a [usize],
    /// The folder for files.
    pub folder: &'a Path,
}

/// Makes a channel, or says why that shape does not fit.
pub(crate) type Make = for<'a> fn(&Plan<'a>) -> Result<Box<dyn Channel + 'a>>;

/// A message with this number in front.
pub(crate) fn write(number: u64, message: &mut [u8]) {
    message[..8].copy_from_slice(&number.to_ne_bytes());
}

/// The number in front of a message.
pub(crate) fn read(message: &[u8]) -> u64 {
    u64::from_ne_bytes(
        message[..8]
            .try_into()
            .expect("a message has 8 bytes or more"),
    )
}
