//! `cargo labs class`: the results of many students, as one page and as tables in the terminal.

mod csv;
mod figures;
mod histogram;
mod live;
mod page;
mod section;
mod sketches;
mod students;
mod tables;
mod watch;

use crate::place::replace;
use anyhow::{Result, bail};
use clap::Args;
use section::{Item, Section};
use std::fs;
use std::path::PathBuf;
use students::{Student, students_words};
use watch::Watch;

/// The options of `cargo labs class`.
#[derive(Args, Debug)]
pub struct Class {
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "class.html")]
    out: PathBuf,
    /// Also write a table with one row for each student, for a gradebook such as Moodle's
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    csv: Option<PathBuf>,
    /// Draw what the room guesses while students hand in their files into this folder; what they have measured is shown when you say so
    #[arg(long, value_name = "FOLDER", conflicts_with = "files")]
    watch: Option<PathBuf>,
    /// With --watch: show at once what was measured
    #[arg(long, requires = "watch")]
    reveal: bool,
    /// Only what belongs to this lab, such as 03
    #[arg(long, value_name = "LAB")]
    lab: Option<String>,
    /// The files that `cargo labs export` wrote, one for each student
    #[arg(required_unless_present = "watch", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Class {
    /// Reads the files, says which of them are left out, and draws the others.
    pub fn run(self) -> Result<()> {
        let lab = self.lab.map(|lab| match lab.parse::<u32>() {
            Ok(number) => format!("Lab {number:02}"),
            Err(_) => lab,
        });
        if let Some(folder) = self.watch {
            return Watch::new(folder, lab, self.out, self.reveal).run();
        }
        for (written, option) in [(Some(&self.out), "--out"), (self.csv.as_ref(), "--csv")] {
            let written = written.and_then(|file| fs::canonicalize(file).ok());
            let is_written = |file: &&PathBuf| written == fs::canonicalize(file).ok();
            if written.is_some()
                && let Some(file) = self.files.iter().find(is_written)
            {
                bail!(
                    "{} is one of the files to read; choose another page with {option}.",
                    file.display()
                );
            }
        }
        let (students, skipped) = students::read(&self.files, lab.as_deref());
        for (file, why) in &skipped {
            eprintln!("Skipped {}: {why}.", tidy_path(file));
        }
        if students.is_empty() {
            bail!(
                "None of the files can be drawn; the reasons are above. `cargo labs export` writes one."
            );
        }
        let sections = sections(&students, skipped.len());
        for section in &sections {
            println!("\n══ {}\n", section.title);
            for item in &section.items {
                match item {
                    Item::Picture { text, .. } => println!("{text}"),
                    Item::Table(table) => println!("{table}"),
                    Item::Words(words) => println!("{words}\n"),
                }
            }
        }
        // The page may be shown to the class, and a file's name may contain a person's name. So the terminal shows the files' names and the
        // page does not.
        println!("\n══ Which file is whose\n");
        for student in &students {
            println!("{}: {}", student.label, tidy_path(&student.file));
        }
        let page = page::html("Coordination labs: a class", None, &sections);
        replace(&self.out, page.as_bytes())?;
        if let Some(file) = &self.csv {
            replace(file, csv::csv(&students).as_bytes())?;
            println!("\nA row for each student is in {}.", file.display());
        }
        println!(
            "\nThe figures are in {}; open it in a browser.",
            self.out.display()
        );
        Ok(())
    }
}

fn tidy_path(path: &std::path::Path) -> String {
    crate::results::tidy(&path.display().to_string())
}

fn sections(students: &[Student], skipped: usize) -> Vec<Section> {
    let mut words = format!("{} in this class.", students_words(students.len()));
    if skipped > 0 {
        let files = if skipped == 1 {
            "1 file was".into()
        } else {
            format!("{skipped} files were")
        };
        words.push_str(&format!(
            " {files} left out; the terminal says which, and why."
        ));
    }
    // What the class learned comes first, and the machines come last.
    let predictions = figures::predictions(students);
    let exercises = tables::exercises(students);
    let mut learned = vec![Item::Words(words)];
    learned.extend(
        predictions
            .as_ref()
            .map(|one| Item::Words(one.learned.clone())),
    );
    learned.extend(
        exercises
            .as_ref()
            .map(|one| Item::Words(one.learned.clone())),
    );
    let mut sections = vec![Section {
        title: "What the class learned".into(),
        items: learned,
    }];
    sections.extend(predictions.map(|one| one.section));
    sections.extend(sketches::sketches(students));
    sections.extend(exercises.map(|one| one.section));
    sections.extend(figures::measurements(students));
    sections.push(Section {
        title: "The machines".into(),
        items: vec![Item::Table(tables::machines(students))],
    });
    sections
}
