//! The answers that people give to the exercises, in `notebooks/tests/answers`: the wrong ones all fail, and the right ones all pass.
//!
//! They are compiled into one program, each in a module of its own, with the very line that checks them in the lab. So they need no
//! kernel; `kernel/tests/exercises.rs` looks at the exercises as they are handed out, and at their solutions, in a notebook.

use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stands in the program's output before what the check of an answer shows.
const MARK: &str = "ANSWER ";

/// An answer to an exercise, and whether it is right.
struct Answer {
    what: String,
    is_right: bool,
    code: String,
    /// What the lab's cell imports, and the line that checks it.
    imports: String,
    check: String,
}

fn notebooks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebooks")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The answers in a file, which begin with `//# wrong: NAME` or `//# right: NAME` each.
fn answers(file: &Path) -> Vec<Answer> {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let (imports, check) = of_lab(name);
    let text = read(file);
    let answers = text.split("//# ").skip(1).map(|answer| {
        let (title, code) = answer.split_once('\n').unwrap();
        let (kind, what) = title.split_once(": ").unwrap();
        assert!(["right", "wrong"].contains(&kind), "{name}: {title}");
        Answer {
            what: format!("{name}, {kind}: {}", what.trim()),
            is_right: kind == "right",
            code: code.trim().into(),
            imports: imports.clone(),
            check: check.clone(),
        }
    });
    let answers: Vec<Answer> = answers.collect();
    let right = answers.iter().filter(|answer| answer.is_right).count();
    assert!(
        right >= 2 && answers.len() - right >= 3,
        "{name}: a check needs several of each kind"
    );
    answers
}

/// What the cell of exercise `name` imports (`01-2` is the second of lab 01), and the line that checks the exercise.
fn of_lab(name: &str) -> (String, String) {
    let (lab, number) = name.split_once('-').unwrap();
    let labs = fs::read_dir(notebooks()).unwrap().flatten();
    let mut labs = labs.map(|entry| entry.path());
    let lab = labs.find(|path| {
        let file = path.file_name().unwrap().to_string_lossy();
        file.starts_with(&format!("{lab}_")) && file.ends_with(".ipynb")
    });
    let lab = lab.unwrap_or_else(|| panic!("no lab has the exercise {name}"));
    let notebook: Value = serde_json::from_str(&read(&lab)).unwrap();
    let cells = notebook["cells"].as_array().unwrap();
    let lines = |id: &str| -> Vec<&str> {
        let cell = cells.iter().find(|cell| cell["id"] == id);
        let cell = cell.unwrap_or_else(|| panic!("{name}: no cell {id}"));
        let lines = cell["source"].as_array().unwrap().iter();
        lines.map(|line| line.as_str().unwrap()).collect()
    };
    let imports = lines(&format!("exercise-{number}"));
    let imports = imports.iter().filter(|line| line.starts_with("use "));
    let imports = imports.map(|line| format!("pub {line}")).collect();
    (imports, lines(&format!("check-{number}")).concat())
}

/// Writes the program that checks them all, in a package of its own; its manifest.
fn write_program(answers: &[Answer]) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap();
    let folder = crates.join("target/answers");
    fs::create_dir_all(folder.join("src")).unwrap();
    let mut manifest = String::from(
        "[workspace]\n[package]\nname = \"answers\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n",
    );
    let names = ["labsupport", "manager", "broker", "figures", "lessons"];
    for name in names {
        let path = crates.join(name);
        writeln!(manifest, "{name} = {{ path = {path:?} }}").unwrap();
    }
    let mut program = String::from("#![allow(warnings)]\nfn main() {\n");
    for index in 0..answers.len() {
        writeln!(
            program,
            "    println!(\"\\n{MARK}{index}\"); a{index}::check().unwrap();"
        )
        .unwrap();
    }
    program += "}\n";
    for (index, answer) in answers.iter().enumerate() {
        let Answer {
            imports,
            code,
            check,
            ..
        } = answer;
        writeln!(program, "mod a{index} {{").unwrap();
        for name in names {
            writeln!(program, "use {name}::prelude::*;").unwrap();
        }
        writeln!(
            program,
            "mod given {{ {imports} }}\nuse given::*;\n{code}\n\
             pub fn check() -> Result<(), Box<dyn std::error::Error>> {{ {check} Ok(()) }}\n}}"
        )
        .unwrap();
    }
    fs::write(folder.join("src/main.rs"), program).unwrap();
    // The versions that the labs are tested with.
    fs::copy(crates.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    folder.join("Cargo.toml")
}

#[test]
fn every_answer_is_judged_as_it_should_be() {
    let mut files: Vec<PathBuf> = fs::read_dir(notebooks().join("tests/answers"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let answers: Vec<Answer> = files.iter().flat_map(|file| answers(file)).collect();
    assert!(files.len() >= 11 && answers.len() >= 100);

    let program = write_program(&answers);
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(&program)
        // Beside this test, where the crates are built already.
        .env("CARGO_TARGET_DIR", program.ancestors().nth(2).unwrap())
        .env("LABS_JOURNAL", "")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<&str> = said.split(&format!("\n{MARK}")).skip(1).collect();
    assert_eq!(shown.len(), answers.len(), "{said}");
    let mistaken: Vec<String> = (answers.iter().zip(&shown))
        .filter(|(answer, shown)| {
            answer.is_right != shown.contains("facts hold.")
                || answer.is_right == shown.contains("not yet")
        })
        .map(|(answer, shown)| format!("{}:\n{shown}", answer.what))
        .collect();
    assert!(mistaken.is_empty(), "{}", mistaken.join("\n"));
}
