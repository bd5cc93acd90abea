//! `labs compile`: says what cargo says, and asks cargo again as soon as anything has changed that cargo would look at.

use crate::common::{LONG, block_on, home, start};
use labs::place::Place;
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

/// Calls itself the compiler and builds what is in the code. `wrong` is an error, `killed` the end of it.
const COMPILER: &str = r#"
echo compiled >>../../calls
code=$(cat src/lib.rs)
case $code in
    *wrong*) echo '{"$message_type":"diagnostic","message":"wrong","level":"error"}' >&2; exit 1 ;;
    *killed*) kill -9 $$ ;;
esac
mkdir -p target/host/debug/deps
printf '%s' "$code" >target/host/debug/deps/libctx.so
printf 'libctx.so: src/lib.rs%s\n\nsrc/lib.rs:\n' "${OTHERS:+ $OTHERS}" >target/host/debug/deps/ctx.d
"#;

/// Calls itself cargo: has the compiler called, and says what was built.
const CARGO: &str = r#"
echo asked >>../../calls
out=target/host/debug
mkdir -p $out/deps
"$RUSTC_WRAPPER" "$RUSTC_WORKSPACE_WRAPPER" "$RUSTC" --crate-name ctx --out-dir $out/deps || exit 101
ln -f $out/deps/libctx.so $out/libctx.so
echo '{"reason":"compiler-artifact","package_id":"ours","filenames":["/libours.rlib"]}'
echo '{"reason":"compiler-artifact","package_id":"ctx","manifest_path":"/m","target":{"name":"ctx"},"filenames":["target/host/debug/libctx.so"]}'
echo '{"reason":"build-finished","success":true}'
"#;

/// A session's directory, a crate of the labs, and programs that only look like cargo and the compiler.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    /// The name of the session's directory.
    pub(crate) session: String,
}

pub(crate) fn script(file: &Path, text: &str) {
    fs::write(file, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let bench = Bench {
            folder: tempfile::tempdir().unwrap(),
            session: "session".into(),
        };
        let at = |name: &str| bench.at(name);
        for folder in [
            "session/eval/src",
            "session/eval/target/host/debug/deps",
            "ours/src",
            "bin",
            "home",
        ] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        script(&at("bin/cargo"), CARGO);
        script(&at("bin/rustc"), COMPILER);
        let ours = format!("[dependencies]\nours = {{path = {:?}}}\n", at("ours"));
        fs::write(at("session/own.toml"), &ours).unwrap();
        fs::write(
            at("session/eval/Cargo.toml"),
            format!("[package]\nname = \"ctx\"\n{ours}"),
        )
        .unwrap();
        for file in [
            "session/eval/Cargo.lock",
            "session/eval/target/host/debug/deps/libours.rlib",
            "ours/Cargo.toml",
            "ours/src/lib.rs",
        ] {
            fs::write(at(file), "old").unwrap();
        }
        bench
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs::write(self.at(name), text).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
        command
            .arg("compile")
            .args([self.at("bin/cargo"), self.at(&self.session)])
            .args(["build", "--message-format=json"])
            .current_dir(self.at(&self.session).join("eval"))
            .env("RUSTC", self.at("bin/rustc"))
            .env("RUSTC_WRAPPER", env!("CARGO_BIN_EXE_labs"))
            .env("RUSTC_WORKSPACE_WRAPPER", env!("CARGO_BIN_EXE_labs"))
            .env("CARGO_HOME", self.at("home"))
            .env("LABS_WRAPS_RUSTC", "");
        command
    }

    /// Compiles `code` and returns who was called for it: cargo, the compiler, or both.
    fn compile(&self, code: &str) -> (Output, String) {
        self.compile_with(code, |_| {})
    }

    fn compile_with(&self, code: &str, change: impl FnOnce(&mut Command)) -> (Output, String) {
        let file = self.at(&self.session).join("eval/src/lib.rs");
        if fs::read_to_string(&file).ok().as_deref() != Some(code) {
            fs::write(file, code).unwrap();
        }
        let _ = fs::remove_file(self.at("calls"));
        let mut command = self.command();
        change(&mut command);
        let output = command.output().unwrap();
        let calls = fs::read_to_string(self.at("calls")).unwrap_or_default();
        (output, calls.replace('\n', " ").trim().to_string())
    }

    fn calls(&self, code: &str) -> String {
        let (output, calls) = self.compile(code);
        assert!(output.status.success(), "{output:?}");
        let made = self
            .at(&self.session)
            .join("eval/target/host/debug/libctx.so");
        assert_eq!(fs::read_to_string(made).unwrap(), code);
        calls
    }

    /// Keeps compiled cells.
    fn compile_keeping(&self, code: &str) -> (Output, String) {
        self.compile_with(code, |command| {
            command.env("LABS_CELLS", self.at("cells"));
        })
    }

    /// Goes on in another session, as a copy of the same template.
    pub(crate) fn next_session(&mut self) {
        let next = format!("another {}", self.session);
        let old = std::mem::replace(&mut self.session, next);
        let copied = Command::new("cp")
            .arg("-a")
            .args([self.at(&old), self.at(&self.session)])
            .status();
        assert!(copied.unwrap().success());
        for name in ["compile.json", "compiled", "eval/src/lib.rs"] {
            let _ = fs::remove_file(self.at(&self.session).join(name));
        }
    }
}

