//! The page: one file with everything in it. It has no script and fetches nothing. While a class is at work, it loads itself again.

use super::section::{Item, Section};
use labsupport::cell::{Show, escape};

/// What the page may load: nothing. Its texts come from strangers' files, so this is a second guard behind the escaping.
const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 sans-serif; margin: 1.5rem auto; max-width: 1500px; padding: 0 1rem }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 640px), 1fr)); gap: 1.2rem }
figure { margin: 0 }
svg { width: 100%; border-radius: 4px }
.table { overflow-x: auto }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8886; vertical-align: top }
th, td:first-child { white-space: nowrap }
pre { overflow-x: auto; font-size: 13px }
summary { cursor: pointer }
</style>
"#;

/// All of it. A page that is to load itself again does so after that many seconds.
pub(super) fn html(title: &str, reload: Option<u32>, sections: &[Section]) -> String {
    let mut html = HEAD.to_string();
    if let Some(seconds) = reload {
        html.push_str(&format!(
            "<meta http-equiv=\"refresh\" content=\"{seconds}\">\n"
        ));
    }
    let title = escape(title);
    html.push_str(&format!("<title>{title}</title>\n<h1>{title}</h1>\n"));
    for section in sections {
        html.push_str(&format!("<h2>{}</h2>\n<div>", escape(&section.title)));
        let mut in_figures = false;
        for item in &section.items {
            let is_picture = matches!(item, Item::Picture { .. });
            if is_picture != in_figures {
                html.push_str(if is_picture {
                    "</div>\n<div class=\"figures\">"
                } else {
                    "</div>\n<div>"
                });
                in_figures = is_picture;
            }
            match item {
                Item::Picture { svg, text } => html.push_str(&format!(
                    "<figure>{svg}<details><summary>The same in words</summary><pre>{}</pre></details></figure>\n",
                    escape(text)
                )),
                Item::Table(table) => {
                    let shown = table.contents();
                    let html_table = shown.iter().find(|(mime, _)| *mime == "text/html");
                    let table = html_table.map_or("", |(_, html)| html);
                    html.push_str(&format!("<div class=\"table\">{table}</div>\n"));
                }
                Item::Words(words) => html.push_str(&format!("<p>{}</p>\n", escape(words))),
            }
        }
        html.push_str("</div>\n");
    }
    html + "</html>\n"
}
