//! What to do about an error of the compiler: advice on the mistakes of beginners, and on what is different in a notebook.

use super::diagnostic::Diagnostic;
use super::found::{Found, clean};
use super::place::Place;
use crate::front::names;
use crate::front::prelude::Prelude;
use crate::front::source::scan;
use crate::notebook;
use std::path::PathBuf;

/// What is known of the notebook.
pub(crate) struct Notebook<'a> {
    /// Number and source of the cells that were run; the last is the one that the error is about.
    pub cells: &'a [(u32, String)],
    /// The names of the labs' prelude.
    pub prelude: &'a Prelude,
    /// Its file, if the server says which it is.
    pub file: Option<PathBuf>,
}

/// A headline, and what to do.
pub(crate) struct Told {
    pub headline: String,
    pub next: Option<String>,
}

impl Notebook<'_> {
    /// The number of the cell that the error is about.
    pub(crate) fn number(&self) -> u32 {
        self.cells.last().map_or(0, |(number, _)| *number)
    }

    /// The last cell before this one that defines `name`.
    fn definer(&self, name: &str) -> Option<u32> {
        let (_, earlier) = self.cells.split_last()?;
        let mut earlier = earlier.iter().rev();
        let found = earlier.find(|(_, source)| defines(source, name));
        found.map(|(number, _)| *number)
    }

    /// A name that is nearly `name`.
    fn nearest(&self, name: &str) -> Option<String> {
        let most = name.chars().count() / 3;
        let cells = self.cells.iter().rev();
        let of_cells = cells.flat_map(|(_, source)| names::defined(source));
        let known = of_cells
            .map(|known| known.name)
            .chain(self.prelude.keys().cloned());
        let near = known.map(|known| (distance(name, &known), known));
        let near = near.filter(|(distance, _)| (1..=most).contains(distance));
        near.min_by_key(|(distance, _)| *distance)
            .map(|(_, known)| known)
    }

    /// Which cell of the file, counted among those with code, defines `name` and was not run.
    fn not_run(&self, name: &str) -> Option<usize> {
        let notebook = notebook::read(self.file.as_ref()?).ok()?;
        let cells = notebook["cells"].as_array()?.iter();
        let mut code = cells
            .filter(|cell| cell["cell_type"] == "code")
            .map(|cell| notebook::joined(&cell["source"]));
        let found = code.position(|source| defines(&source, name))?;
        Some(found + 1)
    }
}

fn defines(source: &str, name: &str) -> bool {
    names::defined(source)
        .iter()
        .any(|known| known.name == name)
}

/// The headline of an error, and what to do about it.
pub(super) fn tell(found: &Found, notebook: &Notebook) -> Told {
    let said = &found.said.message;
    if found.said.code() == "E0597"
        && let Some((name, kind)) = found.kept()
    {
        return not_kept(name, kind);
    }
    if said.starts_with("linking with ") {
        return not_linked(found.said);
    }
    Told {
        headline: headline(found),
        next: next(found, notebook, said),
    }
}

fn headline(found: &Found) -> String {
    let said = clean(&found.said.message);
    // evcxr's own code comes after the cell, and its words mean nothing to a student.
    match said.split_once(", found") {
        Some((expected, _)) if !found.generated.is_empty() && found.said.code().is_empty() => {
            format!("{expected} here")
        }
        _ if said.is_empty() => "the cell does not fit what the notebook makes of it".into(),
        _ => said,
    }
}

/// The linker failed. Its own words stand among the remarks, after the command that ran it.
fn not_linked(said: &Diagnostic) -> Told {
    let remarks = said.children.iter().flat_map(|child| child.message.lines());
    // On a full disk, the linker gets a signal when it writes to the file that it has mapped.
    let words = [
        "No space left on device",
        "Bus error",
        "error: ",
        "undefined reference",
    ];
    let mut reasons = words.iter().filter_map(|word| {
        let line = remarks.clone().find(|line| line.contains(word))?;
        Some(
            line.rsplit_once("error: ")
                .map_or(line, |(_, reason)| reason)
                .trim(),
        )
    });
    let Some(reason) = reasons.next() else {
        return Told {
            headline: said.message.clone(),
            next: None,
        };
    };
    let full = words[..2].iter().any(|word| reason.contains(word));
    Told {
        headline: match full {
            true => format!("the cell cannot be linked; is the disk full? {reason}"),
            false => format!("the cell cannot be linked: {reason}"),
        },
        next: full
            .then(|| "Make room, and run the cell again: your variables are still there.".into()),
    }
}

