//! What a machine can do to a kernel: a full disk, no memory, settings that make no sense, a checkout in an odd place. Each of them gives a
//! sentence or changes nothing, and leaves nothing behind.
//!
//! Some tests need things that only root or a lenient system allows: private mounts, a control group. If the system refuses, the test says
//! that it was skipped.

use crate::common::*;
use labs::client::Kernel;
use labs::place::Place;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Runs `command` through a shell that first does what `before` says.
fn after(before: &str, command: &mut Command, through: &[&str]) {
    let inner = command.as_std();
    let mut outer = Command::new(through[0]);
    outer
        .args(&through[1..])
        .args(["sh", "-c", &format!("{before} && exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = inner.get_current_dir() {
        outer.current_dir(folder);
    }
    *command = outer;
}

/// As [`after`], with mounts that nobody else sees.
fn mounted(before: &str, command: &mut Command) {
    after(before, command, &["unshare", "--mount"]);
}

/// Whether this process may mount something for its own children.
fn can_mount(test: &str) -> bool {
    let tried = std::process::Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "labs", "/mnt"])
        .output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        println!("{test}: skipped, nothing may be mounted here");
    }
    can
}

/// Runs `command` where `kernel` sees its files.
fn inside(kernel: &Kernel, command: &str) {
    let status = std::process::Command::new("nsenter")
        .arg(format!(
            "--mount=/proc/{}/ns/mnt",
            kernel.child.id().unwrap()
        ))
        .args(["sh", "-c", command])
        .status();
    assert!(status.unwrap().success(), "{command}");
}

async fn error_of(kernel: &mut Kernel, code: &str) -> String {
    let shown = kernel.execute(code, LONG).await.unwrap();
    shown
        .error()
        .unwrap_or_else(|| panic!("no error: {shown:?}"))
}

async fn is_well(kernel: &mut Kernel) {
    let shown = kernel
        .execute("println!(\"{}\", 6 * 7);", LONG)
        .await
        .unwrap();
    assert_eq!((shown.error(), shown.stdout().as_str()), (None, "42\n"));
}

#[test]
fn a_full_disk_is_a_sentence_and_room_mends_it() {
    if !can_mount("a full disk") {
        return;
    }
    let (_folder, place) = home();
    block_on(async {
        // Full at the start.
        let sessions = place.sessions();
        fs::create_dir(&sessions).unwrap();
        let mount = format!("mount -t tmpfs -o size=20m labs {}", sessions.display());
        let mut kernel = start_with(&place, |command| mounted(&mount, command)).await;
        let error = error_of(&mut kernel, "1 + 1").await;
        assert!(error.contains("disk full"), "{error}");
        println!("the user sees: {error}");
        inside(
            &kernel,
            &format!("mount -o remount,size=2g {}", sessions.display()),
        );
        is_well(&mut kernel).await;

        // Full later.
        kernel.execute("let kept: u32 = 42;", LONG).await.unwrap();
        let fill = sessions.join("fill");
        // Files of the last cell may be removed after the disk was filled. Fill their room too.
        let mut error = None;
        for more in 0..5 {
            inside(
                &kernel,
                &format!("! cat /dev/zero >> {} 2>/dev/null", fill.display()),
            );
            let cell = format!("let more: u32 = kept + {more};");
            error = kernel.execute(&cell, LONG).await.unwrap().error();
            if error.is_some() {
                break;
            }
        }
        let error = error.expect("a cell cannot be compiled without room");
        println!("the user sees: {error}");
        assert!(
            error.contains("No space left on device") || error.contains("disk"),
            "{error}"
        );
        inside(&kernel, &format!("rm {}", fill.display()));
        is_well(&mut kernel).await;
        let shown = kernel.execute("println!(\"{kept}\");", LONG).await.unwrap();
        assert_eq!(shown.stdout(), "42\n", "nothing is lost: {shown:?}");
        kernel.shutdown(false).await.unwrap();
    });
}

/// A control group of this test's own with a limit for memory; removed when dropped.
struct Limited(PathBuf);

impl Limited {
    fn to(bytes: u64) -> Option<Limited> {
        let version_1 = PathBuf::from("/sys/fs/cgroup/memory");
        let (above, file) = if version_1.is_dir() {
            (version_1, "memory.limit_in_bytes")
        } else {
            (PathBuf::from("/sys/fs/cgroup"), "memory.max")
        };
        let group = Limited(above.join(format!("labs-test-{}", std::process::id())));
        fs::create_dir(&group.0).ok()?;
        fs::write(group.0.join(file), bytes.to_string()).ok()?;
        Some(group)
    }

