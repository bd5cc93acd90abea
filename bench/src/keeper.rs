//! The process that a person starts measures nothing. It makes a folder for all files of the run, starts itself again as the process that
//! measures, and clears up afterwards, however that process ends and whatever it leaves behind.
//!
//! ```text
//! keeper (subreaper) ──► labs-bench, measuring ──► workers, python3, redis-server, kernels
//!    │ waits for signals       └── an orphan of any depth becomes the keeper's child, and is killed and collected
//!    └── removes the folder, and what iceoryx2 has in /dev/shm
//! ```

use anyhow::{Context, Result};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Tells the process that measures its folder.
const FOLDER: &str = "LABS_BENCH_FOLDER";

/// How long all processes have to end after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// How the names of this run's shared memory begin. Only the peer iceoryx2 uses such names.
pub(crate) fn prefix(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.replace('-', "_") + "_"
}

/// The folder, in the process that measures.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Starts this program again as the process that measures, and waits for its end or for a signal.
pub(crate) fn keep() -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("labs-bench-").tempdir();
    let folder = folder.context("No folder for temporary files can be made; is the disk full?")?;
    let signals = block_signals();
    // SAFETY: a plain system call on this process.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };

    let program = std::env::current_exe().context("This program's own path is not known")?;
    let mut command = Command::new(program);
    command
        .args(std::env::args_os().skip(1))
        .env(FOLDER, folder.path())
        // A Ctrl-C goes to the whole foreground group. In a group of its own, the child gets only the signals that the keeper passes on.
        .process_group(0);
    end_with_parent(&mut command);
    let child = command
        .spawn()
        .context("This program cannot be started a second time")?;
    let pid = child.id() as i32;

    let mut code = None;
    let mut deadline = None;
    loop {
        collect(pid, &mut code);
        match (code, deadline) {
            (Some(_), None) => break,
            (Some(_), Some(_)) if children().is_empty() => break,
            (_, Some(deadline)) if Instant::now() >= deadline => break,
            _ => {}
        }
        let signal = wait_for(&signals, deadline.map(|_| Duration::from_millis(100)));
        if signal.is_some_and(|signal| signal != libc::SIGCHLD) && deadline.is_none() {
            eprintln!("Stopped; ending what runs …");
            deadline = Some(Instant::now() + GRACE);
            // SAFETY: a signal to the group of a child of ours that keeps its number until it is collected.
            unsafe { libc::kill(-pid, libc::SIGTERM) };
        }
    }
    kill_all(pid, &mut code);
    remove_shared_memory(&prefix(folder.path()));
    drop(folder);
    Ok(match (deadline, code) {
        (None, Some(0)) => ExitCode::SUCCESS,
        (Some(_), _) => ExitCode::from(130),
        _ => ExitCode::FAILURE,
    })
}

/// Has the command killed when this process ends, however that happens, and unblocks its signals.
pub(crate) fn end_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only plain system calls are made, on locals of the child.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
            Ok(())
        });
    }
}

/// Blocks the signals that end a program and the one that reports a child's end, so that they wait until [`wait_for`] fetches them.
fn block_signals() -> libc::sigset_t {
    // SAFETY: the set is a live local, made empty before it is used.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGCHLD] {
            libc::sigaddset(&mut set, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        set
    }
}

/// The next of those signals; `None` if none comes within `limit`.
fn wait_for(signals: &libc::sigset_t, limit: Option<Duration>) -> Option<i32> {
    let limit = limit.unwrap_or(Duration::from_secs(3600));
    let limit = libc::timespec {
        tv_sec: limit.as_secs() as i64,
        tv_nsec: limit.subsec_nanos().into(),
    };
    // SAFETY: both pointers are to live values; no details of the signal are requested.
    let signal = unsafe { libc::sigtimedwait(signals, std::ptr::null_mut(), &limit) };
    (signal > 0).then_some(signal)
}

/// Collects every child that has ended; `code` becomes the exit code of `pid`, where it is among them.
fn collect(pid: i32, code: &mut Option<i32>) {
    loop {
        let mut status = 0;
        // SAFETY: the pointer is to a live local. Nobody else collects children in this process.
        match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } {
            ended if ended == pid => {
                let left = libc::WIFEXITED(status);
                *code = Some(if left { libc::WEXITSTATUS(status) } else { 1 });
            }
            ended if ended > 0 => {}
            _ => return,
        }
    }
}

/// This process's children, its own and those that it inherited.
fn children() -> Vec<i32> {
    // Done without labs-runtime: that crate replaces the C library's `read`, and some peers are measured with that function.
    let listed = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Kills and collects every process that is left. When one ends, its children become ours, so this takes several rounds.
fn kill_all(pid: i32, code: &mut Option<i32>) {
    loop {
        let left = children();
        if left.is_empty() {
            return;
        }
        for child in left {
            // SAFETY: a signal to a child that was not collected.
            unsafe { libc::kill(child, libc::SIGKILL) };
        }
        std::thread::sleep(Duration::from_millis(5));
        collect(pid, code);
    }
}

/// Removes shared memory whose names begin with `prefix`.
pub(crate) fn remove_shared_memory(prefix: &str) {
    let entries = fs::read_dir("/dev/shm").into_iter().flatten();
    for entry in entries.filter_map(io::Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
