//! One write that happens just before another one, on any machine and at any load.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

static BUSY: AtomicBool = AtomicBool::new(false);

// What the handler reads. They are written while nothing is closed.
static CLOSED: AtomicUsize = AtomicUsize::new(0); // 0: nothing is
static LEN: AtomicUsize = AtomicUsize::new(0);
static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
static VALUE: AtomicU64 = AtomicU64::new(0);

/// Calls `call`. Just before its first write to the `len` bytes at `base`, `word` becomes `value`, as if another process had written it in that
/// moment. If `call` writes nothing there, `word` stays as it is.
///
/// The bytes are made read-only. The first write raises SIGSEGV, whose handler stores the value, makes the bytes writable again and returns,
/// so the processor executes the write once more: an atomic read-modify-write then reads the new value, and a plain store overwrites it.
///
/// # Panics
/// Another call is running in this process.
///
/// # Safety
/// `base` is the beginning of a mapping of `len` bytes that lives as long as the call, and `word` lies in it.
pub(crate) unsafe fn overtaken<T>(
    base: NonNull<u8>,
    len: usize,
    word: &AtomicU64,
    value: u64,
    call: impl FnOnce() -> T,
) -> T {
    assert!(
        !BUSY.swap(true, Ordering::Acquire),
        "another call is running in this process"
    );
    WORD.store(ptr::from_ref(word).cast_mut(), Ordering::Relaxed);
    VALUE.store(value, Ordering::Relaxed);
    LEN.store(len, Ordering::Relaxed);
    let _restored = Restored::install();
    CLOSED.store(base.as_ptr() as usize, Ordering::Release);
    protect(base.as_ptr() as usize, len, libc::PROT_READ).expect("a mapping can be made read-only");
    call()
}

/// The handler that was there before, put back at the end, also after a panic.
struct Restored(libc::sigaction);

impl Restored {
    fn install() -> Restored {
        let mut before = MaybeUninit::zeroed();
        // SAFETY: a zeroed sigaction has an empty mask and no flags; the handler has the signature that SA_SIGINFO asks for, and both
        // pointers are to live locals. ONSTACK as the standard library has it: a stack overflow must still end in a message.
        unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGSEGV, &action, before.as_mut_ptr());
            Restored(before.assume_init())
        }
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        open();
        // SAFETY: the action that was in force before.
        unsafe { libc::sigaction(libc::SIGSEGV, &self.0, ptr::null_mut()) };
        BUSY.store(false, Ordering::Release);
    }
}

/// Nothing but a system call.
fn protect(base: usize, len: usize, access: i32) -> io::Result<()> {
    // SAFETY: by the contract of `overtaken` the mapping is there until its call ends, and only that call and `open` come here. A write to
    // bytes that are closed raises a signal, and its handler opens them.
    match unsafe { libc::mprotect(base as *mut _, len, access) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes the closed bytes writable. Says whether there were any. After a call's end `CLOSED` is zero.
fn open() -> bool {
    let base = CLOSED.swap(0, Ordering::AcqRel);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    base != 0 && protect(base, LEN.load(Ordering::Relaxed), access).is_ok()
}

/// Async-signal-safe: it makes system calls and uses atomics, and nothing else.
extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo_t to a handler with SA_SIGINFO, and SIGSEGV has an address.
    let address = unsafe { (*info).si_addr() } as usize;
    let base = CLOSED.load(Ordering::Acquire);
    let is_ours = base != 0 && address.wrapping_sub(base) < LEN.load(Ordering::Relaxed);
    if is_ours && open() {
        // SAFETY: `overtaken` was lent the word until its call ends, and it has not ended: the bytes were closed.
        let word = unsafe { &*WORD.load(Ordering::Relaxed) };
        word.store(VALUE.load(Ordering::Relaxed), Ordering::SeqCst);
        return;
    }
    // Any other fault: without a handler, the same instruction faults again and ends the process, and the parent reads the signal.
    // SAFETY: SIG_DFL is a valid action for SIGSEGV.
    unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
}

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use crate::process::{Exit, Workers};
    use crate::shared::Segment;
    use crate::shared::segment::overtaken;
    use std::sync::atomic::Ordering;

    /// What a worker leaves in a word that holds 5, if 9 is written just before its own first write.
    fn left(write: impl Fn(&Segment)) -> (u64, Exit) {
        let segment = Segment::new(8).unwrap();
        segment.word(0).store(5, Ordering::Relaxed);
        let one = Workers::spawn(1, |_| overtaken(&segment, 0, 9, || write(&segment))).unwrap();
        let report = one.join().unwrap();
        (
            segment.word(0).load(Ordering::Relaxed),
            report.outcomes()[0].exit().clone(),
        )
    }

    #[test]
    fn a_plain_store_overwrites_the_other_write() {
        let (left, _) = left(|s| {
            if s.word(0).load(Ordering::Relaxed) < 7 {
                s.word(0).store(7, Ordering::Relaxed);
            }
        });
        assert_eq!(left, 7);
    }

    #[test]
    fn an_atomic_maximum_does_not() {
        let max = |s: &Segment| s.word(0).fetch_max(7, Ordering::Relaxed);
        assert_eq!(
            left(|s| {
                max(s);
            })
            .0,
            9
        );
        let by_hand = |s: &Segment| {
            let more = |seen: u64| (seen < 7).then_some(7);
            let _ = s
                .word(0)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        };
        assert_eq!(left(by_hand).0, 9);
    }

    #[test]
    fn an_addition_counts_from_the_other_write() {
        assert_eq!(
            left(|s| {
                let _ = s.word(0).fetch_add(1, Ordering::Relaxed);
            })
            .0,
            10
        );
    }

    #[test]
    fn without_a_write_nothing_happens() {
        assert_eq!(
            left(|s| {
                let _ = s.word(0).load(Ordering::Relaxed);
            })
            .0,
            5
        );
    }

    #[test]
    fn afterwards_the_memory_and_the_faults_are_as_before() {
        let segment = Segment::new(8).unwrap();
        let one = Workers::spawn(1, |_| {
            let panics = || overtaken(&segment, 0, 9, || panic!("on purpose"));
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
            segment.word(0).store(1, Ordering::Relaxed); // it is writable
            overtaken(&segment, 0, 9, || ());
        });
        one.unwrap().join().unwrap();
        assert_eq!(segment.word(0).load(Ordering::Relaxed), 1);
    }

    #[test]
    fn another_fault_ends_the_worker() {
        let (_, exit) = left(|_| {
            // SAFETY: none; the process is to die here.
            unsafe { std::ptr::without_provenance_mut::<u8>(16).write_volatile(1) }
        });
        assert!(
            matches!(exit, Exit::Signaled(signal) if signal == libc::SIGSEGV),
            "{exit:?}"
        );
    }
}
