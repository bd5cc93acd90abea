//! What the front and an inner kernel agree on about a session's directory.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// Tells an inner kernel on a leash, and its runtime, its directory.
pub const SESSION: &str = "LABS_SESSION";
/// Tells the runtime on which descriptor it sends what cells print and show.
pub const OUTPUT: &str = "LABS_OUTPUT";
/// evcxr sets this variable itself for each of its own calls of cargo, so the inner kernel's value reaches only rust-analyzer's call.
pub const FLAGS: &str = "RUSTFLAGS";

/// The user's `CARGO_HOME`, or empty: an inner kernel has one of its own, in which rust-analyzer finds the stand-in for cargo.
pub const CARGO_HOME: &str = "LABS_CARGO_HOME";

/// The name by which evcxr finds the sources of the standard library.
pub const SHOWN: &str = "library";
/// The name under which the sources wait until evcxr may see them.
pub const HIDDEN: &str = "library.next";

/// Puts the sources where evcxr looks for them. Later calls find nothing to do.
pub fn show_sources(directory: &Path) {
    let _ = fs::rename(directory.join(HIDDEN), directory.join(SHOWN));
}

/// Removes a session's directory. A compiler that was just killed may still leave a file meanwhile, so this tries again.
pub fn remove(directory: &Path) {
    for _ in 0..20 {
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                std::thread::sleep(Duration::from_millis(20));
            }
            _ => return,
        }
    }
}
