//! Curves that students draw: what pages have drawn is kept here until a cell asks for it, so that no cell has to wait for a pen.
//!
//! A cell that shows a pad says its name, how many points it has across and how many steps up. From then on a page may say where the curve
//! is: for each point a step, or nothing. The last one counts. What does not fit its pad is ignored.

use serde::Deserialize;
use serde_json::{Value, json};

/// The most pads that one notebook keeps; the oldest is forgotten.
const PADS: usize = 64;
/// The most points of a pad.
const POINTS: usize = 64;
/// The most steps of a pad.
const STEPS: u32 = 1_000;
/// The longest name, in bytes.
const NAME: usize = 100;

/// The step of a curve at each point, or nothing.
type Steps = Vec<Option<u32>>;

/// A pad, as a cell names it.
#[derive(Deserialize)]
struct Pad {
    name: String,
    points: usize,
    steps: u32,
    /// From a cell: a curve that is newer than what is kept. Here: what is kept.
    drawn: Option<Steps>,
}

impl Pad {
    fn has(&self, drawn: &Steps) -> bool {
        drawn.len() == self.points && drawn.iter().flatten().all(|&step| step < self.steps)
    }

    /// What pages are told about it.
    fn told(&self) -> Value {
        json!({"sketch": self.name, "steps": self.drawn})
    }
}

/// All sketches of a notebook.
#[derive(Default)]
pub(super) struct Sketches {
    pads: Vec<Pad>,
}

/// What becomes of something that a page said.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// A curve is kept: all pages are told.
    Kept(Value),
    /// The page that asked is told which curve is kept, if there is one.
    Asked(Value),
    /// It did not fit: the page is told what is so.
    Refused(Value),
}

impl Sketches {
    /// A cell shows a pad, or asks what was drawn on it. Its answer, a word for each point, and what pages are told; `None` if the question
    /// is about something else.
    pub(super) fn asked(&mut self, question: &[u8]) -> Option<(String, Value)> {
        #[derive(Deserialize)]
        struct Question {
            sketch: Pad,
        }
        let mut pad = serde_json::from_slice::<Question>(question).ok()?.sketch;
        let fits = pad.drawn.as_ref().is_none_or(|drawn| pad.has(drawn));
        let is_small = pad.name.len() <= NAME && pad.points <= POINTS && pad.steps <= STEPS;
        if !(fits && is_small) {
            return None;
        }
        let place = self.pads.iter().position(|known| known.name == pad.name);
        let kept = place.and_then(|place| self.pads.remove(place).drawn);
        // A pad that was changed since then has another curve.
        let kept = kept.filter(|kept| pad.has(kept));
        pad.drawn = pad.drawn.or(kept).or_else(|| Some(vec![None; pad.points]));
        let word = |step: &Option<u32>| step.map_or("-".into(), |step| step.to_string());
        let words: Vec<String> = pad.drawn.iter().flatten().map(word).collect();
        let told = pad.told();
        if self.pads.len() == PADS {
            self.pads.remove(0);
        }
        self.pads.push(pad);
        Some((words.join(" "), told))
    }

