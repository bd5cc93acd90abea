//! `fn main`: no notebook calls it, and nobody looks at the error that it returns.

use super::edit::Edit;
use super::scan::{Kind, Statement};

/// What turns an error that `main` returns into the cell's.
pub(super) type Failing = &'static str;

/// Tells the student about a `main` that is defined but not called. If `main` returns a `Result`, an error makes the cell that calls it
/// fail.
pub(super) fn apply(
    statements: &[Statement],
    known: &mut Option<Failing>,
    edit: &mut Edit,
    notes: &mut Vec<String>,
) {
    let defined = statements
        .iter()
        .find(|statement| statement.kind == Kind::Function && statement.name == Some("main"));
    if let Some(defined) = defined {
        *known = failing(defined);
        if !statements.iter().any(calls) {
            notes.push(
                "`main` is not called by itself in a notebook. Write `main()` as the last line to call it, or its statements \
                 without the function around them."
                    .into(),
            );
        }
    }
    if let (Some(failing), Some(last)) = (known, statements.last())
        && let [main, open, close, rest @ ..] = &last.tokens[last.head..]
        && [main.text, open.text, close.text] == ["main", "(", ")"]
        && (rest.is_empty() || rest.len() == 1 && rest[0].text == ";")
    {
        edit.insert(close.end(), failing);
    }
}

/// Whether a statement calls `main`.
fn calls(statement: &Statement) -> bool {
    let words: Vec<&str> = statement.words().collect();
    (0..words.len()).any(|at| {
        words[at] == "main" && words.get(at + 1) == Some(&"(") && (at == 0 || words[at - 1] != "fn")
    })
}

/// What to write after the call of a `main` that returns a `Result`.
fn failing(main: &Statement) -> Option<Failing> {
    let words: Vec<&str> = main.words().collect();
    let arrow = words.windows(2).position(|pair| pair == ["-", ">"])?;
    let body = words.iter().position(|&word| word == "{")?;
    let returned = words.get(arrow + 2..body)?;
    if !returned.contains(&"Result") {
        return None;
    }
    // The student's own error type may implement only `Debug`, since `main` needs no more.
    let is_readable = |word: &&str| {
        matches!(*word, "dyn" | "io" | "anyhow" | "fmt" | "String" | "str")
            || word.ends_with("Error") && returned.contains(&"std")
    };
    if returned.iter().any(is_readable) {
        Some("?")
    } else {
        Some(".map_err(|error| format!(\"{error:?}\"))?")
    }
}

#[cfg(test)]
mod tests {
    use super::super::History;
    use super::super::tests::run;

    #[test]
    fn a_main_that_nobody_calls_is_told() {
        for (code, is_told) in [
            ("fn main() { println!(\"1\"); }", true),
            ("use a::b;\nfn main() {}\nfn f() {}", true),
            ("fn main() {}\nmain();", false),
            ("fn main() {}\nlet a = main();", false),
            ("fn domain() {}", false),
        ] {
            let notes = run(code, "a", &mut History::default()).notes;
            assert_eq!(!notes.is_empty(), is_told, "{code}");
        }
    }

    #[test]
    fn the_error_of_main_is_the_cells() {
        let mut history = History::default();
        let mut code = |code: &str| run(code, "a", &mut history).code;
        let boxed = "fn main() -> Result<(), Box<dyn Error>> { Ok(()) }\n";
        assert_eq!(code(&format!("{boxed}main()")), format!("{boxed}main()?"));
        assert_eq!(code("main();"), "main()?;");
        assert_eq!(code("main()\n// end"), "main()?\n// end");
        assert_eq!(code("let a = main();"), "let a = main();");
        assert_eq!(code("main(); 1"), "main(); 1");
        code("fn main() -> Result<(), Mine> { Ok(()) }");
        assert_eq!(
            code("main()"),
            "main().map_err(|error| format!(\"{error:?}\"))?"
        );
        code("fn main() {}");
        assert_eq!(code("main()"), "main()");
    }
}
