//! The inner kernel's end of the leash: a thread that waits for the holder's end, in the process that runs evcxr_jupyter.

use crate::watch::Signal;
use crate::{descriptor, directory, watch};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The holder is gone, and the directory is being removed.
static ENDING: AtomicBool = AtomicBool::new(false);

/// How the line that reports a panic begins.
pub const PANICKED: &str = "The kernel panicked: ";

/// A panic in any thread of evcxr leaves it without that thread, or with a lock that is never given back: later cells would wait
/// forever. So the first one ends the process, which the front sees at once.
fn end_at_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic
            .payload_as_str()
            .unwrap_or("without words")
            .replace('\n', " ");
        match panic.location() {
            Some(place) => eprintln!("{PANICKED}{message}, at {place}"),
            None => eprintln!("{PANICKED}{message}"),
        }
        watch::exit_now(101);
    }));
}

/// For tests: this environment variable names a file. As soon as the file exists, a thread removes it and panics.
const FAULT: &str = "LABS_FAULT";

fn panic_when_asked() {
    let Some(file) = std::env::var_os(FAULT).map(PathBuf::from) else {
        return;
    };
    std::thread::spawn(move || {
        while fs::remove_file(&file).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("a fault that was asked for");
    });
}

/// Takes the leash from standard input and watches it. Call it first of all, before there is any other thread.
pub fn wear() {
    let Some(session) = std::env::var_os(directory::SESSION).map(PathBuf::from) else {
        return;
    };
    end_at_a_panic();
    panic_when_asked();
    let leash = match descriptor::take_stdin() {
        Ok(leash) => UnixStream::from(leash),
        Err(error) => {
            eprintln!("The kernel has no leash: {error}.");
            std::process::exit(1);
        }
    };
    // SAFETY: the function may be called at any exit, from any thread: it reads one atomic and sleeps.
    unsafe { libc::atexit(let_end) };
    let watching = std::thread::Builder::new()
        .name("labs: leash".into())
        .spawn(move || {
            // The holder says in which folder the notebook lies, or is gone.
            for folder in BufReader::new(leash).lines().map_while(Result::ok) {
                if let Err(error) = std::env::set_current_dir(&folder) {
                    eprintln!("The notebook's folder {folder} cannot be entered: {error}.");
                }
            }
            end(&session);
        });
    if let Err(error) = watching {
        eprintln!("The kernel's leash cannot be watched: {error}.");
        std::process::exit(1);
    }
}

/// Runs when this process exits by itself, and waits if `end` is at work. evcxr exits when the compiler is killed under its first cell;
/// that must not happen before `end` has removed the directory, since nobody else would remove it. Then `end` kills this process.
extern "C" fn let_end() {
    while ENDING.load(Ordering::Acquire) {
        std::thread::park();
    }
}

/// Ends this process and all that it started, and leaves no file.
fn end(session: &Path) -> ! {
    ENDING.store(true, Ordering::Release);
    let deadline = Instant::now() + Duration::from_millis(500);
    loop {
        // evcxr starts a runtime anew when one ends, so look again until nothing is left to write into the directory.
        kill_children();
        let gone = fs::remove_dir_all(session)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        if gone || Instant::now() > deadline {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    directory::remove(session);
    watch::kill_own_group(); // of which we are the leader
    std::process::abort();
}

/// Kills the runtime and the compilers; workers end with the runtime.
fn kill_children() {
    for child in watch::children(std::process::id()) {
        // A thread of evcxr may collect it this very moment.
        watch::send(child, Signal::KILL);
    }
}
