//! Places with a name, at which the tests kill or stop a process, to show that no other process is harmed.
//!
//! They exist in this crate's unit tests, and with the feature `faults` in a build with debug assertions. A benchmark, which cargo builds with
//! the features of the tests, therefore measures what ships. Elsewhere nothing of them is left.
//!
//! Arming affects one process, and a fork copies it: arm inside a worker's closure to strike that worker, or before the fork to strike a
//! child on its way to the closure.

#![cfg_attr(not(any(test, feature = "faults")), allow(dead_code))]

use std::sync::atomic::{AtomicU64, Ordering};

/// Whether this build has the points.
pub const ON: bool = cfg!(any(test, all(feature = "faults", debug_assertions)));

/// All points, of this crate and of those built on it. A test in `labsupport/faults` compares the list with the sources.
pub const POINTS: &[&str] = &[
    "segment: named",
    "lock: asked",
    "lock: taken",
    "lock: inherited",
    "lock: made consistent",
    "lock: giving back",
    "lock: given back",
    "put: locked",
    "put: written",
    "put: committed",
    "put: unlocked",
    "get: locked",
    "get: copied",
    "get: committed",
    "get: unlocked",
    "bell: asked",
    "bell: woken",
    "barrier: arriving",
    "barrier: arrived",
    "barrier: complete",
    "trace: half written",
    "trace: written",
    "trace: committed",
    "spawn: forked one",
    "worker: forked",
    "worker: ready",
    "worker: closure ended",
    "worker: half sent",
    "worker: sent",
    "manager: forked",
    "serve: begun",
    "serve: admitted",
    "serve: read",
    "serve: applied",
    "serve: part sent",
    "serve: answered",
    "ask: knocked",
    "ask: part sent",
    "ask: sent",
];

/// What happens to a process at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL.
    Kill = 1,
    /// SIGSTOP; it continues after SIGCONT.
    Stop,
    /// SIGTERM.
    Terminate,
}

// Point, action and passages in one word, so that a fork at any moment copies a whole state; zero means that nothing is armed.
// A lock would not do: a fork may copy it while another thread holds it.
static ARMED: AtomicU64 = AtomicU64::new(0);

/// What replaces the armed action once that has struck.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// From now on `action` strikes this process when it reaches `point`, once.
pub fn arm(point: &str, action: Action) {
    arm_nth(point, action, 1);
}

/// The same, when it reaches the point for the `passage`-th time.
pub fn arm_nth(point: &str, action: Action, passage: u32) {
    ARMED.store(word(point, action, passage), Ordering::Relaxed);
}

/// The armed action, an [`Action::Stop`], strikes first, and this one after the process has continued.
pub fn arm_then(point: &str, action: Action) {
    NEXT.store(word(point, action, 1), Ordering::Relaxed);
}

/// From now on nothing strikes this process.
pub fn disarm() {
    NEXT.store(0, Ordering::Relaxed);
    ARMED.store(0, Ordering::Relaxed);
}

fn word(point: &str, action: Action, passage: u32) -> u64 {
    assert!(passage > 0, "passages are counted from one");
    number(point) << 40 | (action as u64) << 32 | u64::from(passage)
}

fn number(point: &str) -> u64 {
    let place = POINTS.iter().position(|known| *known == point);
    place.unwrap_or_else(|| panic!("{point:?} is not in the list of points")) as u64
}

/// A place with a name.
#[inline(always)]
pub fn point(_name: &'static str) {
    #[cfg(any(test, all(feature = "faults", debug_assertions)))]
    if ARMED.load(Ordering::Relaxed) != 0 {
        strike(_name);
    }
}

/// How many of `len` bytes are sent before a point in the middle of them: none if there are no points.
#[inline(always)]
pub fn half(len: usize) -> usize {
    if ON { len / 2 } else { 0 }
}

#[cold]
#[cfg(any(test, all(feature = "faults", debug_assertions)))]
fn strike(name: &str) {
    let number = number(name);
    let passed = ARMED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
        let (point, passages) = (word >> 40, word as u32);
        match (word != 0 && point == number, passages) {
            (false, _) => None,
            (true, 1) => Some(NEXT.load(Ordering::Relaxed)),
            (true, _) => Some(word - 1),
        }
    });
    let Ok(word) = passed else { return };
    if word as u32 != 1 {
        return;
    }
    NEXT.store(0, Ordering::Relaxed);
    let signal = match word >> 32 & 0xFF {
        1 => libc::SIGKILL,
        2 => libc::SIGSTOP,
        _ => libc::SIGTERM,
    };
    let _ = super::send_signal(super::getpid(), signal);
    assert!(
        signal == libc::SIGSTOP,
        "the signal has ended the process at {name}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "not in the list")]
    fn a_point_that_is_not_in_the_list_cannot_be_armed() {
        arm("put: forgotten", Action::Kill);
    }
}
