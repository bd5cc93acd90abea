//! Compiles a cell: by the compiler itself, where cargo would do nothing but call it.
//!
//! For each cell cargo reads manifests, resolves versions and looks at every file of every crate, and then runs the compiler with the
//! arguments of the last time. So the stand-in for cargo calls `labs compile`. Once cargo has compiled a cell, this keeps what cargo
//! ran and everything that the answer depended on: see `state.rs`. As long as all of that is unchanged, in this session or in a later one, it runs
//! the compiler and says what cargo would have said. Where anything differs or cannot be read, cargo is asked, and what it runs is kept
//! instead.
//!
//! cargo names its compiler's command to nobody, but it runs a wrapper where there is one: `labs` itself, which writes down what it was
//! given and becomes the compiler.
//!
//! A cell that was compiled before, in this session or in an earlier one, is not compiled again: see `cells.rs`. In one process, a type is the same
//! in two cells only if the compiler was given the same number for their crate. cargo makes that number from the session's folder, so the
//! wrapper gives the compiler another, which all sessions have.
//!
//! With a crate of their own (`:dep`), cells are always compiled by cargo: its folder might be anywhere. With `LABS_ASK_CARGO` set,
//! they are, too: to compare.

use super::answers;
use super::cells::{Cells, only_mentioned};
use super::state::{JOB_SERVER, LINKER, State, built, file, general, lasting};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Set where `labs` is cargo's wrapper of the compiler: the file in which it writes down what it was given, or empty.
const WRAPS: &str = "LABS_WRAPS_RUSTC";
/// Names cargo's wrapper for the crates of the workspace.
const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";
/// What cargo is about to run.
const RUN: &str = "rustc.json";
/// What the compiler can be called with, without asking cargo.
const KNOWN: &str = "compile.json";
/// In which state cargo was asked in vain: the cell had an error.
const BEGAN: &str = "began.json";
/// The code that was compiled last.
const LAST: &str = "compiled";
/// What the compiler is told about the crate of the cells, in the place of cargo's number.
const METADATA: &str = "metadata=cells";
/// The code of the cell that is compiled, in its folder.
const SOURCE: &str = "src/lib.rs";

/// A call of the compiler.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

/// What cargo ran and said when it last compiled a cell, and on what that depended, the code aside.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    state: State,
    run: Run,
    /// cargo's messages about what it had built, a line each.
    artifacts: String,
    /// What cells are compiled with: the same in two sessions where the compiler makes the same of the same cell.
    with: String,
}

/// Whether this process is the wrapper of a compiler; then it becomes that compiler, and returns only if it cannot.
pub fn as_wrapper() -> Option<ExitCode> {
    let file = std::env::var_os(WRAPS)?;
    let mut arguments = std::env::args_os().skip(1).peekable();
    // cargo has two kinds of wrappers, and one of them calls the other. `labs` is both.
    let is_labs = |program: &OsString| std::env::var_os(WRAPPER).as_ref() == Some(program);
    let _ = arguments.next_if(is_labs);
    let program = arguments.next()?;
    if Path::new(&program).file_name() != Some(OsStr::new("rustc")) {
        return None;
    }
    let mut arguments: Vec<OsString> = arguments.collect();
    let cells = is_the_cells(&arguments);
    if cells {
        let number =
            |argument: &&mut OsString| argument.as_encoded_bytes().starts_with(b"metadata=");
        for argument in arguments.iter_mut().filter(number) {
            *argument = METADATA.into();
        }
    }
    let mut command = Command::new(&program);
    command.args(arguments).env_remove(WRAPS);
    if !file.is_empty() && cells {
        // Without it, cargo is asked the next time, too.
        let _ = write_down(Path::new(&file), &command);
    }
    let error = command.exec();
    eprintln!("{} cannot be run: {error}", program.display());
    Some(ExitCode::FAILURE)
}

/// Whether this compiles cells: the crate that evcxr calls `ctx`.
fn is_the_cells(arguments: &[OsString]) -> bool {
    let mut arguments = arguments.iter();
    arguments.any(|argument| argument == "--crate-name")
        && arguments.next().is_some_and(|name| name == "ctx")
}

