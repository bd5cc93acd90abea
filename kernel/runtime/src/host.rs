//! What the runtime offers to cells: `labsupport` looks these functions up by their names, and manages without them on another kernel.

use super::connection::{self, PANIC, REMEMBER};
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

/// Flushes what cells have printed.
pub(super) fn flush_cells() {
    let flush = FLUSH.lock().ok().and_then(|known| *known);
    if let Some(flush) = flush {
        flush();
    }
}
