//! Statics, of which every cell has its own copy: each cell is a separate library, and all items are compiled into each of them.
//!
//! evcxr takes `thread_local!` and `lazy_static!` for expressions: it would show the value, or forget it. In a module with a name they
//! are kept.

use super::edit::Edit;
use super::scan::{Kind, Statement};
use std::collections::HashSet;

/// Types that can change though they are not `mut`.
const CHANGING: [&str; 14] = [
    "Cell",
    "RefCell",
    "UnsafeCell",
    "OnceCell",
    "LazyCell",
    "Mutex",
    "RwLock",
    "Condvar",
    "Once",
    "OnceLock",
    "LazyLock",
    "Barrier",
    "SyncUnsafeCell",
    "Lazy",
];

/// Tells the student once about each new static that can change, and wraps macro calls that define statics in modules.
pub(super) fn apply(
    statements: &[Statement],
    told: &mut HashSet<String>,
    edit: &mut Edit,
    notes: &mut Vec<String>,
) {
    let mut found: Vec<&str> = Vec::new();
    for statement in statements {
        match (statement.kind, statement.name) {
            (Kind::Static, Some(name)) if can_change(statement) => found.push(name),
            (Kind::MacroCall, Some("thread_local" | "lazy_static")) => {
                let names = make_module(statement, edit);
                found.extend(names);
            }
            _ => {}
        }
    }
    for name in found {
        if told.insert(name.to_string()) {
            notes.push(format!(
                "each cell has its own copy of the static `{name}`: what one cell stores in it, no other cell sees. A variable is \
                 the same in all cells: `let {small} = Value::new(0u64)?;`, which workers share, too, or `let {small} = \
                 std::sync::Arc::new(…);`.",
                small = name.to_lowercase()
            ));
        }
    }
}

fn can_change(statement: &Statement) -> bool {
    let words: Vec<&str> = statement.words().collect();
    let mut declared = words.iter().take_while(|&&word| word != "=");
    declared.any(|word| *word == "mut" || word.starts_with("Atomic") || CHANGING.contains(word))
}

/// Puts the macro call into a module and imports its statics. Returns their names.
fn make_module<'a>(statement: &Statement<'_, 'a>, edit: &mut Edit) -> Vec<&'a str> {
    let tokens = &statement.tokens[statement.head..];
    let mut names = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            "static" if depth == 1 => {
                let mut after = tokens[at + 1..].iter().map(|token| token.text);
                let name = after.find(|&word| word != "ref" && word != "mut");
                names.extend(name);
                // Only a static without a visibility of its own is private.
                if matches!(tokens[at - 1].text, "{" | "(" | "[" | "]" | ";")
                    || tokens[at - 1].text.starts_with('/')
                {
                    edit.insert(token.start, "pub(super) ");
                }
            }
            _ => {}
        }
    }
    if let Some(first) = names.first() {
        let module = format!("_statics_{}", first.to_lowercase());
        edit.insert_before(statement.start(), &format!("mod {module} {{ use super::*;"));
        let imports: Vec<String> = names
            .iter()
            .map(|name| format!("use {module}::{name};"))
            .collect();
        edit.insert(statement.end(), &format!(" }} {}", imports.join(" ")));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::History;
    use super::super::tests::run;

    #[test]
    fn a_static_that_changes_is_told_once() {
        let mut history = History::default();
        let code = "static HITS: AtomicU64 = AtomicU64::new(0);\nstatic mut N: u8 = 0;\nstatic L: std::sync::LazyLock<u8> = f();";
        let notes = run(code, "a", &mut history).notes;
        assert_eq!(notes.len(), 3);
        assert!(
            notes[0].contains("static `HITS`") && notes[0].contains("let hits = Value::new"),
            "{notes:?}"
        );
        assert_eq!(run(code, "a", &mut history).notes, [""; 0]);
        for constant in [
            "static NAMES: [&str; 2] = [\"Mutex\", \"mut\"];",
            "static F: fn() = g;",
            "const A: AtomicU64 = AtomicU64::new(0);",
            "fn f() { static HITS: AtomicU64 = AtomicU64::new(0); }",
        ] {
            assert_eq!(
                run(constant, "b", &mut History::default()).notes,
                [""; 0],
                "{constant}"
            );
        }
    }

    #[test]
    fn macros_that_define_statics_become_modules() {
        let mut history = History::default();
        let code = "thread_local! {\n    /// doc\n    static A: Cell<u8> = const { static B: u8 = 1; Cell::new(B) };\n    pub static C: u8 = 1;\n}\nA";
        let prepared = run(code, "a", &mut history);
        assert_eq!(
            prepared.code,
            "mod _statics_a { use super::*;\nthread_local! {\n    /// doc\n    pub(super) static A: Cell<u8> = const { static B: u8 = 1; Cell::new(B) };\n    pub static C: u8 = 1;\n} } use _statics_a::A; use _statics_a::C;\nA"
        );
        assert_eq!(prepared.notes.len(), 2);
        let lazy = run(
            "x; lazy_static! { static ref D: u8 = 1; }",
            "a",
            &mut history,
        );
        assert_eq!(
            lazy.code,
            "x; mod _statics_d { use super::*; lazy_static! { pub(super) static ref D: u8 = 1; } } use _statics_d::D;"
        );
    }
}
