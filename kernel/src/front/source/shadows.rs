//! Names of the labs' prelude that a cell defines anew. The student's definition wins, in every later cell; when the cell is run
//! without it, or deleted, the prelude's meaning comes back.
//!
//! evcxr keeps one item for each name, and an import is an item too. So `use labsupport::prelude::name;`, for example, takes the place
//! of what the student had defined.

use super::edit::Edit;
use super::request::Request;
use super::scan::{Kind, Statement, first_place};
use crate::front::prelude::Prelude;
use std::collections::{BTreeMap, BTreeSet};

/// The names of the prelude that now mean something else.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// For each name, the cell of the notebook that defines it, if the client says which.
    defined: BTreeMap<String, Option<String>>,
    /// Names whose definition is gone, but whose meaning in the prelude is not back yet.
    wanted: BTreeSet<String>,
    /// Variables that hide functions of the prelude, about which the student was told already.
    variables: BTreeSet<String>,
}

impl Known {
    /// Forgets the definitions of deleted cells, whose names must get the prelude's meaning back.
    pub(super) fn deleted(&mut self, cells: &[&str]) {
        let is_deleted =
            |cell: &Option<String>| cell.as_deref().is_some_and(|cell| cells.contains(&cell));
        let gone = self.defined.iter().filter(|(_, cell)| is_deleted(cell));
        self.wanted.extend(gone.map(|(name, _)| name.clone()));
        self.defined.retain(|_, cell| !is_deleted(cell));
    }
}

pub(super) struct Rule<'a> {
    pub request: &'a Request<'a>,
    pub prelude: &'a Prelude,
    /// Whether this cell did not compile when it brought names back. Then something still needs the student's definition.
    pub is_stuck: bool,
}

impl Rule<'_> {
    /// Takes in what the cell defines. Returns whether the cell brings names of the prelude back.
    pub(super) fn apply(
        &self,
        statements: &[Statement],
        known: &mut Known,
        edit: &mut Edit,
        notes: &mut Vec<String>,
    ) -> bool {
        let defined: BTreeSet<&str> = statements
            .iter()
            .flat_map(|statement| self.defines(statement))
            .filter(|&name| self.prelude.contains_key(name))
            .collect();
        let by_hand = statements
            .iter()
            .flat_map(|statement| self.brings_back(statement));
        let by_hand: BTreeSet<&str> = by_hand.collect();
        let Known {
            defined: before,
            wanted,
            variables,
        } = known;

        let is_here =
            |cell: &Option<String>| cell.is_some() && cell.as_deref() == self.request.cell;
        let gone = before.iter().filter(|(_, cell)| is_here(cell));
        wanted.extend(gone.map(|(name, _)| name.clone()));
        wanted.retain(|name| !defined.contains(&name[..]) && !by_hand.contains(&name[..]));
        before.retain(|name, _| !wanted.contains(name) && !by_hand.contains(&name[..]));

        for name in defined {
            let cell = self.request.cell.map(str::to_string);
            if before.insert(name.to_string(), cell.clone()) != Some(cell.clone()) {
                let back = match cell {
                    Some(_) => {
                        "The labs' comes back when this cell runs without the definition, or is deleted.".into()
                    }
                    None => format!("For the labs', write `use {};`.", self.path(name)),
                };
                let number = self.request.number;
                notes.push(format!(
                    "from cell [{number}] on, `{name}` is what you define here, also in cells of the lab that use the labs' \
                     `{name}`. {back}"
                ));
            }
        }

        // A variable is different: no import replaces it.
        let hidden = statements.iter().filter_map(variable);
        for name in hidden.filter(|&name| self.prelude.contains_key(name)) {
            if variables.insert(name.to_string()) {
                notes.push(format!(
                    "`{name}` is a variable from here on. The labs' function is still there as `{}`.",
                    self.path(name)
                ));
            }
        }

        let Some(first) = first_place(statements) else {
            return false;
        };
        if self.is_stuck {
            for name in std::mem::take(wanted) {
                notes.push(format!(
                    "`{name}` stays what you had defined, because other definitions of yours use it. When they do not anymore, \
                     bring the labs' back with `use {};`.",
                    self.path(&name)
                ));
            }
        }
        let names = std::mem::take(wanted);
        if names.is_empty() {
            return false;
        }
        let restores: Vec<String> = (names.iter())
            .map(|name| format!("use {};", self.path(name)))
            .collect();
        edit.insert_before(first, &restores.join(" "));
        true
    }

    /// Where a name of the prelude is always found.
    fn path(&self, name: &str) -> String {
        let of = self.prelude.get(name).map_or("labsupport", String::as_str);
        format!("{of}::prelude::{name}")
    }

    /// Whether a `use` imports from one of the labs' crates.
    fn is_ours(&self, statement: &Statement) -> bool {
        root(statement).is_some_and(|root| self.prelude.values().any(|of| of == root))
    }

    /// The names that a statement defines for all later cells and that are not the labs'.
    fn defines<'b>(&self, statement: &Statement<'_, 'b>) -> Vec<&'b str> {
        match statement.kind {
            Kind::Use if self.is_ours(statement) => Vec::new(),
            _ => defines(statement),
        }
    }

    /// The names of the prelude that a statement brings back itself.
    fn brings_back<'b>(&self, statement: &Statement<'_, 'b>) -> Vec<&'b str> {
        match statement.kind {
            Kind::Use if self.is_ours(statement) => imports(statement),
            _ => Vec::new(),
        }
    }
}