    /// A page says where a curve is, or asks.
    pub(super) fn heard(&mut self, data: &Value) -> Heard {
        let name = data["sketch"].as_str().unwrap_or_default();
        let Some(pad) = self.pads.iter_mut().find(|pad| pad.name == name) else {
            // A page that was loaded anew may have a pad of an earlier session.
            let name: String = name.chars().take(NAME).collect();
            return Heard::Asked(json!({"sketch": name, "steps": null}));
        };
        let Some(steps) = data.get("steps") else {
            return Heard::Asked(pad.told());
        };
        match Steps::deserialize(steps) {
            Ok(drawn) if pad.has(&drawn) => {
                pad.drawn = Some(drawn);
                Heard::Kept(pad.told())
            }
            _ => Heard::Refused(pad.told()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(sketches: &mut Sketches, pad: Value) -> Option<String> {
        let question = json!({ "sketch": pad }).to_string();
        sketches.asked(question.as_bytes()).map(|answer| answer.0)
    }

    fn pad() -> Value {
        json!({"name": "p", "points": 3, "steps": 10})
    }

    fn draw(sketches: &mut Sketches, steps: Value) -> Heard {
        sketches.heard(&json!({"sketch": "p", "steps": steps}))
    }

    #[test]
    fn the_last_curve_counts_until_a_cell_has_a_newer_one() {
        let mut sketches = Sketches::default();
        assert_eq!(ask(&mut sketches, pad()).as_deref(), Some("- - -"));
        for steps in [json!([1, null, 2]), json!([0, null, 9])] {
            let told = json!({"sketch": "p", "steps": steps});
            assert_eq!(draw(&mut sketches, steps), Heard::Kept(told));
        }
        assert_eq!(ask(&mut sketches, pad()).as_deref(), Some("0 - 9"));
        let mut newer = pad();
        newer["drawn"] = json!([5, 5, 5]);
        assert_eq!(ask(&mut sketches, newer).as_deref(), Some("5 5 5"));
        assert_eq!(ask(&mut sketches, pad()).as_deref(), Some("5 5 5"));
        // The same name on a pad with other axes.
        let other = json!({"name": "p", "points": 3, "steps": 5});
        assert_eq!(ask(&mut sketches, other).as_deref(), Some("- - -"));
    }

    #[test]
    fn what_does_not_fit_its_pad_changes_nothing() {
        let mut sketches = Sketches::default();
        ask(&mut sketches, pad()).unwrap();
        draw(&mut sketches, json!([1, 2, 3]));
        for steps in [
            json!([1, 2]),
            json!([1, 2, 3, 4]),
            json!([1, 2, 10]),
            json!([1, 2, -1]),
            json!([1, 2, 0.5]),
            json!([1, 2, "3"]),
            json!([1, 2, 1e300]),
            json!({"0": 1}),
            json!("1 2 3"),
            json!(null),
        ] {
            let told = json!({"sketch": "p", "steps": [1, 2, 3]});
            assert_eq!(
                draw(&mut sketches, steps.clone()),
                Heard::Refused(told),
                "{steps}"
            );
        }
        assert_eq!(ask(&mut sketches, pad()).as_deref(), Some("1 2 3"));
        let unknown = sketches.heard(&json!({"sketch": "q".repeat(9_999), "steps": [1, 2, 3]}));
        assert_eq!(
            unknown,
            Heard::Asked(json!({"sketch": "q".repeat(NAME), "steps": null}))
        );
    }

    #[test]
    fn a_page_that_asks_is_told() {
        let mut sketches = Sketches::default();
        ask(&mut sketches, pad()).unwrap();
        draw(&mut sketches, json!([null, 4, null]));
        let told = json!({"sketch": "p", "steps": [null, 4, null]});
        assert_eq!(sketches.heard(&json!({"sketch": "p"})), Heard::Asked(told));
    }

    #[test]
    fn questions_about_something_else_and_pads_without_an_end_are_not_answered() {
        let mut sketches = Sketches::default();
        assert_eq!(sketches.asked(b"{\"drawn\":true}"), None);
        assert_eq!(sketches.asked(b"\xff"), None);
        for pad in [
            json!({"name": "p", "points": 65, "steps": 10}),
            json!({"name": "p", "points": 3, "steps": 1_001}),
            json!({"name": "p".repeat(101), "points": 3, "steps": 10}),
            json!({"name": "p", "points": 3, "steps": 10, "drawn": [1, 2]}),
            json!({"name": "p", "points": -1, "steps": 10}),
        ] {
            assert_eq!(ask(&mut sketches, pad), None);
        }
        for number in 0..200 {
            ask(
                &mut sketches,
                json!({"name": format!("p{number}"), "points": 1, "steps": 1}),
            )
            .unwrap();
        }
        assert_eq!(sketches.pads.len(), PADS);
    }
}
