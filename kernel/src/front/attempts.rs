//! What a check must know about the code that it is about to run, but a library cannot see: the text of the cells.
//!
//! `check_lab` counts a try only where the code is new. So before a cell with a `check_lab` runs, the front writes a line for each
//! into a file of the session, whose path the runtime has in `LABS_CODE`:
//!
//! ```text
//! exercise ⇥ fingerprint of the code ⇥ compiled, broken, or handed out
//! ```
//!
//! The code is that of the cells which define the functions in the call, without comments and white space. It is broken where
//! the newest text of a function did not compile: evcxr goes on with the older one.

use super::names::{self, Kind};
use super::tokens::{Tokens, is_close, is_open};
use ra_ap_rustc_lexer::TokenKind;
use std::collections::HashMap;

/// Fingerprints of the exercises as the labs hand them out.
const HANDED_OUT: [(&str, u64); 13] = [
    ("00-1", 0x311d32e522a41567),
    ("01-1", 0x6305d7cff2ab114d),
    ("01-2", 0xf387e078e7ebf34b),
    ("02-1", 0xb5a761c4816cd02f),
    ("02-2", 0xdedeb90627e694a4),
    ("03-1", 0x655bed29ce6f0d0f),
    ("03-2", 0x9de20a312f06e391),
    ("04-1", 0xb2d644a378315cf2),
    ("04-2", 0xe63f9bf4c2889030),
    ("05-1", 0xa4ebbc78d006d2e5),
    ("05-2", 0xc26492aa26690df7),
    ("06-1", 0xaac058298704bffa),
    ("06-2", 0xf74b3420b7abce6b),
];

/// The function that checks an exercise.
const CHECK: &str = "check_lab";

/// The newest text of a function.
#[derive(Clone, Copy)]
struct Text {
    fingerprint: u64,
    compiled: bool,
}

/// The functions of a notebook.
#[derive(Default)]
pub(super) struct Attempts {
    functions: HashMap<String, Text>,
    /// The functions in the cell that runs now, and its fingerprint.
    running: Vec<(String, u64)>,
}

impl Attempts {
    /// Call this before a cell with this `code` runs. Returns what the cell's checks must know, if it has any.
    pub(super) fn begins(&mut self, code: &str) -> Option<String> {
        self.ended(false); // the cell before may have ended without a call
        let fingerprint = fingerprint(&Tokens::of(code));
        let functions = names::defined(code).into_iter();
        self.running = functions
            .filter(|name| name.kind == Kind::Function)
            .map(|name| (name.name, fingerprint))
            .collect();
        let checks = checks(&Tokens::of(code));
        let lines = checks.iter().map(|(exercise, functions)| {
            let (code, state) = self.attempt(exercise, functions);
            format!("{exercise}\t{code:016x}\t{state}\n")
        });
        (!checks.is_empty()).then(|| lines.collect())
    }

    /// Call this when the cell has ended; `compiled` says whether it had compiled.
    pub(super) fn ended(&mut self, compiled: bool) {
        for (name, fingerprint) in std::mem::take(&mut self.running) {
            let text = Text {
                fingerprint,
                compiled,
            };
            self.functions.insert(name, text);
        }
    }

    fn attempt(&self, exercise: &str, functions: &[String]) -> (u64, &'static str) {
        let mut seen = Vec::new();
        let mut broken = false;
        for function in functions {
            // A cell that runs has compiled.
            let here = self.running.iter().find(|(name, _)| name == function);
            let text = match here {
                Some(&(_, fingerprint)) => Some(Text {
                    fingerprint,
                    compiled: true,
                }),
                None => self.functions.get(function).copied(),
            };
            broken |= text.is_some_and(|text| !text.compiled);
            let fingerprint = text.map_or(0, |text| text.fingerprint);
            if !seen.contains(&fingerprint) {
                seen.push(fingerprint);
            }
        }
        let bytes: Vec<u8> = seen.iter().flat_map(|one| one.to_le_bytes()).collect();
        let code = hash([&bytes[..]]);
        let state = match HANDED_OUT.contains(&(exercise, code)) {
            _ if broken => "broken",
            true => "handed out",
            false => "compiled",
        };
        (code, state)
    }
}

/// The same for the same tokens.
fn fingerprint(tokens: &Tokens) -> u64 {
    hash((0..tokens.len()).map(|index| tokens.text(index).as_bytes()))
}

