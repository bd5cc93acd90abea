//! Figures that move: what a cell shows of them is a still picture, the script that brings it to life, and the same in words.
//!
//! The output needs no kernel and no network. It works on a published page, and where no script runs, the picture and the words are there.

use crate::drawing::page;

/// A kind of figure that moves: its style sheet and its script.
#[derive(Debug)]
pub struct Moving {
    /// `race` has the class `labs-race` on the page.
    kind: &'static str,
    /// The class of its script that is the figure.
    figure: &'static str,
    style: &'static str,
    /// Modules that import nothing but `parts.js` and the ones before them.
    scripts: &'static [&'static str],
}

impl Moving {
    /// A [`Race`](crate::Race).
    pub(crate) const RACE: Moving = Moving {
        kind: "race",
        figure: "RaceBoard",
        style: include_str!("../page/race.css"),
        scripts: &[include_str!("../page/race.js")],
    };

    /// A [`SketchPad`](crate::SketchPad).
    pub(crate) const SKETCH: Moving = Moving {
        kind: "sketch",
        figure: "SketchBoard",
        style: include_str!("../page/sketch.css"),
        scripts: &[include_str!("../page/sketch.js")],
    };

    /// A [`Timeline`](crate::Timeline), or several.
    pub(crate) const TRACE: Moving = Moving {
        kind: "trace",
        figure: "TraceBoard",
        style: include_str!("../page/trace.css"),
        scripts: &[include_str!("../page/trace.js")],
    };

    /// Knobs above figures that are drawn already.
    pub(crate) const KEPT: Moving = Moving {
        kind: "kept",
        figure: "KeptBoard",
        style: include_str!("../page/knobs.css"),
        scripts: &[
            include_str!("../page/knobs.js"),
            include_str!("../page/kept.js"),
        ],
    };

    /// The game that `lessons` has: its words are all its own.
    pub const GAME: Moving = Moving {
        kind: "game",
        figure: "GameBoard",
        style: include_str!("../page/game.css"),
        scripts: &[include_str!("../page/game.js")],
    };

    /// What a cell shows: the figure for a page, and the same in words.
    pub fn contents(&self, still: &str, data: &str, words: String) -> Vec<(&'static str, String)> {
        let twin = page::twin(&words);
        vec![
            ("text/html", self.html(still, data, &twin)),
            ("text/plain", words),
        ]
    }

    /// The figure for a page: `still` is the HTML that stands there as long as no script runs, `data` the JSON that the script draws, and `below`
    /// more HTML.
    pub(crate) fn html(&self, still: &str, data: &str, below: &str) -> String {
        let Moving {
            kind,
            figure,
            style,
            scripts,
        } = self;
        // Within JSON, `<` stands only in strings. Written like this, no name can end the script element.
        let data = data.replace('<', "\\u003c");
        let parts = include_str!("../page/parts.js");
        let parts: String = [&parts]
            .into_iter()
            .chain(*scripts)
            .map(|script| as_part(script))
            .collect();
        format!(
            "<div class=\"labs-moving labs-{kind}\"><style>{}{style}</style><div class=\"labs-still\" style=\"overflow-x:auto\">{still}</div>\
             <div class=\"labs-board\"></div><script type=\"application/json\">{data}</script>{below}\
             <script>(() => {{\n\"use strict\";\n{parts}mount(\"{kind}\", {figure});\n}})();</script></div>",
            include_str!("../page/parts.css"),
        )
    }
}

/// A module as a part of one script: what it imports stands before it, and it exports to nobody. What only its authors read stays behind, a quarter of
/// it: every output carries it. A comment of ours has its lines for itself, and no other line begins like one.
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
            part.push_str(text.strip_prefix("export ").unwrap_or(text));
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
        assert_eq!(as_part(module), "class B {\nc() { return 1; } // here\n}\n");
    }

    const ALL: [Moving; 5] = [
        Moving::RACE,
        Moving::SKETCH,
        Moving::TRACE,
        Moving::KEPT,
        Moving::GAME,
    ];

    #[test]
    fn no_name_ends_a_script_and_every_script_is_whole() {
        let name = labsupport::internal::quote("</script><b>");
        for kind in ALL {
            let shown = kind.contents("", &format!("{{\"name\":{name}}}"), "a < b".into());
            let [(_, html), (_, words)] = &shown[..] else {
                panic!("{shown:?}")
            };
            assert_eq!(html.matches("</script").count(), 2, "its own two alone");
            assert!(html.contains("\\u003c/script>") && html.contains("a &lt; b"));
            assert_eq!(words, "a < b");
            let (_, code) = html.split_once("<script>").unwrap();
            let lines: Vec<&str> = code.lines().collect();
            for way in ["import ", "export ", "/**", "* ", "//"] {
                assert!(lines.iter().all(|line| !line.starts_with(way)), "{way}");
            }
            assert!(code.contains(&format!("class {} {{", kind.figure)));
        }
    }

    #[test]
    fn a_comment_has_its_lines_for_itself() {
        let scripts = ALL.iter().flat_map(|kind| kind.scripts);
        for script in scripts.chain([&include_str!("../page/parts.js")]) {
            let lines = script.lines().map(str::trim);
            for line in lines.filter(|line| line.starts_with("/**") || line.starts_with('*')) {
                let (_, code) = line.split_once("*/").unwrap_or_default();
                assert_eq!(code, "", "{line}");
            }
            assert!(!script.contains("</"));
        }
    }
}
