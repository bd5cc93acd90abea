//! The names that every cell has from the labs' prelude: read from the sources of the crates that `evcxr.toml` names there.
//!
//! `use labsupport::prelude::*;`, say, leads to a file with `pub use` statements, those to modules with more of them, and at last to
//! the items. This understands only the style of such a library: no macros that make items, no `#[path]`.

use super::names::{Kind, Name, is_keyword, item_kind};
use super::tokens::Tokens;
use crate::place::Place;
use crate::session::config;
use ra_ap_rustc_lexer::TokenKind;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toml::{Table, Value};

/// The names that the labs bring along, each with the crate of the labs that it comes from.
pub(super) type Prelude = HashMap<String, String>;

struct Known {
    names: Vec<Name>,
    of_cells: Prelude,
    crates: Vec<Name>,
}

/// The names that the prelude of the labs brings into every cell. The sources are read once for each process.
pub(super) fn names(place: &Place) -> &'static [Name] {
    &known(place).names
}

/// Those of them that are the labs' own and that a cell can hide with a function, type or variable: all except modules.
pub(super) fn of_cells(place: &Place) -> Prelude {
    known(place).of_cells.clone()
}

/// The crates that every cell can use.
pub(super) fn crates(place: &Place) -> &'static [Name] {
    &known(place).crates
}

fn known(place: &Place) -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| read(&place.notebooks().join(config::NAME)))
}

fn read(config: &Path) -> Known {
    let text = fs::read_to_string(config).unwrap_or_default();
    let table: Table = text.parse().unwrap_or_default();
    let folder = config.parent().unwrap_or(Path::new("."));
    let dependencies = table.get("dependencies").and_then(Value::as_table);
    let crates: Vec<(String, Option<PathBuf>)> = dependencies
        .into_iter()
        .flatten()
        .map(|(name, dependency)| {
            let path = dependency.get("path").and_then(Value::as_str);
            (name.replace('-', "_"), path.map(|path| folder.join(path)))
        })
        .collect();
    let prelude = table
        .get("evcxr")
        .and_then(|evcxr| evcxr.get("prelude"))
        .and_then(Value::as_str)
        .unwrap_or_default();

    // The names from our crates, and all other names that the prelude imports.
    let (mut ours, mut names) = (Vec::new(), Vec::new());
    let mut of_cells = HashMap::new();
    for item in items(&Tokens::of(prelude)) {
        match item.what {
            What::Use(path, leaf) => {
                let root = path.first().and_then(|first| {
                    let (_, folder) = crates.iter().find(|(name, _)| name == first)?;
                    Module::root(folder.as_ref()?)
                });
                if let Some(root) = root {
                    let (mut seen, before) = (HashSet::new(), ours.len());
                    if let Some(module) = root.find(&path[1..]) {
                        module.brought(&root, &leaf, &mut ours, &mut seen);
                    }
                    let brought = ours[before..]
                        .iter()
                        .filter(|name| name.kind != Kind::Module);
                    of_cells.extend(brought.map(|name| (name.name.clone(), path[0].to_string())));
                } else if let Leaf::Name { alias, .. } = leaf {
                    names.push(Name::guessed(&alias));
                }
            }
            What::Item(name) => names.push(name),
            What::Module { .. } => {}
        }
    }
    names.extend(ours);
    // A module and a function may have one name.
    names.sort_by(|a, b| (&a.name, a.kind == Kind::Module).cmp(&(&b.name, b.kind == Kind::Module)));
    names.dedup_by(|a, b| a.name == b.name);
    let crates = crates
        .iter()
        .map(|(name, _)| Name::new(name, Kind::Module))
        .collect();
    Known {
        names,
        of_cells,
        crates,
    }
}

/// A module: its source, and the folder in which its children lie.
struct Module {
    /// From the root.
    path: Vec<String>,
    source: String,
    children: PathBuf,
}

impl Module {
    fn root(folder: &Path) -> Option<Module> {
        let children = folder.join("src");
        Some(Module {
            path: Vec::new(),
            source: fs::read_to_string(children.join("lib.rs")).ok()?,
            children,
        })
    }

