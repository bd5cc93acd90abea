//! What a read of standard input means in the runtime. This program defines the C library's `read`, so every read of this process, the
//! standard library's in a cell too, comes here first; all but those of descriptor 0 go on to the system at once.
//!
//! The reader of descriptor 0 may be a cell, which wants the student's answer, or evcxr's runtime, which wants its next command. The tap
//! knows which: see `tap.rs`. A worker, which is another process, gets what is open there: nothing.

use super::connection::{COMMAND, FOLDER, QUESTION, Tap, tap};
use super::{crash, host, snapshot};
use crate::watch;
use libc::{c_int, c_void, size_t, ssize_t};
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, PoisonError};

/// One thread at a time waits on `Tap::others`.
static ONE_OF_THE_OTHERS: Mutex<()> = Mutex::new(());

/// The C library's `read`.
///
/// # Safety
/// As there: `buffer` has room for `count` bytes.
#[expect(unreachable_pub, reason = "it takes the place of the C library's")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn read(handle: c_int, buffer: *mut c_void, count: size_t) -> ssize_t {
    if handle == 0
        && count > 0
        && let Some(tap) = tap()
    {
        // SAFETY: the caller's promise; zeroed first, since a slice must be initialized.
        let buffer = unsafe {
            std::ptr::write_bytes(buffer.cast::<u8>(), 0, count);
            std::slice::from_raw_parts_mut(buffer.cast::<u8>(), count)
        };
        return read_from(tap, buffer) as ssize_t;
    }
    // SAFETY: the caller's promise is the system call's.
    unsafe { libc::syscall(libc::SYS_read, handle, buffer, count) as ssize_t }
}

fn read_from(tap: &Tap, buffer: &mut [u8]) -> usize {
    // Show what a cell has printed last: perhaps a prompt without a line's end.
    host::flush_cells();
    if watch::is_first_thread() {
        crash::watch();
        return ask(tap, &tap.main, buffer);
    }
    let _alone = ONE_OF_THE_OTHERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    ask(tap, &tap.others, buffer)
}

fn ask(tap: &Tap, socket: &UnixDatagram, buffer: &mut [u8]) -> usize {
    let mut packet = vec![0; buffer.len() + 1];
    'question: loop {
        let mut question = vec![QUESTION];
        question.extend_from_slice(&(buffer.len() as u64).to_le_bytes());
        if socket.send(&question).is_err() {
            return 0;
        }
        loop {
            let length = match socket.recv(&mut packet) {
                Ok(0) => return 0, // the tap is gone, and so are we in a moment
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return 0,
            };
            let content = &packet[1..length];
            match packet[0] {
                FOLDER => enter(content),
                kind => {
                    if kind == COMMAND && snapshot::take(tap) == snapshot::Who::Snapshot {
                        // This is the snapshot: the other process took the command, and its cell did not end well.
                        continue 'question;
                    }
                    buffer[..content.len()].copy_from_slice(content);
                    return content.len();
                }
            }
        }
    }
}

/// The front says in which folder the notebook lies.
pub(super) fn enter(folder: &[u8]) {
    let folder = String::from_utf8_lossy(folder);
    if let Err(error) = std::env::set_current_dir(&*folder) {
        eprintln!("The notebook's folder {folder} cannot be entered: {error}.");
    }
}