    fn enter(&self) -> String {
        format!("echo $$ > {}/cgroup.procs", self.0.display())
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_cell_that_takes_all_memory_is_told_so_and_the_notebook_goes_on() {
    let Some(group) = Limited::to(1 << 30) else {
        println!("a limit for memory: skipped, no control group can be made here");
        return;
    };
    let (_folder, place) = home();
    block_on(async {
        let before = left_in_shared_memory();
        let mut kernel = start_with(&place, |command| {
            after(&group.enter(), command, &["env"]);
        })
        .await;
        let error = error_of(
            &mut kernel,
            "let mut all = Vec::new();\nloop { all.push(vec![1u8; 10 << 20]); }",
        )
        .await;
        println!("the user sees: {error}");
        assert!(error.contains("memory ran out"), "{error}");
        is_well(&mut kernel).await;
        // A worker that does the same harms only itself.
        let shown = kernel
            .execute(
                "let workers = Workers::spawn(1, |_| { let mut all = Vec::new(); loop { all.push(vec![1u8; 10 << 20]); \
                 if all.len() > 100_000 { break; } } all.len() })?;\nprintln!(\"{}\", workers.join()?);",
                LONG,
            )
            .await
            .unwrap();
        println!("the user sees: {shown:?}");
        let said = format!("{}{}", shown.stdout(), shown.error().unwrap_or_default());
        assert!(said.contains("SIGKILL"), "{said}");
        is_well(&mut kernel).await;
        kernel.shutdown(false).await.unwrap();
        leaves_no_shared_memory(&before).await;
        assert!(sessions(&place).is_empty());
    });
}

#[test]
fn absurd_settings_change_nothing() {
    let (_folder, place) = home();
    block_on(async {
        let mut kernel = start_with(&place, |command| {
            for (name, value) in [
                ("RUSTFLAGS", "--no-such-flag"),
                ("CARGO_ENCODED_RUSTFLAGS", "--no-such-flag"),
                ("RUSTC", "/nowhere"),
                ("RUSTC_WRAPPER", "/nowhere"),
                ("CARGO_TARGET_DIR", "/nowhere"),
                ("CARGO_BUILD_TARGET", "no-such-target"),
                ("CARGO_PROFILE_DEV_OPT_LEVEL", "absurd"),
                ("EVCXR_TMPDIR", "/nowhere"),
                ("EVCXR_CONFIG_DIR", "/nowhere"),
                ("JUPYTER_PATH", "/nowhere"),
                ("LABS_SESSION", "/nowhere"),
                ("LABS_OUTPUT", "7"),
                ("LABS_SPARE", "\u{1}absurd"),
                ("LABS_LIVE", "absurd"),
                ("LC_ALL", "xx_YY.absurd"),
                ("LANG", "\u{1}"),
                ("RUST_LOG", "trace"),
                ("RUST_BACKTRACE", "full"),
                ("HUGE", &"x".repeat(120_000)),
            ] {
                command.env(name, value);
            }
        })
        .await;
        let shown = kernel
            .execute(
                "let flag = Flag::new()?;\nprintln!(\"{}\", flag.is_set());",
                LONG,
            )
            .await
            .unwrap();
        assert_eq!((shown.error(), shown.stdout().as_str()), (None, "false\n"));
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn neither_a_home_nor_any_other_setting_is_needed() {
    let (_folder, place) = home();
    block_on(async {
        let mut kernel = start_with(&place, |command| {
            let kept = ["PATH", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var_os(name)));
            command.env_clear();
            command
                .env("LABS_WORKSPACE", &place.workspace)
                .env("LABS_HOME", &place.home);
            for (name, value) in kept {
                if let Some(value) = value {
                    command.env(name, value);
                }
            }
        })
        .await;
        is_well(&mut kernel).await;
        kernel.shutdown(false).await.unwrap();
    });
}

/// A copy of what cells need of the checkout.
fn checkout(at: &Path) -> Place {
    let original = Place::find().unwrap();
    fs::create_dir_all(at).unwrap();
    let others = [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "kernel",
        "bench",
        "data",
        "notebooks",
    ];
    let crates = crates_of_cells();
    for part in others.into_iter().chain(crates.iter().map(String::as_str)) {
        let status = std::process::Command::new("cp")
            .arg("-r")
            .arg(original.workspace.join(part))
            .arg(at)
            .status();
        assert!(status.unwrap().success(), "{part}");
    }
    Place {
        workspace: at.into(),
        home: at.join("target/labs"),
    }
}

#[test]
fn a_checkout_may_have_spaces_and_umlauts_in_its_path() {
    let (folder, shared) = home();
    let place = checkout(&folder.path().join("Übung 1 – für alle/labs 日本"));
    fs::create_dir_all(&place.home).unwrap();
    std::os::unix::fs::symlink(shared.rust_src(), place.rust_src()).unwrap();
    block_on(async {
        let mut kernel = start(&place).await;
        let shown = kernel
            .execute(
                "let flag = Flag::new()?;\nflag.set();\nprintln!(\"{}\", flag.is_set());",
                LONG,
            )
            .await
            .unwrap();
        assert_eq!((shown.error(), shown.stdout().as_str()), (None, "true\n"));
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn a_checkout_may_be_read_only() {
    if !can_mount("a read-only checkout") {
        return;
    }
    let (_folder, place) = home();
    block_on(async {
        let path = place.workspace.display().to_string();
        let mount = format!("mount --bind '{path}' '{path}' && mount -o remount,bind,ro '{path}'");
        let mut kernel = start_with(&place, |command| mounted(&mount, command)).await;
        let shown = kernel
            .execute(
                "let p: Prediction = predict(\"Test: how many?\", \"3 of them\")?;\nprintln!(\"{}\", p);",
                LONG,
            )
            .await
            .unwrap();
        println!("the user sees: {shown:?}");
        assert_eq!(shown.error(), None);
        is_well(&mut kernel).await;
        kernel.shutdown(false).await.unwrap();
    });
}
