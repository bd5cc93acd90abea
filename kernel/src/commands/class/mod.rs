//! `cargo labs class`: the results of many students, as one page and as tables in the terminal.

mod figures;
mod page;
mod section;
mod sketches;
mod students;
mod tables;

use crate::place::replace;
use anyhow::{Result, bail};
use clap::Args;
use section::{Item, Section};
use std::fs;
use std::path::PathBuf;
use students::{Student, students_words};

/// The options of `cargo labs class`.
#[derive(Args, Debug)]
pub struct Class {
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "class.html")]
    out: PathBuf,
    /// The files that `cargo labs export` wrote, one for each student
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Class {
    /// Reads the files, says which of them are left out, and draws the others.
    pub fn run(self) -> Result<()> {
        let out = fs::canonicalize(&self.out).ok();
        if out.is_some()
            && self
                .files
                .iter()
                .any(|file| fs::canonicalize(file).ok() == out)
        {
            bail!(
                "{} is one of the files to read; choose another page with --out.",
                self.out.display()
            );
        }
        let (students, skipped) = students::read(&self.files);
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
        replace(&self.out, page::html(&sections).as_bytes())?;
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
