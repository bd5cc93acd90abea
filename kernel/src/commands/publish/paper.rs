//! What a teacher prints: a sheet for each lab with the questions that are asked before its runs, and the steps of its protocols as cards.
//!
//! Both are read from the notebooks, so they ask what the labs ask. Nothing that a cell has shown is on them, and nothing that explains it.

use super::deck::markup;
use super::lab::{Lab, id, markdown, source, with_formulas, with_links};
use super::page::{Kind, Page};
use anyhow::Result;
use labsupport::cell::escape;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a question begins with.
const PREDICT: &str = "**Predict.**";

/// The pages to print, as far as the labs have anything to put on them.
pub(super) fn pages(labs: &[Lab]) -> Result<Vec<Page>> {
    let all = [
        (
            "predictions",
            "A sheet for the predictions of each lab",
            sheets(labs)?,
        ),
        (
            "cards",
            "The steps of the protocols, as cards to act out",
            cards(labs),
        ),
    ];
    let used = all.into_iter().filter(|(_, _, cells)| !cells.is_empty());
    let pages = used.map(|(name, title, cells)| Page {
        name: name.into(),
        title: title.into(),
        notebook: labs[0].with_cells(cells),
        kind: Kind::Paper,
    });
    Ok(pages.collect())
}

/// The cells of the sheets; none if the labs ask nothing.
fn sheets(labs: &[Lab]) -> Result<Vec<Value>> {
    let mut cells = Vec::new();
    for lab in labs.iter().filter(|lab| !lab.is_lecture()) {
        let asked = asked(lab)?;
        if asked.is_empty() {
            continue;
        }
        cells.push(markup(&format!(
            "<article class=\"sheet\">\n<h1>{}</h1>\n<p class=\"name\">Name <span class=\"line\"></span> Machine, cores \
             <span class=\"line\"></span></p>",
            escape(&lab.title)
        )));
        for (number, asked) in (1..).zip(asked) {
            if let Some(section) = asked.section {
                let heading = format!("{}-above-{number}", lab.name);
                cells.push(markdown(&heading, &format!("## {section}")));
            }
            cells.push(markup("<div class=\"question\">"));
            let question = format!("{}-{number}", lab.name);
            cells.push(markdown(
                &question,
                &format!("**{number}.** {}", asked.text),
            ));
            cells.push(markup(&format!("{}</div>", asked.blanks)));
        }
        cells.push(markup("</article>"));
    }
    Ok(cells)
}

/// A question of a lab.
struct Asked {
    /// The heading above it, if no other question stands below that.
    section: Option<String>,
    text: String,
    /// Where the guess goes, as HTML.
    blanks: String,
}

fn asked(lab: &Lab) -> Result<Vec<Asked>> {
    let mut all: Vec<Asked> = Vec::new();
    let mut section = None;
    for cell in lab.cells() {
        let text = source(cell);
        if cell["cell_type"] != "markdown" {
            // The cell of a guess stands between the question and the run.
            if let Some(last) = all.last_mut()
                && id(cell).starts_with("guess-")
            {
                last.blanks = blanks(&text, &last.text);
            }
            continue;
        }
        let heading = text.lines().find_map(|line| line.strip_prefix("## "));
        section = heading
            .map(|heading| without_minutes(heading).into())
            .or(section);
        for paragraph in text.split("\n\n") {
            if let Some(question) = paragraph.strip_prefix(PREDICT) {
                let question = with_formulas(&with_links(question.trim(), &[]))?;
                all.push(Asked {
                    section: section.take(),
                    blanks: lines(&question),
                    text: question,
                });
            }
        }
    }
    Ok(all)
}

fn without_minutes(heading: &str) -> &str {
    heading.split(" *(").next().unwrap_or(heading)
}

