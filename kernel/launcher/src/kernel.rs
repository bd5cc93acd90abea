//! The kernel: where it is, whether it is up to date, and how it is built.

use crate::progress::Progress;
use labs_launcher::site::Site;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, SystemTime};

/// What cargo builds: the commands with the front, and evcxr. This program becomes the first of them.
const PROGRAMS: [&str; 2] = ["labs", "labs-evcxr"];

/// The kernel of this checkout.
pub(crate) struct Kernel {
    pub(crate) workspace: PathBuf,
    /// The folder for everything that is made for the labs.
    pub(crate) home: PathBuf,
    /// The first of [`PROGRAMS`]. It may not exist yet.
    pub(crate) program: PathBuf,
}

/// What cargo reports.
enum Event {
    /// Its own count: this many parts of so many are done.
    Count(usize, usize),
    /// The part with this name is done; `fresh` if an earlier build has done it.
    Part { name: String, fresh: bool },
    /// Any other line.
    Line(String),
}

impl Kernel {
    /// Finds the folders; makes none.
    pub(crate) fn find() -> Result<Kernel, String> {
        // cargo tells where the package is now; it may have been built before its folder was moved.
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let workspace = package
            .ancestors()
            .nth(2)
            .ok_or("The launcher's package is not in a checkout. Run it with `cargo labs`.")?
            .to_path_buf();
        // This program is in <target>/debug, and the kernel in <target>/release, wherever cargo is told to put <target>.
        let own = std::env::current_exe()
            .map_err(|error| format!("This program's own path is not known: {error}"))?;
        let target = own
            .ancestors()
            .nth(2)
            .ok_or("This program is not in a target folder. Run it with `cargo labs`.")?;
        let home = match std::env::var_os("LABS_HOME") {
            Some(home) => PathBuf::from(home),
            None => workspace.join("target/labs"),
        };
        Ok(Kernel {
            program: target.join("release").join(PROGRAMS[0]),
            home,
            workspace,
        })
    }

