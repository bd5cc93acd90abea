//! A page around the cells of a notebook: head, links to its neighbours, and the script for sliders where there are some.

use super::deck;
use labsupport::cell::escape;
use serde_json::Value;

/// Marks the sliders in the HTML of a page.
const SLIDERS: &str = "<div class=\"vega\">";

/// What becomes a page.
pub(super) struct Page {
    /// The file's name without its ending.
    pub name: String,
    pub title: String,
    /// Its cells.
    pub notebook: Value,
    pub kind: Kind,
}

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// It leads to the others.
    Gallery,
    Lab,
    /// Its cells stand on slides.
    Deck,
    /// It is for the printer.
    Paper,
}

/// Whether the cells of a page have sliders, which need Vega-Lite.
pub(super) fn has_sliders(body: &str) -> bool {
    body.contains(SLIDERS)
}

/// The page `index` of `pages`, as one file with everything that it needs. The first page leads to the others.
pub(super) fn html(pages: &[Page], index: usize, body: &str, vega: &str) -> String {
    let kind = pages[index].kind;
    if kind == Kind::Deck {
        return deck::html(&pages[index].title, body);
    }
    let style = include_str!("template/style.css");
    let title = escape(&pages[index].title);
    let (class, way, more_style) = match kind {
        Kind::Gallery => ("gallery", String::new(), ""),
        Kind::Paper => ("paper", way(&[], 0), include_str!("template/paper.css")),
        _ => ("lab", way(pages, index), ""),
    };
    let script = if has_sliders(body) {
        // Nothing but this would end a script.
        let vega = vega.replace("</script", "<\\/script");
        format!(
            "<script>{vega}</script>\n<script>{}</script>\n",
            include_str!("template/sliders.js")
        )
    } else {
        String::new()
    };
    // Screen readers list both by their names.
    let [above, below] = ["Labs", "Labs, below"]
        .map(|name| way.replacen("<nav>", &format!("<nav aria-label=\"{name}\">"), 1));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{style}{more_style}</style>\n<body class=\"{class}\">\n{above}<main>\n{body}\n</main>\n{below}{script}</body>\n</html>\n"
    )
}

/// The links to the labs before and after, and to the first page.
fn way(pages: &[Page], index: usize) -> String {
    let is_lab = |page: &&Page| matches!(page.kind, Kind::Lab | Kind::Deck);
    let (before, after) = pages.split_at(index);
    let link = |page: Option<&Page>, arrow: [&str; 2]| {
        page.map_or(String::new(), |Page { name, title, .. }| {
            let [left, right] = arrow;
            format!("<a href=\"{name}.html\">{left}{}{right}</a>", escape(title))
        })
    };
    format!(
        "<nav>{}<a href=\"index.html\">All labs</a>{}</nav>\n",
        link(before.iter().rfind(is_lab), ["← ", ""]),
        link(after.iter().skip(1).find(is_lab), ["", " →"])
    )
}