/// A variable that borrows from another one: evcxr keeps only values that can live forever.
fn not_kept(name: &str, kind: &str) -> Told {
    let is_guard = kind.contains("Guard");
    let what = match is_guard {
        true => format!("`{name}` holds a lock, and no lock is held from one cell to the next"),
        false => {
            format!("`{name}` borrows from another variable, and cannot be kept for later cells")
        }
    };
    let next = match is_guard {
        true => format!(
            "Put braces around the lines that need the lock: `{{ let {name} = …; … }}`. It is released at the closing brace."
        ),
        false => format!(
            "Put braces around the lines that use it: `{{ let {name} = …; … }}`. Or keep a copy of the value, with `.clone()` or \
             `.to_owned()`."
        ),
    };
    Told {
        headline: what,
        next: Some(next),
    }
}

/// Whether a cell can use the crate `name` without asking for it.
fn is_there(name: &str, notebook: &Notebook) -> bool {
    ["std", "core", "alloc"].contains(&name) || notebook.prelude.values().any(|of| of == name)
}

fn next(found: &Found, notebook: &Notebook, said: &str) -> Option<String> {
    let mut named = said.split('`').skip(1).step_by(2);
    let (first, second) = (
        named.next().unwrap_or_default(),
        named.next().unwrap_or_default(),
    );
    let code = found.said.code();
    if let Some(python) = found
        .places
        .first()
        .and_then(|(place, _)| python(place.source, place.line(), said))
    {
        return Some(python);
    }
    match code {
        "E0425" | "E0412" | "E0405" | "E0422" | "E0574" => Some(missing(first, found, notebook, said)),
        "E0423" | "E0433" if said.starts_with("cannot find") => Some(missing_crate(first, notebook)),
        "E0432" if is_there(first.split("::").next().unwrap_or_default(), notebook) => {
            Some("Is the path spelled right? Press Tab after `::` to see what there is.".into())
        }
        "E0432" => Some(format!(
            "Is the path spelled right? Press Tab after `::` to see what there is. A crate from crates.io needs a line before it: \
             `:dep {} = \"1\"`.",
            first.split("::").next().unwrap_or(first)
        )),
        "E0434" => Some("A function does not see the variables of the notebook. Give it the value as a parameter.".into()),
        "E0594" | "E0596" if said.contains("captured variable in a `Fn` closure") || said.contains("`Fn` closure") => {
            Some(format!(
                "A worker is a process of its own, and would change only its own copy of `{first}`. For a number that all workers \
                 change write `let {first} = Value::new(0u64)?;` and, in the worker, `*{first}.lock() += 1;`."
            ))
        }
        "E0384" | "E0596" | "E0594" => Some(match notebook.definer(first) {
            Some(number) if !defines(&notebook.cells.last()?.1, first) => format!(
                "A variable can change only if it is made with `let mut {first} = …`: that is in cell [{number}]."
            ),
            _ => format!("A variable can change only if it is made with `mut`: write `let mut {first} = …`."),
        }),
        "E0382" => Some(moved(first, found)),
        "E0499" | "E0502" | "E0505" | "E0506" => Some(
            "A value cannot change while it is borrowed. Use the borrow for the last time before the change, or keep a copy, `.clone()`.".into(),
        ),
        "E0369" => Some(match said.contains("&str") || said.contains("String") {
            true => "Texts are put together with `format!(\"{a}{b}\")`. To calculate with a text, make a number of it: `text.parse::<f64>()?`.".into(),
            false => "Both sides must be of types that go together. Is one of them still an `Option` or a `Result`? Then take out its value with `?`.".into(),
        }),
        "E0373" => Some("Write `move` before the closure: `move |…| …`. It then owns what it uses.".into()),
        "E0308" => mismatched(found),
        "E0277" if is_number(first) && is_number(second) => Some(convert(found.places.first()?.0.text(), first)),
        "E0277" => unsatisfied(notebook, said, first),
        "E0599" | "E0609" | "E0610" if found.said.children.iter().all(|child| !child.message.contains("similar name")) => {
            Some("Press Tab after the dot to see what there is.".into())
        }
        "E0061" | "E0107" => Some("Press Shift+Tab between the brackets to see what it wants.".into()),
        "E0282" | "E0283" | "E0284" => Some(format!(
            "Say the type when you make it, as in `let {}: Vec<u32> = …;`.",
            found.places.first().map_or("x", |(place, _)| place.text()).trim()
        )),
        "E0728" => Some("Write `.await` in the cell itself or in an `async fn`.".into()),
        "E0765" | "E0766" | "E0758" => Some("Write the closing mark, `\"`, where the text ends.".into()),
        "unconditional_panic" => Some("First check that it can be done, with `if`, or use `checked_div` or `get`, which give `None` where it cannot.".into()),
        "arithmetic_overflow" | "overflowing_literals" => Some("Use a larger type, such as `u64` or `i64`.".into()),
        "" => syntax(found, said),
        _ => None,
    }
}