const BOTH: &str = "asked compiled";

#[test]
fn cargo_is_asked_once_and_then_the_compiler_alone() {
    let bench = Bench::new();
    assert_eq!(bench.calls("one"), BOTH);
    fs::remove_file(bench.at("session/compile.json")).unwrap();
    let (by_cargo, calls) = bench.compile("two");
    assert_eq!(calls, BOTH);
    let (direct, calls) = bench.compile("three");
    assert_eq!(calls, "compiled");
    assert_eq!(direct.stdout, by_cargo.stdout);
    // What was compiled already is put in its place again, since evcxr has moved it.
    fs::remove_file(bench.at("session/eval/target/host/debug/libctx.so")).unwrap();
    let (again, calls) = bench.compile("three");
    assert_eq!((calls.as_str(), again.stdout), ("", direct.stdout));
    assert!(
        bench
            .at("session/eval/target/host/debug/libctx.so")
            .exists()
    );
}

#[test]
fn whatever_changes_cargo_is_asked() {
    let bench = Bench::new();
    bench.calls("start");
    type Change = (&'static str, Box<dyn Fn(&Bench)>);
    let writes = |name: &'static str, text: &'static str| -> Change {
        (name, Box::new(move |bench| bench.write(name, text)))
    };
    let changes: [Change; 11] = [
        writes("ours/src/lib.rs", "new"),
        writes("ours/src/more/file.rs", "a new file"),
        writes("ours/Cargo.toml", "new"),
        writes("Cargo.toml", "a workspace above it"),
        writes("session/eval/Cargo.lock", "new"),
        writes(
            "session/eval/target/host/debug/deps/libours.rlib",
            "rebuilt",
        ),
        writes("home/config.toml", "[build]"),
        writes(".cargo/config.toml", "[build]"),
        writes("session/compile.json", "{ damaged"),
        (
            "another compiler",
            Box::new(|bench| {
                script(&bench.at("bin/rustc"), &format!("# new\n{COMPILER}"));
            }),
        ),
        (
            "a file whose time is set back",
            Box::new(|bench| {
                let file = bench.at("ours/src/lib.rs");
                let time = fs::metadata(&file).unwrap().modified().unwrap();
                fs::write(&file, "odd").unwrap(); // as many bytes
                File::options()
                    .write(true)
                    .open(file)
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            }),
        ),
    ];
    for (number, (what, change)) in changes.iter().enumerate() {
        assert_eq!(
            bench.calls(&format!("{number} before")),
            "compiled",
            "{what}"
        );
        change(&bench);
        assert_eq!(bench.calls(&format!("{number} after")), BOTH, "{what}");
    }
    // What one call is given, too.
    let with = |change: fn(&mut Command)| bench.compile_with("with", change).1;
    for change in [
        (|command: &mut Command| {
            command.env("RUSTFLAGS", "-Cdebuginfo=1");
        }) as fn(&mut Command),
        |command| {
            command.arg("--verbose");
        },
    ] {
        assert_eq!(
            (with(change), with(change)),
            (BOTH.into(), "compiled".into())
        );
    }
}

#[test]
fn a_crate_of_the_cells_own_is_cargo_s_business() {
    let bench = Bench::new();
    let manifest = bench.at("session/eval/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(manifest, format!("{text}more = \"1\"\n")).unwrap();
    assert_eq!(
        (bench.calls("one"), bench.calls("two")),
        (BOTH.into(), BOTH.into())
    );
}

#[test]
fn what_changes_while_cargo_works_is_not_taken_for_seen() {
    let bench = Bench::new();
    let edits = CARGO.replace(
        "out=target",
        "echo more >>../../ours/src/lib.rs\nout=target",
    );
    script(&bench.at("bin/cargo"), &edits);
    assert_eq!(
        (bench.calls("one"), bench.calls("two")),
        (BOTH.into(), BOTH.into())
    );
}

