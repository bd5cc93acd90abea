//! A page for tests, with a clock that the test moves.

use super::display::Page;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A page that keeps what is written to it.
#[derive(Debug)]
pub struct Fake {
    live: bool,
    writes: Rc<RefCell<Vec<String>>>,
    now: Rc<Cell<Instant>>,
}

impl Fake {
    /// The page of a kernel that fills displays while a cell runs.
    pub fn live() -> Fake {
        Fake {
            live: true,
            writes: Rc::default(),
            now: Rc::new(Cell::new(Instant::now())),
        }
    }

    /// The page of a stock kernel.
    pub fn stock() -> Fake {
        Fake {
            live: false,
            ..Fake::live()
        }
    }

    /// The page, for a display.
    pub fn page(&self) -> Page {
        let (writes, now) = (Rc::clone(&self.writes), Rc::clone(&self.now));
        Page {
            live: self.live,
            write: Box::new(move |text| writes.borrow_mut().push(text.to_string())),
            now: Box::new(move || now.get()),
        }
    }

    /// Lets time pass.
    pub fn pass(&self, millis: u64) {
        self.now.set(self.now.get() + Duration::from_millis(millis));
    }

    /// What was written since the last call, one string for each write.
    pub fn take(&self) -> Vec<String> {
        self.writes.take()
    }
}