/// A mistake of syntax.
fn syntax(found: &Found, said: &str) -> Option<String> {
    let (place, _) = found.places.first()?;
    if said.contains("positional argument") {
        return Some("Each `{}` in the text needs a value after it, and each value a `{}`.".into());
    }
    if said.contains("unclosed delimiter") {
        return Some(
            "A bracket opens here and is never closed. Write the one that is missing.".into(),
        );
    }
    if said.starts_with("unexpected closing delimiter") || said.starts_with("mismatched closing") {
        return Some("Each bracket needs its partner: there is one too many here, or one is missing before it.".into());
    }
    // If one word follows another, the first is most often a misspelled keyword.
    let line = place
        .source
        .lines()
        .nth(place.line() - 1)
        .unwrap_or_default()
        .trim_start();
    let first = line
        .split(|character: char| !character.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let rest = line[first.len()..].trim_start();
    if said.starts_with("expected")
        && rest.starts_with(char::is_alphabetic)
        && !names::is_keyword(first)
    {
        let near = names::KEYWORDS
            .iter()
            .map(|word| (distance(first, word), word));
        if let Some((_, word)) = near
            .filter(|(distance, _)| *distance <= 2 && first.len() > 1)
            .min()
        {
            return Some(format!("Did you mean `{word}` instead of `{first}`?"));
        }
    }
    if said.contains("`;`") || said.contains("`let` expressions in this position") {
        return Some(format!(
            "Write `;` at the end of line {}: it ends a statement.",
            end_before(place)
        ));
    }
    None
}

/// The line on which the statement without its `;` ends.
fn end_before(place: &Place) -> usize {
    let before = place.source[..place.range.start].trim_end();
    let is_at_the_beginning = place.source[..place.range.start]
        .rsplit('\n')
        .next()
        .is_some_and(|line| line.trim().is_empty());
    match is_at_the_beginning && !before.is_empty() {
        true => before.matches('\n').count() + 1,
        false => place.line(),
    }
}

/// Advice on code that is Python.
fn python(source: &str, line: usize, said: &str) -> Option<String> {
    let line = source.lines().nth(line - 1)?.trim();
    let is_syntax = said.starts_with("expected") || said.contains("semicolon");
    let cannot =
        |name: &str| said.contains(&format!("`{name}`")) && said.starts_with("cannot find");
    let rust = match () {
        () if line.starts_with("def ") && is_syntax => {
            "a function is `fn name(x: u32) -> u32 { … }`"
        }
        () if line.starts_with("for ") && line.ends_with(':') => "a loop is `for i in 0..10 { … }`",
        () if line.starts_with("while ") && line.ends_with(':') => {
            "a loop is `while condition { … }`"
        }
        () if line.starts_with("import ") || line.starts_with("from ") => {
            "a name comes with `use path::name;`"
        }
        () if (line.starts_with("if ")
            || line.starts_with("elif ")
            || line.starts_with("else"))
            && line.ends_with(':') =>
        {
            "it is `if condition { … } else { … }`"
        }
        () if cannot("True") || cannot("False") => "it is `true` or `false`",
        () if cannot("range") => "numbers from 0 to 9 are `0..10`",
        () if cannot("len") => "the length of `v` is `v.len()`",
        () if cannot("str") => "text is made with `x.to_string()` or `format!(\"{x}\")`",
        () => return None,
    };
    Some(format!("That is Python. In Rust {rust}."))
}

/// A name that is not there.
fn missing(name: &str, found: &Found, notebook: &Notebook, said: &str) -> String {
    let Some((_, own)) = notebook.cells.last() else {
        return String::new();
    };
    if let Some((place, _)) = found.places.first() {
        let is_variable = said.starts_with("cannot find value");
        if is_variable
            && is_in_item(place)
            && (notebook.definer(name).is_some() || defines(own, name))
        {
            return format!(
                "A function does not see the variables of the notebook. Give it `{name}` as a parameter."
            );
        }
    }
    if !defines(own, name)
        && let Some(number) = notebook.definer(name)
    {
        return format!(
            "Cell [{number}] defines `{name}`, but it is not there: that cell did not run to its end, another cell has taken the value \
             (moved it), or the variables were lost. Run cell [{number}] again."
        );
    }
    if notebook.definer(name).is_none()
        && let Some(nth) = notebook.not_run(name).filter(|_| !defines(own, name))
    {
        return format!(
            "The notebook defines `{name}` in its cell {nth} with code, which has not run. Run that one first."
        );
    }
    let similar = found
        .said
        .children
        .iter()
        .find(|child| child.message.contains("similar name"));
    let similar = similar.and_then(|child| child.spans.first()?.suggested_replacement.clone());
    let similar = similar.filter(|similar| distance(name, similar) <= name.chars().count() / 3);
    if let Some(near) = similar.or_else(|| notebook.nearest(name)) {
        let near = near
            .trim_end_matches(|character: char| !character.is_alphanumeric())
            .to_string();
        return match notebook.definer(&near) {
            Some(number) => format!("Did you mean `{near}`, which cell [{number}] defines?"),
            None => format!("Did you mean `{near}`?"),
        };
    }
    if defines(own, name) {
        return format!(
            "This cell defines `{name}`, but further down, or within braces that end before. Define it above."
        );
    }
    if !said.starts_with("cannot find value") && !said.starts_with("cannot find function") {
        return format!(
            "No cell that has run defines `{name}`. Is it spelled right? A name of the standard library needs its path, as in `use \
             std::collections::HashMap;`."
        );
    }
    let instead = match said.starts_with("cannot find function") {
        true => format!("fn {name}(…) {{ … }}"),
        false => format!("let {name} = …;"),
    };
    format!(
        "No cell that has run defines `{name}`. Is it spelled right? If it is new, define it first: `{instead}`."
    )
}

/// Whether a place is in an item, such as a function, rather than in a statement.
fn is_in_item(place: &Place) -> bool {
    let tokens = scan::tokens(place.source);
    let statements = scan::statements(&tokens);
    statements.into_iter().flatten().any(|statement| {
        matches!(
            statement.kind,
            scan::Kind::Function | scan::Kind::Impl | scan::Kind::Trait | scan::Kind::Module
        ) && (statement.start()..statement.end()).contains(&place.range.start)
    })
}

fn missing_crate(name: &str, notebook: &Notebook) -> String {
    if let Some(near) = notebook.nearest(name) {
        return format!("Did you mean `{near}`?");
    }
    match name.starts_with(char::is_uppercase) {
        true => format!(
            "No type `{name}` is known. Is it spelled right, or does it need a `use` with its path?"
        ),
        false => format!(
            "There is no module or crate `{name}` here. Is it spelled right? A crate from crates.io needs a line at the beginning: \
             `:dep {name} = \"1\"`."
        ),
    }
}

fn moved(name: &str, found: &Found) -> String {
    let is_workers = found
        .places
        .iter()
        .any(|(_, said)| said.contains("`Workers<"));
    match is_workers {
        true => format!(
            "Workers can be joined once. Keep the report, `let report = {name}.join()?;`, and use that."
        ),
        false => format!(
            "A value has one owner, and `{name}` was given away before. Lend it instead, with `&{name}`, or give away a copy: \
             `{name}.clone()`."
        ),
    }
}

const NUMBERS: [&str; 14] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64",
];

