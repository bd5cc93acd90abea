//! The crate ipc-channel: sockets, and serde. A channel has one receiver, and we give it one sender too, so it is measured 1→1 only. Bytes
//! go through its own `bytes_channel`, which avoids serde, or as its `IpcSharedMemory`, of which only a descriptor goes through the socket. The
//! receiver sleeps in the system.

use super::channel::{Channel, Plan, read, write};
use anyhow::{Result, bail};
use ipc_channel::ipc::{
    self, IpcBytesReceiver, IpcBytesSender, IpcReceiver, IpcSender, IpcSharedMemory,
};

enum IpcChannel {
    Numbers(IpcSender<u64>, IpcReceiver<u64>),
    Bytes(IpcBytesSender, IpcBytesReceiver, usize),
    Shared(
        IpcSender<IpcSharedMemory>,
        IpcReceiver<IpcSharedMemory>,
        usize,
    ),
}

fn has_one_receiver(plan: &Plan) -> Result<()> {
    if plan.shape.producers > 1 || plan.shape.consumers > 1 {
        bail!("it has one receiver: 1→1 only");
    }
    Ok(())
}

/// Each message in a piece of shared memory of its own, as its documentation recommends for large ones.
pub(crate) fn make_shared<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    has_one_receiver(plan)?;
    let (sender, receiver) = ipc::channel()?;
    Ok(Box::new(IpcChannel::Shared(sender, receiver, plan.size)))
}

pub(crate) fn make<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    has_one_receiver(plan)?;
    Ok(Box::new(match plan.size {
        8 => {
            let (sender, receiver) = ipc::channel()?;
            IpcChannel::Numbers(sender, receiver)
        }
        size => {
            let (sender, receiver) = ipc::bytes_channel()?;
            IpcChannel::Bytes(sender, receiver, size)
        }
    }))
}

impl Channel for IpcChannel {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        match self {
            IpcChannel::Numbers(sender, _) => {
                Box::new(|number| sender.send(number).expect("the receiver lives"))
            }
            IpcChannel::Bytes(sender, _, size) => {
                let mut message = vec![0; *size];
                Box::new(move |number| {
                    write(number, &mut message);
                    sender.send(&message).expect("the receiver lives");
                })
            }
            IpcChannel::Shared(sender, _, size) => {
                let mut message = vec![0; *size];
                Box::new(move |number| {
                    write(number, &mut message);
                    let message = IpcSharedMemory::from_bytes(&message);
                    sender.send(message).expect("the receiver lives");
                })
            }
        }
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        match self {
            IpcChannel::Numbers(_, receiver) => {
                Box::new(|| receiver.recv().expect("the sender lives"))
            }
            IpcChannel::Bytes(_, receiver, _) => {
                Box::new(|| read(&receiver.recv().expect("the sender lives")))
            }
            IpcChannel::Shared(_, receiver, _) => {
                Box::new(|| read(&receiver.recv().expect("the sender lives")))
            }
        }
    }
}
