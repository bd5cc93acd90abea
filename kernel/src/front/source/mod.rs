//! A cell's source before evcxr gets it. Where evcxr would do something unexpected, the front mends the source, tells the student, or
//! refuses the cell.
//!
//! evcxr compiles every item of the notebook into every later cell, each under its name. The rules here follow from that, each in a file
//! of its own: for items without a name ([`impls`]), for names that the labs' prelude has too ([`shadows`]), for a `static`
//! ([`statics`]), for `fn main` ([`main_function`]), and for the commands that say how values are shown ([`formats`]). Cells that are not Rust at all are for [`magics`].
//!
//! Everything is found by tokens ([`scan`]) and mended by insertions that no report shows ([`edit`]).

mod edit;
mod formats;
mod impls;
mod magics;
mod main_function;
mod request;
pub(super) mod scan;
mod shadows;
mod statics;
pub(super) mod types;

use super::errors::CellError;
use super::message::Message;
use super::prelude::Prelude;
use edit::Edit;
use request::Request;
use std::collections::HashSet;

/// What evcxr gets instead of the cell, and what the student is told.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub code: String,
    /// Sentences for the page.
    pub notes: Vec<String>,
    /// Why the cell is not run at all.
    pub refusal: Option<CellError>,
}

/// What the cells so far have defined.
#[derive(Default)]
pub(super) struct History {
    known: Known,
    /// The new state if the cell that runs now compiles. If it does not, evcxr forgets what the cell defines.
    next: Option<Next>,
    /// Cells that did not compile when the prelude's names were brought back in them.
    stuck: HashSet<String>,
}

#[derive(Clone, Default)]
struct Known {
    impls: impls::Known,
    shadows: shadows::Known,
    /// The statics about which the student was told already.
    told: HashSet<String>,
    main: Option<main_function::Failing>,
}

struct Next {
    known: Known,
    /// The cell, if it brings names of the prelude back.
    restoring: Option<String>,
}

/// Looks at a cell before it is passed on. `prelude` has the names that the labs bring along.
fn prepare(request: &Request, history: &mut History, prelude: &Prelude) -> Prepared {
    history.known.shadows.deleted(&request.deleted);
    let tokens = scan::tokens(request.code);
    if let Some(refusal) = magics::refuse(&tokens, prelude) {
        return Prepared {
            refusal: Some(refusal),
            ..Prepared::default()
        };
    }
    let mut known = history.known.clone();
    let mut edit = Edit::of(request.code);
    let mut notes = Vec::new();
    let mut restoring = None;
    formats::apply(request.code, &mut edit);
    // If brackets do not match, the compiler says so.
    if let Some(statements) = scan::statements(&tokens) {
        let is_stuck = history.stuck.contains(request.code);
        let shadows = shadows::Rule {
            request,
            prelude,
            is_stuck,
        };
        if shadows.apply(&statements, &mut known.shadows, &mut edit, &mut notes) {
            restoring = Some(request.code.to_string());
        }
        impls::apply(request, &statements, &mut known.impls, &mut edit);
        statics::apply(&statements, &mut known.told, &mut edit, &mut notes);
        main_function::apply(&statements, &mut known.main, &mut edit, &mut notes);
    }
    history.next = Some(Next { known, restoring });
    Prepared {
        code: edit.finish(),
        notes,
        refusal: None,
    }
}

impl History {
    /// Looks at a request before it is passed on: at a cell, which gets `number`. `prelude` are the names of the labs' prelude.
    /// The answer is the same until [`History::ended`] is called.
    pub(super) fn prepare(
        &mut self,
        message: &Message,
        number: u32,
        prelude: &Prelude,
    ) -> Prepared {
        if message.kind() != "execute_request" {
            return Prepared::default();
        }
        let deleted = message.metadata["deletedCells"].as_array();
        let request = Request {
            code: message.text("code"),
            cell: message.metadata["cellId"].as_str(),
            deleted: deleted
                .into_iter()
                .flatten()
                .filter_map(|id| id.as_str())
                .collect(),
            number,
        };
        prepare(&request, self, prelude)
    }

    /// The cell that was prepared last has ended; `kept` says whether evcxr kept what it defines.
    pub(super) fn ended(&mut self, kept: bool) {
        match self.next.take() {
            Some(next) if kept => self.known = next.known,
            Some(next) => self.stuck.extend(next.restoring),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook;
    use crate::place::Place;

    pub(super) fn cell<'a>(code: &'a str, id: Option<&'a str>) -> Request<'a> {
        Request {
            code,
            cell: id,
            deleted: Vec::new(),
            number: 7,
        }
    }

    pub(super) fn prelude() -> Prelude {
        let of = |name: &str| {
            (
                name.to_string(),
                if name == "check" {
                    "lessons"
                } else {
                    "labsupport"
                }
                .to_string(),
            )
        };
        ["check", "time", "Value", "Flag", "Workers"].map(of).into()
    }

    pub(super) fn run(code: &str, id: &str, history: &mut History) -> Prepared {
        let prepared = prepare(&cell(code, Some(id)), history, &prelude());
        history.ended(true);
        prepared
    }

    #[test]
    fn ordinary_cells_are_left_alone() {
        let mut history = History::default();
        for code in [
            "let a = 1;\na % b",
            "println!(\"{}\", f(\"x\")?);",
            "f()?",
            "fn f() { impl A {} }",
            "let broken = (",
            "// nothing",
            "",
            ":dep x = \"1\"\n!ls",
            "struct A { b: u8 }",
            "main()",
        ] {
            let prepared = run(code, "a", &mut history);
            assert_eq!(prepared.code, code);
            assert_eq!(prepared.notes, [""; 0], "{code}");
            assert_eq!(prepared.refusal, None, "{code}");
        }
    }

    #[test]
    fn the_labs_give_no_reason_for_a_note() {
        let place = Place::find().unwrap();
        let prelude = crate::front::prelude::of_cells(&place);
        let folders = [place.notebooks(), place.notebooks().join("solutions")];
        let files = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).unwrap());
        let paths = files.map(|file| file.unwrap().path());
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == "ipynb")) {
            let mut history = History::default();
            let notebook = notebook::read(&path).unwrap();
            for cell in notebook["cells"].as_array().unwrap() {
                if cell["cell_type"] != "code" {
                    continue;
                }
                let code = notebook::joined(&cell["source"]);
                let request = Request {
                    code: &code,
                    cell: cell["id"].as_str(),
                    deleted: Vec::new(),
                    number: 1,
                };
                let prepared = prepare(&request, &mut history, &prelude);
                history.ended(true);
                let place = format!("{}: {code}", path.display());
                assert_eq!(
                    (prepared.notes, prepared.refusal),
                    (vec![], None),
                    "{place}"
                );
                assert!(scan::statements(&scan::tokens(&code)).is_some(), "{place}");
            }
        }
    }
}
