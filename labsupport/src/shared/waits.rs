use super::locked::Locked;
use super::{Array, Barrier, Flag, Lock, Queue, Value};
use std::ops::Range;

/// Something that a process may wait for: the addresses of the words on which it sleeps, each range with a text that says what for.
pub trait Waits {
    /// The places. `name` is what a message calls the thing.
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)>;
}

impl Waits for Lock {
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)> {
        vec![(self.locked.addresses(), format!("for the lock `{name}`"))]
    }
}

fn lock_of<T>(locked: &Locked<T>, name: &str) -> Vec<(Range<usize>, String)> {
    vec![(locked.addresses(), format!("for the lock of `{name}`"))]
}

impl Waits for Flag {
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)> {
        lock_of(&self.locked, name)
    }
}

impl<T> Waits for Value<T> {
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)> {
        lock_of(&self.locked, name)
    }
}

impl<T> Waits for Array<T> {
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)> {
        lock_of(&self.locked, name)
    }
}

impl Waits for Barrier {
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)> {
        let words = format!("at the barrier {name}, for those that have not arrived");
        vec![(self.segment.addresses(), words)]
    }
}

impl<T: ?Sized> Waits for Queue<T> {
    fn waits(&self, name: &str) -> Vec<(Range<usize>, String)> {
        let (get, put) = self.sides();
        vec![
            (
                get,
                format!("for a message in the queue `{name}`, which was empty"),
            ),
            (
                put,
                format!("for room in the queue `{name}`, which was full"),
            ),
        ]
    }
}
