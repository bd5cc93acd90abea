//! `labs copy`, and `--copy-to`: the labs as a student's own files, where the checkout is read-only or shared, as in the class image.

use super::nbgrader;
use crate::notebook::for_students;
use crate::place::{self, Place, notebooks_in, replace};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder with the solutions, beside the labs; `check_lab` names it.
const SOLUTIONS: &str = "solutions";

/// The options of `copy`.
#[derive(Args, Debug)]
pub struct Copy {
    /// The folder; it is made where it is missing
    folder: PathBuf,
    /// Make it the folder of a course of nbgrader, with an assignment for each lab that has exercises
    #[arg(long)]
    nbgrader: bool,
}

impl Copy {
    /// Brings the labs that the folder does not have.
    pub fn run(self) -> Result<()> {
        if self.nbgrader {
            return nbgrader::write(&Place::find()?, &self.folder);
        }
        let folder = copy_to(&Place::find()?, &self.folder)?;
        println!("The labs are in {}.", folder.display());
        Ok(())
    }
}

/// Copies the labs and their solutions into `folder`, and tells this process, and all that it starts, that the student's notebooks are
/// there. Files that are there already stay as they are, so a second start brings only what is new. Returns the folder's full path.
///
/// Call it before this process has a second thread.
pub(super) fn copy_to(place: &Place, folder: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(folder)
        .context("The labs can be copied only to the path of a folder")?;
    bring(&place.labs()?, &folder)?;
    bring(
        &notebooks_in(&place.notebooks().join(SOLUTIONS))?,
        &folder.join(SOLUTIONS),
    )?;
    sign(place, &folder)?;
    // SAFETY: no other thread of this process reads the environment: the callers have started none.
    unsafe { std::env::set_var(place::COPY, &folder) };
    Ok(folder)
}

/// Writes a file into the folder that says what it is a copy of. `labs` looks for this file in the folder in which it is run.
fn sign(place: &Place, folder: &Path) -> Result<()> {
    let text = format!(
        "This folder is a copy of the labs in {}, made by `labs copy` or `--copy-to`.\n\
         `labs reset` and `labs export`, run here, act on this folder. Without this file they would not.\n",
        place.notebooks().display()
    );
    let file = folder.join(place::COPY_FILE);
    if fs::read_to_string(&file).is_ok_and(|there| there == text) {
        return Ok(());
    }
    replace(&file, text.as_bytes())
}

fn bring(notebooks: &[PathBuf], folder: &Path) -> Result<()> {
    let failure = || {
        format!(
            "The labs cannot be copied to {}. That folder must belong to the user who opens them (number {}): choose another, \
             or in a container mount one that is writable",
            folder.display(),
            place::user()
        )
    };
    fs::create_dir_all(folder).with_context(failure)?;
    for notebook in notebooks {
        let Some(name) = notebook.file_name() else {
            bail!("{} is no notebook", notebook.display());
        };
        let target = folder.join(name);
        if fs::symlink_metadata(&target).is_err() {
            bring_one(notebook, &target).with_context(failure)?;
        }
    }
    Ok(())
}

fn bring_one(notebook: &Path, target: &Path) -> Result<()> {
    write_new(target, &for_students(fs::read(notebook)?))
}

/// Writes a file, unless it is there. It is a temporary one that is linked to its name, so that a full disk cannot leave half of a notebook,
/// which the next start would keep.
pub(super) fn write_new(target: &Path, contents: &[u8]) -> Result<()> {
    let folder = target.parent().context("a file lies in a folder")?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(contents)?;
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    match new.persist_noclobber(target) {
        // Two starts at the same time bring the same file.
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_student_has_stays_and_what_is_new_comes() {
        let handed_out = tempfile::tempdir().unwrap();
        let lab = |name: &str, text: &str| {
            let file = handed_out.path().join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        };
        lab("00_start.ipynb", "zero");
        lab("evcxr.toml", "not a notebook");
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a student's labs");
        bring(&notebooks_in(handed_out.path()).unwrap(), &folder).unwrap();
        let of_student = folder.join("00_start.ipynb");
        assert_eq!(fs::read_to_string(&of_student).unwrap(), "zero");
        let mode = fs::metadata(&of_student).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "the student writes into it");

        fs::write(&of_student, "mine").unwrap();
        lab("01_new.ipynb", "one");
        bring(&notebooks_in(handed_out.path()).unwrap(), &folder).unwrap();
        assert_eq!(fs::read_to_string(&of_student).unwrap(), "mine");
        assert_eq!(
            fs::read_to_string(folder.join("01_new.ipynb")).unwrap(),
            "one"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no leftover");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_the_students_too() {
        let handed_out = tempfile::tempdir().unwrap();
        fs::write(handed_out.path().join("00_start.ipynb"), "zero").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("00_start.ipynb");
        std::os::unix::fs::symlink("/nowhere", &link).unwrap();
        bring(&notebooks_in(handed_out.path()).unwrap(), folder.path()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_sentence_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let said = bring(&[], &file.join("labs")).unwrap_err().to_string();
        assert!(said.contains("choose another, or"), "{said}");
    }
}
