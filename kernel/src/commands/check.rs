//! `cargo labs check`: runs notebooks on the real kernel, and prints a line for each.

use crate::client::{Connection, Kernel, Output, Shown};
use crate::commands::limits;
use crate::environment;
use crate::notebook::{self, joined};
use crate::place::{Place, scratch};
use crate::session::{config, launch};
use anyhow::{Context, Result, bail};
use clap::Args;
use jupyter_protocol::Media;
use labs_runtime::watch;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// A cell with this tag must fail; the name is Jupyter's own.
const MUST_FAIL: &str = "raises-exception";

/// Seconds that a cell may take, if nothing else is said.
const TIMEOUT: u64 = 300;

/// The options of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// Print one JSON object per notebook instead of words
    #[arg(long)]
    json: bool,
    /// Write each notebook with its outputs into this folder
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// Seconds that a cell may take
    #[arg(long, default_value_t = TIMEOUT, value_name = "SECONDS")]
    timeout: u64,
    /// Run on plain evcxr_jupyter, started cold: no template, no trimmed sources. For comparison
    #[arg(long)]
    stock: bool,
    /// Figures under knobs are for pages without a kernel.
    #[arg(skip)]
    for_pages: bool,
    /// The notebooks; all labs if none is named
    notebooks: Vec<PathBuf>,
}

/// What `--json` prints.
#[derive(Debug, Default, Serialize)]
struct Line {
    notebook: String,
    ok: bool,
    cells: usize,
    kernel_ready_s: Option<f64>,
    first_cell_s: Option<f64>,
    median_cell_s: Option<f64>,
    total_s: f64,
    error: Option<String>,
    /// What exceeds the limits of a lab.
    warnings: Vec<String>,
}

impl Check {
    /// A check that writes `notebooks` with their outputs into `folder`, to become pages.
    pub fn for_pages(folder: &Path, notebooks: Vec<PathBuf>) -> Check {
        Check {
            json: false,
            save: Some(folder.into()),
            timeout: TIMEOUT,
            stock: false,
            for_pages: true,
            notebooks,
        }
    }

