//! One number in shared memory and a futex: the least with which one process can hand something to another and sleep meanwhile. It is no
//! queue, and survives nothing.

use super::channel::{Channel, Plan, Shape};
use anyhow::{Result, bail};
use labsupport::prelude::Segment;
use std::sync::atomic::{AtomicU32, Ordering};

const EMPTY: u32 = 0;
const FULL: u32 = 1;

struct Futex(Segment);

pub(crate) fn make<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    let Shape {
        producers: 1,
        consumers: 1,
    } = plan.shape
    else {
        bail!("it is a place for one number: 1→1 only");
    };
    if plan.size != 8 {
        bail!("it is a place for one number: 8 B only");
    }
    Ok(Box::new(Futex(Segment::new(256)?)))
}

impl Futex {
    /// Whether there is a number, on a cache line of its own.
    fn state(&self) -> &AtomicU32 {
        // SAFETY: the word lives as long as the segment; its first half is used only as this atomic.
        unsafe { AtomicU32::from_ptr(self.0.word(16).as_ptr().cast()) }
    }

    fn sleep_while(&self, state: u32) {
        while self.state().load(Ordering::Acquire) == state {
            // SAFETY: the word is borrowed, and no time limit is given.
            unsafe {
                let limit = std::ptr::null::<libc::timespec>();
                let word = self.state().as_ptr();
                libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, state, limit);
            }
        }
    }

    fn set(&self, state: u32) {
        self.state().store(state, Ordering::Release);
        // SAFETY: the word is borrowed.
        unsafe { libc::syscall(libc::SYS_futex, self.state().as_ptr(), libc::FUTEX_WAKE, 1) };
    }
}

impl Channel for Futex {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        Box::new(|number| {
            self.sleep_while(FULL);
            self.0.word(0).store(number, Ordering::Relaxed);
            self.set(FULL);
        })
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        Box::new(|| {
            self.sleep_while(EMPTY);
            let number = self.0.word(0).load(Ordering::Relaxed);
            self.set(EMPTY);
            number
        })
    }
}
