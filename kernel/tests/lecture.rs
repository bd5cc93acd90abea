//! The lecture as slides: it is complete, it fits its time, and its published deck needs no network and shows nobody's notes.

use labs::notebook::{has_tag, joined, slide_type};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// The minutes of the lecture.
const MINUTES: u32 = 50;

fn notebooks() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../notebooks")
}

static LECTURE: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let notebook = labs::notebook::read(&notebooks().join("lecture.ipynb")).unwrap();
    notebook["cells"].as_array().unwrap().clone()
});

fn id(cell: &Value) -> &str {
    cell["id"].as_str().unwrap()
}

/// The text of the cell with this identifier.
fn text(wanted: &str) -> String {
    let found = LECTURE.iter().find(|cell| id(cell) == wanted);
    joined(&found.unwrap_or_else(|| panic!("there is no cell {wanted}"))["source"])
}

fn tagged(tag: &str) -> Vec<&'static Value> {
    LECTURE.iter().filter(|cell| has_tag(cell, tag)).collect()
}

#[test]
fn ten_short_demonstrations_each_have_a_question_and_an_explanation() {
    let demonstrations = tagged("demonstration");
    assert_eq!(demonstrations.len(), 10);
    for cell in demonstrations {
        let id = id(cell);
        let source = joined(&cell["source"]);
        let lines = source.lines().filter(|line| !line.trim().is_empty());
        assert!(lines.clone().count() <= 8, "{id}");
        // What stands on a slide is read from the last row.
        assert!(lines.clone().all(|line| line.chars().count() <= 88), "{id}");
        assert!(
            text(&format!("about-{id}")).contains("**Predict.** "),
            "{id}"
        );
        assert!(
            text(&format!("about-{id}-explain")).starts_with("**Explain.** "),
            "{id}"
        );
    }
}

#[test]
fn every_claim_of_the_lecture_has_a_run() {
    let runs = ["demonstration", "erratum"].map(tagged).concat();
    let claims = (1..=12).map(|claim| format!("L{claim}"));
    let without: Vec<String> = claims
        .filter(|claim| !runs.iter().any(|run| has_tag(run, claim)))
        .collect();
    assert_eq!(without, [""; 0]);
    assert!(tagged("erratum").len() >= 4);
}

#[test]
fn the_minutes_in_the_notes_add_up() {
    let minutes = LECTURE
        .iter()
        .filter(|cell| slide_type(cell) == Some("notes"))
        .filter_map(|cell| {
            let text = joined(&cell["source"]);
            let (number, _) = text.strip_prefix("**")?.split_once(" minute")?;
            number.parse::<u32>().ok()
        });
    assert_eq!(minutes.sum::<u32>(), MINUTES);
    let readme = fs::read_to_string(notebooks().join("../README.md")).unwrap();
    let row = readme
        .lines()
        .find(|line| line.contains("(notebooks/lecture.ipynb)"));
    assert!(row.unwrap().ends_with(&format!("| {MINUTES} |")), "{row:?}");
}

#[test]
fn only_notes_are_for_the_teacher_and_all_notes_are() {
    let names: BTreeSet<&str> = LECTURE.iter().map(id).collect();
    assert_eq!(names.len(), LECTURE.len(), "identifiers are given once");
    for cell in LECTURE.iter() {
        let is_note = slide_type(cell) == Some("notes");
        assert_eq!(is_note, id(cell).starts_with("teacher-"), "{}", id(cell));
        assert!(slide_type(cell).is_some(), "{} has no place", id(cell));
        let has_outputs = cell["outputs"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        assert!(!has_outputs, "{} has somebody's output", id(cell));
    }
}

#[test]
fn the_published_deck_needs_no_network_and_shows_no_note() {
    let folder = tempfile::tempdir().unwrap();
    let published = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["publish", "--as-is", "--out"])
        .arg(folder.path())
        .arg(notebooks().join("lecture.ipynb"))
        .output()
        .unwrap();
    assert!(published.status.success(), "{published:?}");
    let deck = fs::read_to_string(folder.path().join("lecture.html")).unwrap();
    for fetches in ["src=", "<link", "@import", "url(", "import(", "fetch("] {
        assert!(!deck.contains(fetches), "the deck has {fetches}");
    }
    let slides = LECTURE
        .iter()
        .filter(|cell| matches!(slide_type(cell), Some("slide" | "subslide")));
    assert_eq!(
        deck.matches("<article class=\"slide\"").count(),
        slides.count()
    );
    // The notes are there, in templates, and nowhere else.
    let (mut shown, mut notes) = (String::new(), String::new());
    for part in deck.split("<template") {
        match part.split_once("</template>") {
            Some((note, rest)) => {
                notes.push_str(note);
                shown.push_str(rest);
            }
            None => shown.push_str(part),
        }
    }
    for cell in LECTURE
        .iter()
        .filter(|cell| slide_type(cell) == Some("notes"))
    {
        let text = joined(&cell["source"]);
        let plain = text
            .split(['*', '`', '<', '\n', '\'', '"'])
            .max_by_key(|part| part.len())
            .unwrap()
            .trim();
        assert!(
            plain.len() > 20 && notes.contains(plain),
            "{}: {plain}",
            id(cell)
        );
        assert!(
            !shown.contains(plain),
            "{} is on a slide: {plain}",
            id(cell)
        );
    }
    for cell in LECTURE
        .iter()
        .filter(|cell| slide_type(cell) == Some("skip"))
    {
        assert!(
            !deck.contains(&format!("id=\"{}\"", id(cell))),
            "{} is on a slide",
            id(cell)
        );
    }
    let index = fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(index.contains("href=\"lecture.html\""));
}
