//! The process in which cells run, and the one that stands between it and evcxr.
//!
//! evcxr starts this program again and talks to it through standard input and output. Its own runtime would run cells right there:
//! what a cell prints and what evcxr is told share one pipe, a cell that reads standard input takes evcxr's next command, and whatever
//! ends the cell's process takes the last output and all variables with it. So the program splits:
//!
//! ```text
//!  evcxr ── stdin, stdout ── tap ─┬─ stdout, stderr: read by the tap ──── runtime ──► workers, programs
//!                                 ├─ questions: "I read standard input" ──  │ forks before each cell
//!                            front┘                                         └──► snapshot: a copy that waits
//! ```
//!
//! | file | its one idea |
//! |---|---|
//! | `tap.rs` | the tap's loop: commands in, output out, questions answered, the runtime's end |
//! | `reader.rs` | takes the stream of standard output apart |
//! | `packet.rs` | what the tap sends to the front |
//! | `connection.rs` | the runtime's connection to the tap |
//! | `stdin.rs` | in the runtime: what a read of standard input means |
//! | `snapshot.rs` | the copy of the runtime that takes over where a cell was stopped or killed its process |
//! | `crash.rs` | in the runtime: tells a stack overflow from a bad memory access |
//! | `host.rs` | what the runtime offers to `labsupport` in a cell |
//! | `leash.rs` | in evcxr's own process: it ends when its holder does, or at a panic |
//! | `directory.rs`, `watch.rs`, `descriptor.rs` | what `labs` and these processes have in common: names in a session's directory, the life of processes, open descriptors |
//!
//! **Standard input.** The runtime's descriptor 0 is `/dev/null`: programs that a cell starts, and workers, read the end of file. This
//! program defines `read` itself, in the place of the C library's, and cells find that one: a read of descriptor 0 in the runtime asks
//! the tap. The tap knows from the output, all of which came before the question, whether a cell is running. If so, the student is
//! asked; if not, it is evcxr's runtime that waits for its next command.
//!
//! **Snapshots.** Before a cell runs the runtime forks. When the cell was stopped, or ended its process, the copy goes on in its place,
//! with all variables as they were before the cell, and evcxr is told that nothing was run. A fork copies one thread alone, so there
//! is no snapshot while another thread runs. `LABS_SNAPSHOTS=0` turns them off.

mod connection;
mod crash;
pub mod descriptor;
pub mod directory;
mod host;
pub mod leash;
pub mod packet;
mod reader;
mod snapshot;
mod stdin;
mod tap;
pub mod watch;

use descriptor::Standard;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

/// Splits this process where a front has given it a socket: returns in the runtime, while the tap stays in the parent. Call it before there
/// is a second thread.
pub fn split() {
    let handle = std::env::var(directory::OUTPUT)
        .ok()
        .and_then(|n| n.parse().ok());
    let Some(handle) = handle else {
        watch::end_with_parent(watch::expected_parent());
        return;
    };
    // SAFETY: the inner kernel left this descriptor open for us alone; nobody else in this process knows it. There is one thread, so
    // nobody reads the environment meanwhile.
    let front = unsafe {
        std::env::set_var("LABS_LIVE", "1");
        // A backtrace through evcxr helps nobody, and takes seconds.
        std::env::set_var("RUST_BACKTRACE", "0");
        // These flags are meant for rust-analyzer. Programs that a cell starts must not inherit them.
        std::env::remove_var(directory::FLAGS);
        match std::env::var_os(directory::CARGO_HOME) {
            None => {}
            Some(none) if none.is_empty() => std::env::remove_var("CARGO_HOME"),
            Some(home) => std::env::set_var("CARGO_HOME", home),
        }
        OwnedFd::from_raw_fd(handle)
    };
    descriptor::close_on_exec(&front);
    if let Err(error) = split_at(UnixDatagram::from(front)) {
        eprintln!("Cells cannot be run: {error}.");
        std::process::exit(1);
    }
}

fn split_at(front: UnixDatagram) -> std::io::Result<()> {
    let inner = watch::expected_parent();
    let (out, out_end) = std::io::pipe()?;
    let (err, err_end) = std::io::pipe()?;
    // A figure is larger than a pipe usually is. Where it does not fit at once, a line of a worker could land inside it.
    for end in [&out_end, &err_end] {
        descriptor::enlarge_pipe(end);
    }
    let (main, runtime_main) = descriptor::packet_pair()?;
    let (others, runtime_others) = descriptor::packet_pair()?;
    let (snapshots, runtime_snapshots) = descriptor::packet_pair()?;
    let nothing = descriptor::nothing()?;
    watch::no_core_dumps();
    watch::adopt_orphans();

    let tap = watch::pid();
    // SAFETY: there is one thread, so the child is a whole copy.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()),
        0 => {
            watch::be_killed_with_parent(tap);
            drop(descriptor::replace(Standard::Input, &nothing)?);
            drop(descriptor::replace(Standard::Output, out_end)?);
            drop(descriptor::replace(Standard::Error, err_end)?);
            connection::open(connection::Tap {
                main: runtime_main,
                others: runtime_others,
                snapshots: runtime_snapshots,
                process: tap,
            });
            Ok(())
        }
        runtime => {
            drop((out_end, err_end));
            drop((runtime_main, runtime_others, runtime_snapshots));
            let commands = descriptor::replace(Standard::Input, &nothing)?;
            let evcxr = descriptor::replace(Standard::Output, &nothing)?;
            tap::Tap {
                commands,
                evcxr: evcxr.into(),
                out: OwnedFd::from(out).into(),
                err: OwnedFd::from(err).into(),
                front,
                main,
                others,
                snapshots,
            }
            .run(runtime, inner)
        }
    }
}
