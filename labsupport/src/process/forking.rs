//! A fork copies one thread, and every lock as it is. A lock that another thread holds at that moment stays locked in the worker, for
//! ever. The standard library has three that a worker needs: standard output, standard error, and the one around the panic hook, which a
//! thread that panics holds for as long as it writes its backtrace. So whoever forks takes these first:
//!
//! ```text
//! parent   SPAWNING ─ panic hook exchanged ─ stdout ─ stderr ── fork, fork, fork … ── all given back, the hook as before
//! worker                                                          └─ locks given back, the hook stays
//! ```
//!
//! Exchanging the hook waits until nobody panics, and the worker need not touch it. A thread of the parent that begins to panic afterwards
//! only *reads* the hook, which does not keep the worker from reading it. `SPAWNING` keeps two threads from exchanging it at once.

use std::cell::RefCell;
use std::io::{self, StderrLock, StdoutLock, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

static SPAWNING: Mutex<()> = Mutex::new(());

/// Whether this process is a worker. Only ever set in a worker's own copy of it.
static IN_WORKER: AtomicBool = AtomicBool::new(false);

thread_local! {
    static PANIC: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The locks of one [`Workers::spawn`](super::Workers::spawn), from before its first fork to after its last.
pub(super) struct Forking {
    locks: Option<(
        MutexGuard<'static, ()>,
        StdoutLock<'static>,
        StderrLock<'static>,
    )>,
    /// The hook that was there before. `None` in a thread that panics already, where it cannot be exchanged.
    hook: Option<Arc<Hook>>,
}

impl Forking {
    pub(super) fn begin() -> Forking {
        let spawning = SPAWNING
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // Before the streams: a thread that panics may hold the hook and wait for a stream.
        let hook = (!std::thread::panicking()).then(|| {
            let before: Arc<Hook> = Arc::new(panic::take_hook());
            let otherwise = before.clone();
            // In a notebook the line is one of the file that evcxr made around the cell: it would only mislead.
            let named = std::env::var_os("EVCXR_IS_RUNTIME").is_none();
            panic::set_hook(Box::new(move |info| {
                if IN_WORKER.load(Ordering::Relaxed) {
                    keep(info, named);
                } else {
                    otherwise(info);
                }
            }));
            before
        });
        let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
        // What waits in a buffer would be copied by each fork and printed by each worker.
        let _ = stdout.flush();
        let _ = stderr.flush();
        Forking {
            locks: Some((spawning, stdout, stderr)),
            hook,
        }
    }

    /// In a worker: gives the locks back, and leaves the hook that keeps a panic's words for the parent.
    pub(super) fn is_over_in_worker(&mut self) {
        IN_WORKER.store(true, Ordering::Relaxed);
        self.hook = None;
        self.locks = None;
    }
}

impl Drop for Forking {
    fn drop(&mut self) {
        let Some((spawning, stdout, stderr)) = self.locks.take() else {
            return; // in a worker
        };
        // The streams first, for the same reason as above.
        drop((stdout, stderr));
        if let Some(before) = self.hook.take() {
            // Nobody uses it any more when this returns, so the other handle on `before` is gone.
            drop(panic::take_hook());
            if let Ok(hook) = Arc::try_unwrap(before) {
                panic::set_hook(hook);
            }
        }
        drop(spawning);
    }
}

/// Keeps a panic's words and its place.
fn keep(info: &PanicHookInfo<'_>, named: bool) {
    let message = info.payload_as_str().unwrap_or("(a panic without words)");
    let place = info.location().filter(|_| named).map(ToString::to_string);
    PANIC.with(|panic| panic.replace((message.to_string(), place.unwrap_or_default())));
}

/// Message and place of the calling thread's last panic in this worker.
pub(super) fn last_panic() -> (String, String) {
    PANIC.with(RefCell::take)
}
