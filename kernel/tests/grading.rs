//! A course of nbgrader's, from the folder that `labs copy --nbgrader` makes to the points: one student has solved the exercises, one has handed
//! the lab in as it was.

use labs::place::Place;
use labs_launcher::venv;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The lab that takes the least time.
const LAB: &str = "00_start_here";

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Puts the cells of the solutions in the place of those with the same name.
fn solve(notebook: &mut Value, solutions: &Value) {
    for cell in notebook["cells"].as_array_mut().unwrap() {
        let id = cell["id"].as_str().unwrap();
        let solutions = solutions["cells"].as_array().unwrap().iter();
        let solution = solutions.filter(|_| id.starts_with("exercise-"));
        if let Some(solution) = solution.clone().find(|solution| solution["id"] == id) {
            cell["source"] = solution["source"].clone();
        }
    }
}

#[test]
#[ignore = "it installs nbgrader: `cargo labs test --night` runs it"]
fn a_solved_exercise_gets_its_points_and_one_as_handed_out_none() {
    let place = Place::find().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grading");
    let requirements = here.join("requirements.txt");
    let programs = place.workspace.join("target/labs/nbgrader");
    if !venv::is_made(&programs, &requirements) {
        venv::make(&programs, &requirements).unwrap();
    }
    let course = tempfile::tempdir().unwrap();
    let course = course.path();
    let made = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["copy", "--nbgrader"])
        .arg(course)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let nbgrader = |arguments: &[&str]| {
        let output = venv::python(programs.join("bin/nbgrader"))
            .args(arguments)
            .current_dir(course)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    nbgrader(&["generate_assignment", LAB]);
    let name = format!("{LAB}.ipynb");
    let released = read(&course.join("release").join(LAB).join(&name));
    let solutions = read(&place.notebooks().join("solutions").join(&name));
    for (student, is_solved) in [("ada", true), ("bob", false)] {
        let folder = course.join("submitted").join(student).join(LAB);
        fs::create_dir_all(&folder).unwrap();
        let mut notebook = released.clone();
        if is_solved {
            solve(&mut notebook, &solutions);
            assert_ne!(notebook, released);
        }
        fs::write(folder.join(&name), notebook.to_string()).unwrap();
    }
    nbgrader(&["autograde", LAB]);
    nbgrader(&["export", "--to", "grades.csv"]);
    let grades = fs::read_to_string(course.join("grades.csv")).unwrap();
    let mut rows = grades
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (student, score, most) = (column("student_id"), column("score"), column("max_score"));
    let mut found: Vec<[&str; 3]> = rows
        .map(|row| [row[student], row[score], row[most]])
        .collect();
    found.sort();
    assert_eq!(
        found,
        [["ada", "5.0", "5.0"], ["bob", "0.0", "5.0"]],
        "{grades}"
    );
}
