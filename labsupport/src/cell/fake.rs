//! A page for tests, with a clock that moves when it is told to.

use super::Page;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub(crate) struct Fake {
    live: bool,
    writes: Rc<RefCell<Vec<String>>>,
    now: Rc<Cell<Instant>>,
}

impl Fake {
    /// The page of the kernel that fills displays while a cell runs.
    pub(crate) fn live() -> Fake {
        Fake {
            live: true,
            writes: Rc::default(),
            now: Rc::new(Cell::new(Instant::now())),
        }
    }

    /// The page of a stock kernel.
    pub(crate) fn stock() -> Fake {
        Fake {
            live: false,
            ..Fake::live()
        }
    }

    pub(crate) fn page(&self) -> Page {
        let (writes, now) = (Rc::clone(&self.writes), Rc::clone(&self.now));
        Page {
            live: self.live,
            write: Box::new(move |text| writes.borrow_mut().push(text.to_string())),
            now: Box::new(move || now.get()),
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, millis: u64) {
        self.now.set(self.now.get() + Duration::from_millis(millis));
    }

    /// What was written since the last call, one string per write.
    pub(crate) fn take(&self) -> Vec<String> {
        self.writes.take()
    }
}
