//! Items without a name: `impl`, `extern` blocks, `const _`.
//!
//! evcxr replaces an item when another one of its name comes. An item without a name is attached to the named item before it in the cell,
//! whatever that is; without one, evcxr keeps it forever. When the cell runs a second time, such an `impl` exists twice, and nothing
//! compiles any longer. So each gets a name to be attached to: a type alias before it, named after what the item implements. If the item is
//! gone from its cell, or its type is defined again without it, the alias alone replaces it.

use super::edit::Edit;
use super::request::Request;
use super::scan::{Kind, Statement, first_place};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The items without a name that evcxr has: the place of each, by its alias.
pub(super) type Known = BTreeMap<String, Place>;

#[derive(Clone)]
pub(super) struct Place {
    /// The cell, if the client says which it is.
    cell: Option<String>,
    /// The type that the item is for, if the same cell defines that type.
    of: Option<String>,
}

/// Names the items of the cell, and drops those that are no longer in it.
pub(super) fn apply(
    request: &Request,
    statements: &[Statement],
    known: &mut Known,
    edit: &mut Edit,
) {
    let types: HashSet<&str> = statements
        .iter()
        .filter(|statement| statement.kind == Kind::Type)
        .filter_map(|statement| statement.name)
        .collect();
    let mut count: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut found = Known::new();
    let mut named = Vec::new();
    for statement in statements {
        let Some(identity) = identity(statement) else {
            continue;
        };
        // The same thing twice in one cell is a mistake for the compiler to tell.
        let nth = count.entry(identity.clone()).or_default();
        let alias = alias(&identity, *nth);
        *nth += 1;
        let of = self_type(statement).filter(|name| types.contains(name));
        let place = Place {
            cell: request.cell.map(str::to_string),
            of: of.map(str::to_string),
        };
        named.push((statement.start(), alias.clone()));
        found.insert(alias, place);
    }
    let is_gone = |alias: &String, place: &Place| {
        let of_this_cell = place.cell.is_some() && place.cell.as_deref() == request.cell;
        let of_these_types = place.of.as_deref().is_some_and(|of| types.contains(of));
        (of_this_cell || of_these_types) && !found.contains_key(alias)
    };
    if let Some(first) = first_place(statements) {
        let gone = known.iter().filter(|(alias, place)| is_gone(alias, place));
        let gone: Vec<String> = gone.map(|(alias, _)| declaration(alias)).collect();
        if !gone.is_empty() {
            edit.insert_before(first, &gone.join(" "));
        }
        known.retain(|alias, place| !is_gone(alias, place));
    }
    // These aliases come after those of dropped items, because evcxr attaches an item to the last name before it.
    for (start, alias) in named {
        edit.insert_before(start, &declaration(&alias));
    }
    known.append(&mut found);
}

fn declaration(alias: &str) -> String {
    format!("type {alias} = ();")
}

/// What stays the same when an item without a name is changed: for an `impl`, the trait and the type. If there can be several such pieces,
/// the first item of the piece belongs to it too.
fn identity<'a>(statement: &Statement<'_, 'a>) -> Option<Vec<&'a str>> {
    let words: Vec<&str> = statement.words().collect();
    match (statement.kind, statement.name) {
        (Kind::Impl | Kind::ExternBlock, _) => {
            let body = body(&words);
            let mut identity = words[..body].to_vec();
            if trait_for(&words[..body]).is_none() {
                let first = words[body..].windows(2).find(|pair| {
                    matches!(pair[0], "fn" | "type" | "static")
                        || pair[0] == "const" && !matches!(pair[1], "fn" | "unsafe")
                });
                identity.extend(first.map(|pair| pair[1]));
            }
            // `unsafe` and the like do not make it another one.
            let modifiers = identity
                .iter()
                .position(|&word| matches!(word, "impl" | "extern"));
            identity.drain(..modifiers.unwrap_or(0));
            Some(identity)
        }
        (Kind::Const, Some("_")) => Some(words),
        _ => None,
    }
}

/// Where the body begins: at the first brace outside of angle brackets.
fn body(words: &[&str]) -> usize {
    outside_angles(words, |word| word == "{").unwrap_or(words.len())
}

/// The place of the `for` in an `impl Trait for Type`.
fn trait_for(words: &[&str]) -> Option<usize> {
    outside_angles(words, |word| word == "for")
}

fn outside_angles(words: &[&str], is_wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let mut depth = 0;
    for (at, &word) in words.iter().enumerate() {
        match word {
            "<" => depth += 1,
            ">" if !matches!(words[at - 1], "-" | "=") => depth -= 1,
            // `for<'a> Fn(&'a u8)` is no trait for a type.
            word if depth == 0 && is_wanted(word) && words.get(at + 1) != Some(&"<") => {
                return Some(at);
            }
            _ => {}
        }
    }
    None
}