#[test]
fn an_error_is_told_and_a_compiler_that_breaks_is_left_to_cargo() {
    let bench = Bench::new();
    bench.calls("good");
    let (output, calls) = bench.compile("wrong");
    assert_eq!(
        (output.status.code(), calls.as_str()),
        (Some(101), "compiled")
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let messages: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(messages[0]["reason"], "compiler-message");
    assert_eq!(messages[0]["package_id"], "ctx");
    assert_eq!(messages[0]["message"]["message"], "wrong");
    assert_eq!(messages[1]["success"], false);
    assert_eq!(bench.calls("good again"), "compiled");
    let (output, calls) = bench.compile("killed");
    assert_eq!(calls, "compiled asked compiled");
    assert_eq!(output.status.code(), Some(101));
    assert_eq!(bench.calls("better"), BOTH);
}

#[test]
fn a_cell_that_was_compiled_before_is_not_compiled_again() {
    let mut bench = Bench::new();
    assert_eq!(bench.compile_keeping("start").1, BOTH);
    let (output, calls) = bench.compile_keeping("one");
    assert_eq!(calls, "compiled");
    assert_eq!(bench.compile_keeping("two").1, "compiled");
    let (again, calls) = bench.compile_keeping("one");
    assert_eq!((calls.as_str(), again.stdout), ("", output.stdout.clone()));
    // Without the folder, nothing is found.
    assert_eq!(bench.calls("start"), BOTH);
    assert_eq!(bench.calls("two"), "compiled");

    // The next session asks cargo nothing, as long as it was copied from the same template.
    bench.next_session();
    assert_eq!(bench.compile_keeping("start").1, "");
    let (again, calls) = bench.compile_keeping("one");
    assert_eq!((calls.as_str(), again.stdout), ("", output.stdout));
    assert_eq!(bench.compile_keeping("three").1, "compiled");
    // Nor is what another compiler made, or what was made with other crates.
    for (changed, text) in [
        ("bin/rustc", format!("#!/bin/sh\n# newer\n{COMPILER}")),
        (
            "another session/eval/target/host/debug/deps/libours.rlib",
            "newer".into(),
        ),
    ] {
        bench.write(changed, &text);
        assert_eq!(bench.compile_keeping("start").1, BOTH, "{changed}");
        assert_eq!(bench.compile_keeping("one").1, "compiled", "{changed}");
        assert_eq!(bench.compile_keeping("two").1, "compiled", "{changed}");
        assert_eq!(bench.compile_keeping("one").1, "", "{changed}");
    }
    // What is damaged is compiled again, and then found again.
    for folder in ["cells", "cells/answers"] {
        for entry in fs::read_dir(bench.at(folder)).unwrap().flatten() {
            if entry.path().is_file() {
                fs::write(entry.path(), "damaged").unwrap();
            }
        }
    }
    assert_eq!(bench.compile_keeping("two").1, "compiled");
    assert_eq!(bench.compile_keeping("one").1, "compiled");
    assert_eq!(bench.compile_keeping("two").1, "");
    bench.next_session();
    assert_eq!(bench.compile_keeping("start").1, BOTH);
    // Errors are not kept.
    assert_eq!(bench.compile_keeping("wrong").1, "compiled");
    assert_eq!(bench.compile_keeping("wrong").1, "compiled");
}

#[test]
fn where_cells_cannot_be_kept_they_are_compiled() {
    let bench = Bench::new();
    fs::write(bench.at("cells"), "a file, not a folder").unwrap();
    assert_eq!(bench.compile_keeping("start").1, BOTH);
    assert_eq!(bench.compile_keeping("one").1, "compiled");
    assert_eq!(bench.compile_keeping("two").1, "compiled");
    assert_eq!(bench.compile_keeping("one").1, "compiled");
}

/// What was compiled in one session meets, in the next, what is compiled there: they must agree on the notebook's own types.
#[test]
fn a_kept_cell_and_a_new_one_agree_on_the_types_of_the_notebook() {
    let (_folder, place) = home();
    let cells = |edited: &'static str| {
        [
            "#[derive(Debug)] struct Own { x: u32 }\nimpl Own { fn x(&self) -> u32 { self.x } }\nfn seven() -> u32 { 7 }",
            "use std::collections::BTreeMap;\nlet own = Own { x: seven() };\nlet mut map: BTreeMap<u32, Own> = BTreeMap::new();",
            edited,
            "println!(\"{}\", map.len());",
        ]
    };
    let kept = || {
        let entries = fs::read_dir(place.cells()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let run = |edited| {
        let mut said = String::new();
        block_on(async {
            let mut kernel = start(&place).await;
            for cell in cells(edited) {
                let shown = kernel.execute(cell, LONG).await.unwrap();
                assert_eq!(shown.error(), None);
                said += &shown.stdout();
            }
            kernel.shutdown(false).await.unwrap();
        });
        said
    };
    let first = "map.insert(1, Own { x: own.x() + 1 }); println!(\"{map:?}\");";
    assert_eq!(run(first), "{1: Own { x: 8 }}\n1\n");
    let before = kept();
    assert_eq!(run(first), "{1: Own { x: 8 }}\n1\n");
    assert_eq!(kept(), before, "nothing was compiled the second time");
    let second = "map.insert(2, own); println!(\"{map:?}\");";
    assert_eq!(run(second), "{2: Own { x: 7 }}\n1\n");
    assert!(kept().len() > before.len(), "the edited cell was compiled");
}

#[test]
fn code_that_reads_another_file_is_compiled_each_time() {
    let bench = Bench::new();
    bench.calls("start");
    let others = |command: &mut Command| {
        command.env("OTHERS", "/some/file");
    };
    assert_eq!(bench.compile_with("include_str", others).1, BOTH);
    for _ in 0..2 {
        let (output, calls) = bench.compile_with("include_str again", others);
        assert!(output.status.success());
        assert_eq!(calls, "compiled");
    }
}

/// The real cargo and the real compiler, on code that compiles, that has warnings, and that does not compile.
#[test]
fn messages_are_cargo_s_own() {
    let bench = Bench::new();
    let which = |name: &str| {
        let output = Command::new("rustc").args(["--print", "sysroot"]).output();
        let sysroot = String::from_utf8(output.unwrap().stdout).unwrap();
        Path::new(sysroot.trim()).join("bin").join(name)
    };
    for name in ["cargo", "rustc"] {
        fs::remove_file(bench.at("bin").join(name)).unwrap();
        symlink(which(name), bench.at("bin").join(name)).unwrap();
    }
    bench.write("session/own.toml", "[dependencies]\n");
    bench.write(
        "session/eval/Cargo.toml",
        "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\n",
    );
    bench.write(
        "session/eval/Cargo.lock",
        "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n\
         version = 4\n\n[[package]]\nname = \"ctx\"\nversion = \"1.0.0\"\n",
    );
    let run = |code: &str, direct: bool| {
        if !direct {
            let _ = fs::remove_file(bench.at("session/compile.json"));
        }
        // cargo goes by times.
        let file = bench.at("session/eval/src/lib.rs");
        fs::write(&file, code).unwrap();
        let later = SystemTime::now() + Duration::from_secs(1);
        File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_modified(later)
            .unwrap();
        let (output, _) = bench.compile(code);
        assert_eq!(
            bench.at("session/compile.json").exists(),
            direct || output.status.success(),
            "{code}: {output:?}"
        );
        let said = String::from_utf8(output.stdout).unwrap();
        let messages = said.lines().map(|line| serde_json::from_str(line).unwrap());
        (output.status.code(), messages.collect::<Vec<Value>>())
    };
    for code in [
        "pub fn good() {}",
        "pub fn warned() { let unused = 1; }",
        "pub fn wrong() -> u8 { \"text\" }",
        "pub fn open( {",
    ] {
        run("pub fn before() {}", false);
        let direct = run(code, true);
        run("pub fn between() {}", false);
        assert_eq!(direct, run(code, false), "{code}");
        assert!(!direct.1.is_empty(), "{code}");
    }
}

/// With an empty wrapper cargo keeps nothing that the compiler said of itself, and asks for it again each time.
#[test]
fn cargo_asks_the_compiler_about_itself_only_once() {
    let bench = Bench::new();
    let tools = bench.at("session/tools");
    labs::session::stand_in::install(
        &Place::find().unwrap(),
        &labs::session::toolchain::find(&Place::find().unwrap()).unwrap(),
        &bench.at("session"),
    )
    .unwrap();
    bench.write("session/own.toml", "[dependencies]\n");
    bench.write(
        "ours/Cargo.toml",
        "[package]\nname = \"ours\"\nversion = \"1.0.0\"\n",
    );
    bench.write("ours/src/lib.rs", "");
    let manifest = format!(
        "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\n[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nours = {{path = {:?}}}\n",
        bench.at("ours")
    );
    bench.write("session/eval/Cargo.toml", &manifest);
    bench.write("session/tested.lock", "");
    fs::remove_file(bench.at("session/eval/Cargo.lock")).unwrap();
    let asks = |code: &str| {
        bench.write("session/eval/src/lib.rs", code);
        let output = Command::new(tools.join("cargo"))
            .args(["build", "--offline"])
            .current_dir(bench.at("session/eval"))
            .env("CARGO_LOG", "cargo::util::rustc=debug")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said.matches("running `").count()
    };
    assert!(asks("") > 0);
    assert_eq!(asks("pub fn more() {}"), 0);
}
