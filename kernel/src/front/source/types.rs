//! Variables whose type cannot be written down. evcxr keeps a variable by writing down the name of its type, and explains little if that
//! name means nothing.

use super::scan::{statements, tokens};
use super::shadows::defines;
use crate::front::errors::CellError;
use serde_json::Value;
use std::path::Path;

/// Traits that are common after a `dyn` and are in scope without an import.
const IN_SCOPE: [&str; 17] = [
    "Send",
    "Sync",
    "Unpin",
    "Fn",
    "FnMut",
    "FnOnce",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Iterator",
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "Extend",
    "Future",
    "ToString",
    "AsRef",
    "AsMut",
];

/// The paths of traits of the standard library that are common after a `dyn`.
const PATHS: [&str; 17] = [
    "std::any::Any",
    "std::borrow::Borrow",
    "std::error::Error",
    "std::fmt::Binary",
    "std::fmt::Debug",
    "std::fmt::Display",
    "std::fmt::LowerHex",
    "std::hash::BuildHasher",
    "std::hash::Hasher",
    "std::io::BufRead",
    "std::io::Read",
    "std::io::Seek",
    "std::io::Write",
    "std::iter::FusedIterator",
    "std::ops::Deref",
    "std::ops::DerefMut",
    "std::task::Wake",
];

/// A better sentence for an error of evcxr's about a type that it could not write down. `compiled` is where evcxr compiles.
pub(crate) fn explain(error: &Value, compiled: &Path) -> Option<CellError> {
    let said = error["evalue"].as_str()?;
    if let Some((name, kind)) = cannot_be_kept(said) {
        return Some(not_kept(name, kind));
    }
    // If the error were in the student's own code, there would be a picture of the place.
    let has_picture = error["traceback"].as_array()?.len() > 1;
    let is_missing =
        said.starts_with("consider importing") || said.starts_with("cannot find trait");
    if has_picture || !is_missing {
        return None;
    }
    let source = std::fs::read_to_string(compiled.join("src/lib.rs")).ok()?;
    not_in_scope(&source)
}

/// The variable and its type, from evcxr's sentence.
fn cannot_be_kept(said: &str) -> Option<(&str, &str)> {
    let (name, rest) = said
        .strip_prefix("The variable `")?
        .split_once("` has type `")?;
    let (kind, _) = rest.split_once("` which cannot be persisted")?;
    Some((name, kind))
}

fn not_kept(name: &str, kind: &str) -> CellError {
    let instead = match kind.strip_prefix("impl ") {
        Some(future) if future.starts_with("Future") => {
            format!("let {name}: std::pin::Pin<Box<dyn {future}>> = Box::pin(…);")
        }
        Some(bounds) => format!("let {name}: Box<dyn {bounds}> = Box::new(…);"),
        None if kind.starts_with("std::iter::") => {
            format!("let {name} = ….collect::<Vec<_>>();")
        }
        None => format!("let {name}: Box<dyn Trait> = Box::new(…);"),
    };
    CellError::new(
        "NotKept",
        format!(
            "A notebook keeps a variable by its type, and nobody can write down the type of `{name}`: `{kind}`. Write `{instead}`, or \
             put braces around the lines that use `{name}`, so that it need not be kept."
        ),
    )
}

/// Which variable of the compiled `source` has a type with a trait that is not in scope there.
fn not_in_scope(source: &str) -> Option<CellError> {
    let tokens = tokens(source);
    let statements = statements(&tokens)?;
    let in_scope: Vec<&str> = statements.iter().flat_map(defines).collect();
    let kept = source.lines().filter_map(|line| {
        let rest = line.strip_prefix("evcxr_variable_store.put_variable::<")?;
        let (kind, rest) = rest.split_once(">(stringify!(")?;
        Some((kind, rest.split_once(')')?.0))
    });
    let missing = |kind: &'_ str| {
        let mut names = behind_dyn(kind).into_iter();
        names.find(|name| !IN_SCOPE.contains(&&name[..]) && !in_scope.contains(&&name[..]))
    };
    let (kind, variable, name) = kept
        .into_iter()
        .find_map(|(kind, variable)| Some((kind, variable, missing(kind)?)))?;
    let ending = format!("::{name}");
    let import = match PATHS.iter().find(|path| path.ends_with(&ending)) {
        Some(path) => format!("`use {path};`"),
        None => format!("a `use` with the whole path of `{name}`"),
    };
    Some(CellError::new(
        "NotInScope",
        format!(
            "The type of `{variable}` is `{kind}`, and the notebook, which keeps a variable by its type, does not know the name \
             `{name}`. Write {import} above this line."
        ),
    ))
}

/// The traits after each `dyn` of a type, as far as they are bare names.
fn behind_dyn(kind: &str) -> Vec<String> {
    let words: Vec<&str> = tokens(kind).iter().map(|token| token.text).collect();
    let mut names = Vec::new();
    for at in 0..words.len() {
        let first = match words[at] {
            "dyn" => at + 1,
            "+" => at + 1,
            _ => continue,
        };
        let is_name = |word: &&&str| word.starts_with(|first: char| first.is_uppercase());
        let is_path = words.get(first + 1) == Some(&":");
        names.extend(
            words
                .get(first)
                .filter(is_name)
                .filter(|_| !is_path)
                .map(|word| word.to_string()),
        );
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_trait_that_is_not_in_scope_is_named_with_its_path() {
        let source = |kind: &str| {
            format!(
                "use std::any::Any;\npub trait Mine {{}}\nfn run() {{\nevcxr_variable_store.put_variable::<u8>(stringify!(a), a);\nevcxr_variable_store.put_variable::<{kind}>(stringify!(b), b);\n}}\n"
            )
        };
        let said = |kind: &str| not_in_scope(&source(kind)).map(|error| error.value);
        let text = said("Vec<Box<dyn Display + Send>>").unwrap();
        assert!(
            text.contains("`b` is `Vec<Box<dyn Display + Send>>`"),
            "{text}"
        );
        assert!(
            text.contains("Write `use std::fmt::Display;` above"),
            "{text}"
        );
        assert!(
            said("Box<dyn Shape>")
                .unwrap()
                .contains("whole path of `Shape`")
        );
        for known in [
            "Box<dyn Any + Send + 'static>",
            "Box<dyn Mine>",
            "Box<dyn Fn(u8) -> u8>",
            "Box<dyn a::B>",
            "u8",
        ] {
            assert_eq!(said(known), None, "{known}");
        }
    }

    #[test]
    fn a_type_without_a_name_is_told_what_to_write() {
        let said = |kind: &str| {
            let said =
                format!("The variable `a` has type `{kind}` which cannot be persisted.\nMore.");
            let error = json!({"evalue": said, "traceback": [said]});
            explain(&error, Path::new("/nowhere")).unwrap().value
        };
        assert!(
            said("impl Iterator<Item = u8>")
                .contains("`let a: Box<dyn Iterator<Item = u8>> = Box::new(…);`")
        );
        assert!(
            said("impl Future<Output = u8>")
                .contains("`let a: std::pin::Pin<Box<dyn Future<Output = u8>>> = Box::pin(…);`")
        );
        assert!(said("std::iter::Map<A, impl FnMut(u8)>").contains("collect::<Vec<_>>()"));
        let other = json!({"evalue": "cannot find value", "traceback": ["a", "b"]});
        assert_eq!(explain(&other, Path::new("/nowhere")), None);
    }
}
