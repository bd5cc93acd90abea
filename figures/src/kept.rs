//! Knobs on a published page. It has no kernel, so the figures are drawn beforehand: one for each place where the knobs stop, by the closure that
//! a move runs in a notebook.

use crate::interact::Above;
use crate::knob::Knobs;
use crate::moving::Moving;
use labsupport::cell::{Show, escape};
use std::fmt::Write;

/// Draws all figures. What to show: the knobs above them, or, without scripts, the figure where the knobs start. And what went wrong there.
pub(crate) fn draw_all<S: Show>(
    knobs: &Knobs,
    mut draw: impl FnMut(&Knobs) -> S,
) -> (Kept, Option<String>) {
    let stops = knobs.stops();
    let mut at = knobs.clone();
    let mut figures = String::new();
    let (mut contents, mut error) = (Vec::new(), None);
    for values in places(&stops) {
        at.turn(&values);
        let figure = draw(&at);
        let shown = Above(at.words(), &figure).contents();
        let is_start = at.values() == knobs.values();
        let hidden = if is_start { "" } else { " hidden" };
        let _ = write!(figures, "<div class=\"labs-kept-figure\"{hidden}>");
        figures += &match &shown[0] {
            ("text/html", html) => html.clone(),
            (_, text) => format!("<pre>{}</pre>", escape(text)),
        };
        figures += "</div>";
        if is_start {
            (contents, error) = (shown, figure.error());
        }
    }
    let html = Moving::KEPT.html(&figures, &knobs.at_stops(&stops), "");
    contents.retain(|(mime, _)| *mime != "text/html");
    contents.insert(0, ("text/html", html));
    (Kept(contents), error)
}

/// Every place where the knobs can stand together; the last knob moves fastest, as `figureAt` in page/kept.js counts them.
fn places(stops: &[Vec<f64>]) -> Vec<Vec<f64>> {
    stops.iter().fold(vec![Vec::new()], |places, stops| {
        let with = |place: &Vec<f64>, stop: &f64| [&place[..], &[*stop]].concat();
        let places = places.iter();
        places
            .flat_map(|place| stops.iter().map(move |stop| with(place, stop)))
            .collect()
    })
}

/// What a page is to show.
pub(crate) struct Kept(Vec<(&'static str, String)>);

impl Show for Kept {
    fn contents(&self) -> Vec<(&'static str, String)> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bars, Knob, Table};

    fn knobs(knobs: impl IntoIterator<Item = Knob>) -> Knobs {
        Knobs::new(knobs.into_iter().collect()).unwrap()
    }

    #[test]
    fn the_closure_draws_at_every_place_and_the_page_begins_at_the_start() {
        let cost = Knob::new("cost", 1.0..=1000.0).unit("µs").log().at(30.0);
        let look = Knob::choice("look", ["locked", "lock-free"]).at(1.0);
        let mut drawn = Vec::new();
        let (kept, error) = draw_all(&knobs([cost, look]), |k| {
            drawn.push((k["cost"], k["look"]));
            Bars::new(format!("{} {}", k["cost"], k.choice("look"))).bar("cost", k["cost"])
        });
        let costs = [1.0, 10.0, 30.0, 100.0, 1000.0];
        assert_eq!(drawn, costs.map(|cost| [(cost, 0.0), (cost, 1.0)]).concat());
        assert_eq!(error, None);
        let contents = kept.contents();
        let mimes: Vec<&str> = contents.iter().map(|(mime, _)| *mime).collect();
        assert_eq!(mimes, ["text/html", "image/svg+xml", "text/plain"]);
        let figures: Vec<&str> = contents[0]
            .1
            .split("class=\"labs-kept-figure\"")
            .skip(1)
            .collect();
        assert_eq!(figures.len(), 10);
        for (figure, (cost, look)) in figures.iter().zip(drawn) {
            let look = ["locked", "lock-free"][look as usize];
            assert!(figure.contains(&format!("alt=\"{cost} {look}\"")));
            let is_start = figure.starts_with("><p>cost = 30 µs, look = lock-free</p><figure");
            assert_eq!(is_start, (cost, look) == (30.0, "lock-free"), "{figure}");
            assert_eq!(figure.starts_with(" hidden"), !is_start);
        }
        assert!(contents[0].1.contains(
            "{\"knobs\":[{\"name\":\"cost\",\"unit\":\"\",\"scale\":\"stops\",\"low\":0.0,\"high\":4.0,\
             \"choices\":[\"1 µs\",\"10 µs\",\"30 µs\",\"100 µs\",\"1,000 µs\"]},\
             {\"name\":\"look\",\"unit\":\"\",\"scale\":\"choice\",\"low\":0.0,\"high\":1.0,\"choices\":[\"locked\",\"lock-free\"]}],\
             \"values\":[2,1]}"
        ), "{}", contents[0].1);
        assert!(
            contents[2]
                .1
                .starts_with("cost = 30 µs, look = lock-free\n")
        );
    }

    #[test]
    fn an_error_stands_in_its_figure_s_place_and_only_the_start_s_counts() {
        let draw = |bad: f64| {
            draw_all(&knobs([Knob::switch("<s>")]), |k| match k["<s>"] == bad {
                true => Err("so < bad"),
                false => Ok(Table::new(["a"]).row(["b"])),
            })
        };
        let (kept, error) = draw(1.0);
        assert_eq!(error, None);
        assert!(
            kept.contents()[0]
                .1
                .contains(" hidden><pre>&lt;s&gt; = on\nso &lt; bad</pre></div>")
        );
        assert_eq!(draw(0.0).1.as_deref(), Some("so < bad"));
    }

    #[test]
    fn many_knobs_do_not_become_many_figures() {
        let many = (0..12).map(|n| Knob::switch(n.to_string()));
        let mut drawn = 0;
        draw_all(&knobs(many), |_| {
            drawn += 1;
            Table::new(["a"])
        });
        assert_eq!(drawn, 32);
    }
}
