//! The peers in Python: one process answers all requests, so that no run pays for starting an interpreter.

use crate::{keeper, versions};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The program. It is written into the run's folder, because with the start method `spawn` a child reads its parent's file.
const PROGRAM: &str = include_str!("twin.py");

/// A running Python program that measures when it is asked.
pub(crate) struct Twin {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Twin {
    /// Starts `python3 twin.py PEER ARGUMENTS…`, or the Python that `LABS_PYTHON` names.
    pub(crate) fn start(folder: &Path, peer: &str, arguments: &[&dyn ToString]) -> Result<Twin> {
        Twin::with(Path::new(&versions::python()), folder, peer, arguments)
    }

    /// The same with another Python.
    pub(crate) fn with(
        python: &Path,
        folder: &Path,
        peer: &str,
        arguments: &[&dyn ToString],
    ) -> Result<Twin> {
        let program = folder.join("twin.py");
        fs::write(&program, PROGRAM).context("The Python program cannot be written")?;
        let mut command = Command::new(python);
        command
            .arg(&program)
            .arg(peer)
            .args(arguments.iter().map(|argument| argument.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        keeper::end_with_parent(&mut command);
        let started = command.spawn();
        let mut child = started.with_context(|| {
            format!(
                "there is no {} here; apt-get install python3",
                python.display()
            )
        })?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut twin = Twin {
            child,
            input: input.context("python3 has no input")?,
            output: BufReader::new(output.context("python3 has no output")?),
        };
        let [version] = twin.answer()?;
        if version < 308.0 {
            bail!("python3 here is older than 3.8");
        }
        Ok(twin)
    }

    /// Asks for a run of `n`; the answer is in seconds.
    pub(crate) fn ask<const N: usize>(&mut self, n: u64) -> Result<[f64; N]> {
        writeln!(self.input, "{n}").context("python3 has ended")?;
        self.answer()
    }

    fn answer<const N: usize>(&mut self) -> Result<[f64; N]> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let numbers: Vec<f64> = (line.split_whitespace())
            .filter_map(|word| word.parse().ok())
            .collect();
        match numbers.try_into() {
            Ok(numbers) => Ok(numbers),
            Err(_) => bail!("python3 answered {line:?}; what it says on standard error tells why"),
        }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        // It would end by itself when its input ends, but only after the run that it may be busy with.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
