//! Notebook kernels. `kernels.py` starts them, one client for all alike; each measurement is a process of its own.

use crate::keeper;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The names of the numbers that `measure` returns, in their order. The last is in bytes, all others are in seconds.
pub(crate) const QUANTITIES: [&str; 6] = ["info", "idle", "first", "figure", "edited", "memory"];

/// Everything that it takes to start kernels of any kind.
pub(crate) struct Kernels {
    labs: PathBuf,
    workspace: PathBuf,
    /// JupyterLab's environment, with the client.
    client: PathBuf,
    scratch: PathBuf,
    quick: bool,
}

/// A kernel, and how it is started.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Ours, without a spare.
    Labs,
    /// Ours, with a spare waiting.
    Spare,
    /// Plain evcxr, cold, with the labs' crates.
    Stock,
    /// Plain evcxr without any crate.
    StockBare,
    /// Plain evcxr with crates that are named.
    Crates,
    /// ipykernel with matplotlib.
    Ipykernel,
}

impl Kernels {
    /// Finds the program and the environment; if one of them is missing, the error says what to do.
    pub(crate) fn find(scratch: &Path, quick: bool) -> Result<Kernels> {
        let workspace = match std::env::var_os("LABS_WORKSPACE") {
            Some(workspace) => PathBuf::from(workspace),
            None => checkout(),
        };
        let home = match std::env::var_os("LABS_HOME") {
            Some(home) => PathBuf::from(home),
            None => workspace.join("target/labs"),
        };
        // `cargo labs bench` passes its own path on.
        let labs = match std::env::var_os("LABS_PROGRAM") {
            Some(labs) => PathBuf::from(labs),
            None => workspace.join("target/release/labs"),
        };
        let client = home.join("venv/bin/python");
        for path in [&labs, &client] {
            ensure!(
                path.exists(),
                "there is no {}; `cargo labs setup` makes it",
                path.display()
            );
        }
        Ok(Kernels {
            labs,
            workspace,
            client,
            scratch: scratch.into(),
            quick,
        })
    }

    /// One kernel, once.
    pub(crate) fn measure(&self, kind: Kind) -> Result<[f64; 6]> {
        let edits = if self.quick { "1" } else { "10" };
        let line = self.once("measure", kind, &["--edits", edits])?;
        let mut numbers = [0.0; 6];
        for (number, name) in numbers.iter_mut().zip(QUANTITIES) {
            *number = line[name]
                .as_f64()
                .context("the client left something out")?;
        }
        Ok(numbers)
    }

    /// What a student meets, by name: the seconds of its first and of its second time in one kernel.
    pub(crate) fn twice(&self, kind: Kind) -> Result<Value> {
        self.once("twice", kind, &[])
    }

    /// Seconds from the start to the end of the first cell of plain evcxr with these crates, lines of TOML. rust-analyzer asks for
    /// them with `flags`. If the folder `compiled` does not exist yet, another start compiles the crates into it first, and does not count.
    pub(crate) fn warm(&self, crates: &str, flags: &str, compiled: &Path) -> Result<f64> {
        let compiled = compiled.to_str().context("the folder's name is no text")?;
        let flags = format!("--flags={flags}");
        let more = ["--crates", crates, &flags, "--compiled", compiled];
        let line = self.once("warm", Kind::Crates, &more)?;
        line["seconds"].as_f64().context("the client told no time")
    }

    /// `count` kernels at once, a line for each.
    pub(crate) fn many(&self, kind: Kind, count: usize) -> Result<Vec<Value>> {
        self.run("many", kind, &["--count", &count.to_string()])
    }

    /// How long a short cell takes with 1, 10 and more cells above it: a line each.
    pub(crate) fn long(&self, kind: Kind, counts: &str) -> Result<Vec<Value>> {
        self.run("long", kind, &["--counts", counts, "--edits", "5"])
    }

    /// The one line that the client prints.
    fn once(&self, what: &str, kind: Kind, more: &[&str]) -> Result<Value> {
        let mut lines = self.run(what, kind, more)?;
        lines.pop().context("the client said nothing")
    }

    fn run(&self, what: &str, kind: Kind, more: &[&str]) -> Result<Vec<Value>> {
        let mut command = Command::new(&self.client);
        if kind != Kind::Spare {
            command.env("LABS_SPARE_KERNELS", "0");
        }
        let name = match kind {
            Kind::Labs | Kind::Spare => "labs",
            Kind::Stock => "stock",
            Kind::StockBare => "stock-bare",
            Kind::Crates => "crates",
            Kind::Ipykernel => "ipykernel",
        };
        // Next to this file's package, where it can be read and mended.
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels.py"))
            .args([what, name, "--labs"])
            .arg(&self.labs)
            .arg("--workspace")
            .arg(&self.workspace)
            .arg("--scratch")
            .arg(&self.scratch)
            .args(more)
            .env("JUPYTER_RUNTIME_DIR", &self.scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match kind {
            Kind::Spare => _ = command.arg("--spare"),
            Kind::Ipykernel => _ = command.arg("--python").arg(environment()?),
            _ => {}
        }
        keeper::end_with_parent(&mut command);
        let mut child = command.spawn().context("the client cannot be started")?;
        let output = child.stdout.take().context("the client has an output")?;
        let mut lines = Vec::new();
        for line in BufReader::new(output).lines() {
            lines.push(serde_json::from_str(&line?).context("the client's words are no JSON")?);
        }
        let ended = child.wait_with_output()?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            let last = said.lines().next_back().unwrap_or("without a word");
            bail!("the client ended: {last}");
        }
        Ok(lines)
    }
}

/// The checkout that this program was built from.
fn checkout() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The Python with ipykernel and matplotlib, pinned and hashed. The first call makes it, and needs the network for that.
fn environment() -> Result<PathBuf> {
    let folder = checkout().join("target/labs/bench");
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements.txt");
    let (python, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let wanted = fs::read(&requirements)?;
    if fs::read(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    let _ = fs::remove_dir_all(&folder);
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&folder)
        .status();
    ensure!(
        made.context("there is no python3 here")?.success(),
        "no Python environment can be made; apt-get install python3-venv"
    );
    let installed = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--require-hashes", "-r"])
        .arg(&requirements)
        .status()?;
    ensure!(
        installed.success(),
        "ipykernel and matplotlib cannot be installed. Check that the network is there"
    );
    fs::write(&stamp, wanted)?;
    Ok(python)
}
