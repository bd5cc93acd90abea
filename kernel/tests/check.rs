//! `labs check`: it finds and names each failure, and a good notebook passes.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

fn command(arguments: &[&str], notebook: &str) -> Command {
    let notebooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../notebooks/tests");
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
    command
        .arg("check")
        .args(arguments)
        .arg(notebooks.join(notebook));
    command
}

fn check(arguments: &[&str], notebook: &str) -> Output {
    command(arguments, notebook).output().unwrap()
}

/// Runs a notebook that must fail and returns what is said about it.
fn fails(notebook: &str) -> String {
    let output = check(&[], notebook);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("FAILED"), "{said}");
    said
}

#[test]
fn a_panic_fails_with_its_cell_and_message() {
    let said = fails("fails_panic.ipynb");
    assert!(
        said.contains("code cell 2 (cell 3 of the notebook)"),
        "{said}"
    );
    assert!(
        said.contains("index out of bounds: the len is 2 but the index is 3"),
        "{said}"
    );
    assert!(!said.contains("stack backtrace"), "{said}");
}

#[test]
fn the_error_of_a_question_mark_fails() {
    assert!(fails("fails_question_mark.ipynb").contains("invalid digit found in string"));
}

#[test]
fn a_cell_that_does_not_compile_fails() {
    assert!(fails("fails_to_compile.ipynb").contains("mismatched types"));
}

#[test]
fn a_cell_that_must_fail_and_does_not_fails() {
    assert!(fails("fails_to_fail.ipynb").contains("raises-exception, but nothing failed"));
}

/// A good notebook's run, without a network: what was printed, and what was saved.
static GOOD: LazyLock<(Output, Value)> = LazyLock::new(|| {
    let set_up = Command::new(env!("CARGO_BIN_EXE_labs"))
        .arg("setup")
        .status();
    assert!(set_up.unwrap().success());
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--json", "--save", folder.path().to_str().unwrap()];
    let output = command(&arguments, "good.ipynb")
        // This proxy refuses every request to the network at once.
        .env("CARGO_HTTP_PROXY", "http://127.0.0.1:9")
        .env("CARGO_NET_RETRY", "0")
        .output()
        .unwrap();
    let saved = std::fs::read_to_string(folder.path().join("good.ipynb"));
    let saved = saved.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output, serde_json::from_str(&saved).unwrap())
});

#[test]
fn once_set_up_no_network_is_needed() {
    let (output, _) = &*GOOD;
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_good_notebook_passes_with_its_times_and_outputs() {
    let (output, saved) = &*GOOD;
    assert!(output.status.success(), "{output:?}");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&line["ok"], &line["cells"], &line["error"]),
        (&Value::Bool(true), &5.into(), &Value::Null)
    );
    for time in ["kernel_ready_s", "first_cell_s", "median_cell_s", "total_s"] {
        assert!(line[time].as_f64().unwrap() > 0.0, "{time} in {line}");
    }
    let shown = |id: &str| {
        let cells = saved["cells"].as_array().unwrap();
        let cell = cells.iter().find(|cell| cell["id"] == id).unwrap();
        cell["outputs"].as_array().unwrap().clone()
    };
    let result = shown("cell-4");
    assert_eq!(result[0]["data"]["text/plain"], "42", "{result:?}");
    // Each output is where it was shown, and a place that was filled twice has the last content.
    let in_order: Vec<String> = (shown("cell-5").iter())
        .map(|output| match &output["text"] {
            Value::String(text) => format!("{}: {text}", output["name"]),
            _ => format!(
                "{}: {}",
                output["output_type"], output["data"]["text/plain"]
            ),
        })
        .collect();
    assert_eq!(
        in_order,
        [
            "\"stdout\": before\n",
            "\"display_data\": \"last\\n\"",
            "\"stdout\": after\n"
        ]
    );
}

#[test]
fn what_is_no_notebook_is_a_sentence() {
    let output = check(&[], "nowhere.ipynb");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nowhere.ipynb cannot be read"));
}
