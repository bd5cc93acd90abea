//! The life of processes: which ones there are, and how they end with each other, so that a SIGKILL of one leaves none of the others.
//!
//! `labsupport` has its own calls for this in `labsupport/src/sys`: cells are compiled with it, and it cannot depend on the kernel.

use crate::descriptor::wait_readable;
pub use rustix::process::Signal;
use rustix::process::{self, Pid, PidfdFlags, Resource, Rlimit};
use std::ffi::{CStr, CString};
use std::fs::{self, DirEntry};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// This process's number.
pub fn pid() -> i32 {
    process::getpid().as_raw_pid()
}

/// The parent's process number.
pub fn parent() -> i32 {
    process::getppid().map_or(0, Pid::as_raw_pid) // 0 where the parent is outside this container
}

/// In this environment variable a process passes its own number to the processes that it starts. It is known before the fork, so a child
/// whose parent has ended by the time it looks still learns of it.
pub const PARENT: &str = "LABS_PARENT";

/// The process number of the parent that started this program, as that parent gave it; otherwise the parent of this moment. The
/// variable is not passed on. Call this while the process has only one thread.
pub fn expected_parent() -> i32 {
    let told = std::env::var(PARENT).ok();
    // SAFETY: the caller sees to it that no other thread reads the environment.
    unsafe { std::env::remove_var(PARENT) };
    told.and_then(|number| number.parse().ok())
        .unwrap_or_else(parent)
}

/// The process numbers of the children of `pid`, whichever of its threads started them.
pub fn children(pid: u32) -> Vec<i32> {
    let of_task = |task: DirEntry| {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace();
        children
            .filter_map(|child| child.parse().ok())
            .collect::<Vec<i32>>()
    };
    tasks(pid).flat_map(of_task).collect()
}

/// Whether there is a process `pid` that has not ended. One that has ended but was not collected by its parent does not run.
pub fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !matches!(state(&stat), Some('Z' | 'X')))
}

/// The threads of `pid`.
fn tasks(pid: u32) -> impl Iterator<Item = DirEntry> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks.into_iter().flatten().flatten()
}

/// The letter of the state in a file `stat` of /proc. It follows the name, which stands in brackets and may contain anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Sends `signal` to the process `pid`, which may have ended. The number must be that of a child that was not collected yet, or of a
/// process that was seen a moment ago: for its number to be used again by then, all others would have to be used up first.
pub fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = process::kill_process(pid, signal);
    }
}

/// Sends `signal` to the process group `group`, as [`send`] does to one process.
pub fn send_to_group(group: i32, signal: Signal) {
    if let Some(group) = Pid::from_raw(group) {
        let _ = process::kill_process_group(group, signal);
    }
}

/// Kills the process group of this process, and so this process.
pub fn kill_own_group() {
    let _ = process::kill_current_process_group(Signal::KILL);
}

/// The number of this process's group; 0 where its leader is outside this container, which rustix's call does not expect.
pub fn own_group() -> i32 {
    // SAFETY: getpgrp takes nothing and cannot fail.
    unsafe { libc::getpgrp() }
}

/// Makes this process the leader of a group of its own, and lets the whole group end with its parent, `watched`. The compilers are in
/// the group: nobody else would tell them that their work is no longer needed.
pub fn end_group_with_parent(watched: i32) {
    // Where this fails, there is no group to end.
    let _ = process::setpgid(None, None);
    end_with_parent(watched);
}

/// Kills `pid`, which was just seen as a descendant of this process, and all below it.
///
/// Stops each process before it looks for its children: a child that is started after the look would live on. A compiler that lives on
/// writes among the files of the next one.
pub fn kill_tree(pid: i32) {
    send(pid, Signal::STOP);
    stands_still(pid as u32, Duration::from_millis(200));
    children(pid as u32).into_iter().for_each(kill_tree);
    send(pid, Signal::KILL);
}

