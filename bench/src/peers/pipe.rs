//! A pipe. A write of up to 4,096 bytes stays in one piece, so several processes may share an end for messages up to that size; larger
//! messages go 1→1 only. The reader sleeps in the system. A pipe holds the system's default, 64 KB.

use super::channel::{Channel, Plan, read, write};
use anyhow::{Result, bail};
use std::io::{PipeReader, PipeWriter, Read, Write};

struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
    size: usize,
}

pub(crate) fn make<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    if plan.size > libc::PIPE_BUF && (plan.shape.producers > 1 || plan.shape.consumers > 1) {
        bail!(
            "a pipe keeps up to {} bytes in one piece: 1→1 only",
            libc::PIPE_BUF
        );
    }
    let (reader, writer) = std::io::pipe()?;
    Ok(Box::new(Pipe {
        reader,
        writer,
        size: plan.size,
    }))
}

impl Channel for Pipe {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        let mut message = vec![0; self.size];
        Box::new(move |number| {
            write(number, &mut message);
            (&self.writer)
                .write_all(&message)
                .expect("the pipe is open");
        })
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        let mut message = vec![0; self.size];
        Box::new(move || {
            (&self.reader)
                .read_exact(&mut message)
                .expect("the pipe is open");
            read(&message)
        })
    }
}
