//! Questions about code: completion and inspection.
//!
//! evcxr answers them with rust-analyzer, in the process and under the lock that cells need. A panic there would poison the
//! lock, and a cell that runs would keep every answer waiting. So evcxr is asked only for what it alone knows, where it
//! cannot panic ([`cursor`] says why), and only while no cell runs. The front answers all the rest at once.

mod cursor;
mod known;
mod order;
mod words;

use super::message::Message;
use super::names::{Kind, Name, defined, in_scope};
use super::prelude;
use crate::place::Place;
use cursor::{Asked, Spot, hovered, spot};
pub(super) use known::Known;
use order::Names;
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::OnceLock;
use unicode_segmentation::UnicodeSegmentation;

/// Whether to ask evcxr everything, as if there were no front: for comparison, and to provoke its panic.
fn all_to_evcxr() -> bool {
    static ALL: OnceLock<bool> = OnceLock::new();
    *ALL.get_or_init(|| std::env::var_os("LABS_COMPLETE").is_some_and(|value| value == "evcxr"))
}

/// The front's own answer to `request`, if that is about code; `None` if evcxr must answer. `cells` are all cells that were run, and
/// `known` is what evcxr has answered since the last one.
pub(super) fn answer(
    request: &Message,
    cells: &[(u32, String)],
    place: &Place,
    known: &Known,
    evcxr_is_free: bool,
) -> Option<Value> {
    if all_to_evcxr() {
        return None;
    }
    let kept = || {
        let answer = known.find(&for_evcxr(request))?;
        Some(from_evcxr(request, answer.clone(), cells, place))
    };
    let code = request.text("code");
    let cursor = cursor_of(request);
    match request.kind() {
        "complete_request" => match spot(code, cursor) {
            Spot::Member(asked) => {
                let none = || completions(code, asked.start..cursor, &[]);
                kept().or_else(|| (!evcxr_is_free).then(none))
            }
            spot => {
                let (start, known) = candidates(&spot, code, cells, place);
                let range = start.unwrap_or(cursor)..cursor;
                Some(completions(
                    code,
                    range.clone(),
                    &chosen(known, &code[range]),
                ))
            }
        },
        "inspect_request" => match hovered(code, cursor) {
            Some(_) => kept().or_else(|| (!evcxr_is_free).then(not_found)),
            None => Some(not_found()),
        },
        _ => None,
    }
}

/// `request` as evcxr takes it: a question about code with the code prepared, and the place in graphemes.
pub(super) fn for_evcxr(request: &Message) -> Message {
    let mut message = request.clone();
    if let Some(asked) = asked(request) {
        message.content["cursor_pos"] = graphemes(&asked.code[..asked.cursor]).into();
        message.content["code"] = asked.code.into();
    }
    message
}

/// evcxr's answer to `request` as Jupyter takes it: with places in code points of the cell, and the likeliest names first. `cells` are all
/// cells that were run.
pub(super) fn from_evcxr(
    request: &Message,
    content: Value,
    cells: &[(u32, String)],
    place: &Place,
) -> Value {
    let Some(asked) = asked(request) else {
        return content;
    };
    if request.kind() == "inspect_request" {
        return if content["status"] == "ok" {
            content
        } else {
            not_found()
        };
    }
    let code = request.text("code");
    let range = asked.start..cursor_of(request);
    let name = &code[range.clone()];
    // Otherwise the answer is about something other than the name at the cursor, or an error, which nobody wants to see while typing.
    let cursor = graphemes(&asked.code[..asked.cursor]);
    let is_for_the_name = content["status"] == "ok"
        && content["cursor_start"] == cursor
        && content["cursor_end"] == cursor;
    if !is_for_the_name {
        return completions(code, range, &[]);
    }
    let types = content["metadata"]["_jupyter_types_experimental"].as_array();
    let matches = content["matches"].as_array().into_iter().flatten();
    let matches = matches.enumerate().filter_map(|(index, text)| {
        let about = types.and_then(|types| types.get(index));
        let about = |name: &str| Some(about?[name].as_str()?.to_string());
        let text = text.as_str()?.to_string();
        text.starts_with(name).then_some(())?;
        Some(Match {
            label: about("text").unwrap_or_else(|| text.clone()),
            kind: about("type").unwrap_or_default(),
            text,
        })
    });
    let mut matches: Vec<Match> = matches.collect();
    let own = Names::of(cells.iter().map(|(_, cell)| cell.as_str()).chain([code]));
    let is_cell = matches.iter().any(|found| found.text == "try_borrow()");
    let library = order::of_libraries(place);
    matches.sort_by_key(|found| order::rank(&found.text, &found.kind, &own, library, is_cell));
    completions(code, range, &matches)
}

