//! Fork, wait, signal, and wait for what workers send.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_process, kill_process_group, set_parent_process_death_signal};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::Command;
use std::time::{Duration, Instant};

/// A process number.
pub type Pid = libc::pid_t;

/// The calling process.
pub fn getpid() -> Pid {
    std::process::id() as Pid
}

/// Whether the calling thread is the one that the process began with.
pub(crate) fn is_main_thread() -> bool {
    rustix::thread::gettid() == rustix::process::getpid()
}

/// Forks. `Ok(None)` in the child, `Ok(Some(pid))` in the parent.
///
/// The child is a copy of the calling thread alone. What other threads held at that moment (a lock, a half-written buffer) stays as it was,
/// forever: the child must leave through [`exit_now`] and rely on no other thread.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: fork copies the calling thread. glibc makes its own allocator usable in the child; the callers of this
    // function run only the worker's closure there and leave by `_exit`, so no destructor or atexit handler of the
    // parent runs twice.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(pid)),
    }
}

/// Leaves at once: no destructors, no atexit handlers, no buffers flushed.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit ends the process and does not return.
    unsafe { libc::_exit(code) }
}

/// Asks the kernel to kill this process when its parent ends, and leaves at once if the parent has already ended.
///
/// The signal follows the parent *thread*: fork from one that lives as long as the workers should.
pub(crate) fn die_with_parent(parent: Pid) {
    signal_at_end_of(parent, Signal::KILL);
}

fn signal_at_end_of(parent: Pid, signal: Signal) {
    let _ = set_parent_process_death_signal(Some(signal));
    // The parent may have ended between the fork and the line above; then no signal will ever come.
    if parent_id() as Pid != parent {
        exit_now(1);
    }
}

/// Has the program that `command` starts asked to stop (SIGTERM) when this process ends, so that it can end whatever it has started itself.
/// If this process has already ended, the program does not start.
pub fn stop_with_parent(command: &mut Command) {
    signal_with_parent(command, Signal::TERM);
}

/// Has the program that `command` starts killed when the *thread* that starts it ends. If this process has already ended, the program does
/// not start.
pub fn kill_with_parent(command: &mut Command) {
    signal_with_parent(command, Signal::KILL);
}

fn signal_with_parent(command: &mut Command, signal: Signal) {
    let parent = getpid();
    let ask = move || {
        signal_at_end_of(parent, signal); // the setting survives exec
        Ok(())
    };
    // SAFETY: between fork and exec only what POSIX calls async-signal-safe may run: `ask` makes three system calls and
    // touches no memory but its own copies of `parent` and `signal`.
    unsafe { command.pre_exec(ask) };
}

/// Sends `signal`, one that has a name, to `pid`. The caller has not collected that process yet, so its number is no other process's. `Ok`
/// also if the process has ended.
pub fn send_signal(pid: Pid, signal: i32) -> io::Result<()> {
    let (Some(pid), Some(signal)) = (
        rustix::process::Pid::from_raw(pid),
        Signal::from_named_raw(signal),
    ) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    Ok(kill_process(pid, signal)?)
}

/// Kills the group of processes that `leader` leads. The caller has not collected the leader yet, so its number is no other group's. `Ok` also
/// if all of them have ended.
pub fn kill_group(leader: Pid) -> io::Result<()> {
    let leader = rustix::process::Pid::from_raw(leader).ok_or(io::ErrorKind::InvalidInput)?;
    match kill_process_group(leader, Signal::KILL) {
        Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The CPU time that the kernel counted for a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Code(i32),
    Signal(i32),
}

/// Waits for `pid` to end, and collects it.
pub(crate) fn reap(pid: Pid) -> io::Result<(Ended, Usage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live, properly sized locals.
        if unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) } != -1 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: wait4 returned a pid, so it filled `usage`; it was zeroed before, and every bit pattern is a valid rusage.
    let usage = unsafe { usage.assume_init() };
    let ended = if libc::WIFSIGNALED(status) {
        Ended::Signal(libc::WTERMSIG(status))
    } else {
        Ended::Code(libc::WEXITSTATUS(status))
    };
    let duration = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64)
    };
    let usage = Usage {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
    };
    Ok((ended, usage))
}

/// Waits until one of `pipes` can be read or has reached its end. Returns the indices of those that have; none at the deadline.
pub(crate) fn wait_readable(
    pipes: &[&impl AsFd],
    deadline: Option<Instant>,
) -> io::Result<Vec<usize>> {
    let mut polled: Vec<PollFd<'_>> = pipes
        .iter()
        .map(|pipe| PollFd::new(pipe, PollFlags::IN))
        .collect();
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // A wait beyond the end of what the system can count is one without a limit.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut polled, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        let ready = |(index, fd): (usize, &PollFd<'_>)| (!fd.revents().is_empty()).then_some(index);
        return Ok(polled.iter().enumerate().filter_map(ready).collect());
    }
}

/// Gives the calling thread a name of at most 15 bytes, for `ps` and similar tools.
pub fn set_thread_name(name: &CStr) {
    let _ = rustix::thread::set_name(name);
}