fn write_down(file: &Path, command: &Command) -> Result<()> {
    let text = |text: &OsStr| text.to_str().map(str::to_string).context("not UTF-8");
    let mut environment = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        environment.insert(text(&name)?, text(&value)?);
    }
    for name in JOB_SERVER.iter().chain([&WRAPS]) {
        environment.remove(*name);
    }
    let run = Run {
        program: text(command.get_program())?,
        arguments: command.get_args().map(text).collect::<Result<_>>()?,
        environment,
    };
    Ok(fs::write(file, serde_json::to_vec(&run)?)?)
}

/// Compiles the cell in the current folder as `cargo` would with `arguments`, and prints the same messages. `session` is the
/// session's directory.
pub fn run(cargo: &Path, session: &Path, arguments: &[String]) -> Result<ExitCode> {
    let folder = std::env::current_dir()?;
    let session = &fs::canonicalize(session)?;
    let look = || {
        let compiler = std::env::var_os("RUSTC").context("evcxr names the compiler")?;
        State::look(cargo, Path::new(&compiler), session, &folder, arguments)
    };
    let state = look().ok();
    if let Some(state) = &state
        && let Some(known) = Known::of(state, session)
        && let Ok(succeeded) = known.compile(session, &folder)
    {
        // 101 is what cargo ends with.
        return Ok(if succeeded {
            ExitCode::SUCCESS
        } else {
            101.into()
        });
    }
    let written = session.join(RUN);
    for file in [RUN, KNOWN, LAST] {
        let _ = fs::remove_file(session.join(file));
    }
    let output = Command::new(cargo)
        .args(arguments)
        .env(WRAPS, &written)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be run", cargo.display()))?;
    io::stdout().write_all(&output.stdout)?;
    if let (Some(before), Ok(after)) = (state, look())
        // What changed meanwhile, cargo may have seen or not. What it built may have changed, and what it wrote into the lock file.
        && before.inputs == after.inputs
    {
        // Where it cannot be kept, cargo is asked again.
        let _ = match output.status.success() {
            true => keep(session, &folder, &written, &output.stdout, before, after),
            false => begin(session, &before),
        };
    }
    Ok(answers::ending(output.status))
}

/// Keeps in which state cargo was asked, for when it compiles a cell without an error.
fn begin(session: &Path, before: &State) -> Result<()> {
    Ok(fs::write(session.join(BEGAN), serde_json::to_vec(before)?)?)
}

fn keep(
    session: &Path,
    folder: &Path,
    written: &Path,
    said: &[u8],
    before: State,
    after: State,
) -> Result<()> {
    let is_artifact = |line: &&str| line.starts_with("{\"reason\":\"compiler-artifact\"");
    let lines = std::str::from_utf8(said)?.lines().filter(is_artifact);
    let run: Run = serde_json::from_slice(&fs::read(written)?)?;
    let with = run.fingerprint(folder)?;
    let began = fs::read(session.join(BEGAN)).ok();
    let began = began.and_then(|began| serde_json::from_slice::<State>(&began).ok());
    let began = began.filter(|began| began.inputs == after.inputs);
    let states = [Some(before), began, Some(after.clone())];
    let known = Known {
        state: after,
        run,
        artifacts: lines.map(|line| format!("{line}\n")).collect(),
        with,
    };
    let cell = known.cell()?;
    if depends_on_the_code_alone(&cell.made) {
        known.put(&cell, &fs::read_to_string(folder.join(SOURCE))?);
    }
    known.keep_in(session)?;
    // The next session begins as this one did, and goes on as this one will.
    for state in states.into_iter().flatten() {
        known.keep_for_all(&state, session)?;
    }
    Ok(())
}

/// The cells' library, as cargo speaks of it.
struct Cell {
    /// The beginning of a message about it: which package, which target.
    about: String,
    /// Where the compiler puts it.
    made: PathBuf,
    /// Where cargo puts it then, under the same name.
    linked: PathBuf,
}

impl Known {
    /// What is known of this session, or was found out in an earlier one whose state was the same.
    fn of(state: &State, session: &Path) -> Option<Known> {
        let here = fs::read(session.join(KNOWN));
        let here = here
            .ok()
            .and_then(|known| serde_json::from_slice::<Known>(&known).ok());
        if let Some(known) = here
            && known.state == *state
        {
            return Some(known);
        }
        let mut known: Known = answers::kept(&name_of(state), session)?;
        known.state = state.clone();
        known.run.environment = in_this_session(known.run.environment);
        let _ = fs::remove_file(session.join(LAST));
        known.keep_in(session).ok()?;
        Some(known)
    }

