//! `cargo labs reset`: a lab as it was handed out, and the student's as a copy beside it.

use crate::notebook::for_students;
use crate::place::{self, MINE, Place, replace};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The options of `cargo labs reset`.
#[derive(Args, Debug)]
pub struct Reset {
    /// The number of the lab, such as 03, or its name; all labs if none is given
    lab: Option<String>,

    /// Where the student's notebooks are; the copy of the labs in which this is run, or the checkout, if none is named
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Reset {
    /// Brings the notebooks back, a line for each.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        // The folder in which this is run counts more than a variable that the terminal has inherited.
        let (folder, journals) = match (self.folder, place::copy_here()) {
            (None, Some(copy)) => {
                let journal = copy.join(place::JOURNAL_FILE);
                (copy, BTreeSet::from([journal]))
            }
            (folder, _) => {
                let folder = match folder {
                    Some(folder) => folder,
                    None => place.students()?,
                };
                let journal = folder.join(place::JOURNAL_FILE);
                (folder, BTreeSet::from([place.journal(), journal]))
            }
        };
        let labs = place.labs()?;
        let names = labs.iter().filter_map(|lab| lab.file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let chosen = chosen(names.collect(), self.lab.as_deref())?;
        for name in &chosen {
            let pristine = pristine(&place, &folder, name)?;
            println!("{}", bring_back(&folder.join(name), &pristine)?);
        }
        for journal in &journals {
            if let Some(words) = forget(journal, &chosen)? {
                println!("{words}");
            }
        }
        println!("Close the notebook's tab in JupyterLab and open it again.");
        Ok(())
    }
}

/// Those of the `labs` that `wanted` means.
fn chosen(labs: Vec<String>, wanted: Option<&str>) -> Result<Vec<String>> {
    let Some(wanted) = wanted else {
        return Ok(labs);
    };
    let stem = Path::new(wanted)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = stem.trim_end_matches(".ipynb");
    let found: Vec<String> = labs
        .iter()
        .filter(|lab| {
            let lab = lab.trim_end_matches(".ipynb");
            lab == stem || lab.split('_').next() == Some(stem)
        })
        .cloned()
        .collect();
    if found.is_empty() {
        bail!(
            "There is no lab `{wanted}`. There are: {}.",
            labs.join(", ")
        );
    }
    Ok(found)
}

/// The lab as it was handed out: the one in the checkout, or, where the student works in the checkout itself, the one that was
/// committed.
fn pristine(place: &Place, folder: &Path, name: &str) -> Result<Vec<u8>> {
    let own = place.notebooks();
    if fs::canonicalize(folder).ok() != fs::canonicalize(&own).ok() {
        let lab = fs::read(own.join(name)).with_context(|| format!("{name} cannot be read"))?;
        return Ok(for_students(lab));
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(&place.workspace)
        .args(["show", &format!("HEAD:./notebooks/{name}")])
        .output()
        .context("git cannot be run; it knows the notebook as it was handed out")?;
    if !output.status.success() {
        bail!(
            "git does not have {name} as it was handed out. It says: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

/// Puts `pristine` in the place of `notebook` and keeps a copy of the old file. Returns a sentence that says what was done.
fn bring_back(notebook: &Path, pristine: &[u8]) -> Result<String> {
    let name = notebook.display();
    let mut words = format!("{name} is new");
    match fs::read(notebook) {
        Ok(now) if now == pristine => return Ok(format!("{name} is as it was handed out")),
        Ok(_) => {
            let copy = free_name(notebook)?;
            fs::copy(notebook, &copy).with_context(|| format!("{name} cannot be copied"))?;
            words = format!(
                "{name} is as it was handed out; yours is {}",
                copy.display()
            );
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
    }
    replace(notebook, pristine)?;
    Ok(words)
}

/// A name beside `file` for a copy of it.
fn free_name(file: &Path) -> Result<PathBuf> {
    let stem = file.file_stem().context("a file has a name")?;
    let extension = file.extension().context("a file has an extension")?;
    let (stem, extension) = (stem.to_string_lossy(), extension.to_string_lossy());
    (1..)
        .map(|n| file.with_file_name(format!("{stem}{MINE}{n}.{extension}")))
        .find(|copy| !copy.exists())
        .context("every name for a copy is taken")
}

/// Takes what belongs to the labs `names` out of the journal, so that their hints begin anew, and keeps a copy of the old journal. Returns
/// a sentence that says where. The titles begin with "Lab 03".
fn forget(journal: &Path, names: &[String]) -> Result<Option<String>> {
    let Ok(text) = fs::read(journal) else {
        return Ok(None); // there is no journal yet
    };
    let titles: Vec<String> = names
        .iter()
        .map(|name| format!("\tLab {}", name.split('_').next().unwrap_or(name)))
        .collect();
    let is_of_one = |line: &[u8]| {
        titles.iter().any(|title| {
            line.windows(title.len())
                .any(|part| part == title.as_bytes())
        })
    };
    let kept: Vec<u8> = text
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| !is_of_one(line))
        .flatten()
        .copied()
        .collect();
    if kept == text {
        return Ok(None);
    }
    let copy = free_name(journal)?;
    fs::copy(journal, &copy).with_context(|| format!("{} cannot be copied", journal.display()))?;
    replace(journal, &kept)?;
    Ok(Some(format!(
        "The journal no longer mentions what was reset; the old one is kept as {}",
        copy.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_students_notebook_is_kept_and_the_lab_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let lab = folder.path().join("03_lab.ipynb");
        fs::write(&lab, "mine").unwrap();
        let said = bring_back(&lab, b"pristine").unwrap();
        assert!(said.ends_with("03_lab-mine-1.ipynb"), "{said}");
        assert_eq!(fs::read(&lab).unwrap(), b"pristine");
        fs::write(&lab, "mine again").unwrap();
        bring_back(&lab, b"pristine").unwrap();
        for (copy, text) in [
            ("03_lab-mine-1.ipynb", "mine"),
            ("03_lab-mine-2.ipynb", "mine again"),
        ] {
            assert_eq!(fs::read_to_string(folder.path().join(copy)).unwrap(), text);
        }
        let said = bring_back(&lab, b"pristine").unwrap();
        assert!(said.ends_with("is as it was handed out"), "{said}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            3,
            "no copy of a copy, no leftover"
        );
    }

    #[test]
    fn a_lab_is_named_by_its_number_or_its_name() {
        let labs = || {
            ["00_start.ipynb", "03_check.ipynb"]
                .map(String::from)
                .to_vec()
        };
        assert_eq!(chosen(labs(), None).unwrap(), labs());
        for wanted in [
            "03",
            "03_check",
            "03_check.ipynb",
            "notebooks/03_check.ipynb",
        ] {
            let found = chosen(labs(), Some(wanted)).unwrap();
            assert_eq!(found, ["03_check.ipynb"], "{wanted}");
        }
        let said = chosen(labs(), Some("7")).unwrap_err().to_string();
        assert!(
            said.contains("no lab `7`") && said.contains("03_check.ipynb"),
            "{said}"
        );
    }

    #[test]
    fn the_journal_forgets_one_lab_and_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.tsv");
        let lab = ["03_check.ipynb".to_string()];
        assert_eq!(forget(&journal, &lab).unwrap(), None);
        assert!(!journal.exists());
        let of_others = b"2\tcheck\tLab 04, exercise 1\tpassed\t2 of 2\n\xff\n3\tmeasured\tLab 04\tT\t\t\tcost\tnumber\t2\t\ta\t1.0:1.0:1.0\n";
        let mut all = b"1\tcheck\tLab 03, exercise 1\tnot yet\t1 of 2\n2\tmeasured\tLab 03\tT\t\t\tcost\tnumber\t2\t\ta\t1.0:1.0:1.0\n".to_vec();
        all.extend(of_others);
        fs::write(&journal, &all).unwrap();
        let said = forget(&journal, &lab).unwrap().unwrap();
        assert_eq!(fs::read(&journal).unwrap(), of_others);
        // The deleted lines are in a copy, and no copy replaces another.
        let copy = |n| folder.path().join(format!("journal-mine-{n}.tsv"));
        assert!(said.ends_with("journal-mine-1.tsv"), "{said}");
        assert_eq!(fs::read(copy(1)).unwrap(), all);
        assert_eq!(forget(&journal, &lab).unwrap(), None, "nothing is left");
        let labs = ["03_check.ipynb", "04_cost.ipynb"].map(String::from);
        forget(&journal, &labs).unwrap();
        assert_eq!(fs::read(&journal).unwrap(), b"\xff\n");
        assert_eq!(fs::read(copy(2)).unwrap(), of_others);
    }
}
