//! System calls around the life of processes: ending when the parent ends, so that a SIGKILL of one leaves none of the others,
//! and what becomes of open descriptors when a program is started.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// The parent's process number.
pub fn parent() -> i32 {
    // SAFETY: getppid takes nothing and cannot fail.
    unsafe { libc::getppid() }
}

/// The environment variable by which a process tells those that it starts its own number. It is known before the fork, so a child
/// whose parent has ended by the time that it looks still learns of it.
pub const PARENT: &str = "LABS_PARENT";

/// The process number of the parent that started this program, as that parent gave it; otherwise the parent of this moment. The
/// variable is not passed on. To be called while this process has only one thread.
pub fn expected_parent() -> i32 {
    let told = std::env::var(PARENT).ok();
    // SAFETY: the caller sees to it that no other thread reads the environment.
    unsafe { std::env::remove_var(PARENT) };
    told.and_then(|number| number.parse().ok())
        .unwrap_or_else(parent)
}

/// The process numbers of the children of `pid`, whichever of its threads started them.
pub fn children(pid: u32) -> Vec<i32> {
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|task| {
            let children =
                std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            children
                .split_whitespace()
                .filter_map(|child| child.parse().ok())
                .collect::<Vec<i32>>()
        })
        .collect()
}

/// Makes this process the leader of a group of its own, and lets the whole group end with its parent, `watched`: the compilers too, which
/// nobody tells that they work for nothing.
pub fn end_group_with_parent(watched: i32) {
    // SAFETY: setpgid for the calling process takes two numbers; where it fails, there is no group to end.
    unsafe { libc::setpgid(0, 0) };
    end_with_parent(watched);
}

