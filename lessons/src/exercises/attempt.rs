//! What the kernel knows about the code that is about to be checked.
//!
//! A library cannot see the text of a cell. The kernel of the labs can: before it runs a cell with a `check_lab`, it writes a line
//! for each into the file that the environment variable `LABS_CODE` names.
//!
//! ```text
//! exercise ⇥ fingerprint of the code ⇥ compiled, broken, or handed out
//! ```
//!
//! "Broken" means that the newest text of a function did not compile, so the check would run an older one. On a stock kernel, or in a
//! program, there is no such file and nothing is known.

use std::path::Path;

/// The environment variable with the path of the file.
const PLACE: &str = "LABS_CODE";

/// The code of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Its fingerprint, which does not depend on comments and white space.
    pub(super) code: String,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Compiled,
    Broken,
    HandedOut,
}

/// What is known about the code for `exercise`.
pub(super) fn of(exercise: &str) -> Option<Attempt> {
    read(Path::new(&std::env::var_os(PLACE)?), exercise)
}

fn read(file: &Path, exercise: &str) -> Option<Attempt> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, code, state] = fields[..] else {
            return None;
        };
        let state = match state {
            "compiled" => State::Compiled,
            "broken" => State::Broken,
            "handed out" => State::HandedOut,
            _ => return None,
        };
        let code = code.to_string();
        (name == exercise).then_some(Attempt { code, state })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_foreign_or_cut_is_nothing_known() {
        let file = std::env::temp_dir().join(format!("labs-attempt-{}", std::process::id()));
        std::fs::write(
            &file,
            "02-1\tab\tcompiled\n02-2\tcd\tbroken\n03-1\tef\tod\n03-2\tf",
        )
        .unwrap();
        let read = |exercise: &str| read(&file, exercise).map(|one| (one.code, one.state));
        assert_eq!(read("02-1"), Some(("ab".into(), State::Compiled)));
        assert_eq!(read("02-2"), Some(("cd".into(), State::Broken)));
        assert_eq!(
            [read("03-1"), read("03-2"), read("04-1")],
            [None, None, None]
        );
        std::fs::remove_file(&file).unwrap();
        assert_eq!(super::read(&file, "02-1"), None);
    }
}
