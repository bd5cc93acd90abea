//! Which names the labs' prelude has, as its sources say.

use super::scan::{Kind, statements, tokens};
use crate::place::Place;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The names that `use labsupport::prelude::*;` brings into a cell.
pub fn of_the_prelude(place: &Place) -> HashSet<String> {
    let folder = place.workspace.join("labsupport/src");
    let prelude = fs::read_to_string(folder.join("prelude.rs")).unwrap_or_default();
    let mut names = HashSet::new();
    for path in exported(&prelude) {
        match path.strip_suffix("::*") {
            Some(module) => {
                let module = module.rsplit("::").next().unwrap_or_default();
                names.extend(exported(&module_source(&folder, module)));
            }
            None => names.extend(path.rsplit("::").next().map(str::to_string)),
        }
    }
    names
}

fn module_source(folder: &Path, module: &str) -> String {
    let places = [
        folder.join(module).join("mod.rs"),
        folder.join(module).with_extension("rs"),
    ];
    let sources = places
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    sources.collect()
}

/// The public names of a module; a glob with its path.
fn exported(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut names = Vec::new();
    for statement in statements(&tokens).unwrap_or_default() {
        let words: Vec<&str> = statement.words().collect();
        if words.first() != Some(&"pub") || words.get(1) == Some(&"(") {
            continue;
        }
        match statement.kind {
            Kind::Use if words.ends_with(&["*", ";"]) => {
                names.push(words[2..words.len() - 1].concat())
            }
            Kind::Use => names.extend(
                super::shadows::imports(&statement)
                    .into_iter()
                    .map(str::to_string),
            ),
            // No function and no type of that name hides a module.
            Kind::Module => {}
            _ => names.extend(statement.name.map(str::to_string)),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preludes_names_are_known() {
        let names = of_the_prelude(&Place::find().unwrap());
        for name in ["Workers", "Flag", "Value", "Queue", "time", "measure"] {
            assert!(names.contains(name), "{name}");
        }
        for name in ["process", "numbers", "use", "println", "Clock"] {
            assert!(!names.contains(name), "{name}");
        }
    }
}
