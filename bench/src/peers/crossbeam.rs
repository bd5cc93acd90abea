//! crossbeam-channel between the threads of one process: the lower limit. To hand a message over is to move a pointer; the bytes stay where
//! they are. It survives no `kill -9`, and a thread that crashes takes the others along.
//!
//! The receiver polls for some microseconds, then sleeps.

use super::channel::{Channel, Plan, read, write};
use crossbeam_channel::{Receiver, Sender, bounded};

pub(crate) enum Crossbeam {
    Numbers(Sender<u64>, Receiver<u64>),
    Bytes(Sender<Box<[u8]>>, Receiver<Box<[u8]>>, usize),
}

pub(crate) fn make(plan: &Plan) -> Crossbeam {
    match plan.size {
        8 => {
            let (sender, receiver) = bounded(plan.depth);
            Crossbeam::Numbers(sender, receiver)
        }
        size => {
            let (sender, receiver) = bounded(plan.depth);
            Crossbeam::Bytes(sender, receiver, size)
        }
    }
}

impl Channel for Crossbeam {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        match self {
            Crossbeam::Numbers(sender, _) => {
                Box::new(|number| sender.send(number).expect("the receiver lives"))
            }
            Crossbeam::Bytes(sender, _, size) => Box::new(|number| {
                let mut message = vec![0; *size];
                write(number, &mut message);
                sender.send(message.into()).expect("the receiver lives");
            }),
        }
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        match self {
            Crossbeam::Numbers(_, receiver) => {
                Box::new(|| receiver.recv().expect("the sender lives"))
            }
            Crossbeam::Bytes(_, receiver, _) => {
                Box::new(|| read(&receiver.recv().expect("the sender lives")))
            }
        }
    }
}
