//! One run of the whole benchmark: its options, the results so far, and how much is left to do.

use crate::contest::{Contest, Line};
use crate::report;
use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use labsupport::prelude::{Show, machine};
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

/// What every part of the benchmark works with.
pub(crate) struct Bench {
    /// Holds all files that the run writes meanwhile; the keeper removes it.
    pub folder: PathBuf,
    pub quick: bool,
    only: Option<String>,
    json: bool,
    save: Option<PathBuf>,
    lines: Vec<Line>,
    /// Gets each line of `--json` at once, so that an interrupted run keeps what it has measured.
    numbers: Option<File>,
    step: usize,
    steps: usize,
}

/// How it is run, and where its results go.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Print one JSON object per line instead of tables
    #[arg(long)]
    json: bool,
    /// Few and short runs: to see that it works, not to quote
    #[arg(long)]
    quick: bool,
    /// Run only the contests whose name contains this
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Write figures (SVG), their text twins and the numbers (JSON lines) into this folder
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
}

impl Bench {
    pub(crate) fn new(options: &Options, folder: PathBuf, steps: usize) -> Result<Bench> {
        if let Some(save) = &options.save {
            fs::create_dir_all(save)
                .with_context(|| format!("The folder {} cannot be made", save.display()))?;
        }
        let numbers = options.save.as_ref().map(|save| {
            let path = save.join("numbers.jsonl");
            File::create(&path).with_context(|| format!("{} cannot be written", path.display()))
        });
        if !options.json {
            println!("{}\n", machine());
        }
        Ok(Bench {
            folder,
            quick: options.quick,
            only: options.only.clone(),
            json: options.json,
            save: options.save.clone(),
            lines: Vec::new(),
            numbers: numbers.transpose()?,
            step: 0,
            steps,
        })
    }

    /// How long one run of a fast operation should take.
    pub(crate) fn run_time(&self) -> Duration {
        Duration::from_millis(if self.quick { 4 } else { 50 })
    }

    /// The `usual` number of rounds, or fewer with `--quick`.
    pub(crate) fn rounds(&self, usual: usize) -> usize {
        if self.quick { usual.min(3) } else { usual }
    }

    /// Says what begins now and how much is left. The bar has no thread of its own, because a fork copies only the thread that calls it.
    pub(crate) fn next(&mut self, what: &str, ticks: usize) -> ProgressBar {
        self.step += 1;
        let line = format!("[{}/{}] {what}", self.step, self.steps);
        if !std::io::stderr().is_terminal() {
            eprintln!("{line}, {ticks} rounds …");
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {bar:20} round {pos} of {len}, {eta} left");
        let bar = ProgressBar::new(ticks as u64);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(line);
        bar.tick();
        bar
    }

    /// Runs a contest and keeps its results.
    pub(crate) fn run<const N: usize>(&mut self, contest: Contest<'_, N>) -> Result<()> {
        let rounds = self.rounds(contest.rounds());
        let title = contest.title().to_string();
        if (self.only.as_ref()).is_some_and(|only| !title.contains(only.as_str())) {
            self.steps = self.steps.saturating_sub(1);
            return Ok(());
        }
        // There is one more round, which warms up.
        let bar = self.next(&title, rounds + 1);
        let lines = contest.run(rounds, || bar.inc(1));
        bar.finish_and_clear();
        let lines = lines.with_context(|| format!("{title} could not be measured"))?;
        for line in &lines {
            self.record(report::json(line))?;
        }
        self.lines.extend(lines);
        Ok(())
    }

    /// Names what cannot be measured at all.
    pub(crate) fn skip(&mut self, name: &str, peer: &str, why: &anyhow::Error) -> Result<()> {
        let line = Line::Skipped {
            name: name.into(),
            peer: peer.into(),
            why: format!("{why:#}"),
        };
        self.record(report::json(&line))?;
        self.lines.push(line);
        Ok(())
    }

    /// A line for `--json` and the file of numbers.
    pub(crate) fn record(&mut self, record: serde_json::Value) -> Result<()> {
        if self.json {
            println!("{record}");
        }
        if let Some(numbers) = &mut self.numbers {
            writeln!(numbers, "{record}").context("The numbers cannot be written")?;
        }
        Ok(())
    }

    /// Prints words for a person; `--json` leaves them out.
    pub(crate) fn say(&self, words: &str) {
        if !self.json {
            println!("{words}");
        }
    }

    /// Saves a figure if figures are wanted, and prints its text twin.
    pub(crate) fn figure(&self, name: &str, figure: &impl Show) -> Result<()> {
        let contents = figure.contents();
        for (mime, content) in &contents {
            if *mime == "text/plain" {
                self.say(content);
            }
            let Some(folder) = &self.save else { continue };
            let ending = if *mime == "image/svg+xml" {
                "svg"
            } else {
                "txt"
            };
            let path = folder.join(format!("{name}.{ending}"));
            fs::write(&path, content)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(())
    }

    /// The tables, the figure of ratios, and how many targets were met.
    pub(crate) fn finish(self) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.say(&report::table(&self.lines));
        self.say(&report::verdicts(&self.lines));
        if self.save.is_some() {
            let quiet = Bench { json: true, ..self };
            for (name, figure) in report::figures(&quiet.lines) {
                quiet.figure(name, &figure)?;
            }
        }
        Ok(())
    }
}
