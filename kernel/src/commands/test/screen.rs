//! What `cargo labs test` shows: each step's output in one piece when the step ends, and meanwhile which steps run.

use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the moving line is written again.
pub(super) const TICK: Duration = Duration::from_millis(500);

/// How often a plain line says which steps run, where no line can move.
const SELDOM: Duration = Duration::from_secs(60);

/// A step that runs.
pub(super) struct Running {
    pub name: &'static str,
    pub start: Instant,
    /// The process, which leads a group of its own.
    pub pid: u32,
    /// What it has said so far.
    pub log: PathBuf,
}

/// A line that moves on a terminal, and plain lines elsewhere.
pub(super) struct Screen {
    bar: Option<ProgressBar>,
    said: std::cell::Cell<Instant>,
}

impl Screen {
    pub(super) fn new() -> Screen {
        let both = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let bar = both.then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}");
            let bar = ProgressBar::new_spinner();
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        Screen {
            bar,
            said: std::cell::Cell::new(Instant::now()),
        }
    }

    /// Writes whole lines.
    pub(super) fn says(&self, text: &str) {
        let write = || {
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(text.as_bytes());
            if !text.ends_with('\n') {
                let _ = out.write_all(b"\n");
            }
            let _ = out.flush();
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows the running steps, each with the last line that it printed.
    pub(super) fn shows(&self, running: &[Running]) {
        let mut parts = running.iter().map(|step| {
            let seconds = step.start.elapsed().as_secs();
            format!("{} {seconds} s: {}", step.name, last_line(&step.log))
        });
        match &self.bar {
            Some(bar) => {
                bar.set_message(parts.collect::<Vec<_>>().join("  │  "));
                bar.tick();
            }
            None if self.said.get().elapsed() >= SELDOM => {
                self.said.set(Instant::now());
                parts
                    .by_ref()
                    .for_each(|part| self.says(&format!("… {part}")));
            }
            None => {}
        }
    }

    /// Removes the moving line.
    pub(super) fn ends(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The last line of a file that has something in it.
fn last_line(file: &Path) -> String {
    let end = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(file)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(2000)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = end().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("begins").trim().to_string()
}

/// The part of the output that says why a step failed: the failures that tests report, or else the last lines.
pub(super) fn excerpt(output: &str) -> String {
    let mut found = Vec::new();
    let mut within = false;
    for line in output.lines() {
        within |= line == "failures:";
        if within {
            found.push(line);
        }
        within &= !line.starts_with("test result:");
    }
    if found.is_empty() {
        let lines: Vec<&str> = output.lines().collect();
        found = lines[lines.len().saturating_sub(40)..].to_vec();
    }
    found.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_taken_out_of_what_passes() {
        let output = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nwhy\n\nfailures:\n    b\n\n\
                      test result: FAILED. 1 passed; 1 failed\nrunning 1 test\ntest c ... ok\ntest result: ok. 1 passed\n";
        let excerpt = excerpt(output);
        assert!(
            excerpt.starts_with("failures:\n\n---- b stdout ----\nwhy"),
            "{excerpt}"
        );
        assert!(
            excerpt.ends_with("test result: FAILED. 1 passed; 1 failed"),
            "{excerpt}"
        );
    }

    #[test]
    fn without_tests_the_last_lines_tell_why() {
        let output: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let excerpt = excerpt(&output);
        assert_eq!(excerpt.lines().count(), 40);
        assert!(excerpt.ends_with("line 99"), "{excerpt}");
    }

    #[test]
    fn the_last_line_is_that_which_has_words() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(last_line(file.path()), "begins");
        std::fs::write(file.path(), "one\ntest two ... ok\n\n").unwrap();
        assert_eq!(last_line(file.path()), "test two ... ok");
        assert_eq!(last_line(Path::new("/nowhere")), "begins");
    }
}