/// The question for evcxr that answers `request`; `None` if the front does not prepare it.
fn asked(request: &Message) -> Option<Asked> {
    if all_to_evcxr() {
        return None;
    }
    match request.kind() {
        "complete_request" => match spot(request.text("code"), cursor_of(request)) {
            Spot::Member(asked) => Some(asked),
            _ => None,
        },
        "inspect_request" => hovered(request.text("code"), cursor_of(request)),
        _ => None,
    }
}

/// The byte of the code at which the cursor stands. The protocol counts code points. A number that is no place in the code stands for the
/// nearest one.
fn cursor_of(request: &Message) -> usize {
    let code = request.text("code");
    let position = match &request.content["cursor_pos"] {
        Value::Number(position) => position.as_f64().unwrap_or(f64::MAX),
        _ => f64::MAX,
    };
    let bytes = code.char_indices().map(|(byte, _)| byte);
    bytes
        .skip(position as usize)
        .chain([code.len()])
        .next()
        .unwrap_or(0)
}

fn graphemes(text: &str) -> usize {
    text.graphemes(true).count()
}

fn not_found() -> Value {
    json!({"status": "ok", "found": false, "data": {}, "metadata": {}})
}

/// One completion: what is inserted, what is shown, and Jupyter's word for what it is.
struct Match {
    text: String,
    label: String,
    kind: String,
}

/// A reply with `matches` for the bytes `range` of `code`.
fn completions(code: &str, range: Range<usize>, matches: &[Match]) -> Value {
    let start = code[..range.start].chars().count();
    let end = start + code[range].chars().count();
    let texts: Vec<&str> = matches.iter().map(|found| found.text.as_str()).collect();
    let types = matches
        .iter()
        .map(|found| json!({"text": found.label, "type": found.kind, "start": start, "end": end}));
    json!({
        "status": "ok",
        "matches": texts,
        "cursor_start": start,
        "cursor_end": end,
        "metadata": {"_jupyter_types_experimental": types.collect::<Vec<_>>()},
    })
}

/// Where the name at `spot` starts, and all names that the student might mean, the likeliest first.
fn candidates(
    spot: &Spot,
    code: &str,
    cells: &[(u32, String)],
    place: &Place,
) -> (Option<usize>, Vec<Name>) {
    let mut names = Vec::new();
    let start = match *spot {
        Spot::Nothing | Spot::Member(_) => return (None, names),
        Spot::Command(start) => {
            names.extend(words::commands());
            start
        }
        Spot::Attribute(start) => {
            names.extend(words::attributes());
            start
        }
        Spot::Crate(start) => {
            names.extend(in_cells(code, start, cells).filter(|name| name.kind == Kind::Module));
            names.extend(cells.iter().rev().flat_map(|(_, cell)| added_crates(cell)));
            names.extend(prelude::crates(place).iter().cloned());
            names.extend(words::crates());
            names.extend(["crate", "self", "super"].map(|word| Name::new(word, Kind::Keyword)));
            start
        }
        Spot::Name(start) | Spot::Pattern(start) => {
            names.extend(in_cells(code, start, cells));
            names.extend(prelude::names(place).iter().cloned());
            names.extend(words::standard());
            names.extend(prelude::crates(place).iter().cloned());
            names.extend(words::crates());
            names.extend(words::keywords());
            start
        }
    };
    if let Spot::Pattern(_) = spot {
        // Earlier variables are no help in a pattern, since a variable there is a new one. Variants are.
        names.retain(|name| {
            name.kind != Kind::Instance || name.name.starts_with(char::is_uppercase)
        });
    }
    (Some(start), names)
}