fn is_number(kind: &str) -> bool {
    NUMBERS.contains(&kind)
}

/// `text` as a number of the type `wanted`.
fn convert(text: &str, wanted: &str) -> String {
    let text = match text
        .chars()
        .all(|character| character.is_alphanumeric() || character == '_')
    {
        true => text.to_string(),
        false => "(…)".to_string(),
    };
    format!(
        "Rust does not mix types of numbers. Write `{text} as {wanted}`, which cuts off what does not fit, or give both the same type \
         where they are made."
    )
}

fn mismatched(found: &Found) -> Option<String> {
    let (place, label) = found.places.first()?;
    let (expected, rest) = label.strip_prefix("expected ")?.split_once(", found ")?;
    let (expected, given) = (expected.trim_matches('`'), rest.trim_matches('`'));
    if is_number(expected) && is_number(given) {
        return Some(convert(place.text(), expected));
    }
    let is_integer = is_number(expected) && !expected.starts_with('f');
    if is_integer && given == "floating-point number" {
        return Some(format!(
            "A `{expected}` has no decimals. Write a whole number, or use the type `f64`."
        ));
    }
    if expected.starts_with('f') && is_number(expected) && given == "integer" {
        return Some(format!(
            "A `{expected}` is written with a point: `{}.0`.",
            place.text()
        ));
    }
    let has_suggestion = found.said.children.iter().any(|child| {
        child
            .spans
            .iter()
            .any(|span| span.suggested_replacement.is_some())
    });
    (!has_suggestion).then(|| {
        format!(
            "Write a value of the type `{expected}` here, or change the type that is asked for."
        )
    })
}