/// The last name in the path of the type for which an `impl` is.
fn self_type<'a>(statement: &Statement<'_, 'a>) -> Option<&'a str> {
    if statement.kind != Kind::Impl {
        return None;
    }
    let words: Vec<&str> = statement.words().collect();
    let header = &words[..body(&words)];
    let start = match trait_for(header) {
        Some(at) => at + 1,
        None => header.iter().position(|&word| word == "impl")? + 1,
    };
    // Past the generics of the `impl` itself.
    let mut depth = 0;
    let mut name = None;
    for (at, &word) in header.iter().enumerate().skip(start) {
        match word {
            "<" if name.is_some() => break,
            "<" => depth += 1,
            ">" if !matches!(header[at - 1], "-" | "=") => depth -= 1,
            "where" => break,
            word if depth == 0
                && word.starts_with(|first: char| first.is_alphabetic() || first == '_') =>
            {
                name = Some(word);
            }
            _ => {}
        }
    }
    name
}

fn alias(identity: &[&str], nth: usize) -> String {
    let mut hasher = DefaultHasher::new();
    (identity, nth).hash(&mut hasher);
    format!("_Impl{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::super::scan::{statements, tokens};
    use super::super::tests::{cell, run};
    use super::super::{History, Prelude, prepare};
    use super::*;

    /// The aliases in a piece of code.
    fn aliases(code: &str) -> Vec<String> {
        let words = code.split_whitespace();
        let aliases = words.filter(|word| word.starts_with("_Impl"));
        aliases.map(str::to_string).collect()
    }

    fn of(code: &str) -> Vec<String> {
        aliases(&run(code, "x", &mut History::default()).code)
    }

    #[test]
    fn an_impl_keeps_its_name_when_it_is_edited() {
        for (one, other) in [
            (
                "impl A { fn f() {} }",
                "/// doc\nimpl A { pub const fn f() { 1; } fn g() {} }",
            ),
            ("impl Tr for A {}", "impl   Tr for A { fn f() {} }"),
            (
                "impl<T> Tr<T> for A<T> {}",
                "#[a] unsafe impl<T> Tr<T> for A<T> {}",
            ),
            (
                "extern \"C\" { fn f(); }",
                "unsafe extern \"C\" { fn f(); fn g(); }",
            ),
        ] {
            assert_eq!(of(one).len(), 1, "{one}");
            assert_eq!(of(one), of(other), "{one}");
        }
        for (one, other) in [
            ("impl A { fn f() {} }", "impl A { fn g() {} }"),
            ("impl A { fn f() {} }", "impl B { fn f() {} }"),
            ("impl From<u8> for A {}", "impl From<u16> for A {}"),
            (
                "const _: () = assert!(A > 1);",
                "const _: () = assert!(A > 2);",
            ),
        ] {
            assert_ne!(of(one), of(other), "{one}");
        }
        let twice = of("impl Tr for A {} impl Tr for A {}");
        assert_ne!(twice[0], twice[1]);
        assert_eq!(
            of("macro_rules! m { () => { impl A {} } }\nm!{}\nfn f() { impl A {} }"),
            [""; 0]
        );
    }

    #[test]
    fn what_is_gone_from_its_cell_is_replaced_by_its_bare_name() {
        let mut history = History::default();
        let [a, b] =
            &aliases(&run("impl A { fn a() {} }\nimpl Tr for A {}", "x", &mut history).code)[..]
        else {
            panic!("two were expected");
        };
        let code = run("1", "y", &mut history).code;
        assert_eq!(code, "1");
        let code = run("impl A { fn a() {} }", "x", &mut history).code;
        assert_eq!(
            code,
            format!("type {b} = ();\ntype {a} = ();\nimpl A {{ fn a() {{}} }}")
        );
        // An `impl` that moves to another cell belongs to that cell.
        run("impl A { fn a() {} }", "y", &mut history);
        assert_eq!(run("2", "x", &mut history).code, "2");
        assert!(
            run("2", "y", &mut history)
                .code
                .starts_with(&format!("type {a} = ();\n"))
        );
    }

    #[test]
    fn a_type_takes_its_impls_with_it() {
        let mut history = History::default();
        let mut anonymous = |code: &'static str| {
            let code = prepare(&cell(code, None), &mut history, &Prelude::new()).code;
            history.ended(true);
            code
        };
        let with = aliases(&anonymous(
            "struct A<T>(T);\nimpl<T> Drop for A<T> { fn drop(&mut self) {} }",
        ));
        assert_eq!(anonymous("f()"), "f()");
        let without = anonymous("struct A<T>(T);");
        assert_eq!(without, format!("type {} = ();\nstruct A<T>(T);", with[0]));
    }

    #[test]
    fn the_type_of_an_impl_is_found() {
        for (code, expected) in [
            ("impl A {}", Some("A")),
            ("impl<T: Into<u8>> m::A<T> {}", Some("A")),
            (
                "impl<T> Tr<{ 3 }> for &'static A<T> where T: Fn() -> u8 {}",
                Some("A"),
            ),
            ("impl<F> Tr for F where F: for<'a> Fn(&'a u8) {}", Some("F")),
            ("fn f() {}", None),
        ] {
            let tokens = tokens(code);
            assert_eq!(
                self_type(&statements(&tokens).unwrap()[0]),
                expected,
                "{code}"
            );
        }
    }
}
