//! What the machine and its programs say about themselves.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

/// The first line that `command` prints; if it cannot be run or fails, a sentence that says why.
pub fn first_line(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no `{name}`"),
        _ => format!("`{name}` cannot be run ({error})"),
    })?;
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        text.lines().map(str::to_string).collect()
    };
    if !output.status.success() {
        let said = lines(&output.stderr)
            .into_iter()
            .find(|line| line.contains(' '));
        return Err(match said {
            Some(said) => format!("`{name}` fails and says: {said}"),
            None => format!("`{name}` fails ({})", output.status),
        });
    }
    Ok(lines(&output.stdout).into_iter().next().unwrap_or_default())
}

/// The rest of the first line of `file` that begins with `key`.
pub fn fact(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().to_string())
}

/// A number as the system writes it, with or without its ` kB`.
pub fn number(fact: &str) -> Option<u64> {
    fact.trim_end_matches(" kB").parse().ok()
}
