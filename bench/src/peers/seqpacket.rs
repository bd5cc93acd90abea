//! A pair of sockets of type SOCK_SEQPACKET: the system keeps messages whole and in order, with any number of processes at each
//! end. The receiver sleeps in the system. The sockets hold the system's default, some 200 KB.

use super::channel::{Channel, Plan, read, write};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};

struct SeqPacket {
    sender: File,
    receiver: File,
    size: usize,
}

pub(crate) fn make<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    let mut ends = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: the pointer is to a live array of two.
    if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error()).context("no pair of sockets");
    }
    // SAFETY: both descriptors were opened just now, and nobody else knows them.
    let [sender, receiver] = ends.map(|end| File::from(unsafe { OwnedFd::from_raw_fd(end) }));
    Ok(Box::new(SeqPacket {
        sender,
        receiver,
        size: plan.size,
    }))
}

impl Channel for SeqPacket {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        let mut message = vec![0; self.size];
        Box::new(move |number| {
            write(number, &mut message);
            let sent = (&self.sender).write(&message).expect("the socket is open");
            assert_eq!(sent, message.len(), "a message goes as a whole");
        })
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        let mut message = vec![0; self.size];
        Box::new(move || {
            let got = (&self.receiver)
                .read(&mut message)
                .expect("the socket is open");
            assert_eq!(got, message.len(), "a message comes as a whole");
            read(&message)
        })
    }
}
