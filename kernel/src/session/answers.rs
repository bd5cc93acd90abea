//! Answers of cargo's, kept for later sessions.
//!
//! At each start of a session rust-analyzer asks cargo some fifteen questions, and evcxr asks about the labs' crates. The answers are the same
//! as in the session before, unless something has changed that [`State`] looks at. So what stands in for cargo calls `labs answer`, which
//! looks for the answer in a folder beside the compiled cells, and asks cargo where there is none. What `compile.rs` knows of the compiler
//! is kept there, too.
//!
//! rust-analyzer takes the cargo in `$CARGO_HOME/bin` before any other, so an inner kernel has a `CARGO_HOME` of its own with nothing but
//! a script in it (`stand_in/home/cargo`). All others are given back the user's: cargo itself by the stand-ins, and cells by the runtime.

use super::cells::{Cells, number, write_whole};
use super::state::{State, for_any_session, for_this_session};
use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::SystemTime;

/// How many are kept: those that were used last. A session needs about twenty.
const KEPT: usize = 200;
/// If this is set, cargo is asked each time, to compare.
pub(super) const ASK: &str = "LABS_ASK_CARGO";

/// What cargo said.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    out: String,
    errors: String,
    /// The lock file that it left, if that is another one.
    lock: Option<String>,
}

/// Answers as `cargo` would with `arguments` in the current folder. `session` is the session's directory.
pub fn run(cargo: &Path, session: &Path, arguments: &[String]) -> Result<ExitCode> {
    let mut command = Command::new(cargo);
    command.args(arguments);
    let ask = std::env::var_os(ASK).is_some_and(|ask| !ask.is_empty());
    if ask || !is_a_question(arguments) {
        return Err(command.exec()).with_context(|| format!("{} cannot be run", cargo.display()));
    }
    let session = &fs::canonicalize(session)?;
    let folder = std::env::current_dir()?;
    let compiler = session.join("tools/real/rustc");
    let look = || State::look(cargo, &compiler, session, &folder, arguments);
    let state = look().ok();
    let reads_the_lock_file = arguments.iter().any(|word| word == "metadata");
    let name = |state: &State| format!("answer-{:016x}", state.of_an_answer(reads_the_lock_file));
    let name = state.as_ref().map(name);
    let known = name
        .as_deref()
        .and_then(|name| kept::<Answer>(name, session));
    if let Some(answer) = known.filter(Answer::is_still_true)
        && answer.leave_lock_file(&folder).is_ok()
    {
        return answer.say().map(|()| ExitCode::SUCCESS);
    }
    let output = command
        .output()
        .with_context(|| format!("{} cannot be run", cargo.display()))?;
    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;
    if output.status.success()
        && let (Some(before), Ok(after), Some(name)) = (state, look(), name)
        && before.inputs == after.inputs
    {
        let lock = fs::read_to_string(folder.join("Cargo.lock")).ok();
        let said = (
            String::from_utf8(output.stdout),
            String::from_utf8(output.stderr),
        );
        if let (Ok(out), Ok(errors)) = said {
            let lock = lock.filter(|_| reads_the_lock_file && before.lock != after.lock);
            // Where it cannot be kept, cargo is asked again.
            let _ = keep(&name, &Answer { out, errors, lock }, session);
        }
    }
    Ok(ending(output.status))
}

/// How this process is to end where cargo has ended so.
pub(super) fn ending(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(101).into()
}

/// Whether cargo, given this, only reads.
fn is_a_question(arguments: &[String]) -> bool {
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-Z" => _ = words.next(),
            "--version" | "config" | "locate-project" | "metadata" => return true,
            "rustc" => return words.any(|word| word == "--print"),
            _ if word.starts_with('-') => {}
            _ => return false,
        }
    }
    false
}

impl Answer {
    /// Whether all crates that it names are there: a crate's files may be removed from the downloads, and then cargo fetches them again.
    fn is_still_true(&self) -> bool {
        if !self.out.starts_with("{\"packages\":") {
            return true;
        }
        let Ok(said) = serde_json::from_str::<Value>(&self.out) else {
            return false;
        };
        let packages = said["packages"].as_array().into_iter().flatten();
        let mut manifests = packages.map(|package| package["manifest_path"].as_str());
        manifests.all(|manifest| manifest.is_some_and(|path| Path::new(path).is_file()))
    }

    fn leave_lock_file(&self, folder: &Path) -> Result<()> {
        match &self.lock {
            Some(lock) => Ok(fs::write(folder.join("Cargo.lock"), lock)?),
            None => Ok(()),
        }
    }

    fn say(&self) -> Result<()> {
        io::stdout().write_all(self.out.as_bytes())?;
        Ok(io::stderr().write_all(self.errors.as_bytes())?)
    }
}

/// Where answers are kept, if anything is.
fn folder() -> Option<PathBuf> {
    Some(Cells::find()?.folder().join("answers"))
}

/// What is kept under this name, for this session.
pub(super) fn kept<T: DeserializeOwned>(name: &str, session: &Path) -> Option<T> {
    let path = folder()?.join(name);
    let kept = fs::read_to_string(&path).ok()?;
    let (sum, text) = kept.split_once('\n')?;
    if sum != self::sum(text) {
        return None;
    }
    File::open(path)
        .and_then(|file| file.set_modified(SystemTime::now()))
        .ok()?;
    serde_json::from_str(&for_this_session(text, session).ok()?).ok()
}

/// Keeps what one session knows under this name, for all of them, and of all names those that were used last. What names the session's
/// directory in a way that could not be undone is not kept.
pub(super) fn keep(name: &str, what: &impl Serialize, session: &Path) -> Result<()> {
    let text = for_any_session(&serde_json::to_string(what)?, session);
    let (Some(folder), Some(text)) = (folder(), text) else {
        return Ok(());
    };
    crate::place::make_private(&folder)?;
    write_whole(
        &folder.join(name),
        format!("{}\n{text}", sum(&text)).as_bytes(),
    )?;
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        // Another session may have removed it meanwhile.
        if let Ok(used) = fs::metadata(&path).and_then(|about| about.modified()) {
            all.push((used, path));
        }
    }
    all.sort();
    for (_, path) in all.iter().take(all.len().saturating_sub(KEPT)) {
        fs::remove_file(path).context("An answer of cargo's cannot be removed")?;
    }
    Ok(())
}

/// The first line of a file: which text it has.
fn sum(text: &str) -> String {
    format!("{} {:016x}", text.len(), number(&text))
}
