//! What cargo says about a crate that a cell wants, in words for a notebook.

use super::errors::CellError;

/// How cargo's lines about its progress begin; they come before the line that says what went wrong.
const PROGRESS: [&str; 6] = [
    "Updating ",
    "Downloading ",
    "Downloaded ",
    "Locking ",
    "Adding ",
    "Blocking ",
];

/// What is wrong with a crate that the cell `source` wants, if `said` comes from cargo and not from the compiler.
pub(super) fn of_cargo(said: &str, source: &str) -> Option<CellError> {
    let is_progress = |line: &&str| {
        let line = line.trim_start();
        PROGRESS.iter().any(|word| line.starts_with(word))
    };
    let lines: Vec<&str> = said.lines().skip_while(is_progress).collect();
    let said = lines.join("\n");
    let said = said.strip_prefix("error: ")?.trim_end();
    let is_named = |line: &str| {
        let rest = line.trim_start().strip_prefix(":dep ");
        rest.is_some_and(|rest| rest.trim_start().starts_with("tokio"))
    };
    let why = if said.contains("`tokio`") && !source.lines().any(is_named) {
        "A cell with `.await` needs the crate `tokio`, which runs it. "
    } else {
        ""
    };
    let said = match said.split_once("no matching package named `") {
        Some((_, rest)) => {
            let (name, rest) = rest.split_once('`')?;
            let similar = rest
                .lines()
                .find_map(|line| line.trim().strip_prefix("help: "));
            let similar =
                similar.map_or(String::new(), |similar| format!(" Cargo says: {similar}."));
            format!("There is no crate `{name}`. Look for its name on https://crates.io.{similar}")
        }
        None => said.to_string(),
    };
    Some(CellError::new("Crate", format!("{why}{said}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(said: &str, source: &str) -> String {
        of_cargo(said, source).unwrap().value
    }

    #[test]
    fn what_cargo_says_is_a_sentence() {
        let missing = "error: The crate `tokio` is not on this machine, and the network could not be reached to fetch it.";
        assert_eq!(
            advice(missing, ":dep tokio = \"1\""),
            missing.trim_start_matches("error: ")
        );
        let waited = advice(missing, "wait().await");
        assert!(waited.starts_with("A cell with `.await` needs the crate `tokio`"));
        assert!(waited.ends_with("the network could not be reached to fetch it."));
        let unknown = "    Updating crates.io index\nerror: no matching package named `ryon` found\nlocation searched: crates.io index";
        assert_eq!(
            advice(unknown, ":dep ryon"),
            "There is no crate `ryon`. Look for its name on https://crates.io."
        );
    }

    #[test]
    fn what_the_compiler_says_stays() {
        for said in ["cannot find value `x`", "", "Updating nothing"] {
            assert_eq!(of_cargo(said, "x"), None);
        }
    }
}
