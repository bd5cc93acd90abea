//! `labsupport::Queue`. A message of 8 bytes is a `u64`, a larger one bytes, which serde copies in one piece. `make_lent` makes a queue whose
//! messages are written and read in place.
//!
//! If another core could put a message meanwhile, the receiver polls 200 times, for some microseconds, before it sleeps on a futex.

use super::channel::{Channel, Plan, read, write};
use anyhow::Result;
use labsupport::prelude::Queue;
use serde_bytes::ByteBuf;

enum Ours {
    Numbers(Queue<u64>),
    Bytes(Queue<ByteBuf>, usize),
}

pub(crate) fn make<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    Ok(Box::new(match plan.size {
        8 => Ours::Numbers(Queue::bounded(plan.depth)?),
        size => {
            // 16 bytes more for the lengths that serde and the queue write before a message.
            let bytes = plan.depth * (size + 16);
            Ours::Bytes(Queue::bounded_bytes(plan.depth, bytes)?, size)
        }
    }))
}

struct Lent {
    queue: Queue<[u8]>,
    size: usize,
}

/// The same without types and without copies.
pub(crate) fn make_lent<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    let (size, bytes) = (plan.size, plan.depth * (plan.size + 16));
    let queue = Queue::bounded_bytes(plan.depth, bytes)?;
    Ok(Box::new(Lent { queue, size }))
}

impl Channel for Lent {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        // What is to be sent comes from somewhere: it is copied in, as the peers copy it.
        let mut message = vec![0; self.size];
        Box::new(move |number| {
            write(number, &mut message);
            let put = |bytes: &mut [u8]| bytes.copy_from_slice(&message);
            self.queue.put_with(self.size, put).expect("somebody takes");
        })
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        Box::new(|| self.queue.get_with(read).expect("somebody puts"))
    }
}

impl Channel for Ours {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        match self {
            Ours::Numbers(queue) => Box::new(|number| queue.put(number).expect("somebody takes")),
            Ours::Bytes(queue, size) => {
                // `put` returns the message only in an error, so each call needs a new message.
                Box::new(|number| {
                    let mut message = vec![0; *size];
                    write(number, &mut message);
                    queue.put(ByteBuf::from(message)).expect("somebody takes");
                })
            }
        }
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        match self {
            Ours::Numbers(queue) => Box::new(|| queue.get().expect("somebody puts")),
            Ours::Bytes(queue, _) => Box::new(|| read(&queue.get().expect("somebody puts"))),
        }
    }
}
