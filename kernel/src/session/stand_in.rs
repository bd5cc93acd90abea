//! Stand-ins for cargo and rustup. They make sure that cells always get the versions that were tested.
//!
//! evcxr compiles a project three ways in one folder: without any crate (its first look), with a single crate (does it exist?), and with
//! all crates of the cells. In the first two ways, cargo drops everything from `Cargo.lock` that the manifest does not need, and later
//! resolves it again without the network. Then it takes the newest versions among the user's downloads, whatever program they were for, or
//! fails if it knows of a version that was never downloaded.
//!
//! So the first folder in an inner kernel's `PATH` has a `rustup` whose answer to `rustup which cargo`, which evcxr asks, is a cargo of
//! ours. That is a short script; for cells it runs the toolchain's cargo at once. rust-analyzer finds another one (`answers.rs`). In a session's directory it keeps
//!
//! | file | what it is |
//! |---|---|
//! | `tested.lock` | the lock file that cells are compiled with: the checkout's, until a cell asks for a crate that is not in it |
//! | `own.toml` | the dependencies of the labs' `evcxr.toml` |
//! | `own.lock` | what these need; no `:dep` may change a version of them |
//! | `cells.toml` | the last manifest of cells; at first, `own.toml` |
//! | `compile.json`, `rustc.json`, `compiled` | how the compiler is called without cargo: see `compile.rs` |
//! | `failed.json`, `failed.rs` | what the compiler said when it last refused a cell, and the code; the front reads them |
//! | `forgotten` | is there when `Cargo.lock` is another manifest's, so that `tested.lock` takes its place before cells are compiled |
//!
//! If a cell asks for a crate, the script looks for it on this machine first, then in the network. So lost downloads are also fetched again
//! at a session's start, when evcxr asks about the crates of `evcxr.toml`.

use super::toolchain::Toolchain;
use super::{config, launch};
use crate::environment::kernelspec::on_path;
use crate::place::Place;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What the compiler said, as cargo passes it on, when it last refused a cell.
pub const FAILED: &str = "failed.json";
/// The code that it refused.
pub const FAILED_CODE: &str = "failed.rs";

/// The scripts, by name.
pub const SCRIPTS: [(&str, &str); 3] = [
    ("cargo", include_str!("stand_in/cargo")),
    ("home/bin/cargo", include_str!("stand_in/home/cargo")),
    ("rustup", include_str!("stand_in/rustup")),
];

