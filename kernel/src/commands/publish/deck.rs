//! The lecture on its way to a deck of slides: which cells stand together on a slide, which appear later, and what only the speaker sees.
//!
//! The page is ours, like the labs' pages. It is one file, its script is short enough to read, and it needs no library for slides.

use crate::notebook::slide_type;
use labsupport::cell::escape;
use serde_json::{Value, json};

/// The cells of a lecture, with the beginnings and ends of slides between them. A cell to skip is left out, and a figure has a slide of its own
/// behind its code. `machine` is where the outputs come from: it stands on each slide that has some.
pub(super) fn on_slides(cells: Vec<Value>, machine: Option<&str>) -> Vec<Value> {
    let mut deck = Vec::new();
    let mut open = false;
    for cell in cells.into_iter().flat_map(apart) {
        let kind = slide_type(&cell).unwrap_or("").to_string();
        if kind == "skip" {
            continue;
        }
        if matches!(kind.as_str(), "slide" | "subslide") || !open {
            if open {
                deck.push(markup("</article>"));
            }
            deck.push(markup("<article class=\"slide\" tabindex=\"-1\">"));
            open = true;
        }
        let has_outputs = cell["outputs"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        match kind.as_str() {
            // A template is shown nowhere, until the script takes it for the speaker's window.
            "notes" => {
                deck.push(markup("<template class=\"notes\">"));
                deck.push(cell);
                deck.push(markup("</template>"));
            }
            "fragment" => {
                deck.push(markup("<div class=\"fragment\">"));
                deck.push(cell);
                deck.push(markup("</div>"));
            }
            _ => deck.push(cell),
        }
        if let (Some(machine), true) = (machine, has_outputs) {
            let machine = escape(machine);
            deck.push(markup(&format!(
                "<p class=\"machine\">Recorded on {machine}</p>"
            )));
        }
    }
    if open {
        deck.push(markup("</article>"));
    }
    deck
}

/// A cell that shows a figure as two: its code, and what it shows on the next slide, so that the figure can be large. The second one keeps the
/// identifier, since links to the figure lead there. It shows the still picture: one that moves needs more room than a slide has.
fn apart(cell: Value) -> Vec<Value> {
    let mut outputs = cell["outputs"].as_array().into_iter().flatten();
    if !outputs.any(|output| !output["data"]["image/svg+xml"].is_null()) {
        return vec![cell];
    }
    let (mut code, mut shown) = (cell.clone(), cell);
    let outputs = shown["outputs"].as_array_mut().into_iter().flatten();
    for data in outputs.filter_map(|output| output["data"].as_object_mut()) {
        if data.contains_key("image/svg+xml") {
            data.remove("text/html");
        }
    }
    code["outputs"] = json!([]);
    code["id"] = json!(format!("{}-code", code["id"].as_str().unwrap_or_default()));
    shown["source"] = json!("");
    shown["metadata"]["slideshow"]["slide_type"] = json!("subslide");
    vec![code, shown]
}

/// HTML between cells: nbconvert copies a raw cell as it is.
pub(super) fn markup(html: &str) -> Value {
    json!({"cell_type": "raw", "metadata": {}, "source": html})
}

/// The page of a deck, as one file with everything that it needs.
pub(super) fn html(title: &str, body: &str) -> String {
    let (title, style) = (escape(title), include_str!("template/style.css"));
    let (slides, script) = (
        include_str!("template/slides.css"),
        include_str!("template/slides.js"),
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{style}{slides}</style>\n<body class=\"deck\">\n<main>\n{body}\n</main>\n\
         <nav aria-label=\"Slides\"><a href=\"index.html\">All labs</a><span class=\"keys\">\
         <button id=\"back\" aria-label=\"Back\">←</button><output id=\"place\"></output>\
         <button id=\"on\" aria-label=\"On\">→</button><button id=\"speak\">Notes (S)</button></span></nav>\n\
         <script>{script}</script>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(kind: &str, text: &str, outputs: Value) -> Value {
        json!({"cell_type": "code", "metadata": {"slideshow": {"slide_type": kind}}, "source": text, "outputs": outputs})
    }

    /// The deck as words: markup, and the sources of cells.
    fn words(cells: Vec<Value>, machine: Option<&str>) -> String {
        let deck = on_slides(cells, machine);
        let words = deck.iter().map(|cell| cell["source"].as_str().unwrap());
        words.collect::<Vec<&str>>().join("\n")
    }

    #[test]
    fn cells_stand_on_their_slides_and_notes_apart() {
        let shown = words(
            vec![
                cell("slide", "title", json!([])),
                cell("", "more", json!([])),
                cell("notes", "secret", json!([])),
                cell("skip", "tools", json!([])),
                cell("subslide", "run", json!([{"text": "60 done"}])),
                cell("fragment", "why", json!([])),
            ],
            Some("2 cores, <A>"),
        );
        let slide = "<article class=\"slide\" tabindex=\"-1\">";
        assert_eq!(
            shown,
            [
                slide,
                "title",
                "more",
                "<template class=\"notes\">",
                "secret",
                "</template>",
                "</article>",
                slide,
                "run",
                "<p class=\"machine\">Recorded on 2 cores, &lt;A&gt;</p>",
                "<div class=\"fragment\">",
                "why",
                "</div>",
                "</article>"
            ]
            .join("\n")
        );
    }

    #[test]
    fn a_figure_has_a_slide_of_its_own_with_the_name_that_links_lead_to() {
        let mut cell = cell(
            "subslide",
            "draw()",
            json!([{"data": {"image/svg+xml": "<svg/>", "text/html": "it moves"}}]),
        );
        cell["id"] = json!("draw");
        let deck = on_slides(vec![cell], None);
        let slides = deck
            .iter()
            .filter(|cell| cell["source"].as_str().unwrap().starts_with("<article"));
        assert_eq!(slides.count(), 2);
        let found = |id: &str| deck.iter().find(|cell| cell["id"] == id).unwrap();
        assert_eq!(found("draw-code")["source"], "draw()");
        assert_eq!(found("draw-code")["outputs"], json!([]));
        assert_eq!(found("draw")["source"], "");
        assert_eq!(
            found("draw")["outputs"],
            json!([{"data": {"image/svg+xml": "<svg/>"}}])
        );
    }

    #[test]
    fn a_deck_begins_with_a_slide_whatever_its_first_cell_is() {
        for kind in ["", "fragment", "notes"] {
            let shown = words(
                vec![cell("skip", "tools", json!([])), cell(kind, "x", json!([]))],
                None,
            );
            assert!(
                shown.starts_with("<article") && shown.ends_with("</article>"),
                "{kind}: {shown}"
            );
        }
        assert_eq!(words(vec![], None), "");
    }
}
