//! However a kernel ends, nothing is left: no process, no shared memory, and no session directory, at the latest when the next
//! one starts.

use crate::common::*;
use labs::client::Connection;
use std::fs;
use std::path::Path;

/// Kills the `which`-th process of the family (0 front, 1 inner kernel, 2 tap) in the middle of a busy cell.
async fn kill_one(lent: &mut Lent, which: usize) -> (String, Vec<u32>) {
    let before = left_in_shared_memory();
    let (kernel, place) = (&mut lent.kernel, &lent.place);
    let cell = busy(kernel).await;
    let family = family(kernel.child.id().unwrap());
    assert_eq!(
        family.len(),
        7,
        "front, inner kernel, tap, runtime, its copy and two workers: {family:?}"
    );
    assert_eq!(sessions(place).len(), 1);
    kill(family[which]);
    let below = family[which..].to_vec();
    within_a_second("those below the killed one have ended", || {
        !below.iter().any(|&pid| alive(pid))
    })
    .await;
    leaves_no_shared_memory(&before).await;
    (cell, family)
}

#[test]
fn a_killed_front_leaves_nothing() {
    block_on(async {
        let mut lent = lend().await;
        kill_one(&mut lent, 0).await;
        within_a_second("its session's directory is gone", || {
            sessions(&lent.place).is_empty()
        })
        .await;
    });
}

#[test]
fn a_killed_inner_kernel_is_reported_and_replaced() {
    block_on(async {
        let mut lent = lend().await;
        let (cell, family) = kill_one(&mut lent, 1).await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        let shown = kernel.finish(&cell, LONG).await.unwrap();
        assert!(
            shown
                .error()
                .unwrap()
                .contains("The kernel behind this notebook"),
            "{shown:?}"
        );
        assert!(alive(family[0]), "the front lives");
        let shown = kernel.execute("println!(\"{}\", 6 * 7);", LONG).await;
        assert_eq!(shown.unwrap().stdout(), "42\n");
        assert_eq!(
            sessions(place).len(),
            1,
            "the old session's directory is gone"
        );
        lent.end().await;
    });
}

#[test]
fn a_killed_tap_is_reported_and_replaced() {
    block_on(async {
        let mut lent = lend().await;
        let (cell, family) = kill_one(&mut lent, 2).await;
        let kernel = &mut lent.kernel;
        let shown = kernel.finish(&cell, LONG).await.unwrap();
        let error = shown.error().unwrap();
        assert!(
            error.contains("not known why") && error.contains("variables are lost"),
            "{error}"
        );
        assert!(alive(family[0]) && alive(family[1]));
        let shown = kernel.execute("println!(\"{}\", 6 * 7);", LONG).await;
        assert_eq!(shown.unwrap().stdout(), "42\n");
        lent.end().await;
    });
}

#[test]
fn the_copy_goes_on_where_the_runtime_was_killed() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let prepare = "let kept = vec![4, 2]; fn six() -> u32 { 6 }";
        kernel.execute(prepare, LONG).await.unwrap();
        for _ in 0..2 {
            let cell = kernel.send(BUSY).await.unwrap();
            assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
            let family = family(kernel.child.id().unwrap());
            let [_, _, tap, runtime, copy, ref workers @ ..] = family[..] else {
                panic!("{family:?}");
            };
            kill(runtime);
            within_a_second("the workers have ended", || {
                !workers.iter().any(|&pid| alive(pid))
            })
            .await;
            let shown = kernel.finish(&cell, LONG).await.unwrap();
            let error = shown.error().unwrap();
            assert!(
                error.contains("SIGKILL") && error.contains("as they were before"),
                "{error}"
            );
            assert!(alive(tap) && alive(copy));
            let shown = kernel.execute("println!(\"{kept:?} {}\", six());", LONG);
            assert_eq!(shown.await.unwrap().stdout(), "[4, 2] 6\n");
        }
        let family = family(kernel.child.id().unwrap());
        lent.end().await;
        within_a_second("all have ended", || !family.iter().any(|&pid| alive(pid))).await;
    });
}

