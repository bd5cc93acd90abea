//! evcxr_jupyter, unmodified, in three roles. evcxr starts its own program again, as the runtime in which cells execute and as a wrapper of
//! rustc, and sets environment variables that tell the roles apart. So `main` looks at them before anything else.
//!
//! This is a program of its own because linking evcxr and rust-analyzer takes a minute, and a change in the front or in a command should
//! not need that.

use labs_runtime::{directory, leash, watch};
use std::process::ExitCode;

fn main() -> ExitCode {
    let set = |name: &str| std::env::var_os(name).is_some();
    if set("EVCXR_IS_RUNTIME") {
        labs_runtime::split();
    } else if set("EVCXR_RUSTC_WRAPPER") {
        // As a wrapper of the compiler, it needs nothing of ours.
    } else if std::env::args().nth(1).as_deref() == Some("--control_file") {
        let parent = watch::expected_parent();
        // The runtime's parent will be this process.
        // SAFETY: this process has one thread so far.
        unsafe { std::env::set_var(watch::PARENT, std::process::id().to_string()) };
        // The inner kernel, on a leash or, where it is stock evcxr for comparison, without.
        if set(directory::SESSION) {
            leash::wear();
        } else {
            watch::end_group_with_parent(parent);
        }
    } else {
        eprintln!(
            "`labs` starts this program for a notebook. Run `labs open`, or `cargo labs open` in a checkout."
        );
        return ExitCode::FAILURE;
    }
    match evcxr_jupyter::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