    /// The places that the checks look at.
    pub(crate) fn site(&self) -> Site<'_> {
        Site {
            workspace: &self.workspace,
            home: &self.home,
            program: &self.program,
        }
    }

    /// Where cargo puts the programs.
    fn programs(&self) -> [PathBuf; 2] {
        PROGRAMS.map(|name| self.program.with_file_name(name))
    }

    /// A file whose time says when the last build of the programs began. With it, this program knows at once whether they are up to date;
    /// cargo would need half a second.
    fn stamp(&self) -> PathBuf {
        self.program.with_file_name("labs.built")
    }

    /// Whether the programs are up to date: nothing that they were built from has changed since.
    pub(crate) fn is_fresh(&self) -> bool {
        let modified = |file: &Path| fs::metadata(file)?.modified();
        let built = (|| {
            for program in self.programs() {
                modified(&program)?;
            }
            modified(&self.stamp())
        })();
        let Ok(built) = built else { return false };
        self.inputs().is_some_and(|inputs| {
            inputs
                .iter()
                .all(|file| modified(file).is_ok_and(|changed| changed < built))
        })
    }

    /// The files that the programs were built from: those that cargo names, the manifests above them, and what applies to all.
    fn inputs(&self) -> Option<BTreeSet<PathBuf>> {
        let mut named = Vec::new();
        for program in self.programs() {
            let list = fs::read_to_string(program.with_extension("d")).ok()?;
            named.extend(split_at_spaces(list.split_once(": ")?.1));
        }
        let mut inputs: BTreeSet<PathBuf> = ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml"]
            .iter()
            .map(|name| self.workspace.join(name))
            .collect();
        let mut folders = BTreeSet::new();
        for file in named {
            let above = file.ancestors().skip(1);
            for folder in above.take_while(|folder| folder.starts_with(&self.workspace)) {
                if !folders.insert(folder.to_path_buf()) {
                    break;
                }
                let manifest = folder.join("Cargo.toml");
                if manifest.is_file() {
                    inputs.insert(manifest);
                }
            }
            inputs.insert(file);
        }
        Some(inputs)
    }

    /// Builds the programs, and waits for the installation that reports through `python` meanwhile. A failure of one of the two ends the
    /// other.
    pub(crate) fn build(&self, python: Option<Receiver<Result<(), String>>>) -> Result<(), String> {
        let first = !self.program.is_file();
        let began = self.stamp().with_extension("new");
        let folder = self.program.parent().unwrap_or(&self.workspace);
        fs::create_dir_all(folder)
            .and_then(|()| File::create(&began))
            .and_then(|file| file.set_modified(SystemTime::now()))
            .map_err(|error| {
                format!(
                    "The folder {} cannot be written to: {error}",
                    folder.display()
                )
            })?;

        let mut cargo = self.cargo();
        let mut child = cargo
            .spawn()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        let events = listen(&mut child);
        let mut progress = Progress::new(first);
        let mut said = Vec::new();
        let mut python = Waiting(python);
        loop {
            match events.recv_timeout(Duration::from_millis(250)) {
                Ok(Event::Count(done, total)) => progress.count(done, total),
                Ok(Event::Part { name, fresh }) => progress.part(&name, fresh),
                Ok(Event::Line(line)) => {
                    if let Some(waiting) = plain(&line).trim_start().strip_prefix("Blocking ") {
                        progress.note(&format!("Another cargo is at work here: {waiting}"));
                    } else {
                        said.push(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(result) = python.look() {
                if let Err(why) = result {
                    let _ = child.kill();
                    let _ = child.wait();
                    progress.stop();
                    return Err(why);
                }
                progress.note("JupyterLab is installed in an environment of its own");
            }
            progress.draw();
        }
        let status = child
            .wait()
            .map_err(|error| format!("cargo cannot be waited for: {error}"))?;
        progress.stop();
        if !status.success() {
            return Err(failure(&said, status));
        }
        for line in said {
            eprintln!("{line}"); // warnings
        }
        progress.done();
        if let Some(result) = python.wait() {
            result?;
        }
        let _ = fs::rename(&began, self.stamp());
        Ok(())
    }

    fn cargo(&self) -> Command {
        // The same cargo that runs this program, without rustup in between.
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--release"])
            .args(PROGRAMS.iter().flat_map(|name| ["--package", name]))
            .arg("--message-format=json-render-diagnostics")
            // Only its progress bar tells how many parts there are; no stable message does.
            .env("CARGO_TERM_PROGRESS_WHEN", "always")
            .env("CARGO_TERM_PROGRESS_WIDTH", "100")
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            cargo.env("CARGO_TERM_COLOR", "always");
        }
        forget_cargo(&mut cargo);
        cargo
    }
}

/// Removes the variables from `command` by which `cargo run` describes this program: they would make build scripts run again that look at
/// them, and so the kernel would be linked again.
pub(crate) fn forget_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let words = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ]
        .iter()
        .any(|beginning| words.starts_with(beginning))
        {
            command.env_remove(&name);
        }
    }
}

/// The result of Python's thread, until it was fetched.
struct Waiting(Option<Receiver<Result<(), String>>>);

impl Waiting {
    /// The result, if it is there by now; does not wait.
    fn look(&mut self) -> Option<Result<(), String>> {
        let said = self.0.as_ref()?.try_recv().ok()?;
        self.0 = None;
        Some(said)
    }

    /// Waits for the result.
    fn wait(&mut self) -> Option<Result<(), String>> {
        let receiver = self.0.take()?;
        eprintln!("Installing JupyterLab into an environment of its own …");
        receiver.recv().ok()
    }
}

/// Reads both of cargo's streams. The channel is closed when both are.
fn listen(child: &mut Child) -> Receiver<Event> {
    let (sender, events) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(event) = part(&line) {
                    let _ = sender.send(event);
                }
            }
        });
    }
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || read_lines(stderr, &sender));
    }
    events
}

