//! Checks the machine: what is there, what is missing, and what to do about it.
//!
//! The checks themselves are in `deploy/doctor.sh`, which also runs where nothing can be compiled.

use crate::site::Site;
use crate::sources;
use std::fmt;
use std::process::Command;

/// The one list of checks.
const SCRIPT: &str = include_str!("../../../deploy/doctor.sh");

/// The verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// The labs run, but not as they should.
    Warning,
    /// The labs do not run.
    Problem,
}

/// One check: its subject, what it found, and what to do.
#[derive(Clone, Debug)]
pub struct Check {
    /// What the check looked at.
    pub name: String,
    /// Whether that is as it should be.
    pub verdict: Verdict,
    /// What was found, and what to do about it.
    pub text: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "PROBLEM",
        };
        write!(f, "{verdict:<7}  {:<15} {}", self.name, self.text)
    }
}

impl Check {
    /// Reads a line as the script and `Display` write it.
    fn read(line: &str) -> Option<Check> {
        let verdict = match line.get(..7)?.trim_end() {
            "ok" => Verdict::Fine,
            "warning" => Verdict::Warning,
            "PROBLEM" => Verdict::Problem,
            _ => return None,
        };
        Some(Check {
            verdict,
            name: line.get(9..24)?.trim_end().to_string(),
            text: line.get(25..)?.to_string(),
        })
    }
}

/// Runs the checks called `names`; without names, all.
pub fn run(site: Site<'_>, names: &[&str]) -> Result<Vec<Check>, String> {
    let output = Command::new("sh")
        .args(["-c", SCRIPT, "doctor"])
        .args(names)
        .env("LABS_WORKSPACE", site.workspace)
        .env("LABS_HOME", site.home)
        .env("LABS_PROGRAM", site.program)
        .output()
        .map_err(|error| {
            format!("The checks need a shell, and `sh` cannot be run: {error}. Set PATH so that it is found.")
        })?;
    let said = String::from_utf8_lossy(&output.stdout);
    let checks: Vec<Check> = said.lines().filter_map(Check::read).collect();
    if checks.is_empty() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("The checks cannot be run: {}", errors.trim()));
    }
    Ok(checks)
}

/// Runs checks, mends what this user can mend, and fails with all problems that are left. Without any, returns what the checks found.
pub fn require(site: Site<'_>, names: &[&str]) -> Result<Vec<Check>, String> {
    let mut checks = run(site, names)?;
    let problem = |check: &&mut Check| check.verdict == Verdict::Problem;
    if let Some(check) = checks
        .iter_mut()
        .filter(problem)
        .find(|check| check.name == sources::NAME)
    {
        match sources::add(site) {
            Ok(()) => check.verdict = Verdict::Fine,
            Err(why) => check.text = why,
        }
    }
    let problems: Vec<String> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Problem)
        .map(|check| format!("{}: {}", check.name, check.text))
        .collect();
    if problems.is_empty() {
        Ok(checks)
    } else {
        Err(problems.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        for verdict in [Verdict::Fine, Verdict::Warning, Verdict::Problem] {
            let check = Check {
                name: "Rust's sources".into(),
                verdict,
                text: "a text, with  spaces".into(),
            };
            let read = Check::read(&check.to_string()).unwrap();
            assert_eq!(
                (read.name, read.verdict, read.text),
                (check.name, check.verdict, check.text)
            );
        }
        assert!(Check::read("something else").is_none());
        assert!(Check::read("").is_none());
    }
}
