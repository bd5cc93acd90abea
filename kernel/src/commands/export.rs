//! `cargo labs export`: what a student has measured, predicted and solved, in one file to hand in.

use crate::environment::facts::{fact, first_line, number};
use crate::place::{self, Place, in_words, replace};
use crate::results::{FORMAT, Machine, Results, tidy};
use crate::session::launch;
use anyhow::{Context, Result, bail};
use clap::Args;
use labsupport::measure::{cores, processor};
use lessons::journal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The options of `cargo labs export`.
#[derive(Args, Debug)]
pub struct Export {
    /// A name to show in the class's figures; without it the file has none
    #[arg(long)]
    name: Option<String>,
    /// The file to write; labs-results.json in this folder if none is named
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where the student's notebooks are; the copy of the labs in which this is run, or the checkout, if none is named
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Write the file again each time you have guessed, measured or tried something, until Ctrl-C
    #[arg(long)]
    follow: bool,
}

/// The time between two looks at the journal.
const PAUSE: Duration = Duration::from_millis(500);

impl Export {
    /// Writes the file and says what is in it.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        let journal = self.journal(&place);
        let out = (self.out.clone()).unwrap_or_else(|| "labs-results.json".into());
        refuse_to_lose(&out)?;
        if self.follow {
            return self.follow(&place, &journal, &out);
        }
        let Some(results) = self.write(&place, &journal, &out)? else {
            bail!(
                "There is nothing to hand in yet: {} has no measurement, no prediction and no exercise. Open a lab with \
                 `cargo labs open`, run its cells, and come back.",
                journal.display()
            );
        };
        print(&results, &out);
        Ok(())
    }

    /// Writes the file whenever the journal has grown. An interrupt finds either the old file or the new one.
    fn follow(&self, place: &Place, journal: &Path, out: &Path) -> Result<()> {
        println!(
            "{} is written again each time {} grows, until Ctrl-C.",
            out.display(),
            journal.display()
        );
        let mut written = 0;
        loop {
            let length = fs::metadata(journal).map_or(0, |about| about.len());
            if length != written {
                if let Some(results) = self.write(place, journal, out)? {
                    print(&results, out);
                }
                written = length;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn journal(&self, place: &Place) -> PathBuf {
        let kept = std::env::var_os(launch::JOURNAL).filter(|kept| !kept.is_empty());
        // The folder in which this is run counts more than a variable that the terminal has inherited.
        let folder = self.folder.clone().or_else(place::copy_here);
        match (folder, kept) {
            (Some(folder), _) => folder.join(place::JOURNAL_FILE),
            (None, Some(kept)) => kept.into(),
            (None, None) => place.journal(),
        }
    }

    /// Writes the file, if there is anything to write; returns what is in it.
    fn write(&self, place: &Place, journal: &Path, out: &Path) -> Result<Option<Results>> {
        let entries = match journal::read(journal) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", journal.display()));
            }
        };
        let name = self.name.as_deref().map(tidy);
        let name = name.filter(|name| !name.is_empty());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs());
        let results = Results::from_journal(&entries, name.as_deref(), facts(place), now);
        if results.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_string_pretty(&results)?;
        replace(out, (text + "\n").as_bytes())?;
        Ok(Some(results))
    }
}

/// Refuses to replace any file that `export` has not written.
fn refuse_to_lose(out: &Path) -> Result<()> {
    if out.is_dir() {
        bail!("{} is a folder; name a file in it.", out.display());
    }
    match fs::read(out) {
        Ok(there) if !String::from_utf8_lossy(&there).contains(FORMAT) => bail!(
            "{} is there already and was not written by `cargo labs export`; choose another name with --out.",
            out.display()
        ),
        _ => Ok(()),
    }
}

fn print(results: &Results, out: &Path) {
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    println!(
        "{} has {}, {}{}, {}, {} and what machine this is.",
        out.display(),
        count(results.measurements.len(), "measurement"),
        match results.guesses.len() {
            0 => String::new(),
            1 => "1 guess that waits for its run, ".into(),
            more => format!("{more} guesses that wait for their runs, "),
        },
        count(results.predictions.len(), "prediction"),
        count(results.sketches.len(), "curve"),
        count(results.exercises.len(), "exercise"),
    );
    match &results.name {
        Some(name) => println!("It says that it is from {name}. Your code is not in it."),
        None => println!("Neither your name nor your code is in it; --name NAME puts a name in."),
    }
    let next = "You can read it: it is text. Then give it to your teacher, who draws it with `cargo labs class`.";
    println!("{}", in_words(next));
}

fn facts(place: &Place) -> Machine {
    let memory = fact("/proc/meminfo", "MemTotal:").and_then(|text| number(&text));
    let name = fact("/etc/os-release", "PRETTY_NAME=").unwrap_or_else(|| "Linux".into());
    let name = name.trim_matches('"');
    let kernel = fact("/proc/sys/kernel/osrelease", "").unwrap_or_default();
    let rustc = first_line(place.rust("rustc").arg("--version")).ok();
    // SAFETY: sysconf takes a number and touches nothing of ours.
    let all = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    Machine {
        processor: tidy(&processor()),
        cores: usize::try_from(all).unwrap_or(1).max(1),
        cores_allowed: cores(),
        quota: fact("/sys/fs/cgroup/cpu.max", "").and_then(|text| quota(&text)),
        memory: memory.unwrap_or(0) * 1024,
        system: tidy(&format!("{name}, {kernel}")),
        rustc: tidy(&rustc.unwrap_or_default()),
        labs: env!("CARGO_PKG_VERSION").into(),
    }
}

/// How many cores' time a `cpu.max` leaves: `max 100000` is no limit, `50000 100000` half a core.
fn quota(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0 && quota > 0.0).then_some(quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_share_of_cores() {
        assert_eq!(quota("max 100000"), None);
        assert_eq!(quota("150000 100000"), Some(1.5));
        assert_eq!(quota("1 0"), None);
    }
}