/// The names of this cell that are in scope at `start`, its items further down, and the names that earlier cells defined.
fn in_cells<'a>(
    code: &'a str,
    start: usize,
    cells: &'a [(u32, String)],
) -> impl Iterator<Item = Name> + 'a {
    let rust = cursor::start_of_rust(code);
    let here = in_scope(&code[rust.min(start)..start]);
    // The name that is being typed defines nothing yet.
    let below = code[start..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    let items = defined(below).into_iter();
    let items = items.filter(|name| name.kind != Kind::Instance);
    let earlier = cells
        .iter()
        .rev()
        .flat_map(|(_, cell)| defined(&cell[cursor::start_of_rust(cell)..]));
    here.into_iter().chain(items).chain(earlier)
}

/// The crates that the `:dep` lines of a cell add.
fn added_crates(cell: &str) -> impl Iterator<Item = Name> {
    let commands = cell[..cursor::start_of_rust(cell)].lines();
    commands.filter_map(|line| {
        let dependency = line.trim().strip_prefix(":dep ")?;
        let name = dependency.split(['=', ' ']).find(|part| !part.is_empty())?;
        let is_name = name
            .chars()
            .all(|c| c.is_alphanumeric() || "_-".contains(c));
        is_name.then(|| Name::new(&name.replace('-', "_"), Kind::Module))
    })
}

/// The names that begin like `prefix`, each once: first those that do so to the letter, last those that begin with `_`.
fn chosen(names: Vec<Name>, prefix: &str) -> Vec<Match> {
    let lower = prefix.to_lowercase();
    let (exact, rest): (Vec<Name>, Vec<Name>) = names
        .into_iter()
        .partition(|name| name.name.starts_with(prefix));
    let alike = rest
        .into_iter()
        .filter(|name| name.name.to_lowercase().starts_with(&lower));
    let mut matches: Vec<Match> = Vec::new();
    for Name { name, kind } in exact.into_iter().chain(alike) {
        let text = match kind {
            Kind::Macro => format!("{name}!"),
            _ => name,
        };
        if !matches.iter().any(|found| found.text == text) {
            matches.push(Match {
                label: text.clone(),
                kind: jupyter(kind).into(),
                text,
            });
        }
    }
    matches.sort_by_key(|found| found.text.bytes().take_while(|&byte| byte == b'_').count());
    matches
}

