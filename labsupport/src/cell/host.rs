use super::escape::quote;
use crate::sys;
use std::ffi::CStr;
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;

/// The labs' kernel calls it when a cell is over: it flushes the standard output that all cells share.
type Flush = extern "C" fn();
type Ready = extern "C" fn(Flush);
type Panicked = unsafe extern "C" fn(*const u8, usize) -> bool;
type Ask = unsafe extern "C" fn(*const u8, usize, *mut u8, usize) -> isize;

/// Tells the labs' kernel that cells use this crate. Whatever they print then appears with its own cell, even without a newline at the end, and
/// the kernel gets every panic in full. The labs' prelude calls it. On another kernel, and in a program, nothing happens.
///
/// # Examples
/// ```
/// labsupport::cell::ready();
/// ```
pub fn ready() {
    // SAFETY: the types are those of the functions that the kernel defines under these names (kernel/runtime/src/host.rs).
    let offered = unsafe {
        (
            find::<Ready>(c"labs_ready"),
            find::<Panicked>(c"labs_panicked"),
        )
    };
    let (Some(ready), Some(panicked)) = offered else {
        return;
    };
    ready(flush);
    let before = Arc::new(panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        let words = describe(info);
        // SAFETY: the bytes live through the call.
        let taken = unsafe { panicked(words.as_ptr(), words.len()) };
        if !taken {
            before(info);
        }
    }));
}

/// The longest question that [`ask`] passes on, in bytes. It must fit into one packet.
const LONGEST_QUESTION: usize = 60 * 1024;

/// Asks the labs' kernel something about the page, as JSON, and waits for its answer. What the cell has shown before is on its way to the
/// page before the question is.
///
/// `None` if nobody answers: on another kernel, in a program, in a worker, in a thread that does not run cells.
pub fn ask(question: &str) -> Option<String> {
    // SAFETY: the type is that of the function which the kernel defines under this name (kernel/runtime/src/host.rs).
    let ask = unsafe { find::<Ask>(c"labs_ask") }?;
    if question.len() > LONGEST_QUESTION {
        return None;
    }
    let _ = io::stdout().flush();
    let mut answer = vec![0; 64 * 1024];
    // SAFETY: the question lives through the call, and the answer has as much room as is said.
    let length = unsafe {
        ask(
            question.as_ptr(),
            question.len(),
            answer.as_mut_ptr(),
            answer.len(),
        )
    };
    answer.truncate(usize::try_from(length).ok()?);
    String::from_utf8(answer).ok()
}

/// The function `name` of the program that this process runs.
///
/// # Safety
/// `F` is a function pointer type, the type of that function.
unsafe fn find<F>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut libc::c_void>()) };
    // SAFETY: the name is a live C string, and the search has no other effect.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: a function pointer has the size and the form of an address; the caller promises that the type is right.
    (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
}

extern "C" fn flush() {
    let _ = io::stdout().flush();
}

/// The largest part of a panic's message that is passed on, in bytes.
const LONGEST: usize = 64 * 1024;

/// `text`, without its middle if it is too long.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.into();
    }
    let boundary = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at));
    let begin = boundary(LONGEST / 2).unwrap_or(0);
    let end = boundary(text.len() - LONGEST / 2).unwrap_or(text.len());
    format!(
        "{} […{} bytes are left out here…] {}",
        &text[..begin],
        end - begin,
        &text[end..]
    )
}

/// What the kernel reads (`Panicked` in kernel/src/front/cell.rs).
fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info
        .payload_as_str()
        .unwrap_or("(a panic with a value that is not text)");
    let place = info.location().map(ToString::to_string);
    let thread = std::thread::current();
    let main = sys::is_main_thread();
    format!(
        "{{\"main\":{main},\"thread\":{},\"message\":{},\"place\":{}}}",
        quote(thread.name().unwrap_or("<unnamed>")),
        quote(&shortened(message)),
        quote(&place.unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_ends() {
        assert_eq!(shortened("short"), "short");
        let long = format!("begin{}end", "\u{e4}".repeat(LONGEST));
        let short = shortened(&long);
        assert!(
            short.starts_with("begin") && short.ends_with("end") && short.len() < LONGEST + 100
        );
        assert!(short.contains("bytes are left out here"));
    }
}
