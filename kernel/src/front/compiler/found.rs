//! What the compiler said, and which places in the notebook it is about.

use super::diagnostic::{Diagnostic, Span};
use super::place::{Map, Place};

/// An error and where it is in the notebook.
pub(super) struct Found<'a> {
    pub said: &'a Diagnostic,
    /// The places, each with the compiler's words on it: the error's own place first, then the others in their order.
    pub places: Vec<(Place<'a>, String)>,
    /// 2: the error's own place is in a cell, 1: another one is, 0: none.
    pub certainty: u8,
    /// The lines of evcxr's own code that it is about.
    pub generated: Vec<&'a str>,
}

impl<'a> Found<'a> {
    pub(super) fn new(said: &'a Diagnostic, map: &Map<'a>, code: &'a str) -> Found<'a> {
        let mut found = Found {
            said,
            places: Vec::new(),
            certainty: 0,
            generated: Vec::new(),
        };
        let mut others = Vec::new();
        let mut add = |span: &Span, said: String| {
            let Some((range, within)) = span.place() else {
                return;
            };
            let Some(place) = map.find(&range) else {
                found.generated.extend(code.get(range));
                return;
            };
            if let Some(inner) = within.and_then(|range| map.find(&range)) {
                others.push((inner, "in this macro".to_string()));
            }
            match span.is_primary {
                true if found.places.iter().all(|(there, _)| *there != place) => {
                    found.places.push((place, said));
                }
                true => {}
                false => others.push((place, said)),
            }
        };
        for span in &said.spans {
            if span.is_primary || span.label.is_some() {
                add(span, clean(span.label.as_deref().unwrap_or_default()));
            }
        }
        found.certainty = if !found.places.is_empty() { 2 } else { 0 };
        for child in &said.children {
            for span in child
                .spans
                .iter()
                .filter(|span| span.suggested_replacement.is_none())
            {
                if let Some((range, None)) = span.place()
                    && let Some(place) = map.find(&range)
                    && others.iter().all(|(there, _)| *there != place)
                {
                    others.push((place, clean(&child.message)));
                }
            }
        }
        others.retain(|(place, _)| found.places.iter().all(|(there, _)| there != place));
        others.sort_by_key(|(place, _)| (place.number, place.range.start));
        found.places.extend(others);
        if found.certainty == 0 && !found.places.is_empty() {
            found.certainty = 1;
        }
        found
    }

    /// The variable that evcxr could not keep, and its type.
    pub(super) fn kept(&self) -> Option<(&'a str, &'a str)> {
        let kept = self
            .generated
            .iter()
            .find_map(|line| line.strip_prefix("evcxr_variable_store"))?;
        let name = kept.split_once("stringify!(").map(|(_, rest)| rest)?;
        let kind = kept.split_once("::<").map_or("", |(_, rest)| rest);
        let kind = kind.split_once(">(stringify!").map_or("", |(kind, _)| kind);
        Some((name.split_once(')')?.0, kind))
    }
}

/// Removes errors that are only consequences of another one.
pub(super) fn drop_consequences(found: &mut Vec<Found>) {
    let line = |found: &Found| {
        found
            .places
            .first()
            .map(|(place, _)| (place.number, place.line()))
    };
    let is_syntax =
        |found: &Found| found.said.code().is_empty() && found.said.message.starts_with("expected");
    // After that the compiler only guesses what was meant.
    if let Some(broken) = found.iter().position(is_syntax) {
        found.swap(0, broken);
        found.truncate(1);
    }
    // An error about a variable that cannot be kept is the last that a student should mend.
    let is_kept =
        |found: &Found| matches!(found.said.code(), "E0597" | "E0505") && found.kept().is_some();
    if !found.iter().all(is_kept) {
        found.retain(|found| !is_kept(found));
    }
    if found.len() > 1 {
        let is_bounds = |found: &Found| {
            found
                .said
                .message
                .contains("trait bounds were not satisfied")
        };
        if !found.iter().all(is_bounds) {
            found.retain(|found| !is_bounds(found));
        }
    }
    let mixed: Vec<_> = found
        .iter()
        .filter(|found| found.said.code() == "E0308")
        .map(line)
        .collect();
    found.retain(|found| {
        !(found.said.code() == "E0277"
            && found.said.message.starts_with("cannot ")
            && mixed.contains(&line(found)))
    });
}

/// Without names that only the kernel knows.
pub(super) fn clean(said: &str) -> String {
    if said.contains("evcxr") {
        return String::new();
    }
    let said = said
        .replace("labsupport::prelude::", "")
        .replace("manager::prelude::", "")
        .replace("broker::prelude::", "")
        .replace("figures::prelude::", "")
        .replace("lessons::prelude::", "")
        .replace("serde_core::", "serde::");
    said.replace("EvcxrUserCodeError", "the cell's error")
}

/// The text with a capital letter, as a sentence begins.
pub(super) fn sentence(said: &str) -> String {
    let said = clean(said);
    let mut characters = said.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => said,
    }
}
