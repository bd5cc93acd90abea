//! What the tests share: files of the checkout, a home of their own, kernels, and looks at processes.

#![allow(dead_code)] // each test uses a part of it

pub(crate) mod page;

use jupyter_protocol::{ExecutionState, JupyterMessageContent as Content};
use labs::client::{Connection, Kernel};
use labs::place::Place;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::runtime::Runtime;

/// A guard against hanging. It is long because some tests compile all that cells need, on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(300);
/// The contract says within a second.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// A busy cell: two workers that never end, shared memory, and the parent waiting for them.
pub(crate) const BUSY: &str = r#"
let flag = Flag::new()?;
let workers = Workers::spawn(2, |_| -> () { loop { std::hint::spin_loop() } })?;
println!("busy");
workers.join()?.values()?;
"#;

/// A file of the checkout.
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(Place::find().unwrap().workspace.join(name)).unwrap()
}

/// What a file of requirements says of each package, as one line: `name==version`, options, hashes.
pub(crate) fn requirements(name: &str) -> Vec<String> {
    read(name)
        .replace("\\\n", " ")
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(str::to_string)
        .collect()
}

/// The folders of the crates that cells use, as `evcxr.toml` names them.
pub(crate) fn crates_of_cells() -> Vec<String> {
    let crates = labs::session::config::crates(&Place::find().unwrap()).unwrap();
    crates.into_iter().map(|(name, _)| name).collect()
}

/// A home of its own, so that the test can count its sessions. The parts that are costly to make are shared with the other tests.
pub(crate) fn home() -> (tempfile::TempDir, Place) {
    let shared = Place::find().unwrap();
    static SET_UP: LazyLock<bool> = LazyLock::new(|| {
        let set_up = std::process::Command::new(env!("CARGO_BIN_EXE_labs"))
            .arg("setup")
            .status();
        set_up.unwrap().success()
    });
    assert!(*SET_UP, "`labs setup` fails");
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        home: folder.path().join("home"),
        ..shared.clone()
    };
    fs::create_dir(&place.home).unwrap();
    for (made, link) in [
        (shared.template(), place.template()),
        (shared.rust_src(), place.rust_src()),
        (shared.broker_folder(), place.broker_folder()),
    ] {
        symlink(made, link).unwrap();
    }
    (folder, place)
}

/// Starts a kernel, and waits until it can run a cell.
pub(crate) async fn start(place: &Place) -> Kernel {
    start_with(place, |_| {}).await
}

/// As [`start`], after `change` has changed the command.
pub(crate) async fn start_with(place: &Place, change: impl FnOnce(&mut Command)) -> Kernel {
    start_at(place, Connection::new(&place.home).unwrap(), change).await
}

/// As [`start_with`], at ports that the test knows.
pub(crate) async fn start_at(
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

/// Starts a busy cell, waits until its workers run, and returns the cell.
pub(crate) async fn busy(kernel: &mut Kernel) -> String {
    let cell = kernel.send(BUSY).await.unwrap();
    assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
    cell
}

/// A home of its own in `folder` that lacks its template and nothing else.
pub(crate) fn home_without_template(folder: &Path) -> Place {
    home(); // makes what is shared
    let shared = Place::find().unwrap();
    let place = Place {
        home: folder.join("home"),
        ..shared.clone()
    };
    // An environment that looks complete; JupyterLab is not needed here.
    fs::create_dir_all(place.venv()).unwrap();
    for entry in fs::read_dir(shared.venv()).unwrap().flatten() {
        // The kernelspec lies in `share`, and is written anew.
        if entry.file_name() != "share" {
            symlink(entry.path(), place.venv().join(entry.file_name())).unwrap();
        }
    }
    symlink(shared.rust_src(), place.rust_src()).unwrap();
    place
}

/// The processes below `pid`, itself included: front, inner kernel, runtime, workers.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    // While another child ends, the system's list may lack one that lives. So look until two looks see the same.
    let mut before = descendants(pid);
    loop {
        let now = descendants(pid);
        if now == before {
            return now;
        }
        before = now;
    }
}

fn descendants(pid: u32) -> Vec<u32> {
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

pub(crate) fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

pub(crate) fn sessions(place: &Place) -> Vec<PathBuf> {
    fs::read_dir(place.sessions())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// The names in shared memory whose process has ended. Names of `labsupport` begin with `labs-` and that process's number.
pub(crate) fn left_in_shared_memory() -> BTreeSet<String> {
    let names = fs::read_dir("/dev/shm")
        .unwrap()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned());
    let is_left = |name: &String| {
        let owner = name
            .strip_prefix("labs-")
            .map(|rest| rest.split('-').next());
        let owner = owner.flatten().and_then(|pid| pid.parse().ok());
        owner.map_or(name.starts_with("shmem_"), |pid| !alive(pid))
    };
    names.filter(is_left).collect()
}

/// Nothing of shared memory is left that was not there `before`. Other tests run, whose own clearing up takes a moment.
pub(crate) async fn leaves_no_shared_memory(before: &BTreeSet<String>) {
    within_a_second("no shared memory is left", || {
        left_in_shared_memory().is_subset(before)
    })
    .await;
}

/// Checks again and again until it is so, for at most a second of a machine that has a core to spare. Where more processes want to run
/// than there are cores, time passes more slowly by as much.
pub(crate) async fn within_a_second(what: &str, is_so: impl Fn() -> bool) {
    const TICK: Duration = Duration::from_millis(5);
    let mut left = SOON;
    let mut before = Instant::now();
    while !is_so() {
        assert!(!left.is_zero(), "not within {SOON:?}: {what}");
        tokio::time::sleep(TICK).await;
        let passed = before.elapsed();
        before += passed;
        left = left.saturating_sub(passed.div_f64(crowd()));
    }
}

/// How many processes share a core just now, at least 1.
fn crowd() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    let runnable = load.split(' ').nth(3).and_then(|all| all.split('/').next());
    let runnable: f64 = runnable.unwrap().parse().unwrap();
    let cores = thread::available_parallelism().unwrap().get();
    (runnable / cores as f64).max(1.0)
}