#[test]
fn when_everybody_is_killed_at_once_the_next_start_sweeps() {
    block_on(async {
        let Lent {
            mut kernel,
            place,
            folder: _folder,
            ..
        } = lend().await;
        busy(&mut kernel).await;
        let family = family(kernel.child.id().unwrap());
        // The inner kernel first stands still, so that it cannot clean up when it sees the front's end.
        // SAFETY: a signal to a process that the test has just seen alive, as a descendant of its own child.
        assert_eq!(unsafe { libc::kill(family[1] as i32, libc::SIGSTOP) }, 0);
        kill(family[0]);
        kill(family[1]);
        within_a_second("all have ended", || !family.iter().any(|&pid| alive(pid))).await;
        drop(kernel);
        let left = sessions(&place);
        assert_eq!(left.len(), 1);
        let mut next = start(&place).await;
        next.execute("1 + 1", LONG).await.unwrap();
        assert!(
            !left[0].exists(),
            "the old session's directory is still there"
        );
        next.shutdown(false).await.unwrap();
        assert!(sessions(&place).is_empty());
    });
}

#[test]
fn an_interrupt_ends_the_workers_and_keeps_the_functions() {
    block_on(async {
        let before = left_in_shared_memory();
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        kernel.execute("fn six() -> u32 { 6 }", LONG).await.unwrap();
        let cell = kernel.send(BUSY).await.unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
        let family = family(kernel.child.id().unwrap());
        kernel.interrupt().await.unwrap();
        let below_the_tap = family[3..].to_vec();
        within_a_second("all have ended but the copy of the runtime", || {
            below_the_tap.iter().filter(|&&pid| alive(pid)).count() == 1
        })
        .await;
        leaves_no_shared_memory(&before).await;
        let error = kernel.finish(&cell, LONG).await.unwrap().error().unwrap();
        assert!(
            error.starts_with("You stopped this cell") && error.contains("as they were before"),
            "{error}"
        );
        assert_eq!(
            kernel
                .execute("println!(\"{}\", six() * 7);", LONG)
                .await
                .unwrap()
                .stdout(),
            "42\n"
        );
        lent.give_back().await;
    });
}

#[test]
fn a_restart_in_the_middle_of_a_cell_leaves_nothing() {
    block_on(async {
        let before = left_in_shared_memory();
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        busy(kernel).await;
        let family = family(kernel.child.id().unwrap());
        kernel.shutdown(true).await.unwrap();
        within_a_second("all have ended", || !family.iter().any(|&pid| alive(pid))).await;
        assert!(sessions(place).is_empty());
        leaves_no_shared_memory(&before).await;
    });
}

#[test]
fn two_kernels_at_once_have_directories_of_their_own() {
    block_on(async {
        let Lent {
            kernel: mut one,
            place,
            folder: _folder,
            ..
        } = lend().await;
        let mut two = start(&place).await;
        assert_eq!(sessions(&place).len(), 2);
        for (kernel, value) in [(&mut one, 1), (&mut two, 2)] {
            kernel
                .execute(&format!("let mine = {value};"), LONG)
                .await
                .unwrap();
        }
        for (kernel, value) in [(&mut one, "1\n"), (&mut two, "2\n")] {
            assert_eq!(
                kernel
                    .execute("println!(\"{mine}\");", LONG)
                    .await
                    .unwrap()
                    .stdout(),
                value
            );
        }
        one.shutdown(false).await.unwrap();
        assert_eq!(sessions(&place).len(), 1);
        assert_eq!(
            two.execute("println!(\"{mine}\");", LONG)
                .await
                .unwrap()
                .stdout(),
            "2\n"
        );
        two.shutdown(false).await.unwrap();
        assert!(sessions(&place).is_empty());
    });
}