    fn child(&self, name: &str) -> Option<Module> {
        let mut path = self.path.clone();
        path.push(name.into());
        for item in items(&Tokens::of(&self.source)) {
            match item.what {
                What::Module { name: found, body } if found == name => {
                    let children = self.children.join(name);
                    let source = match body {
                        Some((start, end)) => self.source[start..end].to_string(),
                        None => fs::read_to_string(children.with_extension("rs"))
                            .or_else(|_| fs::read_to_string(children.join("mod.rs")))
                            .ok()?,
                    };
                    return Some(Module {
                        path,
                        source,
                        children,
                    });
                }
                _ => {}
            }
        }
        None
    }

    /// The module at `path`, seen from here.
    fn find(&self, path: &[String]) -> Option<Module> {
        let mut module = Module {
            path: self.path.clone(),
            source: self.source.clone(),
            children: self.children.clone(),
        };
        for name in path {
            module = module.child(name)?;
        }
        Some(module)
    }

    /// The module that `path` in a `use` of this one leads to; None where it leads out of the crate.
    fn used(&self, root: &Module, path: &[String]) -> Option<Module> {
        match path.first().map(String::as_str) {
            None | Some("crate") => root.find(path.get(1..).unwrap_or_default()),
            Some("self") => self.find(&path[1..]),
            Some("super") => {
                let above = self.path.len().checked_sub(1)?;
                let above = root.find(&self.path[..above])?;
                match path.get(1).map(String::as_str) {
                    Some("super") => above.used(root, &path[1..]),
                    _ => above.find(&path[1..]),
                }
            }
            Some(_) => self.find(path),
        }
    }

    /// Adds what a `use` with this leaf brings from here.
    fn brought(
        &self,
        root: &Module,
        leaf: &Leaf,
        names: &mut Vec<Name>,
        seen: &mut HashSet<Vec<String>>,
    ) {
        match leaf {
            Leaf::Glob => self.public(root, names, seen),
            Leaf::Name { name, alias } => {
                let mut all = Vec::new();
                self.public(root, &mut all, &mut HashSet::new());
                let mut of_that_name: Vec<Name> = all
                    .into_iter()
                    .filter(|found| found.name == *name)
                    .collect();
                if of_that_name.is_empty() {
                    of_that_name.push(Name::guessed(name));
                }
                names.extend(
                    of_that_name
                        .into_iter()
                        .map(|found| Name::new(alias, found.kind)),
                );
            }
        }
    }

    /// Adds what is public here.
    fn public(&self, root: &Module, names: &mut Vec<Name>, seen: &mut HashSet<Vec<String>>) {
        if !seen.insert(self.path.clone()) {
            return;
        }
        for item in items(&Tokens::of(&self.source)) {
            match item.what {
                _ if !item.public => {}
                What::Item(name) => names.push(name),
                What::Module { name, .. } => names.push(Name::new(&name, Kind::Module)),
                What::Use(path, leaf) => match (self.used(root, &path), &leaf) {
                    (Some(module), leaf) => module.brought(root, leaf, names, seen),
                    (None, Leaf::Name { alias, .. }) => names.push(Name::guessed(alias)),
                    (None, Leaf::Glob) => {}
                },
            }
        }
    }
}

/// An item of a module.
struct Item {
    public: bool,
    what: What,
}

enum What {
    Item(Name),
    /// With its body, in bytes, where that is not in a file of its own.
    Module {
        name: String,
        body: Option<(usize, usize)>,
    },
    /// One leaf of a `use`, and the path to it.
    Use(Vec<String>, Leaf),
}

enum Leaf {
    Glob,
    Name { name: String, alias: String },
}

