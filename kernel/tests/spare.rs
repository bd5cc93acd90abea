//! The spare kernel: handed out at once, replaced, never stale, never in the way, and gone with its keeper.

use crate::common::*;
use labs::client::Kernel;
use labs::place::Place;
use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One test at a time: each watches what is started when.
static ALONE: Mutex<()> = Mutex::new(());

/// A keeper, started as Jupyter's server starts it.
struct Serving {
    keeper: Keeper,
    _alone: MutexGuard<'static, ()>,
}

struct Keeper {
    process: Child,
    address: String,
}

/// A keeper with its home, for the next test: making a spare takes long, and the last is still there.
static IDLE: Mutex<Option<(Keeper, tempfile::TempDir, Place)>> = Mutex::new(None);

impl Serving {
    fn start(place: &Place, count: &str, log: Stdio) -> Serving {
        let alone = ALONE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let address = format!("labs-test-{}", uuid::Uuid::new_v4().simple());
        let name = SocketAddr::from_abstract_name(address.as_bytes()).unwrap();
        let listener = UnixListener::bind_addr(&name).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_labs"))
            .arg("keep")
            .env("LABS_WORKSPACE", &place.workspace)
            .env("LABS_HOME", &place.home)
            .env(labs::spare::COUNT, count)
            .stdin(OwnedFd::from(listener))
            .stderr(log)
            .spawn()
            .unwrap();
        Serving {
            keeper: Keeper { process, address },
            _alone: alone,
        }
    }

    /// A keeper that another test has given back, or a new one; with its home.
    fn lent() -> (Serving, tempfile::TempDir, Place) {
        let alone = ALONE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((keeper, folder, place)) = idle else {
            drop(alone);
            let (folder, place) = home();
            let serving = Serving::start(&place, "1", Stdio::inherit());
            return (serving, folder, place);
        };
        no_longer_ends_with_the_tests(&folder);
        let serving = Serving {
            keeper,
            _alone: alone,
        };
        (serving, folder, place)
    }

    /// For the next test, which must not mistake a kernel that a notebook had for a spare.
    fn give_back(self, folder: tempfile::TempDir, place: Place) {
        assert!(
            self.inner_kernels().len() <= 1,
            "what was the spare still lives"
        );
        ends_with_the_tests(self.keeper.process.id(), &folder);
        let idle = (self.keeper, folder, place);
        *IDLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(idle);
    }

