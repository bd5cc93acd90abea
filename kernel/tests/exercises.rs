//! Every exercise: its starting point fails, its solution passes, and both are judged by the same check. So are the other answers that
//! people give: the wrong ones all fail, and the right ones all pass. And what a lab says of its length is so.

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

/// An answer to an exercise, and whether it is right.
struct Answer {
    what: String,
    is_right: bool,
    code: String,
}

/// The answers to exercise `number` of a lab, which begin with `//# wrong: NAME` or `//# right: NAME` each.
fn answers(lab: &str, number: usize) -> Vec<Answer> {
    let file = format!("tests/answers/{}-{number}.rs", &lab[..2]);
    let text =
        fs::read_to_string(notebooks().join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let answers = text.split("//# ").skip(1).map(|answer| {
        let (title, code) = answer.split_once('\n').unwrap();
        let (kind, what) = title.split_once(": ").unwrap();
        assert!(["right", "wrong"].contains(&kind), "{file}: {title}");
        Answer {
            what: format!("{file}, {title}", title = what.trim()),
            is_right: kind == "right",
            code: code.trim().into(),
        }
    });
    let answers: Vec<Answer> = answers.collect();
    let right = answers.iter().filter(|answer| answer.is_right).count();
    assert!(
        right >= 2 && answers.len() - right >= 3,
        "{file}: a check needs several of each kind"
    );
    answers
}

/// A code cell.
fn cell(id: &str, source: &str, tags: &[&str]) -> Value {
    json!({"cell_type": "code", "id": id, "metadata": {"tags": tags}, "source": [source],
           "execution_count": null, "outputs": []})
}

/// Judges the exercises of a lab, of which there are `count`, in one notebook, since its kernel takes long to start: they fail as they are
/// handed out, without the rest of their lab; they pass with their solutions; and their checks refuse the wrong answers that people
/// give and accept the right ones.
fn judge(lab: &str, count: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("{lab}.ipynb");
    let mut notebook = read(&notebooks().join(&name));
    let solution = read(&notebooks().join("solutions").join(&name));
    let (of_lab, of_solution) = (exercises(&notebook), exercises(&solution));
    assert_eq!(of_lab.len(), of_solution.len());
    for ((id, start), (same_id, end)) in of_lab.iter().zip(&of_solution) {
        assert_eq!(id, same_id);
        let judged_alike = id.starts_with("check-") == (start == end);
        assert!(
            judged_alike,
            "{id}: checks are the same in both, exercises are not"
        );
    }
    let given = |kind: &str, number: usize| {
        let id = format!("{kind}-{number}");
        let found = of_lab.iter().find(|(of, _)| *of == id);
        &found.unwrap_or_else(|| panic!("{lab} has no {id}")).1
    };

    // As they are handed out, with what their cells import; then each answer; at last all that is in the solution.
    let mut cells: Vec<Value> = of_lab
        .iter()
        .map(|(id, source)| cell(&format!("{id}-given"), source, &[]))
        .collect();
    let mut judged = vec![];
    for number in 1..=count {
        for (index, answer) in answers(lab, number).into_iter().enumerate() {
            let id = format!("{number}-{index}");
            cells.push(cell(&format!("exercise-{id}"), &answer.code, &[]));
            cells.push(cell(&format!("check-{id}"), given("check", number), &[]));
            judged.push(answer);
        }
    }
    let of_solution = solution["cells"].as_array().unwrap().iter();
    cells.extend(of_solution.cloned());
    notebook["cells"] = json!(cells);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(&name);
    fs::write(&file, notebook.to_string()).unwrap();
    let shown = run(&file);
    assert_eq!(shown.len(), count + judged.len() + count, "{shown:?}");
    let (fails, rest) = shown.split_at(count);
    let (tempted, passes) = rest.split_at(judged.len());

    for (id, shown) in fails {
        assert!(
            shown.contains("not yet"),
            "{lab}, {id} as it is handed out passes:\n{shown}"
        );
        assert!(
            shown.contains("as it was handed out, which is no try"),
            "{lab}, {id} takes the exercise for a try:\n{shown}"
        );
    }
    let mistaken: Vec<String> = judged
        .iter()
        .zip(tempted)
        .filter(|(answer, (_, shown))| {
            answer.is_right != shown.contains("facts hold.")
                || answer.is_right == shown.contains("not yet")
        })
        .map(|(answer, (_, shown))| {
            format!("{} (right: {}):\n{shown}", answer.what, answer.is_right)
        })
        .collect();
    assert!(mistaken.is_empty(), "{}", mistaken.join("\n"));
    for (id, shown) in passes {
        let passed = shown.contains("facts hold.") && !shown.contains("not yet");
        assert!(passed, "{lab}, {id} of the solution fails:\n{shown}");
    }
}

#[test]
fn lab_00_counts() {
    judge("00_start_here", 1);
}

#[test]
fn lab_01_shutdowns() {
    judge("01_poison_pill", 2);
}

#[test]
fn lab_02_protocols() {
    judge("02_double_check", 2);
}

#[test]
fn lab_03_intervals() {
    judge("03_check_frequency", 2);
}

#[test]
fn lab_04_costs() {
    judge("04_cost_spectrum", 2);
}

#[test]
fn lab_05_signals() {
    judge("05_fraud_signal", 2);
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
    for path in Place::find().unwrap().labs().unwrap() {
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
    assert_eq!(labs, 6);
}