    fn keep_in(&self, session: &Path) -> Result<()> {
        let new = session.join("compile.new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        Ok(fs::rename(new, session.join(KNOWN))?)
    }

    fn keep_for_all(&self, state: &State, session: &Path) -> Result<()> {
        let environment = self.run.environment.iter();
        let environment = environment.filter(|(name, _)| is_cargo_s(name));
        let general = Known {
            run: Run {
                environment: environment
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                ..self.run.clone()
            },
            ..self.clone()
        };
        answers::keep(&name_of(state), &general, session)
    }

    fn cell(&self) -> Result<Cell> {
        let last = self.artifacts.lines().last().context("nothing was built")?;
        let artifact: Value = serde_json::from_str(last)?;
        let files = artifact["filenames"].as_array().context("no files")?;
        let [Value::String(linked)] = &files[..] else {
            bail!("the last thing that was built is not the cells' library");
        };
        let linked = PathBuf::from(linked);
        let name = linked.file_name().context("it has a name")?;
        let arguments = &self.run.arguments;
        let at = arguments
            .iter()
            .position(|argument| argument == "--out-dir");
        let out = at
            .and_then(|at| arguments.get(at + 1))
            .context("no folder")?;
        Ok(Cell {
            about: format!(
                "\"package_id\":{},\"manifest_path\":{},\"target\":{}",
                artifact["package_id"], artifact["manifest_path"], artifact["target"]
            ),
            made: Path::new(out).join(name),
            linked,
        })
    }

    /// Keeps the cell that was compiled just now, for later sessions. Where that fails, they compile it again.
    fn put(&self, cell: &Cell, code: &str) {
        if let Some(cells) = Cells::find() {
            let _ = cells.put(&self.with, code, &cell.made);
        }
    }

    /// Runs the compiler and prints what cargo would have printed; whether it succeeded. An error where cargo has to be asked.
    fn compile(&self, session: &Path, folder: &Path) -> Result<bool> {
        let cell = self.cell()?;
        let last = session.join(LAST);
        let source = folder.join(SOURCE);
        let state_of_source = || file(&source).map(|number| format!("{number:x}"));
        let state = state_of_source()?;
        // As for cargo, code that was compiled already is not compiled again.
        if fs::read_to_string(&last).ok().as_ref() != Some(&state) || !cell.made.is_file() {
            for file in [&last, &cell.made] {
                let _ = fs::remove_file(file);
            }
            let whole = fs::read_to_string(&source)?;
            let code = only_mentioned(&whole);
            if code != whole {
                fs::write(&source, &code)?;
            }
            let state = state_of_source()?;
            if let Some(found) = Cells::find().and_then(|cells| cells.get(&self.with, &code)) {
                // Errors name lines of the code that was compiled.
                if found.code != code {
                    fs::write(&source, found.code)?;
                }
                fs::write(&cell.made, found.library)?;
                fs::write(&last, state_of_source()?)?;
            } else if !self.run.passing_on(&cell, folder)? {
                return Ok(false);
            } else if depends_on_the_code_alone(&cell.made) {
                fs::write(&last, state)?;
                self.put(&cell, &code);
            }
        }
        let _ = fs::remove_file(&cell.linked);
        if fs::hard_link(&cell.made, &cell.linked).is_err() {
            fs::copy(&cell.made, &cell.linked)?;
        }
        print!("{}", self.artifacts);
        println!("{{\"reason\":\"build-finished\",\"success\":true}}");
        Ok(true)
    }
}

/// The name under which it is kept what the compiler is called with.
fn name_of(state: &State) -> String {
    format!("compile-{:016x}", state.of_a_cell())
}

/// Whether cargo sets the variable `name` for the compiler.
fn is_cargo_s(name: &str) -> bool {
    name.starts_with("CARGO") || name.starts_with("RUSTC") || name == "LD_LIBRARY_PATH"
}

/// The variables that cargo has set for the compiler, among those of this session.
fn in_this_session(cargo_s: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let here = std::env::vars().filter(|(name, _)| {
        name != WRAPS && !is_cargo_s(name) && !JOB_SERVER.contains(&name.as_str())
    });
    here.chain(cargo_s).collect()
}

impl Run {
    /// Runs the compiler and passes its messages on as cargo does; whether it succeeded.
    fn passing_on(&self, cell: &Cell, folder: &Path) -> Result<bool> {
        // cargo has errors painted for a terminal, and takes the paint off where they are for a program.
        let plain = |argument: &String| argument.replace("diagnostic-rendered-ansi,", "");
        let mut compiler = Command::new(&self.program)
            .args(self.arguments.iter().map(plain))
            .env_clear()
            .envs(&self.environment)
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()?;
        let said = compiler.stderr.take().context("it has a standard error")?;
        let mut errors = 0;
        for line in BufReader::new(said).lines() {
            let line = line?;
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                eprintln!("{line}");
                continue;
            };
            if message["$message_type"] != "diagnostic" || is_a_sum(&message) {
                continue;
            }
            errors += usize::from(message["level"] == "error");
            println!(
                "{{\"reason\":\"compiler-message\",{},\"message\":{line}}}",
                cell.about
            );
        }
        if compiler.wait()?.success() {
            return Ok(true);
        }
        // A compiler that was killed, or that broke: cargo has words for it.
        ensure!(errors > 0, "it failed without an error");
        println!("{{\"reason\":\"build-finished\",\"success\":false}}");
        eprintln!("error: could not compile `ctx` (lib) due to {errors} previous errors");
        Ok(false)
    }
}

