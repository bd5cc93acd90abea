//! Each scene plays in a process of its own, the stage: so its children, its descriptors and its shared memory are its own too, and
//! can be counted, whatever other tests do meanwhile.

use crate::common::{LONG, soon};
use labsupport::internal::fault::{self, Action};
use labsupport::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

/// Plays `scene` on a stage and brings home what it returns. A failed assertion in it fails here.
///
/// # Panics
/// The scene left something: a process, a descriptor, a name in /dev/shm.
pub(crate) fn on_stage<T: Serialize + DeserializeOwned>(name: &str, scene: impl Fn() -> T) -> T {
    let stage = Workers::spawn(1, |_| {
        adopt_orphans();
        // A process of the same number may have left some long ago.
        let old = names_of(std::process::id());
        let before = descriptors();
        let brought = scene();
        let left = children();
        assert!(left.is_empty(), "these children are left: {left:?}");
        assert_eq!(descriptors(), before, "descriptors before and after");
        let names = names_of(std::process::id());
        assert_eq!(names, old, "names in /dev/shm before and after");
        brought
    });
    let report = stage.unwrap().join_timeout(4 * LONG).unwrap();
    match report.into_values() {
        Ok(mut values) => values.remove(0),
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Who loses its parent becomes a child of this process, which can see it end.
fn adopt_orphans() {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a number and changes only this process's own setting.
    let code = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    assert_eq!(code, 0);
}

/// The numbers of this process's descriptors. What they are open on is no sign: a thread that this process was forked from may have been
/// making shared memory just then, and takes its name away only now.
fn descriptors() -> Vec<u32> {
    let list = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let mut open: Vec<u32> = list
        // The one that the list is read through is closed by the time that we look.
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|on| !on.ends_with("fd")))
        .map(|entry| entry.file_name().display().to_string().parse().unwrap())
        .collect();
    open.sort();
    open
}

/// Children of the calling process, alive or ended and not collected.
pub(crate) fn children() -> Vec<u32> {
    let read = std::fs::read_to_string("/proc/thread-self/children").unwrap();
    read.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Names in /dev/shm that process `pid` made.
pub(crate) fn names_of(pid: u32) -> Vec<String> {
    let start = format!("labs-{pid}-");
    let mut names = names();
    names.retain(|name| name.starts_with(&start));
    names
}

/// All names in /dev/shm, in order.
pub(crate) fn names() -> Vec<String> {
    let entries = std::fs::read_dir("/dev/shm").unwrap().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().display().to_string();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Collects orphans until no child is left: each must end by itself. How many there were.
pub(crate) fn see_orphans_end() -> usize {
    let mut ended = 0;
    let all = soon(|| children().iter().all(|&pid| state(pid) == Some('Z')));
    assert!(all, "orphans still run: {:?}", children());
    for pid in children() {
        let mut status = 0;
        // SAFETY: the pointer is to a live local.
        let code = unsafe { libc::waitpid(pid as i32, &mut status, 0) };
        assert_eq!(code, pid as i32);
        ended += 1;
    }
    ended
}

/// The letter in /proc/PID/stat.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Something that happens to one process at one point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(crate) point: &'static str,
    pub(crate) action: Action,
}

impl Strike {
    pub(crate) fn is_deadly(&self) -> bool {
        self.action != Action::Stop
    }

    /// Arms the calling process and those that it forks.
    pub(crate) fn arm(&self) {
        self.arm_nth(1);
    }

    pub(crate) fn arm_nth(&self, passage: u32) {
        fault::arm_nth(self.point, self.action, passage);
    }

    /// Waits until it has struck `pid`.
    pub(crate) fn wait_for(&self, pid: u32) {
        let struck = |pid| match state(pid) {
            Some('T') => !self.is_deadly(),
            Some('Z') | None => self.is_deadly(),
            Some(_) => false,
        };
        assert!(soon(|| struck(pid)), "{self:?}: it is {:?}", state(pid));
    }

    /// Lets a stopped one go on.
    pub(crate) fn let_go_on(&self, pid: u32) {
        if !self.is_deadly() {
            // SAFETY: kill passes two integers to the kernel; `pid` is a child that was not collected.
            assert_eq!(unsafe { libc::kill(pid as i32, libc::SIGCONT) }, 0);
        }
    }

    /// How its victim ends.
    pub(crate) fn end(&self) -> Exit {
        match self.action {
            Action::Kill => Exit::Signaled(libc::SIGKILL),
            Action::Terminate => Exit::Signaled(libc::SIGTERM),
            Action::Stop => Exit::Returned,
        }
    }
}
