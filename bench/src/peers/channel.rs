//! What all ways to hand messages over have in common.

use anyhow::Result;
use std::path::Path;

/// The number that sends a consumer home.
pub(crate) const PILL: u64 = u64::MAX;

/// A way for messages of one size to go from some processes, or threads, to others. A message is a number, and zeros up to its
/// size.
///
/// It is made before the processes are forked. Each of them asks for its end once, before anything is timed.
pub(crate) trait Channel {
    /// Sends a number; waits while there is no room.
    fn sender(&self) -> Box<dyn FnMut(u64) + '_>;
    /// Takes the next number; waits while there is none.
    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_>;
}

/// How many put, and how many take.
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
    /// Messages that may wait, where that can be said.
    pub depth: usize,
    /// The cores that everybody stays on, one after the other; where there is none, the system places them.
    pub cores: &'a [usize],
    /// For what is written.
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