impl Run {
    /// A text that is the same in two sessions where the compiler makes the same of the same code: compiler and linker, arguments and
    /// environment, without the session's directory, and what was built of the labs' crates.
    fn fingerprint(&self, folder: &Path) -> Result<String> {
        let session = folder.parent().and_then(Path::to_str);
        let session = session.context("sessions have a directory")?;
        let general = |text: &str| general(text, session);
        let mut hasher = DefaultHasher::new();
        for argument in &self.arguments {
            general(argument).hash(&mut hasher);
        }
        for (name, value) in &self.environment {
            if name.starts_with("CARGO_")
                || name.starts_with("RUSTC")
                || LINKER.contains(&&name[..])
            {
                (name, general(value)).hash(&mut hasher);
            }
        }
        let path = self.environment.get("PATH").map(String::as_str);
        for program in ["cc", "ld"] {
            let mut folders = std::env::split_paths(path.unwrap_or_default());
            let program = folders.find_map(|folder| fs::canonicalize(folder.join(program)).ok());
            let about = program.as_deref().map(lasting).transpose()?;
            (program, about).hash(&mut hasher);
        }
        // The compiler is a small program; its library's name changes with its version.
        let compiler = fs::canonicalize(&self.program)?;
        let libraries = fs::read_dir(compiler.with_file_name("../lib"));
        let entries = libraries.into_iter().flatten().flatten();
        let mut names: Vec<OsString> = entries.map(|entry| entry.file_name()).collect();
        names.retain(|name| name.as_encoded_bytes().starts_with(b"librustc"));
        names.sort();
        (lasting(&compiler)?, compiler, names).hash(&mut hasher);
        for path in built(folder)? {
            (path.file_name(), lasting(&path)?).hash(&mut hasher);
        }
        Ok(format!("{:016x}", hasher.finish()))
    }
}

/// Whether it only says how many errors or warnings there were, which cargo counts itself.
fn is_a_sum(message: &Value) -> bool {
    let said = message["message"].as_str().unwrap_or_default();
    let warnings = ["warning emitted", "warnings emitted"];
    said.starts_with("aborting due to") || warnings.iter().any(|end| said.ends_with(end))
}

/// Whether no other file and no variable of the environment went into what was built: `include_str!` and `env!` do that.
fn depends_on_the_code_alone(made: &Path) -> bool {
    let list = made.with_file_name("ctx.d");
    fs::read_to_string(list).is_ok_and(|list| {
        let mut lines = list.lines().filter(|line| !line.is_empty());
        lines.all(|line| line.ends_with(": src/lib.rs") || line == "src/lib.rs:")
    })
}
