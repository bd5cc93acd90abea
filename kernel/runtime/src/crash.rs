//! Before a signal ends this process, tells what it was about: a stack overflow, or another bad access.

use super::connection;
use super::packet::Crash;
use libc::{c_int, c_void, siginfo_t, ucontext_t};
use std::os::fd::AsRawFd;
use std::sync::Once;

const SIGNALS: [c_int; 3] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL];

/// An access counts as one of the stack's if it is this near to the stack pointer.
const NEAR: usize = 128 << 10;

/// Watches for crashes from now on, in the place of evcxr's own handler. That one has no stack to run on after a stack overflow, and after
/// any other crash prints a backtrace through evcxr.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let size = 64 << 10;
        let stack = libc::stack_t {
            // Never freed: a signal may come as long as the process lives.
            ss_sp: Box::leak(vec![0u8; size].into_boxed_slice())
                .as_mut_ptr()
                .cast(),
            ss_flags: 0,
            ss_size: size,
        };
        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = crashed;
        // SAFETY: a stack of that size which nobody else uses; a handler with the signature that SA_SIGINFO asks for, which calls only
        // what is safe in one; a sigaction is valid when it is all zeros.
        unsafe {
            libc::sigaltstack(&stack, std::ptr::null_mut());
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            for signal in SIGNALS {
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    });
}

/// What the handler saw, from the letter that it sent to the tap.
pub(super) fn from_letter(letter: u8) -> Option<Crash> {
    match letter {
        b'o' => Some(Crash::StackOverflow),
        b's' => Some(Crash::BadAccess),
        b'i' => Some(Crash::BadInstruction),
        _ => None,
    }
}

extern "C" fn crashed(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let letter = if signal == libc::SIGILL {
        b'i'
    } else if near_the_stack(info, context) {
        b'o'
    } else {
        b's'
    };
    if let Some(tap) = connection::tap() {
        let packet = [connection::CRASH, letter];
        // SAFETY: send is safe in a signal handler; a packet that lives through the call.
        unsafe {
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            libc::send(tap.others.as_raw_fd(), packet.as_ptr().cast(), 2, flags);
        }
    } else if letter == b'o' {
        // In a worker: its parent reports how it ended, but cannot know why.
        let words =
            b"A worker's stack overflowed; most often a function calls itself without end.\n";
        // SAFETY: write is safe in a signal handler; bytes that live through the call.
        unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
    }
    // The instruction is tried again, and then the signal does what it does by itself.
    // SAFETY: signal is safe in a signal handler.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

fn near_the_stack(info: *mut siginfo_t, context: *mut c_void) -> bool {
    // SAFETY: the system gives the handler a siginfo, and a ucontext of the thread that was interrupted.
    let (address, context) =
        unsafe { ((*info).si_addr() as usize, &*context.cast::<ucontext_t>()) };
    stack_pointer(context).abs_diff(address) < NEAR
}

#[cfg(target_arch = "x86_64")]
fn stack_pointer(context: &ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize
}

#[cfg(target_arch = "aarch64")]
fn stack_pointer(context: &ucontext_t) -> usize {
    context.uc_mcontext.sp as usize
}
