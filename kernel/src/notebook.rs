//! A notebook's file, as JSON.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Reads a notebook; what it returns has a list of cells.
pub fn read(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let notebook: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a notebook: its JSON is broken", path.display()))?;
    if !notebook["cells"].is_array() {
        bail!("{} has no cells: it is not a notebook", path.display());
    }
    Ok(notebook)
}

/// A notebook keeps a text whole or as a list of lines.
pub fn joined(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}