/// Puts them into a session's directory, and returns the folder for its `PATH`.
pub fn install(place: &Place, toolchain: &Toolchain, directory: &Path) -> Result<PathBuf> {
    let tools = directory.join("tools");
    let real = tools.join("real");
    fs::create_dir_all(&real)?;
    fs::create_dir_all(tools.join("home/bin"))?;
    for name in ["cargo", "rustc"] {
        let program = toolchain.sysroot.join("bin").join(name);
        // A distribution may install cargo in another folder.
        let program = if program.is_file() {
            program
        } else {
            on_path(name).with_context(|| format!("there is no `{name}`"))?
        };
        symlink(program, real.join(name))?;
    }
    for (name, script) in SCRIPTS {
        let file = tools.join(name);
        fs::write(&file, script)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    // By its own path, which is the same in every session: cargo notes which wrapper it asked for the compiler's version.
    if let Some(labs) = labs() {
        fs::write(tools.join("labs"), format!("{labs}\n"))?;
    }
    let own = own_dependencies(place);
    for name in ["own.toml", "cells.toml"] {
        fs::write(directory.join(name), &own)?;
    }
    let lock = place.workspace.join("Cargo.lock");
    fs::copy(&lock, directory.join("tested.lock"))
        .with_context(|| format!("{} cannot be copied", lock.display()))?;
    Ok(tools)
}

/// The path of the program `labs`, if it can be written as one line, which the stand-in reads.
fn labs() -> Option<String> {
    let program = launch::beside(&std::env::current_exe().ok()?, "labs")?;
    let path = program.into_os_string().into_string().ok()?;
    (!path.contains('\n')).then_some(path)
}

/// The labs' own crates as a section of a manifest, each line as evcxr writes it in its questions. Empty if the configuration is broken or
/// names none; then the stand-in asks cargo for each crate.
fn own_dependencies(place: &Place) -> String {
    let mut section = String::from("[dependencies]\n");
    for (name, folder) in config::crates(place).unwrap_or_default() {
        section += &format!("{name} = {{path = {folder:?}}}\n");
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Output};
    use tempfile::TempDir;

    const BARE: &str =
        "\n[package]\nname = \"ctx\"\n\n[profile.dev]\nopt-level = 2\n\n[dependencies]\n\n";
    const CELLS: &str =
        "\n[package]\nname = \"ctx\"\n\n[dependencies]\nours = { path = \"/x\" }\n\n";

    fn asked(dep: &str) -> String {
        format!(
            "\n    [package]\n    name = \"evcxr_dummy_validate_dep\"\n\n    [dependencies]\n    {dep}\n    "
        )
    }

    /// A session whose real cargo is the shell script `cargo`; the folder's name has characters on which shells stumble.
    fn session(cargo: &str) -> (TempDir, PathBuf) {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("it's \"a\" $HOME; session");
        let toolchain = Toolchain {
            sysroot: above.path().join("toolchain"),
            libraries: PathBuf::new(),
        };
        let bin = toolchain.sysroot.join("bin");
        fs::create_dir_all(&bin).unwrap();
        for (name, script) in [("cargo", cargo), ("rustc", "")] {
            let file = bin.join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let place = Place {
            workspace: above.path().into(),
            home: above.path().into(),
        };
        fs::write(
            above.path().join("Cargo.lock"),
            lock(&["ours 1.0.0", "deep 1.2.3"]),
        )
        .unwrap();
        fs::create_dir_all(directory.join("eval")).unwrap();
        install(&place, &toolchain, &directory).unwrap();
        // The program may be an older one than these tests.
        let _ = fs::remove_file(directory.join("tools/labs"));
        (above, directory)
    }

    fn lock(packages: &[&str]) -> String {
        let packages = packages.iter().map(|package| {
            let (name, version) = package.split_once(' ').unwrap();
            format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
        });
        format!("version = 4\n{}", packages.collect::<String>())
    }

    /// Runs the stand-in in the folder where cells are compiled, with this manifest there.
    fn cargo(directory: &Path, manifest: &str, arguments: &[&str]) -> Output {
        fs::write(directory.join("eval/Cargo.toml"), manifest).unwrap();
        Command::new(directory.join("tools/cargo"))
            .args(arguments)
            .current_dir(directory.join("eval"))
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .unwrap()
    }

    fn said(output: &Output) -> String {
        String::from_utf8_lossy(&output.stderr).trim().to_string()
    }

    fn lock_of_cells(directory: &Path) -> String {
        fs::read_to_string(directory.join("eval/Cargo.lock")).unwrap()
    }

    #[test]
    fn elsewhere_it_is_cargo_itself() {
        let (above, directory) =
            session("echo \"$#:$2:${CARGO-none}:${RUSTC_WRAPPER-none}\"; exit 7");
        let output = Command::new(directory.join("tools/cargo"))
            .args(["build", "a  'b\" $c"])
            .current_dir(above.path())
            .env("CARGO", "another")
            .env_remove("RUSTC_WRAPPER")
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"2:a  'b\" $c:none:none\n");
        assert_eq!(output.status.code(), Some(7));
    }

    #[test]
    fn cells_keep_their_versions_whatever_cargo_forgets() {
        let (_above, directory) = session("echo forgotten >Cargo.lock; exit 3");
        let tested = fs::read_to_string(directory.join("tested.lock")).unwrap();
        for other in [BARE.to_string(), asked("small = \"1\"")] {
            assert_eq!(
                cargo(&directory, &other, &["metadata"]).status.code(),
                Some(3)
            );
            fs::write(directory.join("eval/Cargo.lock"), "forgotten").unwrap();
            let real = directory.join("tools/real/cargo");
            fs::remove_file(&real).unwrap();
            symlink("/bin/true", &real).unwrap();
            assert!(cargo(&directory, CELLS, &["build"]).status.success());
            assert_eq!(lock_of_cells(&directory), tested);
            fs::remove_file(&real).unwrap();
            symlink(directory.join("../toolchain/bin/cargo"), &real).unwrap();
        }
    }

    #[test]
    fn the_users_own_settings_of_cargo_do_not_reach_cells() {
        let (_above, directory) = session(
            "echo \"$CARGO_PROFILE_DEV_OPT_LEVEL $CARGO_PROFILE_DEV_DEBUG <$RUSTC_WRAPPER>\"",
        );
        let output = cargo(&directory, BARE, &["build"]);
        assert_eq!(output.stdout, b"2 false <>\n");
    }

    #[test]
    fn a_check_is_a_build_without_warnings() {
        let (_above, directory) = session("echo \"$*:$RUSTFLAGS\"");
        let output = cargo(
            &directory,
            CELLS,
            &["--offline", "check", "--target", "x y"],
        );
        assert_eq!(said(&output), "");
        assert_eq!(output.stdout, b"--offline build --target x y: -Awarnings\n");
        assert!(!directory.join(FAILED).exists());
    }

    #[test]
    fn what_the_compiler_refused_is_kept() {
        let (_above, directory) = session("echo 'é {\"a\\n\"}'; exit 101");
        fs::create_dir(directory.join("eval/src")).unwrap();
        fs::write(directory.join("eval/src/lib.rs"), "wrong").unwrap();
        let output = cargo(&directory, CELLS, &["build"]);
        assert_eq!(output.status.code(), Some(101));
        assert_eq!(fs::read(directory.join(FAILED)).unwrap(), output.stdout);
        assert_eq!(fs::read(directory.join(FAILED_CODE)).unwrap(), b"wrong");
    }

    #[test]
    fn a_crate_is_looked_for_here_and_then_in_the_network() {
        let (_above, directory) = session(
            "cat Cargo.toml >>../questions; echo \"$CARGO_NET_OFFLINE\" >>../tries
            [ \"$CARGO_NET_OFFLINE\" = false ] || { echo \"error: --offline was specified\" >&2; exit 101; }",
        );
        cargo(&directory, CELLS, &["build"]);
        fs::write(directory.join("cells.toml"), CELLS).unwrap();
        assert!(
            cargo(&directory, &asked("small = \"1\""), &["metadata"])
                .status
                .success()
        );
        assert_eq!(
            fs::read_to_string(directory.join("tries")).unwrap(),
            "true\ntrue\nfalse\n"
        );
        let questions = fs::read_to_string(directory.join("questions")).unwrap();
        assert!(
            questions.contains("small = \"1\"\n    \nours = { path = \"/x\" }"),
            "{questions}"
        );
        // Nothing asks the network if the user has switched it off.
        let refused = cargo(
            &directory,
            &asked("other = \"1\""),
            &["--offline", "metadata"],
        );
        assert_eq!(said(&refused), "error: --offline was specified");
    }

    #[test]
    fn without_a_network_one_sentence_says_which_crate_is_missing() {
        let (_above, directory) = session(
            "if [ \"$CARGO_NET_OFFLINE\" = true ]
            then echo \"error: failed to download \\`deep v1.0.0\\`; --offline was specified\"
            else echo \"[6] Could not resolve hostname\"; fi >&2; exit 101",
        );
        let output = cargo(&directory, &asked("small = \"1\""), &["metadata"]);
        assert_eq!(
            said(&output),
            "error: The crate `deep`, which `small` needs, is not on this machine, and the network could not be reached to \
             fetch it. Connect to the network and try again."
        );
        assert_eq!(output.status.code(), Some(101));
    }

    #[test]
    fn no_crate_may_change_a_version_that_was_tested() {
        let (_above, directory) = session("cp ../resolved Cargo.lock");
        let ask = |dep: &str, resolved: &[&str]| {
            fs::write(directory.join("resolved"), lock(resolved)).unwrap();
            cargo(&directory, &asked(dep), &["metadata"])
        };
        assert!(
            ask("ours = \"1\"", &["ours 1.0.0", "deep 1.2.3"])
                .status
                .success()
        );
        let other = ask(
            "small = \"1\"",
            &["ours 1.0.0", "deep 1.3.0", "small 1.0.0"],
        );
        assert!(
            said(&other).contains("`small` needs another version of `deep`"),
            "{}",
            said(&other)
        );
        let beside = ["ours 1.0.0", "deep 1.2.3", "deep 2.0.0", "small 1.0.0"];
        assert!(ask("small = \"1\"", &beside).status.success());
        let real = directory.join("tools/real/cargo");
        fs::remove_file(&real).unwrap();
        symlink("/bin/true", &real).unwrap();
        cargo(&directory, CELLS, &["build"]);
        assert_eq!(
            lock_of_cells(&directory),
            lock(&beside),
            "cells get what was answered"
        );
    }

    #[test]
    fn the_labs_own_crates_are_asked_about_once_and_together() {
        let (_above, directory) = session("cat Cargo.toml >>../questions");
        let own = "[dependencies]\nours = {path = \"/x\"}\nmore = {path = \"/y\"}\n";
        fs::write(directory.join("own.toml"), own).unwrap();
        fs::write(directory.join("cells.toml"), own).unwrap();
        for dep in ["more = {path = \"/y\"}", "ours = {path = \"/x\"}"] {
            assert!(
                cargo(&directory, &asked(dep), &["metadata"])
                    .status
                    .success()
            );
            assert!(directory.join("forgotten").exists());
        }
        let questions = || fs::read_to_string(directory.join("questions")).unwrap();
        let asked_so_far = questions();
        assert_eq!(
            asked_so_far.matches("[package]").count(),
            1,
            "{asked_so_far}"
        );
        assert_eq!(
            asked_so_far.matches("ours = {path").count(),
            1,
            "{asked_so_far}"
        );
        // Another crate of the same name is another question.
        cargo(&directory, &asked("ours = \"1\""), &["metadata"]);
        assert_eq!(questions().matches("[package]").count(), 2);
    }

    #[test]
    fn rustup_names_our_cargo_and_the_compiler_itself() {
        let (above, directory) = session("");
        let others = above.path().join("others");
        fs::create_dir(&others).unwrap();
        fs::write(others.join("rustup"), "#!/bin/sh\necho \"real $*\"\n").unwrap();
        fs::set_permissions(others.join("rustup"), fs::Permissions::from_mode(0o755)).unwrap();
        let rustup = |arguments: &[&str]| {
            let path = std::env::var("PATH").unwrap();
            let tools = directory.join("tools");
            let output = Command::new(tools.join("rustup"))
                .args(arguments)
                .env(
                    "PATH",
                    format!("{}:{}:{path}", tools.display(), others.display()),
                )
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_string()
        };
        assert_eq!(
            rustup(&["which", "cargo"]),
            directory.join("tools/cargo").to_str().unwrap()
        );
        assert_eq!(
            rustup(&["which", "rustc"]),
            above.path().join("toolchain/bin/rustc").to_str().unwrap()
        );
        assert_eq!(
            rustup(&["+nightly", "which", "rustc"]),
            "real +nightly which rustc"
        );
    }
}
