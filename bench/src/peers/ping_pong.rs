//! The least that a round trip to another process can cost: the manager's bytes through a bare stream socket, one write and one
//! read on each side.

use crate::cores;
use anyhow::Result;
use labsupport::prelude::Workers;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// How many bytes the question for a small number and its answer have; the manager's `README.md` draws them.
const QUESTION: usize = 9;
const ANSWER: usize = 7;

/// A process that answers.
pub(crate) struct PingPong {
    ours: UnixStream,
    // Killed when it is dropped.
    _server: Workers<()>,
}

impl PingPong {
    /// Starts the process on core `server`.
    pub(crate) fn start(server: usize) -> Result<PingPong> {
        let (ours, theirs) = UnixStream::pair()?;
        // The worker has a copy of our end too and would never see it close.
        let ours = RefCell::new(Some(ours));
        let workers = Workers::spawn(1, |_| {
            cores::stay_on(&[server], 0);
            ours.take();
            let mut stream = &theirs;
            let mut question = [0; QUESTION];
            while stream.read_exact(&mut question).is_ok() {
                stream
                    .write_all(&[7; ANSWER])
                    .expect("the other end is open");
            }
        })?;
        let ours = ours.take().expect("only the worker has taken its copy");
        Ok(PingPong {
            ours,
            _server: workers,
        })
    }

    /// One question, one answer.
    pub(crate) fn ask(&mut self) -> u8 {
        let mut answer = [0; ANSWER];
        self.ours
            .write_all(&[1; QUESTION])
            .expect("the server lives");
        self.ours.read_exact(&mut answer).expect("the server lives");
        answer[0]
    }
}
