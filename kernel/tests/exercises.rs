//! Every exercise: its starting point fails, its solution passes, and both are judged by the same check. And what a lab says about its
//! length is true. Other answers to the exercises are judged without a kernel, in `lessons/tests/answers.rs`.

use labs::notebook::is_lecture;
use labs::place::Place;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Cells with this tag make up the exercises: `exercise-1`, `check-1`, and so on. They need no other cell of their lab.
const EXERCISE: &str = "exercise";

/// One lab at a time: a check counts what workers do, and some of it needs cores that are free.
static ALONE: Mutex<()> = Mutex::new(());

fn notebooks() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../notebooks")
}

fn read(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The labs, without the lecture.
fn every_lab() -> impl Iterator<Item = PathBuf> {
    let all = Place::find().unwrap().labs().unwrap().into_iter();
    all.filter(|path| !is_lecture(&read(path)))
}

fn is_exercise(cell: &Value) -> bool {
    let tags = cell["metadata"]["tags"].as_array();
    tags.is_some_and(|tags| tags.iter().any(|tag| tag == EXERCISE))
}

/// Identifiers and sources of the cells of the exercises.
fn exercises(notebook: &Value) -> Vec<(String, String)> {
    let cells = notebook["cells"].as_array().unwrap().iter();
    let source = |cell: &Value| {
        let lines = cell["source"].as_array().unwrap().iter();
        lines.map(|line| line.as_str().unwrap()).collect()
    };
    cells
        .filter(|cell| is_exercise(cell))
        .map(|cell| (cell["id"].as_str().unwrap().to_string(), source(cell)))
        .collect()
}

/// Runs a notebook; what each of its checks shows, as text.
fn run(path: &Path) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["check", "--save"])
        .arg(folder.path())
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let run = read(&folder.path().join(path.file_name().unwrap()));
    let checks = run["cells"].as_array().unwrap().iter();
    checks
        .filter(|cell| cell["id"].as_str().unwrap().starts_with("check-"))
        .map(|cell| {
            let shown = &cell["outputs"][0]["data"]["text/plain"];
            let shown = shown
                .as_str()
                .unwrap_or_else(|| panic!("no text in {cell}"));
            (cell["id"].as_str().unwrap().to_string(), shown.to_string())
        })
        .collect()
}

/// A code cell.
fn cell(id: &str, source: &str, tags: &[&str]) -> Value {
    json!({"cell_type": "code", "id": id, "metadata": {"tags": tags}, "source": [source],
           "execution_count": null, "outputs": []})
}

/// The exercises fail as they are handed out, without the rest of their lab, and they pass with their solutions. All of them are judged in
/// one notebook, since its kernel takes long to start.
#[test]
fn exercises_fail_as_they_are_handed_out_and_pass_with_their_solutions() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut given, mut solved) = (Vec::new(), Vec::new());
    let mut notebook = Value::Null;
    for path in every_lab() {
        let name = path.file_name().unwrap().to_str().unwrap();
        notebook = read(&path);
        let solution = read(&notebooks().join("solutions").join(name));
        let (of_lab, of_solution) = (exercises(&notebook), exercises(&solution));
        assert_eq!(of_lab.len(), of_solution.len(), "{name}");
        for ((id, start), (same_id, end)) in of_lab.iter().zip(&of_solution) {
            assert_eq!(id, same_id, "{name}");
            let judged_alike = id.starts_with("check-") == (start == end);
            assert!(
                judged_alike,
                "{name}, {id}: checks are the same in both, exercises are not"
            );
        }
        // First with what their cells import, then with everything in the solution.
        let lab = &name[..2];
        given.extend(
            of_lab
                .iter()
                .map(|(id, source)| cell(&format!("{id}, lab {lab}"), source, &[])),
        );
        for solution in solution["cells"].as_array().unwrap() {
            let id = format!("{}, solution {lab}", solution["id"].as_str().unwrap());
            let mut solution = solution.clone();
            solution["id"] = json!(id);
            solved.push(solution);
        }
    }
    let count = given
        .iter()
        .filter(|cell| cell["id"].as_str().unwrap().starts_with("check-"))
        .count();
    assert_eq!(count, 13);
    notebook["cells"] = json!([given, solved].concat());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exercises.ipynb");
    fs::write(&file, notebook.to_string()).unwrap();
    let shown = run(&file);
    assert_eq!(shown.len(), 2 * count, "{shown:?}");
    let (fails, passes) = shown.split_at(count);
    for (id, shown) in fails {
        assert!(
            shown.contains("not yet"),
            "{id} passes as it is handed out:\n{shown}"
        );
        assert!(
            shown.contains("as it was handed out, which is no try"),
            "{id} takes the exercise for a try:\n{shown}"
        );
    }
    for (id, shown) in passes {
        let passed = shown.contains("facts hold.") && !shown.contains("not yet");
        assert!(passed, "{id} fails:\n{shown}");
    }
}

