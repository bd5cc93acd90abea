//! A page around the cells of a notebook: head, links to its neighbours, and the script for sliders where there are some.

use labsupport::cell::escape;
use serde_json::Value;

/// What stands where the sliders of a page are.
const SLIDERS: &str = "<div class=\"vega\">";

/// The pages before and after, as they are listed: name, title, and the rest.
pub struct Neighbours<'a> {
    pub before: Option<&'a (String, String, Value)>,
    pub after: Option<&'a (String, String, Value)>,
}

/// One file with all it needs. The first page has no neighbours.
pub fn html(title: &str, body: &str, neighbours: Option<Neighbours>, vega: &str) -> String {
    let style = include_str!("template/style.css");
    let title = escape(title);
    let (class, way) = match neighbours {
        Some(neighbours) => ("lab", way(&neighbours)),
        None => ("gallery", String::new()),
    };
    let script = if body.contains(SLIDERS) {
        // Within a script only this would end it.
        let vega = vega.replace("</script", "<\\/script");
        format!(
            "<script>{vega}</script>\n<script>{}</script>\n",
            include_str!("template/sliders.js")
        )
    } else {
        String::new()
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{style}</style>\n<body class=\"{class}\">\n{way}<main>\n{body}\n</main>\n{way}{script}</body>\n</html>\n"
    )
}

fn way(neighbours: &Neighbours) -> String {
    let link = |page: Option<&(String, String, Value)>, arrow: [&str; 2]| {
        page.map_or(String::new(), |(name, title, _)| {
            format!(
                "<a href=\"{name}.html\">{}{}{}</a>",
                arrow[0],
                escape(title),
                arrow[1]
            )
        })
    };
    format!(
        "<nav>{}<a href=\"index.html\">All labs</a>{}</nav>\n",
        link(neighbours.before, ["← ", ""]),
        link(neighbours.after, ["", " →"])
    )
}
