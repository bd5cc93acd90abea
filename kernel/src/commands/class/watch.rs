//! `cargo labs class --watch`: looks at a folder again and again, and draws what the students there have guessed.
//!
//! It looks at the files' sizes and times twice a second, since a shared folder on another machine tells nobody that it has changed.

use super::live::Questions;
use super::page;
use super::students::{Handed, Student, merge};
use super::tidy_path;
use crate::place::replace;
use crate::results::Results;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::BufRead;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// After so many seconds the page loads itself again.
const RELOAD: u32 = 2;

/// Of more files that change at once, only the number is told.
const MOST_LINES: usize = 20;

const HELP: &str = "A question's number and Enter shows what was measured at it, or hides it again; `all` does so for every question. \
                    Enter lists the questions. Ctrl-C ends this.";

/// What to watch, and what to write.
pub(super) struct Watch {
    folder: Folder,
    questions: Questions,
    students: Vec<Student>,
    out: PathBuf,
    /// What the page has now.
    written: String,
}

impl Watch {
    pub(super) fn new(folder: PathBuf, lab: Option<String>, out: PathBuf, reveal: bool) -> Watch {
        Watch {
            folder: Folder {
                path: folder,
                out: out.file_name().map(PathBuf::from),
                lab,
                files: BTreeMap::new(),
                is_lost: false,
            },
            questions: Questions::new(reveal),
            students: Vec::new(),
            out,
            written: String::new(),
        }
    }

    /// Watches until Ctrl-C. The page then stays as it is, and loads itself no more.
    pub(super) fn run(mut self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            // From here on a Ctrl-C waits for us, so that it cannot end us between two files.
            let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
            self.folder.list()?;
            self.look()?;
            println!(
                "Watching {}. Open {} in a browser: it loads itself again every {RELOAD} seconds.\n{HELP}",
                self.folder.path.display(),
                self.out.display()
            );
            let mut lines = lines();
            let mut typing = true;
            let mut looks = tokio::time::interval(PAUSE);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = end.recv() => break,
                    line = lines.recv(), if typing => match line {
                        Some(line) => self.answer(line.trim())?,
                        None => typing = false,
                    },
                    _ = looks.tick() => self.look()?,
                }
            }
            anyhow::Ok(())
        })?;
        self.write(None)?;
        println!("\nThe page stays as it is in {}.", self.out.display());
        Ok(())
    }

    /// Looks at the folder, tells what has changed, and draws it.
    fn look(&mut self) -> Result<()> {
        let changes = self.folder.look();
        if changes.is_empty() && !self.written.is_empty() {
            return Ok(());
        }
        match changes.len() {
            many if many > MOST_LINES => println!("{many} files have come or changed."),
            _ => changes.iter().for_each(|change| println!("{change}")),
        }
        self.students = self.folder.students();
        self.questions.note(&self.students);
        self.write(Some(RELOAD))
    }

    fn answer(&mut self, line: &str) -> Result<()> {
        let said = match (line, line.parse()) {
            ("", _) => self.questions.list(),
            ("all", _) => self.questions.turn_all(),
            (_, Ok(number)) => self.questions.turn(number),
            _ => HELP.into(),
        };
        println!("{said}");
        self.write(Some(RELOAD))
    }

    fn write(&mut self, reload: Option<u32>) -> Result<()> {
        let sections = self.questions.sections(&self.students);
        let html = page::html(
            "Coordination labs: what the room guesses",
            reload,
            &sections,
        );
        if html != self.written {
            replace(&self.out, html.as_bytes())?;
            self.written = html;
        }
        Ok(())
    }
}

/// What is typed, line by line. The thread waits for input as long as the program runs.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The files of a folder and of the folders in it, as they were at the last look.
struct Folder {
    path: PathBuf,
    /// The name of our own page, which may lie there too.
    out: Option<PathBuf>,
    lab: Option<String>,
    files: BTreeMap<PathBuf, Known>,
    /// Whether it could not be read at the last look.
    is_lost: bool,
}

/// What is known about a file.
#[derive(Default)]
struct Known {
    stamp: Stamp,
    /// The last contents that could be read.
    handed: Option<Handed>,
    /// It could not be read and may still be in the middle of being written: another look will tell.
    is_unsure: bool,
}

/// Length, time and number of a file: other contents have another stamp.
#[derive(Clone, Copy, Default, PartialEq)]
struct Stamp(u64, i64, i64, u64);

impl Folder {
    fn students(&self) -> Vec<Student> {
        let handed = self.files.values().filter_map(|known| known.handed.clone());
        merge(handed.collect()).0
    }

    /// A sentence for each change since the last look.
    fn look(&mut self) -> Vec<String> {
        let there = match self.list() {
            Ok(there) => there,
            // A share may be away for a moment. What it had still counts.
            Err(_) if self.is_lost => return Vec::new(),
            Err(error) => {
                self.is_lost = true;
                return vec![format!("{error:#}. What was there before is still drawn.")];
            }
        };
        self.is_lost = false;
        let mut said = Vec::new();
        self.files.retain(|file, _| {
            let stays = there.contains_key(file);
            if !stays {
                said.push(format!("{} is gone.", tidy_path(file)));
            }
            stays
        });
        for (file, stamp) in there {
            said.extend(self.look_at(file, stamp));
        }
        said
    }