/// The items of a module, without those that only tests and special builds have.
fn items(tokens: &Tokens) -> Vec<Item> {
    let mut items = Vec::new();
    let mut index = 0;
    let (mut public, mut left_out) = (false, false);
    while let Some(kind) = tokens.kind(index) {
        match tokens.word(index) {
            "pub" => {
                public = true;
                index += 1;
                if tokens.is(index, TokenKind::OpenParen) {
                    public = false; // of this crate alone
                    index = tokens.after_group(index);
                }
                continue;
            }
            "" if kind == TokenKind::Pound => {
                let open = index + 1 + usize::from(tokens.is(index + 1, TokenKind::Bang));
                let end = tokens.after_group(open);
                let words: Vec<&str> = (open..end).map(|at| tokens.word(at)).collect();
                let is_outer = open == index + 1;
                left_out |= is_outer && words.get(1) == Some(&"cfg") && !words.contains(&"not");
                // A macro is at the crate's root, whatever its module is. This does not look for it there.
                public |= words.get(1) == Some(&"macro_export");
                index = end;
                continue;
            }
            "unsafe" | "async" | "extern" | "default" => {
                index += 1;
                continue;
            }
            "const" if tokens.word(index + 1) == "fn" => {
                index += 1;
                continue;
            }
            _ => {}
        }
        let end = end_of_item(tokens, index);
        if !left_out {
            item(tokens, index, end, public, &mut items);
        }
        (public, left_out) = (false, false);
        index = end.max(index + 1);
    }
    items
}

fn item(tokens: &Tokens, index: usize, end: usize, public: bool, items: &mut Vec<Item>) {
    let keyword = tokens.word(index);
    let mut name = tokens.word(index + 1);
    if name == "mut" {
        name = tokens.word(index + 2);
    }
    let what = match keyword {
        "use" => {
            let mut leaves = Vec::new();
            tree(tokens, index + 1, &[], &mut leaves);
            items.extend(leaves.into_iter().map(|(path, leaf)| Item {
                public,
                what: What::Use(path, leaf),
            }));
            return;
        }
        "macro_rules" => What::Item(Name::new(tokens.word(index + 2), Kind::Macro)),
        "mod" => What::Module {
            name: name.into(),
            body: tokens
                .get(index + 2)
                .filter(|open| open.kind == TokenKind::OpenBrace)
                .zip(tokens.before(end))
                .map(|(open, close)| (open.end, close.start.max(open.end))),
        },
        _ => match item_kind(keyword) {
            Some(kind) if !name.is_empty() && name != "_" && !is_keyword(name) => {
                What::Item(Name::new(name, kind))
            }
            _ => return,
        },
    };
    items.push(Item { public, what });
}

/// The index after the item at `index`: after a `;`, or the block that ends it.
fn end_of_item(tokens: &Tokens, mut index: usize) -> usize {
    let ends_with_block = !matches!(tokens.word(index), "const" | "static" | "type" | "use");
    while let Some(kind) = tokens.kind(index) {
        match kind {
            TokenKind::Semi => return index + 1,
            TokenKind::OpenBrace if ends_with_block => return tokens.after_group(index),
            TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => {
                index = tokens.after_group(index);
            }
            _ => index += 1,
        }
    }
    index
}