/// The names that a statement defines for all later cells.
pub(super) fn defines<'a>(statement: &Statement<'_, 'a>) -> Vec<&'a str> {
    match statement.kind {
        Kind::Function | Kind::Type | Kind::Trait | Kind::Module | Kind::Static | Kind::Const => {
            statement.name.into_iter().collect()
        }
        Kind::Use => imports(statement),
        _ => Vec::new(),
    }
}

/// The variable that a `let` makes, if it is one and no pattern.
fn variable<'a>(statement: &Statement<'_, 'a>) -> Option<&'a str> {
    let words: Vec<&str> = statement.words().collect();
    match &words[..] {
        ["let", "mut", name, ":" | "=", ..] | ["let", name, ":" | "=", ..] => Some(name),
        _ => None,
    }
}

/// The crate from which a `use` imports.
fn root<'a>(statement: &Statement<'_, 'a>) -> Option<&'a str> {
    let after_use = statement.words().skip_while(|&word| word != "use").skip(1);
    after_use.into_iter().find(|&word| word != ":")
}

/// The names that a `use` imports.
pub(super) fn imports<'a>(statement: &Statement<'_, 'a>) -> Vec<&'a str> {
    let words: Vec<&str> = statement.words().collect();
    let mut names = Vec::new();
    for (at, &word) in words.iter().enumerate() {
        let ends = matches!(words.get(at + 1), Some(&("," | "}" | ";")));
        if !ends || matches!(word, "*" | "_" | "," | "}" | "{") {
            continue;
        }
        match word {
            // `a::{self, b}` imports `a`.
            "self" => {
                let open = words[..at].iter().rposition(|&word| word == "{");
                names.extend(open.and_then(|open| words.get(open.checked_sub(3)?)));
            }
            word => names.push(word),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::scan::{statements, tokens};
    use super::super::tests::{cell, prelude, run};
    use super::super::{History, prepare};
    use super::*;

    #[test]
    fn a_name_comes_back_when_its_cell_defines_it_no_more() {
        let mut history = History::default();
        let defined = run("fn check(n: u8) {}\nstruct Value;", "a", &mut history);
        assert_eq!(defined.notes.len(), 2);
        assert!(
            defined.notes[1].starts_with("from cell [7] on, `check` is what you define here"),
            "{:?}",
            defined.notes
        );
        assert_eq!(
            run("fn check(n: u16) {} struct Value;", "a", &mut history).notes,
            [""; 0]
        );
        assert_eq!(run("check(1)", "b", &mut history).code, "check(1)");
        let renamed = run("struct Value;\nfn mine() {}", "a", &mut history);
        assert_eq!(
            renamed.code,
            "use lessons::prelude::check;\nstruct Value;\nfn mine() {}"
        );
        assert_eq!(
            run("struct Value;", "a", &mut history).code,
            "struct Value;"
        );
    }

    #[test]
    fn a_name_comes_back_when_its_cell_is_deleted() {
        let mut history = History::default();
        run("enum Flag {} use a::B as Value;", "a", &mut history);
        let mut deleted = cell("// nothing yet", Some("b"));
        deleted.deleted.push("a");
        assert_eq!(
            prepare(&deleted, &mut history, &prelude()).code,
            deleted.code
        );
        history.ended(true);
        let code = "#![allow(x)]\n:x\n1";
        let expected =
            "#![allow(x)]\nuse labsupport::prelude::Flag; use labsupport::prelude::Value;\n:x\n1";
        assert_eq!(run(code, "b", &mut history).code, expected);
        assert_eq!(run(code, "b", &mut history).code, code);
    }

    #[test]
    fn a_cell_that_did_not_compile_changes_nothing() {
        let mut history = History::default();
        run("fn check() {}", "a", &mut history);
        let without = cell("oh", Some("a"));
        for _ in 0..2 {
            let prepared = prepare(&without, &mut history, &prelude());
            assert_eq!(prepared.code, "use lessons::prelude::check;\noh");
        }
        history.ended(false);
        // Another definition may need the one that is gone. Then the same cell must run without bringing the name back.
        let again = prepare(&without, &mut history, &prelude());
        assert_eq!(again.code, "oh");
        assert!(
            again.notes[0].contains("`check` stays"),
            "{:?}",
            again.notes
        );
        let changed = cell("well", Some("a"));
        assert!(
            prepare(&changed, &mut history, &prelude())
                .code
                .starts_with("use ")
        );
    }

    #[test]
    fn clients_without_identities_are_told_the_line() {
        let mut history = History::default();
        let prepared = prepare(&cell("fn time() {}", None), &mut history, &prelude());
        history.ended(true);
        assert!(prepared.notes[0].ends_with("`use labsupport::prelude::time;`."));
        assert_eq!(run("1", "a", &mut history).code, "1");
        run("use labsupport::prelude::time;", "a", &mut history);
        assert!(history.known.shadows.defined.is_empty());
    }

    #[test]
    fn a_variable_that_hides_a_function_is_told_once() {
        let mut history = History::default();
        let mut notes = |code| run(code, "a", &mut history).notes;
        assert_eq!(notes("let mine = time(|| 1);").len(), 0);
        let told = notes("let mut time = time(|| 1);");
        assert!(
            told[0].ends_with("as `labsupport::prelude::time`."),
            "{told:?}"
        );
        assert_eq!(notes("let time: u8 = 1;").len(), 0);
    }

    #[test]
    fn imports_are_found() {
        let code = "pub use a::{self, b::{c as d, e, f::*}, g as _, h,};";
        let tokens = tokens(code);
        assert_eq!(
            imports(&statements(&tokens).unwrap()[0]),
            ["a", "d", "e", "h"]
        );
    }
}