/// The newest text counts. Where it does not compile, evcxr goes on with the older one, which must not be judged instead.
#[test]
fn what_does_not_compile_is_not_checked() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = "02_double_check.ipynb";
    let mut notebook = read(&notebooks().join(name));
    let given = exercises(&notebook);
    let source = |id: &str| &given.iter().find(|(of, _)| of == id).unwrap().1;
    let broken = source("exercise-2").replace("best.set(candidate)", "best.set(nonsense)");
    let check = source("check-2");
    notebook["cells"] = json!([
        cell("exercise-2", source("exercise-2"), &[]),
        cell("exercise-broken", &broken, &["raises-exception"]),
        cell("check-broken", check, &[]),
        cell("exercise-again", source("exercise-2"), &[]),
        cell("check-again", check, &[]),
        cell(
            "check-wrong",
            "check_lab(\"02-1\", offer)?;",
            &["raises-exception"]
        ),
        cell(
            "other",
            "fn offer(candidate: u64) -> u64 { candidate }",
            &[]
        ),
        cell("check-other", check, &["raises-exception"]),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, notebook.to_string()).unwrap();
    let saved = folder.path().join("run");
    let output = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["check", "--save"])
        .arg(&saved)
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let run = read(&saved.join(name));
    let shown = |id: &str| {
        let cells = run["cells"].as_array().unwrap();
        cells.iter().find(|cell| cell["id"] == id).unwrap()["outputs"].to_string()
    };
    let broken = shown("check-broken");
    assert!(
        broken.contains("nothing was checked") && !broken.contains("found"),
        "{broken}"
    );
    let again = shown("check-again");
    assert!(
        again.contains("as it was handed out, which is no try"),
        "{again}"
    );
    let wrong = shown("check-wrong");
    assert!(
        wrong.contains("exercise 02-1 asks for `publish`"),
        "{wrong}"
    );
    let other = shown("check-other");
    assert!(
        other.contains("no exercise asks for a function with these parameters"),
        "{other}"
    );
}

/// The minutes of the sections, the exercises among them, add up to those that the lab and the README promise.
#[test]
fn the_minutes_of_a_lab_add_up() {
    let readme = fs::read_to_string(notebooks().join("../README.md")).unwrap();
    let minutes = |text: &str, before: &str, after: &str| -> Vec<u32> {
        let numbers = text.match_indices(after).filter_map(|(at, _)| {
            let (_, number) = text[..at].rsplit_once(before)?;
            number.parse().ok()
        });
        numbers.collect()
    };
    let mut labs = 0;
    for path in every_lab() {
        let name = path.file_name().unwrap().to_str().unwrap();
        labs += 1;
        let notebook = read(&path);
        let cells = notebook["cells"].as_array().unwrap().iter();
        let words: String = cells
            .filter(|cell| cell["cell_type"] == "markdown")
            .flat_map(|cell| cell["source"].as_array().unwrap().iter())
            .map(|line| line.as_str().unwrap())
            .collect();
        let sum: u32 = minutes(&words, "*(", " minutes)*").iter().sum();
        let promised = minutes(&words, "about ", " minutes")[0];
        let row = readme
            .lines()
            .find(|line| line.contains(&format!("(notebooks/{name})")));
        let listed: Vec<u32> = minutes(row.unwrap(), "| ", " |");
        assert_eq!(listed, [promised], "{name}: README and lab");
        assert!(
            sum.abs_diff(promised) <= 3,
            "{name}: {sum} in the headings, {promised} promised"
        );
    }
    assert_eq!(labs, 7);
}
