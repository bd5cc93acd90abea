//! `labs answer`: says what cargo said in an earlier session, and asks cargo as soon as anything has changed on which the answer depends.

use crate::common::{LONG, block_on, home, start};
use crate::compile::{Bench, script};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output};

/// Calls itself cargo: says where it is, what it was asked and how often.
const CARGO: &str = r#"
echo asked >>"$CALLS"
case $* in *fail*) exit 101 ;; esac
[ -z "${LOCKS-}" ] || echo locked >Cargo.lock
[ -z "${CARGO_RESOLVER_LOCKFILE_PATH-}" ] || echo "locked elsewhere" >>"$CARGO_RESOLVER_LOCKFILE_PATH"
echo "$PWD, $*, CARGO_HOME=${CARGO_HOME-none}"
echo warned >&2
"#;

impl Bench {
    fn that_answers() -> Bench {
        let bench = Bench::new();
        script(&bench.at("bin/cargo"), CARGO);
        fs::create_dir_all(bench.at("session/tools/real")).unwrap();
        symlink(bench.at("bin/rustc"), bench.at("session/tools/real/rustc")).unwrap();
        bench
    }

    /// Asks in a folder of the session's, and returns what was answered, and whether cargo was asked.
    fn ask_with(
        &self,
        folder: &str,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> (Output, bool) {
        let _ = fs::remove_file(self.at("calls"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
        command
            .arg("answer")
            .args([self.at("bin/cargo"), self.at(&self.session)])
            .args(arguments)
            .current_dir(self.at(&self.session).join(folder))
            .env("CARGO_HOME", self.at("home"))
            .env("CALLS", self.at("calls"))
            .env("LABS_CELLS", self.at("cells"));
        change(&mut command);
        (command.output().unwrap(), self.at("calls").exists())
    }

    fn ask(&self, arguments: &[&str]) -> (Output, bool) {
        self.ask_with("eval", arguments, |_| {})
    }

    /// Whether cargo is asked where its cells are compiled.
    fn asks(&self) -> bool {
        let (output, asked) = self.ask(&["metadata", "--no-deps"]);
        assert!(output.status.success(), "{output:?}");
        asked
    }
}

#[test]
fn the_same_question_is_asked_once_in_all_sessions() {
    let mut bench = Bench::that_answers();
    let session = bench.at("session");
    let manifest = |bench: &Bench| {
        let path = bench.at(&bench.session).join("eval/Cargo.toml");
        path.to_str().unwrap().to_string()
    };
    let (first, asked) = bench.ask(&["metadata", "--manifest-path", &manifest(&bench)]);
    assert!(asked);
    assert!(String::from_utf8_lossy(&first.stdout).contains(session.to_str().unwrap()));
    let (again, asked) = bench.ask(&["metadata", "--manifest-path", &manifest(&bench)]);
    assert_eq!((&again, asked), (&first, false));
    bench.next_session();
    let (other, asked) = bench.ask(&["metadata", "--manifest-path", &manifest(&bench)]);
    assert!(!asked);
    let name = |folder: &str| format!("{}/", bench.at(folder).display());
    let said = String::from_utf8(first.stdout).unwrap();
    let expected = said.replace(&name("session"), &name(&bench.session));
    assert_eq!(String::from_utf8(other.stdout).unwrap(), expected);
    assert_eq!(other.stderr, b"warned\n");
    // Another question is another answer.
    assert!(bench.ask(&["metadata"]).1);
    assert!(bench.ask(&["-Z", "unstable-options", "config", "get"]).1);
    assert!(bench.ask(&["rustc", "--print", "cfg", "--", "-O"]).1);
    assert!(!bench.ask(&["rustc", "--print", "cfg", "--", "-O"]).1);
}

#[test]
fn what_is_no_question_is_left_to_cargo() {
    let bench = Bench::that_answers();
    for arguments in [
        &["build"][..],
        &["check", "--message-format=json"],
        &["rustc", "--", "-O"],
        &["-Z", "metadata", "build"],
        &["metadata", "--fail"],
    ] {
        for _ in 0..2 {
            assert!(bench.ask(arguments).1, "{arguments:?}");
        }
    }
    assert_eq!(
        bench.ask(&["metadata", "--fail"]).0.status.code(),
        Some(101)
    );
    let wanted = |command: &mut Command| {
        command.env("LABS_ASK_CARGO", "1");
    };
    let nowhere = |command: &mut Command| {
        command.env("LABS_CELLS", "");
    };
    assert!(bench.asks() && !bench.asks());
    assert!(bench.ask_with("eval", &["metadata", "--no-deps"], wanted).1);
    assert!(
        bench
            .ask_with("eval", &["metadata", "--no-deps"], nowhere)
            .1
    );
    // Nor can another folder be looked at.
    assert!(bench.ask_with("eval/src", &["locate-project"], |_| {}).1);
}

#[test]
fn whatever_changes_cargo_is_asked_again() {
    let bench = Bench::that_answers();
    bench.asks();
    let compiler = fs::read_to_string(bench.at("bin/rustc")).unwrap();
    let own = fs::read_to_string(bench.at("session/own.toml")).unwrap();
    for (changed, text) in [
        ("ours/src/lib.rs", "new"),
        ("ours/src/bin/more.rs", "another target"),
        ("ours/Cargo.toml", "new"),
        ("Cargo.toml", "a workspace above it"),
        ("session/eval/Cargo.lock", "new"),
        ("session/eval/Cargo.toml", &format!("# new\n{own}")),
        ("home/config.toml", "[build]"),
        (".cargo/config.toml", "[build]"),
        ("bin/rustc", &format!("{compiler}# new")),
        ("bin/cargo", &format!("#!/bin/sh\n{CARGO}# new")),
    ] {
        assert!(!bench.asks(), "before {changed}");
        bench.write(changed, text);
        assert!(bench.asks(), "{changed}");
    }
    let with =
        |change: fn(&mut Command)| bench.ask_with("eval", &["metadata", "--no-deps"], change).1;
    let flags: fn(&mut Command) = |command| {
        command.env("RUSTFLAGS", "--cfg other");
    };
    assert_eq!((with(flags), with(flags)), (true, false));
    // A lock file elsewhere counts by what is in it.
    let elsewhere = |name: &'static str| {
        let path = bench.at(name);
        bench.ask_with("eval", &["metadata"], |command| {
            command.env("CARGO_RESOLVER_LOCKFILE_PATH", path);
        })
    };
    bench.write("a.lock", "one");
    bench.write("b.lock", "one");
    assert!(elsewhere("a.lock").1);
    assert!(!elsewhere("b.lock").1);
    bench.write("b.lock", "two");
    assert!(elsewhere("b.lock").1);
    // With a crate of their own, whose manifest may lie anywhere, cells are cargo's business.
    bench.write("session/eval/Cargo.toml", &format!("{own}more = \"1\"\n"));
    assert!(bench.asks() && bench.asks());
}

#[test]
fn a_damaged_answer_or_one_that_names_what_is_gone_is_asked_for_again() {
    let bench = Bench::that_answers();
    bench.asks();
    for entry in fs::read_dir(bench.at("cells/answers")).unwrap() {
        fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    assert!(bench.asks() && !bench.asks());
    let names = bench.at("ours/Cargo.toml");
    let said = format!(
        "echo '{{\"packages\":[{{\"manifest_path\":{names:?}}}]}}'\necho asked >>\"$CALLS\""
    );
    script(&bench.at("bin/cargo"), &said);
    assert!(bench.asks() && !bench.asks());
    // As if downloads were removed: not a file that the question itself is about.
    let gone = said.replace("ours/Cargo.toml", "downloads/Cargo.toml");
    script(&bench.at("bin/cargo"), &gone);
    bench.write("downloads/Cargo.toml", "");
    assert!(bench.asks() && !bench.asks());
    fs::remove_file(bench.at("downloads/Cargo.toml")).unwrap();
    assert!(bench.asks() && bench.asks());
}

#[test]
fn a_lock_file_that_cargo_wrote_is_part_of_the_answer() {
    let mut bench = Bench::that_answers();
    let ask = |bench: &Bench| {
        bench.ask_with("eval", &["metadata"], |command| {
            command.env("LOCKS", "yes");
        })
    };
    assert!(ask(&bench).1);
    bench.next_session();
    let lock = bench.at(&bench.session).join("eval/Cargo.lock");
    fs::write(&lock, "old").unwrap();
    assert!(!ask(&bench).1);
    assert_eq!(fs::read_to_string(lock).unwrap(), "locked\n");
}

/// rust-analyzer has cargo read and write a copy of the lock file, and the sources of the standard library may be read-only.
#[test]
fn a_lock_file_elsewhere_is_no_reason_to_write_one() {
    let bench = Bench::that_answers();
    bench.write("session/library/Cargo.toml", "[workspace]");
    bench.write("session/library/Cargo.lock", "theirs");
    for folder in ["library", "eval"] {
        let ask = || {
            let copy = bench.at("copy.lock");
            fs::write(&copy, "theirs").unwrap();
            bench.ask_with(folder, &["metadata"], |command| {
                command.env("CARGO_RESOLVER_LOCKFILE_PATH", copy);
            })
        };
        let (first, asked) = ask();
        assert!(asked);
        let lock = bench.at("session").join(folder).join("Cargo.lock");
        fs::remove_file(&lock).unwrap();
        fs::write(&lock, if folder == "eval" { "old" } else { "theirs" }).unwrap();
        let written = fs::metadata(&lock).unwrap().modified().unwrap();
        assert_eq!(ask(), (first, false), "{folder}");
        assert_eq!(fs::metadata(&lock).unwrap().modified().unwrap(), written);
    }
}

/// Real kernels, and cells see the user's own CARGO_HOME.
#[test]
fn a_kernel_asks_cargo_nothing_that_the_one_before_it_asked() {
    let (_folder, place) = home();
    let kept = || {
        let answers = fs::read_dir(place.cells().join("answers")).unwrap();
        let names = answers.map(|entry| entry.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let cell = "println!(\"{:?}\", std::env::var_os(\"CARGO_HOME\"));";
    let run = || {
        let mut said = String::new();
        block_on(async {
            let mut kernel = start(&place).await;
            said = kernel.execute(cell, LONG).await.unwrap().stdout();
            kernel.shutdown(false).await.unwrap();
        });
        said
    };
    let users = format!("{:?}\n", std::env::var_os("CARGO_HOME"));
    assert_eq!(run(), users);
    let first = kept();
    let answers = |names: &std::collections::BTreeSet<std::ffi::OsString>| {
        let is_answer = |name: &&std::ffi::OsString| name.to_string_lossy().starts_with("answer-");
        names.iter().filter(is_answer).count()
    };
    assert!(answers(&first) >= 10, "{first:?}");
    assert_eq!(run(), users);
    assert_eq!(kept(), first);
}