    /// Runs them all, one after the other; fails if one fails.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        let notebooks = if self.notebooks.is_empty() {
            place.labs()?
        } else {
            self.notebooks.clone()
        };
        if !self.stock {
            environment::set_up(&place)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut failed = 0;
        for notebook in &notebooks {
            let line = runtime.block_on(async {
                tokio::select! {
                    line = self.check(&place, notebook) => Ok(line),
                    // Dropping the other branch kills the kernel.
                    _ = tokio::signal::ctrl_c() => bail!("Stopped; the kernel was ended."),
                }
            })?;
            failed += usize::from(!line.ok);
            if self.json {
                println!("{}", serde_json::to_string(&line)?);
            } else {
                print(&line);
            }
        }
        match failed {
            0 => Ok(()),
            1 => bail!("1 notebook failed."),
            n => bail!("{n} notebooks failed."),
        }
    }

    async fn check(&self, place: &Place, notebook: &Path) -> Line {
        let start = Instant::now();
        let mut line = Line {
            notebook: notebook.display().to_string(),
            ..Line::default()
        };
        match self.run_cells(place, notebook, &mut line).await {
            Ok(()) => line.ok = true,
            Err(error) => line.error = Some(format!("{error:#}")),
        }
        line.total_s = seconds(start.elapsed());
        line
    }

    async fn run_cells(&self, place: &Place, path: &Path, line: &mut Line) -> Result<()> {
        let mut document = notebook::read(path)?;
        line.warnings = limits::exceeded(&document);
        let cells = document["cells"]
            .as_array_mut()
            .context("a notebook has cells")?;

        let scratch = scratch()?;
        let start = Instant::now();
        let mut kernel = self.start(place, path, scratch.path()).await?;
        kernel.ready(Duration::from_secs(600)).await?;
        line.kernel_ready_s = Some(seconds(start.elapsed()));

        let mut times = Vec::new();
        let mut result = Ok(());
        for (index, cell) in cells.iter_mut().enumerate() {
            let source = joined(&cell["source"]);
            if cell["cell_type"] != "code" || source.trim().is_empty() {
                continue;
            }
            line.cells += 1;
            // A page without a kernel wants the figures of all places of a knob.
            let metadata = match self.for_pages {
                true => json!({"labs": {"knobs": "all"}}),
                false => json!({}),
            };
            let sent = kernel.send_with(&source, metadata).await?;
            let shown = kernel
                .finish(&sent, Duration::from_secs(self.timeout))
                .await;
            let shown = shown.with_context(|| place_of(index, line.cells, &source))?;
            times.push(seconds(shown.elapsed));
            cell["execution_count"] = json!(line.cells);
            cell["outputs"] = outputs(&shown, line.cells)?;
            let must_fail = notebook::has_tag(cell, MUST_FAIL);
            result = match (shown.error(), must_fail) {
                (Some(error), false) => Err(anyhow::anyhow!(
                    "{}: {error}",
                    place_of(index, line.cells, &source)
                )),
                (None, true) => Err(anyhow::anyhow!(
                    "{}: it carries the tag {MUST_FAIL}, but nothing failed",
                    place_of(index, line.cells, &source)
                )),
                _ => Ok(()),
            };
            if result.is_err() {
                break;
            }
        }
        line.first_cell_s = times.first().copied();
        times.sort_by(f64::total_cmp);
        line.median_cell_s = times.get(times.len() / 2).copied();
        let ended = kernel.shutdown(false).await;
        if let Some(folder) = &self.save {
            fs::create_dir_all(folder)?;
            let name = path.file_name().context("a notebook has a name")?;
            fs::write(folder.join(name), serde_json::to_string_pretty(&document)?)?;
        }
        result.and(ended)
    }

    async fn start(&self, place: &Place, notebook: &Path, scratch: &Path) -> Result<Kernel> {
        let connection = Connection::new(scratch)?;
        let mut command;
        if self.stock {
            command = Command::new(launch::program()?);
            command
                .arg("--control_file")
                .arg(&connection.file)
                .env(watch::PARENT, std::process::id().to_string())
                .env("JUPYTER_PATH", scratch)
                .env("EVCXR_TMPDIR", scratch.join("eval"))
                .env("EVCXR_CONFIG_DIR", config::write_absolute(place, scratch)?);
        } else {
            let program =
                std::env::current_exe().context("This program's own path is not known")?;
            command = Command::new(program);
            command
                .arg("kernel")
                .arg("--connection-file")
                .arg(&connection.file);
        }
        command
            .env("LABS_WORKSPACE", &place.workspace)
            .env("LABS_HOME", &place.home)
            .env(launch::JOURNAL, ""); // tries during a check are not a student's
        let folder = notebook
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        command.current_dir(folder.unwrap_or(Path::new(".")));
        Kernel::start(command, connection).await
    }
}

fn print(line: &Line) {
    let ready = line
        .kernel_ready_s
        .map_or(String::new(), |s| format!(", kernel ready after {s:.1} s"));
    let verdict = if line.ok { "ok    " } else { "FAILED" };
    println!(
        "{verdict}  {}: {} cells in {:.1} s{ready}",
        line.notebook, line.cells, line.total_s
    );
    if let Some(error) = &line.error {
        println!("        {}", error.replace('\n', "\n        "));
    }
    for warning in &line.warnings {
        println!("        warning: {warning}");
    }
}

fn place_of(index: usize, count: usize, source: &str) -> String {
    let first = source
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("");
    format!(
        "code cell {count} (cell {} of the notebook), which begins `{first}`",
        index + 1
    )
}

/// What a cell showed, as a notebook file keeps it.
fn outputs(shown: &Shown, count: usize) -> Result<Value> {
    let stream = |name, text: &String| json!({"output_type": "stream", "name": name, "text": text});
    let outputs = shown.outputs.iter().map(|output| {
        Ok(match output {
            Output::Stdout(text) => stream("stdout", text),
            Output::Stderr(text) => stream("stderr", text),
            Output::Error(error) => {
                json!({"output_type": "error", "ename": "Error", "evalue": error, "traceback": [error]})
            }
            Output::Display(media) => {
                let data = serde_json::to_value::<&Media>(media)?;
                json!({"output_type": "display_data", "data": data, "metadata": {}})
            }
            Output::Result(media) => {
                let data = serde_json::to_value::<&Media>(media)?;
                json!({"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}})
            }
        })
    });
    outputs.collect()
}

fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