/// Adds the leaves of the tree of a `use` at `index`; the index after it.
fn tree(
    tokens: &Tokens,
    mut index: usize,
    above: &[String],
    leaves: &mut Vec<(Vec<String>, Leaf)>,
) -> usize {
    let mut path = above.to_vec();
    loop {
        match tokens.kind(index) {
            Some(TokenKind::Star) => {
                leaves.push((path, Leaf::Glob));
                return index + 1;
            }
            Some(TokenKind::OpenBrace) => {
                let end = tokens.after_group(index);
                index += 1;
                while index + 1 < end {
                    index = tree(tokens, index, &path, leaves);
                    if tokens.is(index, TokenKind::Comma) {
                        index += 1;
                    }
                }
                return end;
            }
            Some(TokenKind::Colon) => index += 1,
            Some(TokenKind::Ident) => {
                let word = tokens.word(index);
                index += 1;
                if tokens.is(index, TokenKind::Colon) {
                    path.push(word.into());
                    continue;
                }
                let mut name = word.to_string();
                // `a::{self}` brings `a`.
                if word == "self"
                    && let Some(last) = path.pop()
                {
                    name = last;
                }
                let mut alias = name.clone();
                if tokens.word(index) == "as" {
                    alias = tokens.word(index + 1).into();
                    index += 2;
                }
                if alias != "_" {
                    leaves.push((path, Leaf::Name { name, alias }));
                }
                return index;
            }
            _ => return index + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(names: &[Name], name: &str) -> Option<Kind> {
        Some(names.iter().find(|found| found.name == name)?.kind)
    }

    #[test]
    fn the_labs_prelude_is_read_from_its_sources() {
        let place = Place::find().unwrap();
        let names = names(&place);
        for (name, kind) in [
            ("Workers", Kind::Type),
            ("Flag", Kind::Type),
            ("Value", Kind::Type),
            ("Queue", Kind::Type),
            ("Manager", Kind::Type),
            ("Bars", Kind::Type),
            ("Show", Kind::Type),
            ("check", Kind::Function),
            ("time", Kind::Function),
            ("measure", Kind::Function),
            ("predict", Kind::Function),
            ("cores", Kind::Function),
        ] {
            assert_eq!(kind_of(names, name), Some(kind), "{name}");
        }
        // Private, for tests alone, or from elsewhere.
        for name in ["tests", "Page", "Door", "sys", "Duration", "lock"] {
            assert_eq!(kind_of(names, name), None, "{name}");
        }
        assert_eq!(kind_of(crates(&place), "labsupport"), Some(Kind::Module));
    }

    #[test]
    fn a_prelude_leads_through_modules_of_every_form() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "notebooks/evcxr.toml",
            "[evcxr]\nprelude = \"\"\"\nuse some_crate::prelude::*;\nuse std::time::Duration;\nuse some_crate::deep::One as Other;\nlet x = 1;\n\"\"\"\n\
             [dependencies]\nsome-crate = { path = \"../some\" }\nserde = \"1\"\n",
        );
        write(
            "some/src/lib.rs",
            "#![warn(missing_docs)]\npub mod deep; mod hidden;\n\
             pub mod prelude { pub use crate::deep::*; pub use super::hidden::{Shown, make as build, inner::{self}}; pub use std::sync::Arc; }",
        );
        write(
            "some/src/deep/mod.rs",
            "mod leaf; pub use leaf::Leaf; pub use self::leaf::*; pub(crate) use leaf::Secret;\n\
             /// A { brace\npub struct One { pub field: u32 } impl One { pub fn method() {} }\npub const fn two() -> [u8; 2] { [0; 2] }\n\
             pub const THREE: u8 = { 3 };\n#[cfg(test)] mod tests { pub fn no() {} }\n#[cfg(feature = \"x\")] pub fn neither() {}\n\
             #[cfg(not(loom))] pub fn four() {}\npub unsafe fn five() {}\npub struct Six(u8); pub trait Seven {}",
        );
        write(
            "some/src/deep/leaf.rs",
            "pub enum Leaf { A } pub struct Secret; pub static EIGHT: u8 = 8;",
        );
        write(
            "some/src/hidden.rs",
            "pub struct Shown; pub fn make() {} pub mod inner {} pub struct Other;",
        );
        let known = read(&folder.path().join("notebooks/evcxr.toml"));
        let found: Vec<String> = known
            .names
            .iter()
            .map(|name| format!("{} {:?}", name.name, name.kind))
            .collect();
        assert_eq!(
            found,
            [
                "Arc Type",
                "Duration Type",
                "EIGHT Instance",
                "Leaf Type",
                "One Type",
                "Other Type",
                "Secret Type",
                "Seven Type",
                "Shown Type",
                "Six Type",
                "THREE Instance",
                "build Function",
                "five Function",
                "four Function",
                "inner Module",
                "two Function",
            ]
        );
        assert_eq!(known.crates.len(), 2);
    }
}
