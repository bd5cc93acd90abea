//! Fork, wait, signal, and the pipe that carries a worker's result home.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// A process number.
pub type Pid = libc::pid_t;

/// The calling process.
pub fn getpid() -> Pid {
    // SAFETY: getpid takes nothing, touches no memory and cannot fail.
    unsafe { libc::getpid() }
}

/// Forks. `Ok(None)` in the child, `Ok(Some(pid))` in the parent.
///
/// The child is a copy of the calling thread alone. What other threads held at that moment (a lock, a half-written
/// buffer) stays as it was, for ever: so the child must leave through [`exit_now`] and rely on no other thread.
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
    // SAFETY: _exit ends the process and returns to nobody.
    unsafe { libc::_exit(code) }
}

/// Asks the kernel to kill this process when its parent ends, and leaves at once if the parent is gone already.
///
/// The signal follows the parent *thread*: fork from one that lives as long as the workers should.
pub(crate) fn die_with_parent(parent: Pid) {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and changes only this process's own setting.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // The parent may have died between fork and prctl; then no signal will ever come.
    // SAFETY: getppid takes nothing and cannot fail.
    if unsafe { libc::getppid() } != parent {
        exit_now(1);
    }
}

/// Has the program that `command` starts asked to stop (SIGTERM) when this process ends, so that it can end what it started
/// itself. If this process is gone already, the program does not start.
pub fn stop_with_parent(command: &mut Command) {
    let parent = getpid();
    let ask = move || {
        // SAFETY: as in `die_with_parent`; the setting survives exec.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
        // SAFETY: getppid takes nothing and cannot fail.
        if unsafe { libc::getppid() } != parent {
            exit_now(1);
        }
        Ok(())
    };
    // SAFETY: between fork and exec only what POSIX calls async-signal-safe may run: `ask` makes three system calls and
    // touches no memory but its own copy of `parent`.
    unsafe { command.pre_exec(ask) };
}

/// Sends `signal` to `pid`. `Ok` also where the process has ended but was not reaped yet.
pub fn send_signal(pid: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: kill passes two integers to the kernel. `pid` is a child that was not reaped yet, so the number cannot
    // have been given to another process.
    if unsafe { libc::kill(pid, signal) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What the kernel counted for a process: CPU time and the most memory it held.
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

/// Collects `pid` if it has ended (`Ok(None)` while it runs); with `block`, waits for it.
pub(crate) fn try_reap(pid: Pid, block: bool) -> io::Result<Option<(Ended, Usage)>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        let flags = if block { 0 } else { libc::WNOHANG };
        // SAFETY: both pointers are to live, properly sized locals.
        match unsafe { libc::wait4(pid, &mut status, flags, usage.as_mut_ptr()) } {
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            0 => return Ok(None),
            _ => break,
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
    Ok(Some((
        ended,
        Usage {
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
        },
    )))
}

/// A pipe, closed on exec, so that a program started by a worker cannot keep it open.
#[derive(Debug)]
pub struct Pipe {
    /// Its end for reading.
    pub reader: OwnedFd,
    /// Its end for writing.
    pub writer: OwnedFd,
}

impl Pipe {
    /// A new pipe, closed on exec.
    pub fn new() -> io::Result<Pipe> {
        let mut ends: [RawFd; 2] = [-1; 2];
        // SAFETY: pipe2 writes two descriptors into the array it is given.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: pipe2 succeeded: both descriptors are open and nobody else owns them.
        unsafe {
            Ok(Pipe {
                reader: OwnedFd::from_raw_fd(ends[0]),
                writer: OwnedFd::from_raw_fd(ends[1]),
            })
        }
    }
}

/// Writes all of `bytes`.
pub(crate) fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the pointer and length are those of a live slice.
        let n = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if n == -1 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        bytes = &bytes[n as usize..];
    }
    Ok(())
}

/// Reads once into the end of `buffer`; `Ok(false)` at the end of the stream. Call it when the descriptor is readable.
pub(crate) fn read_available(fd: &OwnedFd, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0u8; 16 * 1024];
    loop {
        // SAFETY: the pointer and length are those of a live local array.
        let n = unsafe { libc::read(fd.as_raw_fd(), chunk.as_mut_ptr().cast(), chunk.len()) };
        if n == -1 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        buffer.extend_from_slice(&chunk[..n as usize]);
        return Ok(n > 0);
    }
}

/// Waits until one of `fds` can be read or has reached its end; the indices of those that have, none at the deadline.
pub(crate) fn wait_readable(fds: &[&OwnedFd], deadline: Option<Instant>) -> io::Result<Vec<usize>> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    loop {
        let timeout = match deadline {
            None => -1,
            // Rounded up: a poll that ends a little early would only spin.
            Some(deadline) => deadline
                .saturating_duration_since(Instant::now())
                .as_nanos()
                .div_ceil(1_000_000)
                .min(i32::MAX as u128) as i32,
        };
        // SAFETY: the pointer and count are those of a live vector of pollfd.
        let n = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout) };
        if n == -1 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        let ready = |(index, fd): (usize, &libc::pollfd)| (fd.revents != 0).then_some(index);
        return Ok(polled.iter().enumerate().filter_map(ready).collect());
    }
}

/// Gives the calling thread a name for `ps` and its like, of 15 bytes at the most.
pub fn rename(name: &CStr) {
    // SAFETY: the pointer is to a live C string.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}