/// FNV-1a, with a zero after each part. The numbers are kept in journals that outlive this program, and std's hashers may change.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let bytes = parts.into_iter().flat_map(|part| part.iter().chain(&[0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The exercises that are checked, each with the names in its call.
fn checks(tokens: &Tokens) -> Vec<(String, Vec<String>)> {
    let calls = (0..tokens.len())
        .filter(|&index| tokens.word(index) == CHECK && tokens.is(index + 1, TokenKind::OpenParen));
    calls
        .filter_map(|index| {
            let exercise = tokens
                .text(index + 2)
                .strip_prefix('"')?
                .strip_suffix('"')?;
            let mut depth = 1usize;
            let mut functions = Vec::new();
            for at in index + 3..tokens.len() {
                match tokens.kind(at)? {
                    kind if is_open(kind) => depth += 1,
                    kind if is_close(kind) => depth -= 1,
                    _ if !tokens.word(at).is_empty() => functions.push(tokens.word(at).into()),
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            let is_plain = !exercise.contains(|c: char| c.is_control());
            is_plain.then(|| (exercise.to_string(), functions))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook;
    use crate::place::Place;

    /// What is written before a cell that then compiles, or does not compile.
    fn run(attempts: &mut Attempts, code: &str, compiles: bool) -> Option<String> {
        let said = attempts.begins(code);
        attempts.ended(compiles);
        said
    }

    fn check(attempts: &mut Attempts) -> (String, String) {
        let said = run(attempts, "check_lab(\"99-1\", f)?;", true).unwrap();
        let fields: Vec<&str> = said.trim_end().split('\t').collect();
        assert_eq!((fields.len(), fields[0]), (3, "99-1"));
        (fields[1].into(), fields[2].into())
    }

    #[test]
    fn the_same_code_is_the_same_and_what_does_not_compile_is_told() {
        let mut attempts = Attempts::default();
        assert_eq!(run(&mut attempts, "fn f() -> u8 { 1 }", true), None);
        let (first, state) = check(&mut attempts);
        assert_eq!(state, "compiled");
        run(&mut attempts, "fn f() -> u8 {\n    1 // one\n}", true);
        assert_eq!(check(&mut attempts).0, first);
        run(&mut attempts, "fn f() -> u8 { nonsense }", false);
        let (second, state) = check(&mut attempts);
        assert!(second != first && state == "broken", "{state}");
        run(&mut attempts, "let other = nonsense;", false);
        run(&mut attempts, "fn f() -> u8 { 2 }", true);
        assert_eq!(check(&mut attempts).1, "compiled");
        // This one ends without a call, like a cell whose shell line fails.
        attempts.begins("fn f() -> u8 { 3 }");
        assert_eq!(check(&mut attempts).1, "broken");
        let together = "fn f() -> u8 { 4 } check_lab(\"99-1\", f)?;";
        assert!(
            run(&mut attempts, together, true)
                .unwrap()
                .ends_with("\tcompiled\n")
        );
    }

    #[test]
    fn every_function_of_a_call_counts() {
        let mut attempts = Attempts::default();
        run(&mut attempts, "fn f() {} fn g() {}", true);
        let pair = "check_lab(\"99-1\", (f, g)).unwrap(); check_lab(\"99-2\", || 1);";
        let both = run(&mut attempts, pair, true).unwrap();
        assert_eq!(both.lines().count(), 2);
        run(&mut attempts, "fn g() { () }", false);
        let one_broken = run(&mut attempts, pair, true).unwrap();
        assert!(
            one_broken.lines().next().unwrap().ends_with("\tbroken"),
            "{one_broken}"
        );
        for cut in [
            "check_lab",
            "check_lab(",
            "check_lab(\"",
            "check_lab(\"9",
            "check_lab(1",
            "check_lab(\"9\", (",
        ] {
            attempts.begins(cut);
        }
    }

    #[test]
    fn the_labs_as_they_are_handed_out_are_known() {
        let place = Place::find().unwrap();
        let mut found = Vec::new();
        for lab in place.labs().unwrap() {
            let notebook = notebook::read(&lab).unwrap();
            let mut attempts = Attempts::default();
            for cell in notebook["cells"].as_array().unwrap() {
                let is_code = cell["cell_type"] == "code";
                let code = notebook::joined(&cell["source"]);
                let said = is_code.then(|| run(&mut attempts, &code, true)).flatten();
                for line in said.iter().flat_map(|said| said.lines()) {
                    let fields: Vec<&str> = line.split('\t').collect();
                    let code = u64::from_str_radix(fields[1], 16).unwrap();
                    found.push((fields[0].to_string(), code));
                }
            }
        }
        let known = HANDED_OUT.map(|(name, code)| (name.to_string(), code));
        let lines: String = found
            .iter()
            .map(|(name, code)| format!("    (\"{name}\", {code:#018x}),\n"))
            .collect();
        assert!(known[..] == found, "HANDED_OUT should be:\n{lines}");
    }
}
