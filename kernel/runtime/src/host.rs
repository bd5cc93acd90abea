//! What the runtime offers to cells: `labsupport` looks these functions up by their names, and manages without them on another kernel.

use super::connection::{self, ASK, FOLDER, PANIC, REMEMBER, Tap};
use super::stdin::enter;
use crate::watch;
use std::io::ErrorKind;
use std::sync::Mutex;

/// Flushes the standard output that all cells share. A cell has a standard library of its own, whose buffer this program cannot flush.
type Flush = extern "C" fn();

static FLUSH: Mutex<Option<Flush>> = Mutex::new(None);

/// Called by `labsupport` when the prelude runs: `flush` is called whenever a cell is over or reads standard input.
///
/// The command that is running now will be run again in each new runtime, because evcxr runs its prelude only once.
#[expect(
    unreachable_pub,
    reason = "`labsupport` finds it by its name in the running program"
)]
#[unsafe(no_mangle)]
pub extern "C" fn labs_ready(flush: Flush) {
    if let Some(tap) = connection::tap() {
        if let Ok(mut known) = FLUSH.lock() {
            *known = Some(flush);
        }
        let _ = tap.others.send(&[REMEMBER]);
    }
}

/// Called by the panic hook that `labsupport` sets, with what the panic said. Returns whether the runtime has taken it; in a worker it has
/// not.
///
/// # Safety
/// `json` points to `length` bytes.
#[expect(
    unreachable_pub,
    reason = "`labsupport` finds it by its name in the running program"
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn labs_panicked(json: *const u8, length: usize) -> bool {
    let Some(tap) = connection::tap() else {
        return false;
    };
    let mut packet = vec![PANIC];
    // SAFETY: the caller's promise.
    packet.extend_from_slice(unsafe { std::slice::from_raw_parts(json, length) });
    tap.others.send(&packet).is_ok()
}

/// Called by `labsupport` with a question of the running cell's to the front. Waits for the answer, writes it to `answer`, and returns
/// how many bytes it has. Nobody answers a worker or a second thread, and the answer may be too long: then it returns -1.
///
/// # Safety
/// `question` points to `length` bytes, and `answer` to `room` bytes that may be written.
#[expect(
    unreachable_pub,
    reason = "`labsupport` finds it by its name in the running program"
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn labs_ask(
    question: *const u8,
    length: usize,
    answer: *mut u8,
    room: usize,
) -> isize {
    let Some(tap) = connection::tap().filter(|_| watch::is_first_thread()) else {
        return -1;
    };
    flush_cells();
    // SAFETY: the caller's promise.
    let said = ask_front(tap, unsafe { std::slice::from_raw_parts(question, length) });
    match said {
        Some(said) if said.len() <= room => {
            // SAFETY: there is room for these bytes, says the caller, and they are no part of `said`, which is ours.
            unsafe { std::ptr::copy_nonoverlapping(said.as_ptr(), answer, said.len()) };
            said.len() as isize
        }
        _ => -1,
    }
}

fn ask_front(tap: &Tap, question: &[u8]) -> Option<Vec<u8>> {
    let mut packet = vec![ASK];
    packet.extend_from_slice(question);
    tap.main.send(&packet).ok()?;
    let mut packet = vec![0; 64 * 1024];
    loop {
        match tap.main.recv(&mut packet) {
            Ok(0) => return None, // the tap is gone, and so are we in a moment
            Ok(length) => match packet[0] {
                ASK => return Some(packet[1..length].to_vec()),
                FOLDER => enter(&packet[1..length]),
                _ => {}
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Flushes what cells have printed.
pub(super) fn flush_cells() {
    let flush = FLUSH.lock().ok().and_then(|known| *known);
    if let Some(flush) = flush {
        flush();
    }
}
