//! A fork copies one thread, and every lock as it is. A lock that another thread holds at that moment stays locked in the worker, forever.
//! The standard library has three locks that a worker needs: those of standard output and standard error, and the one around the panic hook,
//! which a thread that panics holds for as long as its hook runs. So [`Forking`] takes care of them first:
//!
//! ```text
//! parent   panic hook exchanged ─ stdout ─ stderr ── fork, fork, fork … ── streams given back ─ the hook as before
//! worker                                              └─ streams given back, the hook stays
//! ```
//!
//! The first thread that spawns replaces the hook, and the last one puts it back. Replacing it waits until no thread panics, and comes before
//! the streams, since a thread that panics may hold the hook and wait for a stream. A worker never replaces it: a thread of the parent may
//! have held its lock at the fork. A worker only *reads* it when it panics, and other readers do not prevent that.
//!
//! One rule is left: a thread that holds the lock of standard error must not wait for that of standard output.

use std::cell::RefCell;
use std::io::{self, StderrLock, StdoutLock, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The threads of this process that spawn right now, and the hook that was there before the first of them.
struct Spawning {
    threads: usize,
    before: Option<Arc<Hook>>,
}

static SPAWNING: Mutex<Spawning> = Mutex::new(Spawning {
    threads: 0,
    before: None,
});

/// Whether this process is a worker. Only set in a worker, in its own copy.
static IN_WORKER: AtomicBool = AtomicBool::new(false);

thread_local! {
    static PANIC: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

/// From before the first fork of one [`Workers::spawn`](super::Workers::spawn) to after its last.
pub(super) struct Forking {
    streams: Option<(StdoutLock<'static>, StderrLock<'static>)>,
    /// Whether it counts in `SPAWNING`.
    counted: bool,
}

fn spawning() -> MutexGuard<'static, Spawning> {
    SPAWNING
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Forking {
    pub(super) fn begin() -> Forking {
        // A thread that panics cannot replace the hook.
        let counted = !IN_WORKER.load(Ordering::Relaxed) && !std::thread::panicking();
        if counted {
            let mut spawning = spawning();
            if spawning.threads == 0 {
                spawning.before = Some(replace_hook());
            }
            spawning.threads += 1;
        }
        let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
        // Each fork would copy what is still in a buffer, and each worker would print it.
        let _ = stdout.flush();
        let _ = stderr.flush();
        Forking {
            streams: Some((stdout, stderr)),
            counted,
        }
    }

    /// In a worker: gives the streams back, and keeps the hook that records the location of a panic for the parent.
    pub(super) fn is_over_in_worker(&mut self) {
        IN_WORKER.store(true, Ordering::Relaxed);
        self.counted = false;
        self.streams = None;
    }
}

impl Drop for Forking {
    fn drop(&mut self) {
        self.streams = None;
        if !self.counted {
            return;
        }
        let mut spawning = spawning();
        spawning.threads -= 1;
        if spawning.threads == 0 && !std::thread::panicking() {
            // When this returns our hook is gone, and with it the other handle on the previous hook.
            drop(panic::take_hook());
            if let Some(Ok(hook)) = spawning.before.take().map(Arc::try_unwrap) {
                panic::set_hook(hook);
            }
        }
    }
}

/// Installs a hook that is quiet in a worker and calls the previous hook in the parent. Returns the previous hook.
fn replace_hook() -> Arc<Hook> {
    let before: Arc<Hook> = Arc::new(panic::take_hook());
    let otherwise = before.clone();
    // In a notebook the location is in the file that evcxr made around the cell: it would only mislead.
    let named = std::env::var_os("EVCXR_IS_RUNTIME").is_none();
    panic::set_hook(Box::new(move |info| {
        if !IN_WORKER.load(Ordering::Relaxed) {
            return otherwise(info);
        }
        let message = info.payload_as_str().unwrap_or_default().to_string();
        let place = info.location().filter(|_| named).map(ToString::to_string);
        PANIC.with(|panic| panic.replace((message, place.unwrap_or_default())));
    }));
    before
}

/// Message and location of the panic that ended the worker with `payload`.
pub(super) fn about(payload: &(dyn std::any::Any + Send)) -> (String, String) {
    let words = (payload.downcast_ref::<&str>().map(ToString::to_string))
        .or_else(|| payload.downcast_ref::<String>().cloned());
    // The last panic that the hook saw may be an older one that was caught.
    let (seen, place) = PANIC.with(RefCell::take);
    match words {
        Some(words) if words == seen => (words, place),
        Some(words) => (words, String::new()),
        None => ("(a panic without a message)".into(), place),
    }
}