#[test]
fn sessions_are_private() {
    use std::os::unix::fs::PermissionsExt;
    block_on(async {
        let lent = lend().await;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&sessions(&lent.place)[0]), 0o700);
        lent.give_back().await;
    });
}

#[test]
fn a_child_whose_parent_ended_before_it_looked_ends_too() {
    // A process that has ended: nothing has this parent any more.
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::new(folder.path()).unwrap();
    let mut inner = std::process::Command::new(labs::session::launch::program().unwrap());
    inner.arg("--control_file").arg(&connection.file);
    let mut runtime = std::process::Command::new(labs::session::launch::program().unwrap());
    runtime.env("EVCXR_IS_RUNTIME", "1");
    for command in [&mut inner, &mut runtime] {
        let mut child = command
            .env(labs_runtime::watch::PARENT, ended.id().to_string())
            .env("EVCXR_TMPDIR", folder.path().join("eval"))
            .env("JUPYTER_PATH", folder.path())
            // Keep its input open, since the end of its input would end it.
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let _open = child.stdin.take();
        let deadline = std::time::Instant::now() + LONG;
        while child.try_wait().unwrap().is_none() {
            if std::time::Instant::now() > deadline {
                child.kill().unwrap();
                panic!("it goes on without its parent");
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[test]
fn a_setup_that_is_ended_leaves_no_compiler() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let place = home_without_template(folder.path());
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGKILL] {
            let mut setup = std::process::Command::new(env!("CARGO_BIN_EXE_labs"))
                .arg("setup")
                .env("LABS_HOME", &place.home)
                .spawn()
                .unwrap();
            // A compiler that takes long, so that it does not end by itself first.
            let is_compiler = |pid: &u32| {
                fs::read_to_string(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|line| line.contains("rustc\0--crate-name\0syn\0"))
            };
            let deadline = std::time::Instant::now() + LONG;
            let all = loop {
                let all = family(setup.id());
                if all.iter().any(is_compiler) {
                    break all;
                }
                assert!(setup.try_wait().unwrap().is_none(), "it has ended");
                assert!(std::time::Instant::now() < deadline, "it compiles nothing");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            };
            // SAFETY: a signal to a child that was not collected yet.
            unsafe { libc::kill(setup.id() as i32, signal) };
            setup.wait().unwrap();
            within_a_second("nothing of it lives", || !all.iter().any(|&pid| alive(pid))).await;
        }
    });
}

/// The message broker of a notebook is a child of its runtime; its socket lies in the session's directory.
#[test]
fn a_broker_ends_with_its_notebook_however_that_ends() {
    let start = "use broker::prelude::*;
        let server: Broker = Broker::start_with(&[])?;
        println!(\"{} {}\", server.pid().unwrap(), server.url());";
    block_on(async {
        for (which, who) in [(0, "front"), (1, "inner kernel"), (3, "runtime")] {
            let mut lent = lend().await;
            let shown = lent.kernel.execute(start, LONG).await.unwrap();
            assert_eq!(shown.error(), None);
            let said = shown.stdout();
            let (pid, url) = said.trim().split_once(' ').unwrap();
            let (pid, socket) = (pid.parse().unwrap(), url.strip_prefix("unix://").unwrap());
            assert!(alive(pid) && Path::new(socket).exists(), "{said}");
            assert!(
                sessions(&lent.place)
                    .iter()
                    .any(|session| Path::new(socket).starts_with(session))
            );
            kill(family(lent.kernel.child.id().unwrap())[which]);
            within_a_second(&format!("the server has ended with the {who}"), || {
                !alive(pid)
            })
            .await;
            if which == 0 {
                within_a_second("so has its socket", || !Path::new(socket).exists()).await;
                continue;
            }
            // The next cell may be told of it; the one after that runs.
            lent.kernel
                .execute("println!(\"told\");", LONG)
                .await
                .unwrap();
            let shown = lent.kernel.execute("println!(\"{}\", 6 * 7);", LONG).await;
            assert_eq!(shown.unwrap().stdout(), "42\n");
            lent.end().await;
        }
    });
}
