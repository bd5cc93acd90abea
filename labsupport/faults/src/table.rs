//! The table of faults, written while the tests run: what was tried, what the user sees, what was left.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

/// One row: how often it was tried, what the user sees, what was left.
struct Row {
    times: u64,
    seen: String,
    left: String,
}

static ROWS: Mutex<BTreeMap<String, Row>> = Mutex::new(BTreeMap::new());

/// Adds `times` to the row of `fault`, and writes the whole table: a run that ends early leaves what it had.
pub(crate) fn note(fault: &str, times: u64, seen: &str, left: &str) {
    let mut rows = ROWS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let row = rows.entry(fault.into()).or_insert_with(|| Row {
        times: 0,
        seen: seen.into(),
        left: left.into(),
    });
    row.times += times;
    let mut text = String::from(
        "| fault | times tried | what the user sees | what was left |\n|---|---:|---|---|\n",
    );
    for (fault, Row { times, seen, left }) in rows.iter() {
        let seen = seen.replace('|', "\\|");
        text.push_str(&format!("| {fault} | {times} | {seen} | {left} |\n"));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/labs");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("faults.md"), text).unwrap();
}