/// Waits until every thread of `pid`, which was sent a SIGSTOP, is stopped: one that is just starting a program stops only then. `false`
/// if that takes longer than `limit`.
pub fn stands_still(pid: u32, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while !all_threads_stopped(pid) {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

fn all_threads_stopped(pid: u32) -> bool {
    tasks(pid).all(|task| {
        // A thread that has ended has no state.
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        matches!(state(&stat), None | Some('T' | 'Z' | 'X'))
    })
}

/// Starts a thread that kills this process as soon as its parent, `watched`, has ended, whatever the other threads do. If the parent
/// led this process's group, or this process does, the whole group goes, with the compilers in it.
///
/// The parent-death signal would not do here: it follows the parent *thread*, and evcxr may start the runtime anew from a thread
/// that ends when it has been idle for ten seconds.
pub fn end_with_parent(watched: i32) {
    let group = own_group();
    let watching = thread::Builder::new()
        .name("labs: watch".into())
        .spawn(move || {
            wait_for_parents_end(watched);
            // No handler can delay these.
            if group == watched || group == pid() {
                kill_own_group();
            }
            send(pid(), Signal::KILL);
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
            None => thread::sleep(Duration::from_millis(200)), // before Linux 5.3
        }
    }
}

/// Asks for a SIGKILL when the parent thread, of the process `expected`, ends. Only for a child of a thread that waits for it. May be
/// called between fork and exec.
pub fn be_killed_with_parent(expected: i32) {
    let _ = process::set_parent_process_death_signal(Some(Signal::KILL));
    // The parent may have ended before the call; then no signal would come.
    if parent() != expected {
        exit_now(1);
    }
}

/// Has a SIGTERM sent to the process that `command` starts when this process ends, however it ends. The thread that starts it must be
/// the one that waits for it.
pub fn terminate_with_us(command: &mut Command) {
    // SAFETY: between fork and exec only prctl is called, which is a plain system call.
    unsafe {
        command.pre_exec(|| {
            Ok(process::set_parent_process_death_signal(Some(
                Signal::TERM,
            ))?)
        });
    }
}

/// The name of a process that waits in case it is needed. From the beginning of such a name, `labsupport` knows that the process is the
/// kernel's own, and that no cell could wait for it.
pub const COPY: &CStr = c"labs: copy";

/// Gives the calling thread another name, and returns the name that it had. The first thread's name is its process's.
pub fn rename(name: &CStr) -> CString {
    let before = rustix::thread::name().unwrap_or_default();
    let _ = rustix::thread::set_name(name);
    before
}

/// Whether this is the thread with which the process began.
pub fn is_first_thread() -> bool {
    rustix::thread::gettid() == process::getpid()
}

/// Makes the processes below this one its children when their parents end.
pub fn adopt_orphans() {
    let _ = process::set_child_subreaper(Some(process::getpid()));
}

/// A crash of this process, or of one that it forks, writes no file into the notebook's folder.
pub fn no_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = process::setrlimit(Resource::Core, none);
}

/// Ends this process at once, and skips everything that was registered for its exit.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit ends the process and does not return.
    unsafe { libc::_exit(code) }
}

/// A descriptor that can be read from when the process `pid` has ended; none before Linux 5.3.
pub fn pidfd(pid: i32) -> Option<OwnedFd> {
    process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

fn wait_until_ended(handle: &OwnedFd) {
    wait_readable([Some(handle.as_fd())], None);
    // The end is announced a moment before we get another parent.
    thread::sleep(Duration::from_millis(1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn whatever_a_process_is_starting_ends_with_it() {
        let in_group = |group: i32| {
            let all = fs::read_dir("/proc").unwrap().flatten();
            let stats = all.filter_map(|one| fs::read_to_string(one.path().join("stat")).ok());
            let alive = stats.filter(|stat| {
                let mut words = stat.rsplit(')').next().unwrap().split_whitespace();
                let (state, group_of) = (words.next().unwrap(), words.nth(1).unwrap());
                state != "Z" && group_of.parse() == Ok(group)
            });
            alive.count()
        };
        for _ in 0..20 {
            let mut busy = Command::new("sh")
                .args([
                    "-c",
                    "for i in $(seq 500); do sh -c 'sleep 20; :' & done; wait",
                ])
                .process_group(0)
                .spawn()
                .unwrap();
            let group = busy.id() as i32;
            while in_group(group) < 20 {
                thread::yield_now();
            }
            kill_tree(group);
            busy.wait().unwrap();
            let left = in_group(group);
            send_to_group(group, Signal::KILL);
            assert_eq!(left, 0);
        }
    }

    #[test]
    fn the_state_follows_a_name_that_may_contain_anything() {
        assert_eq!(state("12 (sh) S 1 12"), Some('S'));
        assert_eq!(state("12 (a) Z (b) T 1 12"), Some('T'));
        assert_eq!(state(""), None);
    }

    #[test]
    fn a_process_that_was_not_collected_does_not_run() {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        let pid = child.id();
        assert!(runs(pid));
        send(pid as i32, Signal::KILL);
        while children(std::process::id()).contains(&(pid as i32)) && runs(pid) {
            thread::yield_now();
        }
        assert!(Path::new(&format!("/proc/{pid}/stat")).exists() && !runs(pid));
        child.wait().unwrap();
        assert!(!runs(pid));
    }
}