/// Jupyter's word; the page has an icon for each.
fn jupyter(kind: Kind) -> &'static str {
    match kind {
        Kind::Function => "function",
        Kind::Type => "class",
        Kind::Instance => "instance",
        Kind::Module => "module",
        Kind::Macro => "macro",
        Kind::Keyword => "keyword",
        Kind::Command => "magic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: &str, code: &str, cursor: Value) -> Message {
        Message::child(kind, None, json!({"code": code, "cursor_pos": cursor}))
    }

    /// The front's answer at the `^` of `code`.
    fn complete(code: &str, cells: &[(u32, String)]) -> Option<Value> {
        let cursor = code.chars().position(|c| c == '^').unwrap();
        let request = request("complete_request", &code.replace('^', ""), json!(cursor));
        answer(
            &request,
            cells,
            &Place::find().unwrap(),
            &Known::default(),
            true,
        )
    }

    fn matches(content: &Value) -> Vec<&str> {
        let matches = content["matches"].as_array().unwrap();
        matches.iter().map(|text| text.as_str().unwrap()).collect()
    }

    #[test]
    fn everyday_names_are_completed_by_the_front() {
        let cells = [
            (1, "let keep = 1; fn keen() {}\nmod inner {}".to_string()),
            (2, ":dep serde-json = \"1\"\nlet keeper = 2;".to_string()),
        ];
        for (code, expected) in [
            (
                "let keys = 3; if ke^",
                &["keys", "keeper", "keen", "keep"][..],
            ),
            ("let q: Option<u32> = Som^", &["Some"]),
            ("let x = 1;\nx^", &["x"]),
            ("prin^", &["println!", "print!"]),
            ("let w = Worke^", &["Worker", "Workers"]),
            ("worke^", &["Worker", "Workers"]),
            ("use ser^", &["serde_json"]),
            ("use labs^", &["labsupport"]),
            ("use inn^", &["inner"]),
            ("#[der^", &["derive"]),
            (":typ^", &[":type", ":types"]),
            ("let ke^", &["keen"]),
            ("fn later() {}\n^", &[]),
            ("lat^\nfn later() {}", &["later"]),
            ("contin^", &["continue"]),
        ] {
            let found = complete(code, &cells).unwrap();
            let found = matches(&found);
            if expected.is_empty() {
                assert_eq!(found[..3], ["later", "keeper", "inner"], "{code}");
            } else {
                assert_eq!(found, expected, "{code}");
            }
        }
    }

    #[test]
    fn text_comments_and_numbers_are_left_alone() {
        for code in [
            "\"pri^\"",
            "// pri^",
            "/* pri^ */",
            "12^",
            "fn pri^",
            "!pri^",
            "'p^",
        ] {
            let answer = complete(code, &[]).unwrap();
            assert!(matches(&answer).is_empty(), "{code}");
            assert_eq!(answer["cursor_start"], answer["cursor_end"], "{code}");
        }
    }

    #[test]
    fn places_are_code_points() {
        let answer = complete("let s = \"👩‍🚀e\u{301}\"; let größe = 1; grö^", &[]).unwrap();
        assert_eq!(matches(&answer), ["größe"]);
        // The astronaut is three code points, and é is two here.
        let typed = "let s = \"👩‍🚀e\u{301}\"; let größe = 1; ".chars().count();
        assert_eq!(answer["cursor_start"], typed);
        assert_eq!(answer["cursor_end"], typed + 3);
        let types = &answer["metadata"]["_jupyter_types_experimental"][0];
        let expected =
            json!({"text": "größe", "type": "instance", "start": typed, "end": typed + 3});
        assert_eq!(*types, expected);
    }

    #[test]
    fn evcxr_s_graphemes_become_code_points_and_back() {
        let code = "let s = \"👩‍🚀e\u{301}\"; foo(s.le";
        let request = request("complete_request", code, json!(code.chars().count()));
        assert!(
            answer(
                &request,
                &[],
                &Place::find().unwrap(),
                &Known::default(),
                true
            )
            .is_none()
        );
        let asked = for_evcxr(&request);
        assert_eq!(asked.text("code"), "let s = \"👩‍🚀e\u{301}\"; foo(({s.;}));");
        let start = graphemes("let s = \"👩‍🚀e\u{301}\"; foo(({s.");
        assert_eq!(start, "let s = \"AE\"; foo(({s.".len());
        assert_eq!(asked.content["cursor_pos"], start);
        let reply = |start: usize, end: usize| {
            let about =
                |text| json!({"text": text, "type": "function", "start": start, "end": end});
            json!({"status": "ok", "matches": ["is_empty()", "len()"], "cursor_start": start, "cursor_end": end,
                   "metadata": {"_jupyter_types_experimental": [about("is_empty()"), about("len()")]}})
        };
        let place = Place::find().unwrap();
        let answer = from_evcxr(&request, reply(start, start), &[], &place);
        assert_eq!(matches(&answer), ["len()"]);
        assert_eq!(answer["cursor_start"], code.chars().count() - 2);
        assert_eq!(answer["cursor_end"], code.chars().count());
        // An error is no completion, nor is an answer about something other than the name.
        for other in [
            reply(start - 1, start),
            json!({"status": "error"}),
            json!({}),
        ] {
            let answer = from_evcxr(&request, other, &[], &place);
            assert_eq!(
                (answer["status"].as_str(), matches(&answer).len()),
                (Some("ok"), 0)
            );
        }
    }

    #[test]
    fn names_are_offered_in_the_order_in_which_they_are_likely() {
        let place = Place::find().unwrap();
        let code = "let p = Pair::new(); p.";
        let cells = [(1, "struct Pair { lefthand: u32, segment: u32 }".to_string())];
        let request = request("complete_request", code, json!(code.len()));
        let asked = for_evcxr(&request);
        let at = &asked.content["cursor_pos"];
        let names = [
            ("__part", "instance"),
            ("_spare", "instance"),
            ("lefthand", "instance"),
            ("try_into()", "function"),
            ("segment", "instance"),
            ("area()", "function"),
        ];
        let texts = names.map(|(text, _)| text);
        let types = names.map(|(text, kind)| json!({"text": text, "type": kind}));
        let said = json!({"status": "ok", "matches": texts, "cursor_start": at, "cursor_end": at,
                          "metadata": {"_jupyter_types_experimental": types}});
        let order = [
            "lefthand",
            "segment",
            "area()",
            "try_into()",
            "_spare",
            "__part",
        ];
        let answer = from_evcxr(&request, said.clone(), &cells, &place);
        assert_eq!(matches(&answer), order);
        // The labs' library has a private field of that name; here no cell has one.
        let order = [
            "lefthand",
            "area()",
            "try_into()",
            "segment",
            "_spare",
            "__part",
        ];
        let answer = from_evcxr(&request, said, &[], &place);
        assert_eq!(matches(&answer), order);
    }

    #[test]
    fn names_that_begin_with_an_underscore_come_last() {
        let cells = [(
            1,
            "let _idle = 1; let later = 2; let __inner = 3;".to_string(),
        )];
        let found = complete("^", &cells).unwrap();
        let found = matches(&found);
        let place = |name| found.iter().position(|&other| other == name).unwrap();
        assert!(place("later") < place("println!"));
        assert!(place("println!") < place("_idle"));
        assert!(place("_idle") < place("__inner"));
        assert_eq!(
            matches(&complete("_^", &cells).unwrap()),
            ["_idle", "__inner"]
        );
    }

    #[test]
    fn any_position_is_a_place() {
        let place = Place::find().unwrap();
        for kind in ["complete_request", "inspect_request"] {
            for cursor in [
                json!(-1),
                json!(1e300),
                json!(2.5),
                json!("3"),
                json!(null),
                json!([]),
                json!(u64::MAX),
            ] {
                for code in ["", "é.x", "let x = y;", "\0"] {
                    let request = request(kind, code, cursor.clone());
                    let answer = answer(&request, &[], &place, &Known::default(), false).unwrap();
                    assert_eq!(answer["status"], "ok", "{kind} {cursor} {code}");
                    for_evcxr(&request);
                }
            }
            let nothing = Message::child(kind, None, json!({}));
            assert_eq!(
                answer(&nothing, &[], &place, &Known::default(), true).unwrap()["status"],
                "ok"
            );
        }
        assert_eq!(cursor_of(&request("", "é.x", json!(1))), 2);
        assert_eq!(cursor_of(&request("", "é.x", json!(-5))), 0);
        assert_eq!(cursor_of(&request("", "é.x", json!("?"))), 4);
    }

    #[test]
    fn while_a_cell_runs_evcxr_is_not_waited_for() {
        let place = Place::find().unwrap();
        for kind in ["complete_request", "inspect_request"] {
            let request = request(kind, "v.le", json!(4));
            assert!(answer(&request, &[], &place, &Known::default(), true).is_none());
            assert_eq!(
                answer(&request, &[], &place, &Known::default(), false).unwrap()["status"],
                "ok"
            );
        }
    }
}
