//! Figures that move: what a cell shows of them is a still picture, the script that brings it to life, and the same in words.
//!
//! The output needs no kernel and no network. It works on a published page, and where no script runs, the picture and the words are there.

use labsupport::cell::escape;

/// A figure that moves, as a page gets it.
pub(crate) struct Moving<'a> {
    /// The figure's kind: `race` has the class `labs-race` on the page.
    pub(crate) kind: &'static str,
    /// The class of its script that is the figure.
    pub(crate) figure: &'static str,
    /// What stands there as long as no script runs, as HTML.
    pub(crate) still: String,
    /// What the script draws, as JSON.
    pub(crate) data: String,
    /// The text twin.
    pub(crate) words: &'a str,
    pub(crate) style: &'static str,
    /// A module that imports nothing but `parts.js`.
    pub(crate) script: &'static str,
}

impl Moving<'_> {
    pub(crate) fn html(&self) -> String {
        let Moving { kind, figure, .. } = self;
        // Within JSON, `<` stands only in strings. Written like this, no name can end the script element.
        let data = self.data.replace('<', "\\u003c");
        let parts = [include_str!("../page/parts.js"), self.script].map(as_part);
        format!(
            "<div class=\"labs-moving labs-{kind}\"><style>{}{}</style><div class=\"labs-still\">{}</div><div class=\"labs-board\"></div>\
             <script type=\"application/json\">{data}</script><details><summary>The same in words</summary><pre>{}</pre></details>\
             <script>(() => {{\n\"use strict\";\n{}mount(\"{kind}\", {figure});\n}})();</script></div>",
            include_str!("../page/parts.css"),
            self.style,
            self.still,
            escape(self.words),
            parts.concat()
        )
    }
}

/// A module as a part of one script: what it imports stands before it, and it exports to nobody. Its comments stay behind.
fn as_part(module: &str) -> String {
    let mut part = String::with_capacity(module.len());
    let mut in_comment = false;
    for line in module.lines() {
        let text = line.trim_start();
        in_comment |= text.starts_with("/**");
        if !in_comment
            && !text.starts_with("//")
            && !text.starts_with("import ")
            && !text.is_empty()
        {
            part.push_str(line.strip_prefix("export ").unwrap_or(line));
            part.push('\n');
        }
        in_comment &= !text.ends_with("*/");
    }
    part
}

/// Numbers and words for a page, as a JSON list.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_becomes_a_part_without_comments_and_without_ways_in_and_out() {
        let module = "// About it.\nimport { a } from \"./a.js\";\n\n/**\n * Words\n */\nexport class B {\n    /** One. */\n    c() { return 1; } // here\n}\n";
        assert_eq!(
            as_part(module),
            "class B {\n    c() { return 1; } // here\n}\n"
        );
    }

    #[test]
    fn no_name_ends_a_script_and_every_script_is_whole() {
        let data = format!(
            "{{\"name\":{}}}",
            labsupport::internal::quote("</script><b>")
        );
        for script in [
            include_str!("../page/race.js"),
            include_str!("../page/sketch.js"),
        ] {
            let moving = Moving {
                kind: "race",
                figure: "RaceBoard",
                still: String::new(),
                data: data.clone(),
                words: "a < b",
                style: "",
                script,
            };
            let html = moving.html();
            assert_eq!(html.matches("</script").count(), 2, "its own two alone");
            assert!(html.contains("\\u003c/script>") && html.contains("a &lt; b"));
            let (_, code) = html.split_once("<script>").unwrap();
            assert!(!code.contains("import ") && !code.contains("export "));
        }
    }
}
