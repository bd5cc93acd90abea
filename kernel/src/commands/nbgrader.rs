//! `labs copy --nbgrader`: the labs as the source of a course that nbgrader collects and grades.
//!
//! The notebooks themselves know nothing of nbgrader. Here the cells of their exercises get its metadata: the student's cell is a solution,
//! its check is a test with points, and that and the words above it cannot be changed. All other cells stay free, since a lab is there to be
//! changed. nbgrader runs the whole notebook and gives the points of each check that ends without an error.

use super::copy::write_new;
use crate::notebook;
use crate::place::Place;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The points for an exercise. A teacher may change them in the notebook's metadata, or in nbgrader's own pages.
const POINTS: u32 = 5;

/// The version of nbgrader's metadata.
const SCHEMA: u32 = 3;

/// Makes the course, with an assignment for each lab that has exercises. What is there already stays.
pub(super) fn write(place: &Place, course: &Path) -> Result<()> {
    let mut written = Vec::new();
    for lab in place.labs()? {
        let mut notebook = notebook::read(&lab)?;
        if !mark(&mut notebook) {
            continue;
        }
        let name = lab.file_stem().context("a notebook has a name")?;
        let folder = course.join("source").join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("The folder {} cannot be made", folder.display()))?;
        bring(
            &folder.join(name).with_extension("ipynb"),
            &text(&notebook)?,
        )?;
        written.push(name.to_string_lossy().into_owned());
    }
    let Some(first) = written.first() else {
        bail!("No lab has an exercise.");
    };
    bring(
        &course.join("nbgrader_config.py"),
        config(place)?.as_bytes(),
    )?;
    println!(
        "{} has {} assignments, one for each lab. In that folder, nbgrader makes the first one with `nbgrader generate_assignment {first}`.",
        course.display(),
        written.len()
    );
    Ok(())
}

fn bring(file: &Path, contents: &[u8]) -> Result<()> {
    match file.exists() {
        true => Ok(()),
        false => write_new(file, contents)
            .with_context(|| format!("{} cannot be written", file.display())),
    }
}

/// Gives the cells of the exercises their metadata, and takes the notes for the teacher out. Returns whether there is an exercise.
fn mark(notebook: &mut Value) -> bool {
    let Some(cells) = notebook["cells"].as_array_mut() else {
        return false;
    };
    cells.retain(|cell| !notebook::is_for_the_teacher(cell));
    let mut found = false;
    for cell in cells {
        let id = cell["id"].as_str().unwrap_or_default().to_string();
        let (is_solution, is_test) = (id.starts_with("exercise-"), id.starts_with("check-"));
        if !is_solution && !is_test && !id.starts_with("about-exercise-") {
            continue;
        }
        found |= is_test;
        let mut marks = json!({
            "schema_version": SCHEMA, "grade_id": id,
            "grade": is_test, "solution": is_solution, "locked": !is_solution, "task": false,
        });
        if is_test {
            marks["points"] = json!(POINTS);
        }
        cell["metadata"]["nbgrader"] = marks;
    }
    found
}

fn text(notebook: &Value) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b" ");
    notebook.serialize(&mut serde_json::Serializer::with_formatter(
        &mut text, format,
    ))?;
    text.push(b'\n');
    Ok(text)
}

/// What nbgrader must know.
fn config(place: &Place) -> Result<String> {
    let kernels = place.venv().join("share/jupyter");
    let kernels = kernels
        .to_str()
        .context("the path of the kernel is not UTF-8")?;
    Ok(format!(
        r#"# `labs copy --nbgrader` made this; change what you like.
import os

c = get_config()
c.CourseDirectory.course_id = "coordination-labs"

# An exercise begins with code that compiles and is wrong. nbgrader would replace it.
c.ClearSolutions.enabled = False

# nbgrader runs every cell of a lab. The longest measure for half a minute, on a machine that is free.
c.Execute.timeout = 300
c.Execute.startup_timeout = 300

# Where nbgrader finds the kernel of the labs.
os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [{kernels:?}, os.environ.get("JUPYTER_PATH")]))
# What is run here is nobody's own work, so no journal is kept.
os.environ["LABS_JOURNAL"] = ""
"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::joined;

    #[test]
    fn each_exercise_is_a_solution_and_a_test_with_points_and_the_rest_is_free() {
        let place = Place::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        write(&place, folder.path()).unwrap();
        let mut points = 0;
        for lab in place.labs().unwrap() {
            let name = lab.file_stem().unwrap();
            let file = folder
                .path()
                .join("source")
                .join(name)
                .join(lab.file_name().unwrap());
            if !file.exists() {
                assert!(
                    notebook::is_lecture(&notebook::read(&lab).unwrap()),
                    "{lab:?}"
                );
                continue;
            }
            let given = notebook::read(&lab).unwrap();
            let made = notebook::read(&file).unwrap();
            let mut ids = Vec::new();
            for cell in made["cells"].as_array().unwrap() {
                let (id, marks) = (cell["id"].as_str().unwrap(), &cell["metadata"]["nbgrader"]);
                let is = |what: &str| marks[what].as_bool().unwrap();
                assert!(!id.starts_with("teacher-"), "{id}");
                if marks.is_null() {
                    assert!(
                        !joined(&cell["source"]).contains("check_lab("),
                        "{id} is free"
                    );
                    continue;
                }
                assert_eq!(marks["grade_id"], id);
                let kinds = (is("grade"), is("solution"), is("locked"));
                let expected = match id.trim_end_matches(|c: char| c.is_ascii_digit()) {
                    "about-exercise-" => (false, false, true),
                    "exercise-" => (false, true, false),
                    "check-" => (true, false, true),
                    other => panic!("{other}"),
                };
                assert_eq!(kinds, expected, "{id}");
                assert_eq!(marks["points"].as_u64().is_some(), is("grade"), "{id}");
                points += marks["points"].as_u64().unwrap_or(0);
                ids.push(id);
            }
            let unique: std::collections::BTreeSet<_> = ids.iter().collect();
            assert_eq!(unique.len(), ids.len(), "{lab:?}");
            // Otherwise the notebook is as it is handed out.
            let mut plain = made.clone();
            for cell in plain["cells"].as_array_mut().unwrap() {
                cell["metadata"].as_object_mut().unwrap().remove("nbgrader");
            }
            let given = notebook::for_students(serde_json::to_vec(&given).unwrap());
            assert_eq!(
                plain,
                serde_json::from_slice::<Value>(&given).unwrap(),
                "{lab:?}"
            );
        }
        assert_eq!(points, 13 * u64::from(POINTS), "thirteen exercises");
        // What the teacher has changed stays.
        let config = folder.path().join("nbgrader_config.py");
        fs::write(&config, "mine").unwrap();
        write(&place, folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&config).unwrap(), "mine");
    }
}
