//! A notebook's file, as JSON.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Reads a notebook; what it returns has a list of cells, each with a type and a source.
pub fn read(path: &Path) -> Result<Value> {
    let about = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    // Reading a pipe could wait forever, and a device may have no end.
    if !about.is_file() {
        bail!("{} is not a file", path.display());
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let notebook: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a notebook: its JSON is broken", path.display()))?;
    let Some(cells) = notebook["cells"].as_array() else {
        bail!("{} has no cells: it is not a notebook", path.display());
    };
    for (index, cell) in cells.iter().enumerate() {
        if !cell["cell_type"].is_string() || !is_text(&cell["source"]) {
            bail!(
                "Cell {} of {} has no type or no source: the file was damaged. `cargo labs reset` gives a lab back as it was \
                 handed out, and keeps yours as a copy",
                index + 1,
                path.display()
            );
        }
    }
    Ok(notebook)
}

/// The bytes of a notebook without the notes for the teacher. Anything else stays as it is.
pub fn for_students(bytes: Vec<u8>) -> Vec<u8> {
    let Ok(mut notebook) = serde_json::from_slice::<Value>(&bytes) else {
        return bytes;
    };
    let Some(cells) = notebook["cells"].as_array_mut() else {
        return bytes;
    };
    let all = cells.len();
    cells.retain(|cell| !is_for_the_teacher(cell));
    if cells.len() == all {
        return bytes;
    }
    // Format it as Jupyter does, so that the first save changes nothing else.
    let mut text = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut writer = serde_json::Serializer::with_formatter(&mut text, format);
    match notebook.serialize(&mut writer) {
        Ok(()) => [text, b"\n".to_vec()].concat(),
        Err(_) => bytes,
    }
}

/// Whether a cell is a note for the teacher.
pub fn is_for_the_teacher(cell: &Value) -> bool {
    cell["id"]
        .as_str()
        .is_some_and(|id| id.starts_with("teacher-"))
}

/// What a cell is in a lecture: a `slide`, a `subslide`, a `fragment`, `notes`, or to `skip`; nothing in a lab.
pub fn slide_type(cell: &Value) -> Option<&str> {
    cell["metadata"]["slideshow"]["slide_type"].as_str()
}

/// Whether a notebook is a lecture: its cells stand on slides.
pub fn is_lecture(notebook: &Value) -> bool {
    let mut cells = notebook["cells"].as_array().into_iter().flatten();
    cells.any(|cell| slide_type(cell) == Some("slide"))
}

/// Whether a cell has this tag.
pub fn has_tag(cell: &Value, tag: &str) -> bool {
    let tags = cell["metadata"]["tags"].as_array();
    tags.is_some_and(|tags| tags.iter().any(|there| there == tag))
}

/// Whether this is a text in a form that notebooks use: whole, or a list of lines.
fn is_text(text: &Value) -> bool {
    match text {
        Value::String(_) => true,
        Value::Array(lines) => lines.iter().all(Value::is_string),
        _ => false,
    }
}

/// The whole text, which a notebook keeps in one piece or as a list of lines.
pub fn joined(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_gets_no_notes_for_the_teacher_and_all_the_rest() {
        let given = br#"{"cells": [{"id": "teacher-a", "source": "x"}, {"id": "b", "source": ["y\n"]}], "nbformat": 4}"#;
        let got = String::from_utf8(for_students(given.to_vec())).unwrap();
        let expected = "{\n \"cells\": [\n  {\n   \"id\": \"b\",\n   \"source\": [\n    \"y\\n\"\n   ]\n  }\n ],\n \"nbformat\": 4\n}\n";
        assert_eq!(got, expected);
        for other in ["zero", "{}", "{\"cells\": []}"] {
            assert_eq!(for_students(other.into()), other.as_bytes());
        }
    }

    /// The error for a notebook's file with this content.
    fn refused(content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ipynb");
        fs::write(&path, content).unwrap();
        let said = format!("{:#}", read(&path).unwrap_err());
        assert_eq!(fs::read(&path).unwrap(), content, "it was only read");
        said
    }

    #[test]
    fn a_damaged_notebook_is_a_sentence() {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebooks/00_start_here.ipynb");
        read(&lab).unwrap();
        let good = fs::read(lab).unwrap();
        for cut in [0, 1, good.len() / 3, good.len() / 2, good.len() - 3] {
            let said = refused(&good[..cut]);
            assert!(
                said.contains("x.ipynb is not a notebook: its JSON is broken"),
                "cut at {cut}: {said}"
            );
        }
        let twice = [&good[..], &good[..]].concat();
        assert!(refused(&twice).contains("its JSON is broken: trailing characters"));
        let conflict = [b"<<<<<<< HEAD\n", &good[..]].concat();
        assert!(refused(&conflict).contains("its JSON is broken"));
        assert!(refused(b"\xff\xfe{}").contains("x.ipynb cannot be read"));
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        let deep = [&b"{\"cells\":"[..], &deep, b"}"].concat();
        assert!(refused(&deep).contains("recursion limit"));
        for none in [
            "[1,2]",
            "null",
            "{}",
            r#"{"cells":5}"#,
            r#"{"nbformat":3,"worksheets":[]}"#,
        ] {
            assert!(refused(none.as_bytes()).contains("has no cells"), "{none}");
        }
    }

    #[test]
    fn a_damaged_cell_is_named() {
        let sound = r##"{"cell_type":"markdown","source":["# a\n","b"]}"##;
        for damaged in [
            "5",
            "null",
            "[]",
            "{}",
            r#"{"cell_type":"code"}"#,
            r#"{"cell_type":"code","source":7}"#,
            r#"{"cell_type":"code","source":["a",7]}"#,
            r#"{"source":"1"}"#,
        ] {
            let said = refused(format!(r#"{{"cells":[{sound},{damaged}]}}"#).as_bytes());
            assert!(
                said.starts_with("Cell 2 of ") && said.contains("damaged"),
                "{damaged}: {said}"
            );
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path(), Path::new("/dev/zero")] {
            let said = read(path).unwrap_err().to_string();
            assert!(said.ends_with("is not a file"), "{said}");
        }
        let gone = folder.path().join("gone.ipynb");
        assert!(
            read(&gone)
                .unwrap_err()
                .to_string()
                .ends_with("cannot be read")
        );
    }
}