/// A place for each guess that the cell takes: a number with its unit, or the pad of a curve.
fn blanks(code: &str, question: &str) -> String {
    let line = "<span class=\"number\"></span>";
    let guesses: Vec<[String; 2]> = calls(code, "predict(")
        .filter_map(|texts| texts.try_into().ok())
        .collect();
    let unit = |guess: &str| escape(guess.trim_start_matches('?').trim());
    let pads = calls(code, "sketch(").filter_map(|texts| pad(texts.first()?));
    let blanks = match &guesses[..] {
        [] => String::new(),
        [[_, guess]] => format!("<p class=\"blank\">{line} {}</p>", unit(guess)),
        several => {
            let rows = several.iter().map(|[asked, guess]| {
                let asked = asked
                    .split_once(": ")
                    .map_or(asked.as_str(), |(_, asked)| asked);
                format!(
                    "<p class=\"blank\">{} {line} {}</p>",
                    escape(asked),
                    unit(guess)
                )
            });
            format!("<div class=\"blanks\">{}</div>", rows.collect::<String>())
        }
    };
    // A question may ask for more than what goes into the cell.
    let more = if question.matches('?').count() > 1 {
        lines("")
    } else {
        String::new()
    };
    let pads: String = pads.collect();
    match blanks.is_empty() && pads.is_empty() {
        true => lines(question),
        false => blanks + &pads + &more,
    }
}

/// The empty pad.
fn pad(name: &str) -> Option<String> {
    let sketch = lessons::sketch(name, "?").ok()?;
    let svg = sketch.pad().svg().ok()?;
    Some(format!("<figure class=\"pad\">{svg}</figure>"))
}

/// A line to write on for each question mark, three at most.
fn lines(question: &str) -> String {
    let count = question.matches('?').count().clamp(1, 3);
    "<p class=\"line\"></p>".repeat(count)
}

/// The texts between quotes in each call of `function`, whose name ends with a bracket.
fn calls<'a>(code: &'a str, function: &'a str) -> impl Iterator<Item = Vec<String>> + 'a {
    code.match_indices(function).map(move |(at, _)| {
        let inside = &code[at + function.len()..];
        texts(&inside[..within(inside)])
    })
}

fn texts(code: &str) -> Vec<String> {
    code.split('"')
        .skip(1)
        .step_by(2)
        .map(String::from)
        .collect()
}