    /// The inner kernels that the keeper has started and that live.
    fn inner_kernels(&self) -> Vec<u32> {
        family(self.keeper.process.id())
            .into_iter()
            .skip(1)
            .filter(|pid| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                alive(*pid) && String::from_utf8_lossy(&command).contains("--control_file")
            })
            .filter(|pid| leads_its_group(*pid))
            .collect()
    }

    /// Waits until the keeper has a spare that nobody has claimed, other than `known`.
    async fn spare(&self, known: &[u32]) -> u32 {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(&spare) = self.inner_kernels().iter().find(|pid| !known.contains(pid)) {
                return spare;
            }
            assert!(Instant::now() < deadline, "there is no spare");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts a notebook's kernel in `folder` that knows the keeper.
    async fn notebook(&self, place: &Place, folder: &Path) -> Kernel {
        start_with(place, |command| {
            command
                .env(labs::spare::ADDRESS, &self.keeper.address)
                .current_dir(folder);
        })
        .await
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A field of `/proc/PID/stat`, counted from the state, which is 0.
fn stat(pid: u32, field: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default().to_string();
    rest.split_whitespace()
        .nth(field)
        .unwrap_or_default()
        .to_string()
}

fn leads_its_group(pid: u32) -> bool {
    stat(pid, 2) == pid.to_string()
}

async fn says(kernel: &mut Kernel, code: &str) -> String {
    let shown = kernel.execute(code, LONG).await.unwrap();
    assert_eq!(shown.error(), None);
    shown.stdout()
}

#[test]
fn the_next_notebook_gets_the_spare_and_another_is_made() {
    let (serving, home, place) = Serving::lent();
    block_on(async {
        let spare = serving.spare(&[]).await;
        // In another folder, and with variables, restarts and interrupts as with any kernel.
        let folder = tempfile::tempdir().unwrap();
        let mut kernel = serving.notebook(&place, folder.path()).await;
        let front = kernel.child.id().unwrap();
        assert_eq!(
            family(front),
            [front],
            "it has started no kernel of its own"
        );
        let parent = says(
            &mut kernel,
            "println!(\"{}\", std::os::unix::process::parent_id());",
        )
        .await;
        let tap: u32 = parent.trim().parse().unwrap();
        assert!(
            family(spare).contains(&tap),
            "cells run below what was the spare"
        );
        let here = says(
            &mut kernel,
            "println!(\"{}\", std::env::current_dir()?.display());",
        )
        .await;
        assert_eq!(
            Path::new(here.trim()),
            folder.path().canonicalize().unwrap()
        );

        let next = serving.spare(&[spare]).await;
        assert!(alive(next));
        // The runtime that comes after an interrupt is in the notebook's folder too.
        let cell = kernel.send("println!(\"busy\"); loop {}").await.unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
        kernel.interrupt().await.unwrap();
        assert!(kernel.finish(&cell, LONG).await.unwrap().error().is_some());
        let again = says(
            &mut kernel,
            "println!(\"{}\", std::env::current_dir()?.display());",
        )
        .await;
        assert_eq!(again, here);

        kernel.shutdown(false).await.unwrap();
        within_a_second("what was the spare has ended", || !alive(spare)).await;
        assert!(alive(next), "the next spare waits on");
        assert_eq!(sessions(&place).len(), 1);
    });
    serving.give_back(home, place);
}

#[test]
fn a_claimed_kernel_dies_with_its_front() {
    let (serving, home, place) = Serving::lent();
    block_on(async {
        let spare = serving.spare(&[]).await;
        let kernel = serving.notebook(&place, &place.notebooks()).await;
        let below = family(spare);
        let before = sessions(&place).len();
        kill(kernel.child.id().unwrap());
        within_a_second("inner kernel and runtime have ended", || {
            !below.iter().any(|&pid| alive(pid))
        })
        .await;
        within_a_second("its directory is gone", || {
            sessions(&place).len() < before.max(2)
        })
        .await;
    });
    serving.give_back(home, place);
}

#[test]
fn a_claimed_kernel_outlives_its_keeper_and_a_spare_does_not() {
    let (_folder, place) = home();
    let mut serving = Serving::start(&place, "1", Stdio::inherit());
    block_on(async {
        let first = serving.spare(&[]).await;
        let mut kernel = serving.notebook(&place, &place.notebooks()).await;
        says(&mut kernel, "let kept = 42;").await;
        let second = serving.spare(&[first]).await;
        let below = family(second);
        let connection = fs::read_to_string(
            fs::read_dir(place.sessions())
                .unwrap()
                .flatten()
                .map(|entry| entry.path())
                .flat_map(|session| fs::read_dir(session).into_iter().flatten().flatten())
                .map(|file| file.path())
                .find(|file| is_of(file, second))
                .expect("the spare has a connection file"),
        )
        .unwrap();
        let connection: serde_json::Value = serde_json::from_str(&connection).unwrap();
        let port = connection["shell_port"].as_u64().unwrap() as u16;
        serving.keeper.process.kill().unwrap();
        serving.keeper.process.wait().unwrap();
        within_a_second("the spare has ended", || {
            !below.iter().any(|&pid| alive(pid))
        })
        .await;
        within_a_second("only the notebook's directory is left", || {
            sessions(&place).len() == 1
        })
        .await;
        within_a_second("the spare's port is free", || {
            std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
        })
        .await;
        assert_eq!(says(&mut kernel, "println!(\"{kept}\");").await, "42\n");
        kernel.shutdown(false).await.unwrap();
        assert!(sessions(&place).is_empty());
    });
}

/// Whether `file` is the connection file that the inner kernel `pid` was started with.
fn is_of(file: &Path, pid: u32) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    file.extension()
        .is_some_and(|extension| extension == "json")
        && String::from_utf8_lossy(&command).contains(file.to_str().unwrap())
}

#[test]
fn a_killed_spare_is_not_handed_out() {
    let (serving, home, place) = Serving::lent();
    block_on(async {
        let spare = serving.spare(&[]).await;
        kill(spare);
        within_a_second("it has ended", || !alive(spare)).await;
        let mut kernel = serving.notebook(&place, &place.notebooks()).await;
        assert_eq!(says(&mut kernel, "println!(\"{}\", 6 * 7);").await, "42\n");
        kernel.shutdown(false).await.unwrap();
    });
    serving.give_back(home, place);
}

#[test]
fn a_spare_made_from_older_sources_is_thrown_away() {
    let (folder, place) = home();
    // A checkout of our own that can be changed: everything except one file is a link.
    let workspace = folder.path().join("checkout");
    fs::create_dir(&workspace).unwrap();
    let crates = crates_of_cells();
    let crates = crates.iter().map(String::as_str);
    for name in ["notebooks", "rust-toolchain.toml"]
        .into_iter()
        .chain(crates)
    {
        std::os::unix::fs::symlink(place.workspace.join(name), workspace.join(name)).unwrap();
    }
    fs::copy(
        place.workspace.join("Cargo.lock"),
        workspace.join("Cargo.lock"),
    )
    .unwrap();
    let place = Place { workspace, ..place };
    let serving = Serving::start(&place, "1", Stdio::null());
    block_on(async {
        let spare = serving.spare(&[]).await;
        let lock = place.workspace.join("Cargo.lock");
        let text = fs::read_to_string(&lock).unwrap();
        fs::write(&lock, format!("{text}\n# changed\n")).unwrap();
        let mut kernel = serving.notebook(&place, &place.notebooks()).await;
        let parent = says(
            &mut kernel,
            "println!(\"{}\", std::os::unix::process::parent_id());",
        )
        .await;
        assert_ne!(parent.trim(), spare.to_string());
        assert!(!alive(spare), "the old spare is gone");
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn a_folder_with_its_own_configuration_gets_its_own_kernel() {
    let (serving, home, place) = Serving::lent();
    block_on(async {
        let spare = serving.spare(&[]).await;
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("evcxr.toml"),
            "[evcxr]\nprelude = \"fn own() -> u32 { 7 }\"\n",
        )
        .unwrap();
        let mut kernel = serving.notebook(&place, folder.path()).await;
        assert_eq!(says(&mut kernel, "println!(\"{}\", own());").await, "7\n");
        assert!(
            alive(spare) && serving.inner_kernels() == [spare],
            "the spare still waits"
        );
        kernel.shutdown(false).await.unwrap();
    });
    serving.give_back(home, place);
}

#[test]
fn a_copy_of_the_labs_gets_a_kernel_that_writes_into_the_journal_of_the_copy() {
    let (_folder, place) = home();
    let serving = Serving::start(&place, "1", Stdio::inherit());
    block_on(async {
        let spare = serving.spare(&[]).await;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(labs::place::COPY_FILE), "").unwrap();
        let mut kernel = serving.notebook(&place, folder.path()).await;
        let journal = says(
            &mut kernel,
            "println!(\"{}\", std::env::var(\"LABS_JOURNAL\")?);",
        )
        .await;
        let copy = folder.path().canonicalize().unwrap();
        assert_eq!(Path::new(journal.trim()), copy.join(".journal.tsv"));
        within_a_second("the spare, which writes elsewhere, has ended", || {
            !alive(spare)
        })
        .await;
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn no_spare_is_made_where_none_is_wanted_and_one_line_says_so() {
    let (folder, place) = home();
    let log = folder.path().join("log");
    let mut serving = Serving::start(&place, "0", fs::File::create(&log).unwrap().into());
    let ended = serving.keeper.process.wait().unwrap();
    assert!(ended.success(), "{ended}");
    block_on(async {
        let mut kernel = serving.notebook(&place, &place.notebooks()).await;
        assert_eq!(says(&mut kernel, "println!(\"{}\", 6 * 7);").await, "42\n");
        kernel.shutdown(false).await.unwrap();
        let said = fs::read_to_string(&log).unwrap();
        assert_eq!(said, "No spare kernel is kept: LABS_SPARE_KERNELS=0.\n");
    });
}

#[test]
fn a_spare_that_is_being_made_stands_still_while_a_cell_runs() {
    let (serving, home, place) = Serving::lent();
    block_on(async {
        let first = serving.spare(&[]).await;
        let mut kernel = serving.notebook(&place, &place.notebooks()).await;
        let cell = kernel.send("println!(\"busy\"); loop {}").await.unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
        let second = serving.spare(&[first]).await;
        within_a_second("it is stopped", || stat(second, 0) == "T").await;
        kernel.interrupt().await.unwrap();
        kernel.finish(&cell, LONG).await.unwrap();
        within_a_second("it goes on", || stat(second, 0) != "T").await;
        kernel.shutdown(false).await.unwrap();
        within_a_second("what was the spare has ended", || !alive(first)).await;
    });
    serving.give_back(home, place);
}

#[test]
fn a_compiler_of_the_spare_is_never_stopped_since_it_may_hold_a_lock() {
    let (_folder, place) = home();
    let serving = Serving::start(&place, "1", Stdio::inherit());
    // With Cargo's lock taken, the spare's compiler cannot end.
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
    let lock = fs::File::create(cargo_home.join(".package-cache")).unwrap();
    lock.lock().unwrap();
    block_on(async {
        let spare = serving.spare(&[]).await;
        let compilers = || {
            family(spare).into_iter().skip(1).filter(|pid| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&command).contains("cargo")
            })
        };
        let deadline = Instant::now() + LONG;
        while compilers().next().is_none() {
            assert!(Instant::now() < deadline, "the spare compiles nothing");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let address = SocketAddr::from_abstract_name(serving.keeper.address.as_bytes()).unwrap();
        let notebook = UnixStream::connect_addr(&address).unwrap();
        (&notebook).write_all(b"busy\n").unwrap();
        // Long enough for many tries to stop it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(
            compilers().all(|pid| stat(pid, 0) != "T"),
            "a compiler with a lock is stopped"
        );
        drop(lock);
        within_a_second("it has come to its end", || compilers().next().is_none()).await;
        within_a_second("and the spare stands still", || stat(spare, 0) == "T").await;
        drop(notebook);
        within_a_second("until the notebook is gone", || stat(spare, 0) != "T").await;
    });
}