/// Kills `pid`, which was just seen as a descendant of this process, and all below it.
///
/// Each is stopped before its children are looked for: what it started between the look and its end would live on. A compiler that
/// lives on writes among the files of the next one.
pub fn kill_tree(pid: i32) {
    // SAFETY: a signal to a process; for its number to be used again by now, all others would have to be used up first.
    unsafe { libc::kill(pid, libc::SIGSTOP) };
    stands_still(pid as u32, Duration::from_millis(200));
    children(pid as u32).into_iter().for_each(kill_tree);
    // SAFETY: as above; it may be gone, and was not collected by us.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Waits until every thread of `pid`, which was sent a SIGSTOP, is stopped: one that is just starting a program stops only then. `false` if
/// that takes longer than `limit`.
pub fn stands_still(pid: u32, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while !all_threads_stopped(pid) {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn all_threads_stopped(pid: u32) -> bool {
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .all(|task| {
            // The state follows the name, which stands in brackets and may contain anything. A thread that has ended has none.
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_none_or(|rest| rest.is_empty() || rest.starts_with(['T', 'Z', 'X']))
        })
}

/// Starts a thread that kills this process as soon as its parent, `watched`, has ended, whatever the other threads do. Where the
/// parent led this process's group, or this process does, the whole group goes: the compilers too that they had started.
///
/// `PR_SET_PDEATHSIG` would not do here: it follows the parent *thread*, and evcxr may start the runtime anew from a thread
/// that ends when it has been idle for ten seconds.
pub fn end_with_parent(watched: i32) {
    // SAFETY: getpgrp takes nothing and cannot fail.
    let group = unsafe { libc::getpgrp() };
    let watching = std::thread::Builder::new()
        .name("labs: watch".into())
        .spawn(move || {
            wait_for_parents_end(watched);
            // SAFETY: a signal to our own group, or to ourselves, which no handler can delay.
            unsafe {
                if group == watched || group == libc::getpid() {
                    libc::kill(0, libc::SIGKILL);
                }
                libc::kill(libc::getpid(), libc::SIGKILL);
            }
        });
    if let Err(error) = watching {
        eprintln!(
            "The watch for the kernel's end could not be started ({error}); cells run without it."
        );
    }
}

/// Waits until the parent, `watched`, has ended.
pub fn wait_for_parents_end(watched: i32) {
    let handle = pidfd(watched);
    while parent() == watched {
        match &handle {
            Some(handle) => wait_until_ended(handle),
            None => std::thread::sleep(Duration::from_millis(200)), // before Linux 5.3
        }
    }
}

/// Asks for a SIGKILL when the parent thread, of the process `expected`, ends. Only for a child of a thread that waits for it.
pub fn be_killed_with_parent(expected: i32) {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and changes only this process's own setting.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // It may have ended before the call; then no signal would come.
    if parent() != expected {
        exit_now(1);
    }
}

/// The name of a process that waits in case it is needed. `labsupport` knows by the beginning of such names what is the kernel's own, and
/// nothing that a cell could wait for.
pub const COPY: &CStr = c"labs: copy";

/// Gives the calling thread another name, and returns the one that it had. That of the first thread is its process's.
pub fn rename(name: &CStr) -> CString {
    let mut before = [0u8; 16];
    // SAFETY: PR_GET_NAME writes 16 bytes with a zero at the end, which is what there is room for.
    unsafe { libc::prctl(libc::PR_GET_NAME, before.as_mut_ptr()) };
    // SAFETY: PR_SET_NAME reads a string that ends with a zero, and keeps no pointer.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    CStr::from_bytes_until_nul(&before)
        .map(CStr::to_owned)
        .unwrap_or_default()
}

/// This process's number.
pub fn pid() -> i32 {
    // SAFETY: getpid takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

/// Whether this is the thread with which the process began.
pub fn is_first_thread() -> bool {
    // SAFETY: gettid takes nothing and cannot fail.
    unsafe { libc::gettid() == libc::getpid() }
}

/// Has processes whose parent ends become children of this one.
pub fn adopt_orphans() {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a yes and changes only this process's own setting.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// A crash of this process, or of one that it forks, writes no file into the notebook's folder.
pub fn no_core_dumps() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a rlimit that lives through the call.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
}

/// Leaves at once, without anything that was to be done at an exit.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit ends the process and returns to nobody.
    unsafe { libc::_exit(code) }
}

/// A pair of connected sockets that keep packets apart, and whose end is seen at the other.
pub fn packet_pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
    let mut handles = [-1; 2];
    // SAFETY: room for two descriptors, which are our own where the call succeeds.
    unsafe {
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        match libc::socketpair(libc::AF_UNIX, kind, 0, handles.as_mut_ptr()) {
            0 => Ok((
                UnixDatagram::from_raw_fd(handles[0]),
                UnixDatagram::from_raw_fd(handles[1]),
            )),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Bytes that can be read from the pipe `handle` now.
pub fn readable_bytes(handle: RawFd) -> usize {
    let mut count = 0;
    // SAFETY: FIONREAD writes one int.
    match unsafe { libc::ioctl(handle, libc::FIONREAD, &raw mut count) } {
        0 => usize::try_from(count).unwrap_or(0),
        _ => 0,
    }
}

/// Whether descriptor `handle` is to stay open in a program that this process starts.
fn set_close_on_exec(handle: RawFd, close: bool) -> io::Result<()> {
    // SAFETY: F_SETFD takes a descriptor and a flag; a bad descriptor is an error.
    match unsafe {
        libc::fcntl(
            handle,
            libc::F_SETFD,
            if close { libc::FD_CLOEXEC } else { 0 },
        )
    } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Keeps `handle` open in the program that is about to be executed. Safe between fork and exec.
pub fn keep_on_exec(handle: RawFd) -> io::Result<()> {
    set_close_on_exec(handle, false)
}

/// Closes `handle` in programs that this process starts.
pub fn close_on_exec(handle: &OwnedFd) {
    let _ = set_close_on_exec(handle.as_raw_fd(), true);
}

/// Gives a pipe as much room as an ordinary user may have; less does no harm.
pub fn enlarge_pipe(handle: RawFd) {
    // SAFETY: F_SETPIPE_SZ takes a descriptor and a number; what is no pipe, or too much, is an error.
    unsafe { libc::fcntl(handle, libc::F_SETPIPE_SZ, 1 << 20) };
}

/// Takes what is open as standard input for another use, and leaves an empty one in its place.
pub fn take_stdin() -> io::Result<OwnedFd> {
    let empty = std::fs::File::open("/dev/null")?;
    replace(0, empty.as_raw_fd())
}

/// Puts `new` in the place of descriptor `old`, and returns what was there.
pub fn replace(old: RawFd, new: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC makes a descriptor of our own, or fails; dup2 then closes `old` and opens it as `new` in one step.
    unsafe {
        let taken = libc::fcntl(old, libc::F_DUPFD_CLOEXEC, 3);
        if taken < 0 {
            return Err(io::Error::last_os_error());
        }
        let taken = OwnedFd::from_raw_fd(taken);
        if libc::dup2(new, old) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(taken)
    }
}

/// A descriptor that can be read from when the process `pid` has ended; none before Linux 5.3.
pub fn pidfd(pid: i32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes two integers; a result that is not negative is a descriptor of our own.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32;
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

fn wait_until_ended(handle: &OwnedFd) {
    wait_readable(&[handle.as_raw_fd()], None);
    // The end is announced a moment before we get another parent.
    std::thread::sleep(Duration::from_millis(1));
}

/// Sends `packet` if there is room for it, without waiting. A socket whose other end is gone takes everything and keeps nothing.
pub fn send_if_room(socket: &UnixDatagram, packet: &[u8]) -> bool {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: bytes that live through the call.
    let sent = unsafe {
        libc::send(
            socket.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            flags,
        )
    };
    sent >= 0
        || !matches!(
            io::Error::last_os_error().kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        )
}

/// Waits until `handle` can be read from or written to; whether it can be read from.
pub fn wait_for_either_way(handle: RawFd) -> bool {
    let mut polled = libc::pollfd {
        fd: handle,
        events: libc::POLLIN | libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one pollfd, which lives through the call.
    unsafe { libc::poll(&mut polled, 1, -1) };
    polled.revents & libc::POLLIN != 0
}

/// Waits until one of `handles` can be read or has ended, at most for `limit`; which ones.
pub fn wait_readable<const N: usize>(handles: &[RawFd; N], limit: Option<Duration>) -> [bool; N] {
    let mut polled = handles.map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    let limit = limit.map_or(-1, |limit| limit.as_millis().try_into().unwrap_or(i32::MAX));
    // SAFETY: N pollfds, which live through the call.
    unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, limit) };
    polled.map(|one| one.revents != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_process_is_starting_ends_with_it() {
        use std::os::unix::process::CommandExt;
        let in_group = |group: i32| {
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            let stats = all.filter_map(|one| std::fs::read_to_string(one.path().join("stat")).ok());
            let alive = stats.filter(|stat| {
                let mut words = stat.rsplit(')').next().unwrap().split_whitespace();
                let (state, group_of) = (words.next().unwrap(), words.nth(1).unwrap());
                state != "Z" && group_of.parse() == Ok(group)
            });
            alive.count()
        };
        for _ in 0..20 {
            let mut busy = std::process::Command::new("sh")
                .args([
                    "-c",
                    "for i in $(seq 500); do sh -c 'sleep 20; :' & done; wait",
                ])
                .process_group(0)
                .spawn()
                .unwrap();
            let group = busy.id() as i32;
            while in_group(group) < 20 {
                std::thread::yield_now();
            }
            kill_tree(group);
            busy.wait().unwrap();
            let left = in_group(group);
            // SAFETY: a signal to the group that this test has made.
            unsafe { libc::kill(-group, libc::SIGKILL) };
            assert_eq!(left, 0);
        }
    }
}
