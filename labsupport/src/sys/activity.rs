//! What other processes are doing, read from /proc. Slow (tens of microseconds): for messages and for long waits.

use super::Pid;
use std::fs;
use std::io::ErrorKind;

/// The state of a process that cannot be read: without a free descriptor /proc stays closed. Such a process must not count as dead.
const UNKNOWN: char = '?';

/// The names of threads and processes that belong to the library or the notebook kernel begin with this. They do nothing for a worker: the
/// manager, the watch that ends a process with its parent, the copy that takes over when a cell ends its process. No program's file has such
/// a name. That matters because a thread inherits its creator's name and a worker its parent's: a name that a program can have would hide
/// everything that the program starts.
const OURS: &str = "labs: ";

/// System calls that wait for data.
const READS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// What a process is doing, in words that follow "worker 2 was …".
pub fn activity(pid: Pid) -> String {
    match state(pid) {
        Some('R') => "running (a loop that does not end, or work that takes longer?)".into(),
        Some('S' | 'D') => match system_call(pid) {
            Some(libc::SYS_futex) => format!("asleep, waiting {}", waits_for(pid)),
            Some(libc::SYS_clock_nanosleep | libc::SYS_nanosleep) => "in a sleep".into(),
            Some(call) if READS.contains(&call) => "asleep, waiting for data".into(),
            Some(libc::SYS_write | libc::SYS_sendto) => {
                "asleep, waiting for another process to read what it writes".into()
            }
            Some(libc::SYS_wait4 | libc::SYS_waitid) => {
                "asleep, waiting for a process that it started".into()
            }
            _ => "asleep".into(),
        },
        Some('T' | 't') => "stopped (SIGSTOP or a debugger)".into(),
        Some('Z') | None => "ending".into(),
        Some(UNKNOWN) => "doing something that cannot be seen (are too many files open?)".into(),
        Some(_) => "in a state for which this library has no word".into(),
    }
}

/// Whether `pid` is a process that has not ended, as far as can be seen. A zombie has ended.
pub fn alive(pid: Pid) -> bool {
    !matches!(state(pid), None | Some('Z' | 'X'))
}

/// Whether the calling process has a child that has not ended and is no helper of this library: a manager, for example, puts and gets nothing.
pub(crate) fn has_live_children() -> bool {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return true; // as far as can be seen
    };
    tasks.flatten().any(|task| {
        let children = match fs::read_to_string(task.path().join("children")) {
            Ok(children) => children,
            // The thread has ended since then.
            Err(error) if is_gone(&error) => return false,
            Err(_) => return true,
        };
        children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .any(|pid| alive(pid) && !is_ours(pid))
    })
}

fn is_ours(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with(OURS))
}

/// How many other threads the calling process has, without helpers of this library.
pub(crate) fn other_threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, |tasks| {
        tasks
            .flatten()
            .filter(|task| {
                fs::read_to_string(task.path().join("comm"))
                    .is_ok_and(|name| !name.starts_with(OURS))
            })
            .count()
            .saturating_sub(1)
    })
}

/// Whether `thread` belongs to the calling process. Yes, as far as can be seen, if /proc does not say.
pub(crate) fn is_thread_of_this_process(thread: Pid) -> bool {
    match fs::metadata(format!("/proc/self/task/{thread}")) {
        Ok(_) => true,
        Err(error) => !is_gone(&error),
    }
}

/// The one-letter state in /proc/PID/stat. It follows the command name, which is in parentheses and may contain anything.
fn state(pid: Pid) -> Option<char> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if is_gone(&error) => return None,
        Err(_) => return Some(UNKNOWN),
    };
    stat.rsplit(')').next()?.trim_start().chars().next()
}

fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

fn system_call(pid: Pid) -> Option<i64> {
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    call.split_whitespace().next()?.parse().ok()
}

/// The address, in the memory of `pid`, of the word on which it sleeps; `None` if it does not sleep on one.
pub(crate) fn sleeps_on(pid: Pid) -> Option<usize> {
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    let mut words = call.split_whitespace();
    let number: i64 = words.next()?.parse().ok()?;
    let address = words.next()?.strip_prefix("0x")?;
    (number == libc::SYS_futex)
        .then(|| usize::from_str_radix(address, 16).ok())
        .flatten()
}

/// What a process that sleeps on a word waits for. The name of the shared memory that contains the word says it.
fn waits_for(pid: Pid) -> &'static str {
    let kind = sleeps_on(pid).and_then(|address| memory_at(pid, address));
    match kind.as_deref() {
        Some("lock") => "for a lock",
        Some("flag") => "for the lock of a flag",
        Some("value") => "for the lock of a value",
        Some("array") => "for the lock of an array",
        Some("queue") => "at a queue: for a message if it is empty, for room if it is full",
        Some("barrier") => "at a barrier, for those that have not arrived",
        _ => "for another thread or process",
    }
}

/// The kind of our shared memory that `pid` has at `address`: the last part of its name, which outlives the file.
fn memory_at(pid: Pid, address: usize) -> Option<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let line = maps.lines().find(|line| {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        range.is_some_and(|(from, to)| {
            let number = |text| usize::from_str_radix(text, 16).unwrap_or(0);
            (number(from)..number(to)).contains(&address)
        })
    })?;
    let name = line.trim_end_matches(" (deleted)").rsplit('/').next()?;
    let kind = name.strip_prefix("labs-")?.rsplit('-').next()?;
    Some(kind.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::getpid;

    #[test]
    fn this_process_is_alive_and_running() {
        assert!(alive(getpid()));
        assert!(
            activity(getpid()).starts_with("running") || activity(getpid()).starts_with("asleep")
        );
        assert!(!alive(-1));
    }
}