    fn look_at(&mut self, file: PathBuf, stamp: Stamp) -> Option<String> {
        let is_new = !self.files.contains_key(&file);
        let known = self.files.entry(file.clone()).or_default();
        let is_same = !is_new && known.stamp == stamp;
        if is_same && !known.is_unsure {
            return None;
        }
        known.stamp = stamp;
        let name = tidy_path(&file);
        match Handed::read(&file, self.lab.as_deref()) {
            Ok(handed) => {
                let said = news(
                    &name,
                    known.handed.as_ref().map(|old| &*old.results),
                    &handed.results,
                );
                known.is_unsure = false;
                known.handed = Some(handed);
                Some(said)
            }
            Err(_) if !is_same => {
                known.is_unsure = true;
                None
            }
            Err(error) => {
                known.is_unsure = false;
                let before = match known.handed {
                    Some(_) => " What it said before still counts.",
                    None => "",
                };
                Some(format!("Left out {name}: {error:#}.{before}"))
            }
        }
    }

    /// The files to look at. A name that begins with a dot belongs to a program.
    fn list(&self) -> Result<BTreeMap<PathBuf, Stamp>> {
        let mut found = BTreeMap::new();
        let entries = fs::read_dir(&self.path)
            .with_context(|| format!("The folder {} cannot be read", self.path.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                let inside = fs::read_dir(&path).into_iter().flatten().flatten();
                inside.for_each(|entry| self.note(entry.path(), &mut found));
            } else {
                self.note(path, &mut found);
            }
        }
        Ok(found)
    }

    fn note(&self, path: PathBuf, found: &mut BTreeMap<PathBuf, Stamp>) {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let is_results = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let is_hidden = name.to_string_lossy().starts_with('.');
        // A file may go between two looks.
        if is_results
            && !is_hidden
            && self.out.as_ref() != Some(&name)
            && let Ok(about) = fs::metadata(&path)
            && !about.is_dir()
        {
            let stamp = Stamp(about.len(), about.mtime(), about.mtime_nsec(), about.ino());
            found.insert(path, stamp);
        }
    }
}

/// What is new in a file: never what was guessed or measured, since the room may see the terminal.
fn news(name: &str, old: Option<&Results>, new: &Results) -> String {
    let who = match &new.name {
        Some(student) => format!("{name} ({student})"),
        None => name.to_string(),
    };
    let before = old.map(guessed).unwrap_or_default();
    let now = guessed(new);
    let more: Vec<&str> = now.difference(&before).copied().collect();
    match more[..] {
        [] if old.is_some() => format!("{who}: handed in again, no new question"),
        [question] => format!("{who}: {question}"),
        _ => format!("{who}: {} guesses", more.len()),
    }
}

/// The questions at which somebody has guessed.
fn guessed(results: &Results) -> BTreeSet<&str> {
    let measured = results.predictions.iter().filter(|one| one.guess.is_some());
    let questions = measured.map(|one| one.question.as_str());
    (results.guesses.iter().map(|one| one.question.as_str()))
        .chain(questions)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::live::hand_in;
    use super::*;
    use std::path::Path;

    fn folder(path: &Path) -> Folder {
        Watch::new(path.into(), None, path.join("page.json"), false).folder
    }

    #[test]
    fn each_change_is_told_once_and_half_a_file_is_waited_for() {
        let there = tempfile::tempdir().unwrap();
        let mut folder = folder(there.path());
        let file = there.path().join("a.json");
        assert!(folder.look().is_empty());
        hand_in(&file, "Ada", "5 ns", None);
        let said = folder.look();
        assert!(
            said.len() == 1 && said[0].ends_with("a.json (Ada): Lab 03: one look?"),
            "{said:?}"
        );
        assert!(folder.look().is_empty());

        // It is written again, in two parts.
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert!(folder.look().is_empty());
        assert_eq!(folder.students().len(), 1, "what it said before");
        fs::write(&file, &whole).unwrap();
        let said = folder.look();
        assert!(
            said.len() == 1 && said[0].ends_with("no new question"),
            "{said:?}"
        );

        // It stays half.
        fs::write(&file, &whole[..whole.len() / 3]).unwrap();
        assert!(folder.look().is_empty());
        let said = folder.look();
        assert!(
            said[0].contains("Left out")
                && said[0].contains("cut off")
                && said[0].contains("still counts"),
            "{said:?}"
        );
        assert!(folder.look().is_empty());
        assert_eq!(folder.students().len(), 1);

        fs::remove_file(&file).unwrap();
        let said = folder.look();
        assert!(said[0].ends_with("a.json is gone."), "{said:?}");
        assert!(folder.students().is_empty());
    }

    #[test]
    fn the_newest_file_of_a_student_counts_and_others_do_not_matter() {
        let there = tempfile::tempdir().unwrap();
        let mut folder = folder(there.path());
        let inner = there.path().join("Ada_1_file");
        fs::create_dir(&inner).unwrap();
        hand_in(&inner.join("a.JSON"), "Ada", "5 ns", None);
        hand_in(&there.path().join("b.json"), "Ada", "7 ns", None);
        hand_in(&there.path().join("c.json"), "Bob", "8 ns", None);
        for name in [".a.json", "a.json.part", "notes.txt", "page.json"] {
            fs::write(there.path().join(name), "{").unwrap();
        }
        fs::create_dir(there.path().join("d.json")).unwrap();
        let said = folder.look();
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(folder.students().len(), 2);
        assert!(folder.look().is_empty());
        // The share goes away, and comes back.
        let away = there.path().with_extension("away");
        fs::rename(there.path(), &away).unwrap();
        let said = folder.look();
        assert!(
            said[0].contains("cannot be read") && said[0].ends_with("still drawn."),
            "{said:?}"
        );
        assert!(folder.look().is_empty() && folder.students().len() == 2);
        fs::rename(&away, there.path()).unwrap();
        assert!(folder.look().is_empty() && folder.students().len() == 2);
    }
}
