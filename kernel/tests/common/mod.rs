//! What the tests share: files of the checkout, a home of their own, kernels, and looks at processes.

#![allow(dead_code)] // each test uses a part of it

use jupyter_protocol::{ExecutionState, JupyterMessageContent as Content};
use labs::client::{Connection, Kernel};
use labs::place::Place;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// A guard against hanging: some tests compile all that cells need, on a machine with other work.
pub const LONG: Duration = Duration::from_secs(300);
/// The contract says within a second.
pub const SOON: Duration = Duration::from_secs(1);

/// A busy cell: two workers that never end, shared memory, and the parent waiting for them.
pub const BUSY: &str = r#"
let flag = Flag::new()?;
let workers = Workers::spawn(2, |_| -> () { loop { std::hint::spin_loop() } })?;
println!("busy");
workers.join()?.values()?;
"#;

/// A file of the checkout.
pub fn read(name: &str) -> String {
    fs::read_to_string(Place::find().unwrap().workspace.join(name)).unwrap()
}

/// What a file of requirements says of each package, as one line: `name==version`, options, hashes.
pub fn requirements(name: &str) -> Vec<String> {
    read(name)
        .replace("\\\n", " ")
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(str::to_string)
        .collect()
}

/// A home of its own, so that its sessions can be counted; what is costly is shared with the other tests.
pub fn home() -> (tempfile::TempDir, Place) {
    let shared = Place::find().unwrap();
    let set_up = std::process::Command::new(env!("CARGO_BIN_EXE_labs"))
        .arg("setup")
        .status();
    assert!(set_up.unwrap().success());
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        home: folder.path().join("home"),
        ..shared.clone()
    };
    fs::create_dir(&place.home).unwrap();
    for (made, link) in [
        (shared.template(), place.template()),
        (shared.rust_src(), place.rust_src()),
    ] {
        std::os::unix::fs::symlink(made, link).unwrap();
    }
    (folder, place)
}

/// Starts a kernel, and waits until it can run a cell.
pub async fn start(place: &Place) -> Kernel {
    start_with(place, |_| {}).await
}

/// As [`start`], after `change` has changed the command.
pub async fn start_with(place: &Place, change: impl FnOnce(&mut Command)) -> Kernel {
    start_at(place, Kernel::connection(&place.home).unwrap(), change).await
}

/// As [`start_with`], at ports that the test knows.
pub async fn start_at(
    place: &Place,
    connection: Connection,
    change: impl FnOnce(&mut Command),
) -> Kernel {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
    command
        .args(["kernel", "--connection-file"])
        .arg(&connection.file)
        .env("LABS_WORKSPACE", &place.workspace)
        .env("LABS_HOME", &place.home)
        .env_remove(labs::spare::ADDRESS)
        .current_dir(place.notebooks());
    change(&mut command);
    let mut kernel = Kernel::start(command, connection).await.unwrap();
    kernel.ready(LONG).await.unwrap();
    // The front answers at once; a cell runs when there is an inner kernel.
    kernel.execute("();", LONG).await.unwrap();
    kernel
}

/// Starts a kernel and brings it to where its workers run.
pub async fn busy(place: &Place) -> (Kernel, String) {
    let mut kernel = start(place).await;
    let cell = kernel.send(BUSY).await.unwrap();
    assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
    (kernel, cell)
}

/// The processes below `pid`, itself included: front, inner kernel, runtime, workers.
pub fn family(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let tasks = fs::read_dir(format!("/proc/{}/task", found[next]))
            .into_iter()
            .flatten()
            .flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .map(|child| child.parse::<u32>().unwrap()),
            );
        }
        next += 1;
    }
    found
}

pub fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

pub fn sessions(place: &Place) -> Vec<PathBuf> {
    fs::read_dir(place.sessions())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

pub fn shared_memory() -> BTreeSet<String> {
    let names = fs::read_dir("/dev/shm")
        .unwrap()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.starts_with("labs-") || name.starts_with("shmem_"))
        .collect()
}

/// Looks until it is so, for a second.
pub async fn within_a_second(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub fn kill(pid: u32) {
    // SAFETY: a signal to a process that the test has just seen alive, as a descendant of its own child.
    assert_eq!(unsafe { libc::kill(pid as i32, libc::SIGKILL) }, 0);
}

/// What was published for the cell `id`, until it is idle. Nothing may come later: so no more is waited for.
pub async fn published(kernel: &mut Kernel, id: &str) -> Vec<Content> {
    let mut all = Vec::new();
    loop {
        match kernel.next_published(id, LONG).await.unwrap() {
            Content::Status(status) if status.execution_state == ExecutionState::Idle => {
                return all;
            }
            Content::Status(_) | Content::ExecuteInput(_) => {}
            content => all.push(content),
        }
    }
}