/// Advice on a type that lacks a trait.
fn unsatisfied(notebook: &Notebook, said: &str, first: &str) -> Option<String> {
    let (kind, wanted) = first.split_once(": ").unwrap_or((first, ""));
    if wanted.contains("Serialize") || wanted.contains("Deserialize") {
        return Some(match kind {
            "!" => {
                "This worker never returns, so say what it would return: `|w| -> () { … }`.".into()
            }
            kind => format!(
                "What a worker returns travels through a pipe, and a type of your own must say how. Return numbers, texts or a tuple \
                 such as `(1, 2.5)`; or write `#[derive(serde::Serialize, serde::Deserialize)]` above `{kind}`{}, and `:dep serde = {{ \
                 version = \"1\", features = [\"derive\"] }}` in the cell's first line.",
                in_cell(kind, notebook)
            ),
        });
    }
    if said.contains("doesn't implement") {
        return Some(match said.contains("Debug") {
            true => format!(
                "Write `#[derive(Debug)]` above the definition of `{kind}`{}.",
                in_cell(kind, notebook)
            ),
            false => format!(
                "`{{}}` shows only what says how it reads. Write `{{:?}}` instead; a type of your own then needs `#[derive(Debug)]` above its \
                 definition{}.",
                in_cell(kind, notebook)
            ),
        });
    }
    if said.contains("the `?` operator can only be used") {
        return Some("A `?` hands the error on, so the function must return one: `fn name() -> Result<(), Box<dyn std::error::Error>> { …; Ok(()) }`.".into());
    }
    None
}

/// Words that name the cell in which a type is defined, if it is another cell.
fn in_cell(name: &str, notebook: &Notebook) -> String {
    let is_here = notebook
        .cells
        .last()
        .is_some_and(|(_, source)| defines(source, name));
    match notebook.definer(name) {
        Some(number) if !is_here => format!(" (cell [{number}])"),
        _ => String::new(),
    }
}

/// How many characters must be changed, added or left out to turn one word into the other. Exchanging two neighbours counts as one change.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 3 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let change = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// What evcxr says about a variable that it cannot keep, in our words. `source` is the cell.
pub(crate) fn of_a_variable(said: &str) -> Option<Told> {
    let name = said.split('`').nth(1)?;
    if said.contains("is a closure") {
        return Some(Told {
            headline: format!(
                "`{name}` is a closure, and a notebook cannot keep one for later cells"
            ),
            next: Some(format!(
                "Write a function instead: `fn {name}(…) -> … {{ … }}`. Or put braces around all lines that use it: `{{ let {name} = …; … }}`."
            )),
        });
    }
    if said.starts_with("Couldn't automatically determine type") {
        return Some(Told {
            headline: format!("the type of `{name}` is not known"),
            next: Some(format!("Say it: `let {name}: … = …;`.")),
        });
    }
    None
}

/// What to do about a panic.
pub(crate) fn of_a_panic(said: &str) -> Option<String> {
    let next = match said {
        said if said.starts_with("attempt to divide by zero")
            || said.contains("with a divisor of zero") =>
        {
            "First check that the divisor is not 0, or use `checked_div`, which then gives `None`."
        }
        said if said.starts_with("attempt to ") && said.ends_with("with overflow") => {
            "The result does not fit its type. Use a larger one, such as `u64` or `i64`, or `checked_sub` and its like, which then give `None`."
        }
        said if said.starts_with("index out of bounds") => {
            "The first element has the index 0 and the last one `len() - 1`. `get(i)` gives `None` where there is none."
        }
        said if said.starts_with("called `Result::unwrap()`") => {
            "`unwrap` panics where there is an error. Write `?` instead: then the cell ends with the error itself."
        }
        said if said.starts_with("called `Option::unwrap()`") => {
            "`unwrap` panics on `None`. Ask before with `if let Some(value) = …`, or say what else it is: `.unwrap_or(…)`."
        }
        _ => return None,
    };
    Some(next.into())
}

/// Where a cell makes the variable `name`.
pub(crate) fn let_of<'a>(number: u32, source: &'a str, name: &str) -> Option<Place<'a>> {
    let tokens = scan::tokens(source);
    let at = tokens
        .windows(2)
        .find(|pair| matches!(pair[0].text, "let" | "mut") && pair[1].text == name)?;
    Some(Place {
        number,
        source,
        range: at[1].start..at[1].end(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_near_by_their_letters() {
        for (one, other, expected) in [
            ("coutn", "count", 1),
            ("größer", "größe", 1),
            ("lte", "let", 1),
            ("", "ab", 2),
            ("same", "same", 0),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