/// How long `code` is up to the bracket that ends what it is in.
fn within(code: &str) -> usize {
    let (mut depth, mut in_text) = (0, false);
    for (at, letter) in code.char_indices() {
        match letter {
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The cards, as one cell; none if the labs have no protocol.
fn cards(labs: &[Lab]) -> Vec<Value> {
    let mut pages = Vec::new();
    for lab in labs.iter().filter(|lab| !lab.is_lecture()) {
        let mut section = String::new();
        for cell in lab.cells() {
            let text = source(cell);
            if cell["cell_type"] == "markdown" {
                if let Some(heading) = text.lines().find_map(|line| line.strip_prefix("## ")) {
                    section = without_minutes(heading).into();
                }
                continue;
            }
            let heading = format!("{} · {}", lab.title, section.replace('`', ""));
            pages.extend(
                protocols(&text)
                    .iter()
                    .map(|protocol| protocol.page(&heading)),
            );
        }
    }
    match pages.is_empty() {
        true => Vec::new(),
        false => vec![markup(&pages.concat())],
    }
}

/// A protocol: what each worker does.
struct Protocol {
    name: String,
    workers: Vec<Vec<Card>>,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
struct Card {
    name: String,
    does: String,
}

/// The protocols that a cell defines. Several `let`s are the workers of one protocol; everything else is what two workers do alike.
fn protocols(code: &str) -> Vec<Protocol> {
    const NEW: &str = "Steps::new()";
    let found: Vec<(&str, Vec<Card>)> = (code.match_indices(NEW))
        .map(|(at, _)| (name_before(&code[..at]), steps(&code[at + NEW.len()..])))
        .filter(|(_, cards)| !cards.is_empty())
        .collect();
    if found.len() > 1 && code.matches("let ").count() == found.len() {
        return vec![Protocol {
            name: String::new(),
            workers: found.into_iter().map(|(_, cards)| cards).collect(),
        }];
    }
    let alike = |(name, cards): (&str, Vec<Card>)| Protocol {
        name: name.replace('_', " ").trim_start_matches("model ").into(),
        workers: vec![cards.clone(), cards],
    };
    found.into_iter().map(alike).collect()
}

/// The name in `let name =`, or in `("name",`.
fn name_before(code: &str) -> &str {
    let code = code.trim_end().trim_end_matches(['=', ',']).trim_end();
    match code.strip_suffix('"') {
        Some(code) => code.rsplit('"').next().unwrap_or_default(),
        None => code.rsplit(' ').next().unwrap_or_default(),
    }
}

/// The steps of `.look("look").lock()…`.
fn steps(mut code: &str) -> Vec<Card> {
    let mut cards = Vec::new();
    while let Some((method, rest)) = code
        .trim_start()
        .strip_prefix('.')
        .and_then(|rest| rest.split_once('('))
    {
        let end = within(rest);
        let name = texts(&rest[..end]).first().cloned().unwrap_or_default();
        let does = does(&rest[..end]);
        code = rest.get(end + 1..).unwrap_or_default();
        let card = |name: &str, does: String| Card {
            name: name.into(),
            does,
        };
        match method {
            "leave_if" => cards.push(card(&name, format!("if {does}: leave"))),
            "look" => cards.push(card(&name, "if found == 1: leave".into())),
            "write" => cards.push(card(&name, does)),
            "lock" => cards.push(card(
                "lock",
                "wait until nobody has the lock, and take it".into(),
            )),
            "unlock" => cards.push(card("unlock", "give the lock back".into())),
            "set_found" => cards.push(card("set found", "found = 1".into())),
            "swap_found" => cards.push(card(
                "compare-and-swap",
                "in one step: if found is 0, make it 1; if not, leave".into(),
            )),
            "write_result" => cards.extend([
                card("write finder", "finder = me".into()),
                card("write answer", "answer = 100 * me".into()),
                card("count me", "writers += 1".into()),
            ]),
            _ => return cards,
        }
    }
    cards
}

/// What a closure does, as it stands in the cell, with `s["word"]` as the word.
fn does(arguments: &str) -> String {
    let body = arguments
        .rsplit_once('|')
        .map_or("", |(_, body)| body)
        .trim();
    let body = body.trim_start_matches('{').trim_end_matches('}').trim();
    let body = body
        .trim_end_matches(';')
        .replace("s[\"", "")
        .replace("\"]", "")
        .replace(" as u64", "");
    match body.as_str() {
        "()" => "changes nothing".into(),
        _ => body,
    }
}

impl Protocol {
    /// The words in shared memory that the steps use, in the order in which they are written.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        for card in self.workers.iter().flatten() {
            for statement in card.does.split(';') {
                let is_change = statement.contains(" = ") || statement.contains(" += ");
                let word = statement
                    .trim()
                    .trim_start_matches("if ")
                    .split(' ')
                    .next()
                    .unwrap_or_default();
                if (is_change || statement.contains(" == ")) && known.insert(word.into()) {
                    words.push(word.into());
                }
            }
        }
        words
    }

    fn page(&self, heading: &str) -> String {
        let name = match self.name.as_str() {
            "" => String::new(),
            name => format!(": {name}"),
        };
        let words = self.words();
        let row = |tag: &str, text: &dyn Fn(&str) -> String| {
            let cells = words
                .iter()
                .map(|word| format!("<{tag}>{}</{tag}>", text(word)));
            format!("<tr>{}</tr>", cells.collect::<String>())
        };
        let empty = row("td", &|_| String::new()).repeat(3);
        let mut html = format!(
            "<article class=\"protocol\">\n<h1>{}</h1>\n<table class=\"memory\"><caption>Shared memory</caption>{}{}{empty}</table>\n",
            escape(&(heading.to_string() + &name)),
            row("th", &|word| escape(word)),
            row("td", &|_| "0".into()),
        );
        for (worker, cards) in self.workers.iter().enumerate() {
            let letter = char::from(b'A' + worker as u8);
            html.push_str("<div class=\"cards\">");
            for (number, card) in (1..).zip(cards) {
                html.push_str(&format!(
                    "<section class=\"card\"><p class=\"who\"><b>{letter}</b> step {number} of {}<span>me = {}</span></p>\
                     <h2>{}</h2><p class=\"does\">{}</p></section>",
                    cards.len(),
                    worker + 1,
                    escape(&card.name),
                    escape(&card.does)
                ));
            }
            html.push_str("</div>\n");
        }
        html + "</article>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::super::lab::tests::lab;
    use super::*;
    use serde_json::json;

    fn words(cells: &[Value]) -> String {
        cells.iter().map(|cell| source(cell) + "\n").collect()
    }

    #[test]
    fn a_sheet_has_the_questions_in_order_and_no_answer() {
        let lab = lab(
            "01_a",
            json!([
                markdown("about", "## 1 · Pills *(5 minutes)*\n\nTo see.\n\n**Predict.** How many [pills](x.ipynb)? And who?\n\n<details>secret</details>"),
                {"cell_type": "code", "id": "guess-a", "source": "let g = predict(\"Lab 01: how many?\", \"? tasks\")?;"},
                {"cell_type": "code", "id": "run", "source": "predict(\"no\", \"? no\")", "outputs": [{"text": "60 done"}]},
                markdown("explain", "**Explain.** All 60.\n\n**Predict.** And now?"),
                markdown("next", "## 2 · More *(1 minute)*\n\n**Predict.** Draw it."),
                {"cell_type": "code", "id": "guess-b", "source": "sketch(\"02-torn\", \"?\")?"},
                markdown("last", "**Predict.** Four?"),
                {"cell_type": "code", "id": "guess-c", "source": "vec![predict(\"Lab 01: a < b?\", \"? ns\")?, predict(\"Lab 01: c?\", \"? %\")?]"},
            ]),
        );
        let said = words(&sheets(&[lab]).unwrap());
        let parts = [
            "<h1>01_a</h1>",
            "## 1 · Pills\n",
            "**1.** How many pills? And who?",
            "<span class=\"number\"></span> tasks</p><p class=\"line\"></p>",
            "**2.** And now?\n<p class=\"line\"></p></div>",
            "## 2 · More\n",
            "**3.** Draw it.",
            "<figure class=\"pad\"><svg",
            "**4.** Four?",
            "a &lt; b? <span class=\"number\"></span> ns</p>",
            "c? <span class=\"number\"></span> %</p>",
        ];
        let places: Vec<usize> = (parts.iter())
            .map(|part| {
                said.find(part)
                    .unwrap_or_else(|| panic!("{part} in {said}"))
            })
            .collect();
        assert!(places.is_sorted(), "{places:?} in {said}");
        for secret in [
            "secret", "60 done", "All 60", "Explain", "minute", "To see", "no</p>",
        ] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        assert!(sheets(&[]).unwrap().is_empty());
    }

    #[test]
    fn each_step_is_a_card_for_each_worker() {
        let two = r#"let p = [
            ("double check", Steps::new().look("look").lock().look("look again").write_result().set_found().unlock()),
            ("swap", Steps::new().swap_found()),
        ];"#;
        let found = protocols(two);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].name.as_str(), found[0].workers.len()),
            ("double check", 2)
        );
        let steps = lessons::Steps::new();
        let steps = lessons::racing::FindingSteps::look(steps, "look").lock();
        let steps = lessons::racing::FindingSteps::look(steps, "look again");
        let steps = lessons::racing::FindingSteps::write_result(steps);
        let steps = lessons::racing::FindingSteps::set_found(steps).unlock();
        let names: Vec<&str> = found[0].workers[0]
            .iter()
            .map(|card| card.name.as_str())
            .collect();
        assert_eq!(names.join(", "), steps.to_string(), "as the library has it");
        assert_eq!(found[0].words(), ["found", "finder", "answer", "writers"]);

        let three = r#"let finder = Steps::new()
    .write("A signals", |s, _| { s["epoch"] = s["epoch"].max(1); s["decided"] = 1; });
let behind = Steps::new()
    .leave_if("look", |s, _| s["epoch"] == 1)
    .write("begin", |_, _| ());
Explorer::new(["epoch"]).worker(&finder)"#;
        let found = protocols(three);
        assert_eq!((found.len(), found[0].workers.len()), (1, 2));
        assert_eq!(
            found[0].workers[0][0].does,
            "epoch = epoch.max(1); decided = 1"
        );
        assert_eq!(found[0].workers[1][0].does, "if epoch == 1: leave");
        assert_eq!(found[0].workers[1][1].does, "changes nothing");
        let page = found[0].page("Lab <05>");
        assert!(
            page.contains("<b>B</b> step 2 of 2<span>me = 2</span>")
                && page.contains("Lab &lt;05&gt;"),
            "{page}"
        );
        for none in [
            "",
            "Steps::new()",
            "Steps::new().other(1)",
            "Steps::new().write(",
            "explorer_of(&steps)",
        ] {
            assert!(
                protocols(none).is_empty() || none.contains("write("),
                "{none}"
            );
        }
    }
}