/// One for all tests, so that a kernel can outlive the test that has started it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

pub(crate) fn block_on(future: impl Future<Output = ()>) {
    RUNTIME.block_on(future);
}

/// How many tests a kernel serves. It gets slower, since each cell goes through everything that earlier cells have defined.
const USES: usize = 8;

/// Kernels that wait for the next test.
static IDLE: Mutex<Vec<Lent>> = Mutex::new(Vec::new());

/// What to clear up when this program ends: kernels that wait, and their folders.
static LEFT: Mutex<Vec<(u32, PathBuf)>> = Mutex::new(Vec::new());

/// A kernel that was started for an earlier test, or for this one. Tests share kernels because a start takes long. Cells of other tests may
/// have run in it, so a test defines what it uses, asks for the [`number`] of its first cell, and gives the kernel back at its end. A
/// kernel that a test has spoiled, or in which it has failed, is not given back.
pub(crate) struct Lent {
    pub kernel: Kernel,
    pub place: Place,
    pub connection: Connection,
    /// The folder of its notebook.
    pub notebooks: PathBuf,
    pub folder: tempfile::TempDir,
    uses: usize,
}

/// Lends a kernel.
pub(crate) async fn lend() -> Lent {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    if let Some(mut lent) = idle {
        lent.uses += 1;
        no_longer_ends_with_the_tests(&lent.folder);
        return lent;
    }
    let (folder, place) = home();
    let connection = Connection::new(&place.home).unwrap();
    let (info, file) = (connection.info.clone(), connection.file.clone());
    let notebooks = folder.path().join("notebooks");
    fs::create_dir(&notebooks).unwrap();
    Lent {
        kernel: start_at(&place, connection, |command| {
            command
                .current_dir(&notebooks)
                .env_remove("JPY_SESSION_NAME");
        })
        .await,
        place,
        notebooks,
        connection: Connection { info, file },
        folder,
        uses: 1,
    }
}

/// Ends this child and removes its folder when the tests are done.
pub(crate) fn ends_with_the_tests(pid: u32, folder: &tempfile::TempDir) {
    static AT_EXIT: Once = Once::new();
    // SAFETY: a function of this program that takes nothing, and is there until its end.
    AT_EXIT.call_once(|| assert_eq!(unsafe { libc::atexit(end_all) }, 0));
    let left = (pid, folder.path().into());
    LEFT.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(left);
}

/// Undoes [`ends_with_the_tests`].
pub(crate) fn no_longer_ends_with_the_tests(folder: &tempfile::TempDir) {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain(|(_, of)| of != folder.path());
}

impl Lent {
    /// Makes sure that the kernel still works, and gives it back for the next test.
    pub(crate) async fn give_back(mut self) {
        let shown = self.kernel.execute("println!(\"{}\", 6 * 7);", LONG).await;
        let shown = shown.unwrap();
        assert_eq!((shown.error(), shown.stdout().as_str()), (None, "42\n"));
        if self.uses >= USES {
            return self.end().await;
        }
        ends_with_the_tests(self.kernel.child.id().unwrap(), &self.folder);
        IDLE.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self);
    }

    /// Ends the kernel, which no other test may use.
    pub(crate) async fn end(mut self) {
        self.kernel.shutdown(false).await.unwrap();
        assert_eq!(sessions(&self.place), Vec::<PathBuf>::new());
    }
}

/// Ends the kernels that still wait. Statics are not dropped.
extern "C" fn end_all() {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    for (pid, _) in left.iter() {
        // SAFETY: a signal to a child that was not collected yet.
        unsafe { libc::kill(*pid as i32, libc::SIGTERM) };
    }
    let deadline = Instant::now() + Duration::from_secs(3);
    for (pid, folder) in left.drain(..) {
        while alive(pid) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = fs::remove_dir_all(folder);
    }
}

/// Runs a cell that does nothing and returns its number. The next cell has the next number.
pub(crate) async fn number(kernel: &mut Kernel) -> usize {
    let id = kernel.send("();").await.unwrap();
    let number = loop {
        if let Content::ExecuteInput(input) = kernel.next_published(&id, LONG).await.unwrap() {
            break input.execution_count.0;
        }
    };
    kernel.finish(&id, LONG).await.unwrap();
    number
}

pub(crate) fn kill(pid: u32) {
    // SAFETY: a signal to a process that the test has just seen alive, as a descendant of its own child.
    assert_eq!(unsafe { libc::kill(pid as i32, libc::SIGKILL) }, 0);
}

/// What was published for the cell `id`, until it is idle. Nothing may come later, so this waits for no more.
pub(crate) async fn published(kernel: &mut Kernel, id: &str) -> Vec<Content> {
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