/// Lines end with a line feed, and cargo's bar with a carriage return.
fn read_lines(stream: impl Read, sender: &Sender<Event>) {
    let mut line = Vec::new();
    for byte in BufReader::new(stream).bytes().map_while(Result::ok) {
        if byte != b'\n' && byte != b'\r' {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        line.clear();
        let event = match count(&text) {
            Some((done, total)) => Event::Count(done, total),
            None if is_routine(&text) => continue,
            None => Event::Line(text),
        };
        let _ = sender.send(event);
    }
    let rest = String::from_utf8_lossy(&line).into_owned();
    if count(&rest).is_none() && !is_routine(&rest) {
        let _ = sender.send(Event::Line(rest));
    }
}

/// The numbers in `Building [==>   ] 12/345: names`.
fn count(line: &str) -> Option<(usize, usize)> {
    let (_, bar) = line.split_once("Building")?;
    let (_, numbers) = bar.split_once("] ")?;
    let (done, rest) = numbers.split_once('/')?;
    let total = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// Whether a line of cargo's, which may be coloured, only says that it is working.
fn is_routine(line: &str) -> bool {
    const VERBS: [&str; 11] = [
        "Building",
        "Compiling",
        "Download",
        "Downloaded",
        "Downloading",
        "Fetch",
        "Finished",
        "Fresh",
        "Locking",
        "Unpacking",
        "Updating",
    ];
    let plain = plain(line);
    let mut words = plain.split_whitespace();
    words.next().is_none_or(|word| VERBS.contains(&word))
}

/// `line` without its colours.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    plain + rest
}

/// The part that is done, according to a message of cargo's.
fn part(message: &str) -> Option<Event> {
    if !message.contains("\"reason\":\"compiler-artifact\"") {
        return None;
    }
    let (_, target) = message.split_once("\"target\":{")?;
    let (_, name) = target.split_once("\"name\":\"")?;
    Some(Event::Part {
        name: name.split('"').next()?.to_string(),
        fresh: message.contains("\"fresh\":true"),
    })
}

/// Paths with single spaces between them; a space within one has a backslash before it.
fn split_at_spaces(text: &str) -> Vec<PathBuf> {
    let joined = text.replace("\\ ", "\0");
    joined
        .split_whitespace()
        .map(|path| PathBuf::from(path.replace('\0', " ")))
        .collect()
}

/// What cargo said about its failure, and what to do.
fn failure(said: &[String], status: ExitStatus) -> String {
    let text = said.join("\n");
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let advice = if has(&["No space left on device"]) {
        "The disk is full: make room, and run the same command again. What was built is kept."
    } else if has(&["signal: 9", "Cannot allocate memory", "out of memory"]) {
        "Memory ran out: close other programs, then run this again with CARGO_BUILD_JOBS=1 in front of it. What was built is kept."
    } else if has(&[
        "failed to download",
        "failed to get",
        "download of",
        "Could not resolve",
        "spurious network",
    ]) {
        "The first build downloads crates from crates.io. Check the network, then run the same command again."
    } else {
        "The kernel could not be built; the reason is above."
    };
    format!("{text}\n{advice} (cargo: {status})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_bar_is_read() {
        let coloured = "\x1b[1m\x1b[96m    Building\x1b[0m [=====>     ] 12/345: serde, syn(build)";
        assert_eq!(count(coloured), Some((12, 345)));
        assert_eq!(count("    Building [>   ] 0/7"), Some((0, 7)));
        assert_eq!(count("   Compiling building v1.0.0"), None);
        assert_eq!(count("error: 3/4 of Building"), None);
    }

    #[test]
    fn cargos_routine_is_told_from_its_errors() {
        assert!(is_routine(
            "\x1b[1m\x1b[92m   Compiling\x1b[0m serde v1.0.0"
        ));
        assert!(is_routine(""));
        assert!(!is_routine("\x1b[1m\x1b[91merror\x1b[0m: it is broken"));
        assert!(!is_routine("    Blocking waiting for file lock"));
    }

    #[test]
    fn a_done_part_is_read_from_its_message() {
        let message = r#"{"reason":"compiler-artifact","package_id":"x","target":{"kind":["lib"],"name":"serde"},"fresh":true}"#;
        let Some(Event::Part { name, fresh }) = part(message) else {
            panic!("{message}");
        };
        assert_eq!((name.as_str(), fresh), ("serde", true));
        assert!(part(r#"{"reason":"build-finished","success":true}"#).is_none());
    }

    #[test]
    fn paths_may_hold_spaces() {
        let paths = split_at_spaces("/a/b\\ c.rs /d.rs\n");
        assert_eq!(paths, [PathBuf::from("/a/b c.rs"), PathBuf::from("/d.rs")]);
    }
}
