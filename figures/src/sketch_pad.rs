use crate::drawing::{Axis, LINE, Layout, Plot, Twin, page, widest};
use crate::error::FigureError;
use crate::format::Format;
use crate::moving::{Moving, list};
use crate::numbers::Scale;
use labsupport::cell::{self, Show};
use labsupport::internal::quote;
use std::ops::RangeInclusive;

/// Axes on which the reader draws the curve that they expect: with the mouse, with a finger, or with the keyboard.
///
/// A curve has at most one point at each of the x values, and each point stands on a *step* of the y axis: ten to a decade on a logarithmic
/// one, fifty from end to end on a linear one. So a curve is a row of whole numbers, and a page cannot say anything else.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let pad = SketchPad::new("The reaction")
///     .x("iterations between two looks", [1.0, 10.0, 100.0])
///     .log_x()
///     .y("reaction", 1e-6..=1e-3)
///     .log_y()
///     .y_format(Format::Seconds);
/// let curve = pad.points(&[pad.step(2e-5), None, Some(30)]);
/// assert_eq!(curve, [(1.0, 2e-5), (100.0, 1e-3)]);
/// assert!(pad.text().contains("1 µs to 1 ms"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SketchPad {
    title: String,
    name: String,
    line: [String; 2],
    x: Scale,
    xs: Vec<f64>,
    y: Scale,
    low: f64,
    high: f64,
    drawn: Vec<Option<usize>>,
}

/// The height of the plot: that of [`Lines`](crate::Lines).
const HEIGHT: i32 = 300;

/// The steps of one decade, as Renard has chosen them: each is about a quarter more than the one before.
const DECADE: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];

/// The steps of a linear axis.
const LINEAR: usize = 50;

impl SketchPad {
    /// A pad without axes.
    pub fn new(title: impl Into<String>) -> SketchPad {
        SketchPad {
            title: title.into(),
            name: String::new(),
            line: Default::default(),
            x: Scale::default(),
            xs: Vec::new(),
            y: Scale::default(),
            low: 0.0,
            high: 1.0,
            drawn: Vec::new(),
        }
    }

    /// What the x axis shows, and where the curve may have points: from left to right.
    pub fn x(mut self, label: impl Into<String>, xs: impl IntoIterator<Item = f64>) -> SketchPad {
        self.x.label = label.into();
        self.xs = xs.into_iter().collect();
        self.drawn = vec![None; self.xs.len()];
        self
    }

    /// What the y axis shows, and from where to where it goes.
    pub fn y(mut self, label: impl Into<String>, range: RangeInclusive<f64>) -> SketchPad {
        self.y.label = label.into();
        (self.low, self.high) = range.into_inner();
        self
    }

    /// Makes the x axis logarithmic.
    pub fn log_x(mut self) -> SketchPad {
        self.x.log = true;
        self
    }

    /// Makes the y axis logarithmic.
    pub fn log_y(mut self) -> SketchPad {
        self.y.log = true;
        self
    }

    /// How the numbers of the x axis are written.
    pub fn x_format(mut self, format: Format) -> SketchPad {
        self.x.format = format;
        self
    }

    /// How the numbers of the y axis are written.
    pub fn y_format(mut self, format: Format) -> SketchPad {
        self.y.format = format;
        self
    }

    /// The name under which a page speaks of this pad, and what stands before and behind the curve in the line for the notebook.
    pub fn line(mut self, name: &str, [before, behind]: [&str; 2]) -> SketchPad {
        self.name = name.into();
        self.line = [before.into(), behind.into()];
        self
    }

    /// The curve that is on the pad already: for each x its step. Steps that the pad does not have are left out.
    pub fn drawn(mut self, steps: &[Option<usize>]) -> SketchPad {
        let most = self.steps().len();
        for (mine, step) in self.drawn.iter_mut().zip(steps) {
            *mine = step.filter(|&step| step < most);
        }
        self
    }

    /// Where the curve may have points.
    pub fn xs(&self) -> &[f64] {
        &self.xs
    }

    /// The two axes: what they show, and how.
    pub fn scales(&self) -> (&Scale, &Scale) {
        (&self.x, &self.y)
    }

    /// Where a point may stand on the y axis, from the lowest to the highest; nowhere if the axis has no place for its ends.
    pub fn steps(&self) -> Vec<f64> {
        let (low, high) = (self.low, self.high);
        if ![low, high].into_iter().all(|end| self.y.has_place(end)) {
            return Vec::new();
        }
        if !self.y.log {
            let step = (high - low) / LINEAR as f64;
            return (0..=LINEAR).map(|n| low + step * n as f64).collect();
        }
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let values = decades.flat_map(|power| {
            // A quotient of two exact numbers is 0.00002 where a product of two others is not.
            DECADE.map(|n| match power < 0 {
                true => n / 10f64.powi(-power),
                false => n * 10f64.powi(power),
            })
        });
        let inside = low * (1.0 - 1e-9)..=high * (1.0 + 1e-9);
        values.filter(|value| inside.contains(value)).collect()
    }

    /// The step that is nearest to `value`; `None` if the axis does not go there.
    pub fn step(&self, value: f64) -> Option<usize> {
        let measure = |value: f64| match self.y.log {
            true => value.ln(),
            false => value,
        };
        let room = (self.high - self.low).abs() * 1e-9;
        if !(self.low - room..=self.high + room).contains(&value) {
            return None;
        }
        let far = self.steps();
        let far = far
            .iter()
            .map(|step| (measure(*step) - measure(value)).abs());
        let nearest = far.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.map(|(step, _)| step)
    }

    /// The curve with these steps, one for each x, as pairs of x and y.
    pub fn points(&self, steps: &[Option<usize>]) -> Vec<(f64, f64)> {
        let values = self.steps();
        let points = self.xs.iter().zip(steps);
        points
            .filter_map(|(&x, step)| Some((x, *values.get((*step)?)?)))
            .collect()
    }

    /// A curve as it is written in a notebook: `1: 20 µs; 10: 30 µs`. Empty if nothing is drawn.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let pad = SketchPad::new("T").x("n", [1.0, 1000.0]).y("share", 0.0..=100.0).y_format(Format::Percent);
    /// assert_eq!(pad.written(&[Some(5), Some(50)]), "1: 10 %; 1,000: 100 %");
    /// ```
    pub fn written(&self, steps: &[Option<usize>]) -> String {
        let points = self.points(steps).into_iter();
        let points = points.map(|(x, y)| format!("{}: {}", self.x.write(x), self.y.write(y)));
        points.collect::<Vec<_>>().join("; ")
    }

    /// The axes, 720 pixels wide.
    ///
    /// # Errors
    /// There is no place for a point, a number is not finite, or a number on a log axis is zero or less.
    pub fn svg(&self) -> Result<String, FigureError> {
        Ok(self.sheet()?.svg)
    }

    fn sheet(&self) -> Result<Sheet, FigureError> {
        if self.xs.is_empty() {
            return Err(FigureError::empty(&self.title, "places across"));
        }
        for (point, x) in self.xs.iter().enumerate() {
            self.x.check(*x, "x", &self.title, point)?;
        }
        for (point, y) in [self.low, self.high].into_iter().enumerate() {
            self.y.check(y, "y", &self.title, point)?;
        }
        let mut across = Axis::new(&self.xs, &self.x, false);
        across.widen(0.03);
        let up = Axis::new(&[self.low, self.high], &self.y, true);
        let ticks = widest(up.ticks().map(|(_, name)| name));
        let mut seen = None;
        let svg = Layout::new(&self.title, HEIGHT)
            .beside(LINE + ticks + 8, 8)
            .svg(&self.text(), |canvas, plot| {
                plot.axis_across(canvas, &across, &self.x.label);
                plot.axis_up(canvas, &up, &self.y.label);
                seen = Some(plot);
            })?;
        let plot = seen.ok_or_else(|| FigureError::Drawing("nothing was drawn".into()))?;
        let xs = self
            .xs
            .iter()
            .map(|&x| (plot.x(across.place(x)), self.x.write(x)));
        let ys = self.steps().into_iter();
        let ys = ys.map(|y| (plot.y(up.place(y)), self.y.write(y)));
        Ok(Sheet {
            xs: xs.collect(),
            ys: ys.collect(),
            svg,
            plot,
        })
    }

    /// The text twin: the axes, and the curve that is on the pad.
    pub fn text(&self) -> String {
        let axis = |scale: &Scale, from: f64, to: f64| {
            let log = if scale.log { ", logarithmic" } else { "" };
            format!(
                "{}, {} to {}{log}",
                scale.label,
                scale.write(from),
                scale.write(to)
            )
        };
        let [first, last] =
            [self.xs.first(), self.xs.last()].map(|x| x.copied().unwrap_or(f64::NAN));
        let mut twin = Twin::new(&self.title);
        twin.line(format!(
            "A pad for your curve. Across: {}. Up: {}.",
            axis(&self.x, first, last),
            axis(&self.y, self.low, self.high)
        ));
        let written = self.written(&self.drawn);
        let [before, behind] = &self.line;
        if written.is_empty() {
            twin.line("Nothing is drawn so far.");
        } else {
            twin.line(format!("Drawn: {written}."));
        }
        if !before.is_empty() {
            let example = |(x, y): (f64, f64)| format!("{}: {}", self.x.write(x), self.y.write(y));
            let ends = [(first, self.low), (last, self.high)].map(example);
            twin.line(format!(
                "To draw it in words, write as many points as you like: {before}{}{behind}",
                ends.join("; ")
            ));
        }
        twin.end("")
    }

    /// Shows the pad in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }

    /// As page/sketch.js reads it.
    fn data(&self, sheet: &Sheet) -> String {
        let places = |places: &[(i32, String)]| {
            list(
                places
                    .iter()
                    .map(|(at, words)| format!("{{\"at\":{at},\"words\":{}}}", quote(words))),
            )
        };
        let Plot {
            left,
            right,
            top,
            bottom,
        } = sheet.plot;
        let (width, height) = page::size(&sheet.svg);
        let step = |step: &Option<usize>| step.map_or("null".into(), |step| step.to_string());
        format!(
            "{{\"name\":{},\"title\":{},\"size\":[{width},{height}],\"plot\":[{left},{right},{top},{bottom}],\"across\":{},\"up\":{},\
             \"xs\":{},\"ys\":{},\"drawn\":{},\"line\":{}}}",
            quote(&self.name),
            quote(&self.title),
            quote(&self.x.label),
            quote(&self.y.label),
            places(&sheet.xs),
            places(&sheet.ys),
            list(self.drawn.iter().map(step)),
            list(self.line.iter().map(|part| quote(part)))
        )
    }
}

/// The picture of the axes, and where on it everything is: pixels, and the numbers in words.
struct Sheet {
    svg: String,
    plot: Plot,
    xs: Vec<(i32, String)>,
    ys: Vec<(i32, String)>,
}

impl Show for SketchPad {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let text = self.text();
        match self.sheet() {
            Err(error) => vec![("text/plain", format!("No pad: {error}\n\n{text}"))],
            Ok(sheet) => {
                let still = page::picture(&sheet.svg, &text);
                Moving::SKETCH.contents(&still, &self.data(&sheet), text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> SketchPad {
        SketchPad::new("The reaction")
            .x("iterations", [1.0, 3.0, 10.0, 30.0])
            .log_x()
            .y("reaction", 1e-6..=10.0)
            .log_y()
            .y_format(Format::Seconds)
            .line("03", ["sketch(\"03\", \"", "\")?"])
    }

    fn linear() -> SketchPad {
        SketchPad::new("Torn")
            .x("window", [1e-7, 1e-4])
            .log_x()
            .x_format(Format::Seconds)
            .y("share", 0.0..=100.0)
            .y_format(Format::Percent)
    }

    #[test]
    fn a_step_is_where_it_says_and_has_a_name_of_its_own() {
        for pad in [log(), linear()] {
            let steps = pad.steps();
            assert_eq!((steps[0], *steps.last().unwrap()), (pad.low, pad.high));
            assert!(steps.is_sorted() && steps.len() > LINEAR, "{steps:?}");
            for (step, &value) in steps.iter().enumerate() {
                assert_eq!(pad.step(value), Some(step));
            }
            let mut names: Vec<String> = steps.iter().map(|y| pad.y.write(*y)).collect();
            names.dedup();
            assert_eq!(names.len(), steps.len());
        }
        assert_eq!(log().steps().len(), 71);
        assert_eq!(
            [2.2e-5, 2.3e-5].map(|y| log().step(y)),
            [Some(13), Some(14)]
        );
        for nowhere in [0.0, -1.0, 9e-7, 11.0, f64::NAN, f64::INFINITY] {
            assert_eq!(log().step(nowhere), None);
        }
    }

    #[test]
    fn a_curve_is_its_points_in_words_and_in_numbers() {
        let steps = [Some(0), None, Some(13), Some(70)];
        assert_eq!(
            log().points(&steps),
            [(1.0, 1e-6), (10.0, 2e-5), (30.0, 10.0)]
        );
        assert_eq!(log().written(&steps), "1: 1 µs; 10: 20 µs; 30: 10 s");
        let pad = log().drawn(&[Some(71), Some(3), None, Some(usize::MAX), Some(1)]);
        assert_eq!(pad.drawn, [None, Some(3), None, None]);
        assert!(pad.text().contains("Drawn: 3: 2 µs."), "{}", pad.text());
    }

    #[test]
    fn the_page_knows_where_everything_is() {
        let pad = log().drawn(&[Some(3), None]);
        let sheet = pad.sheet().unwrap();
        let data = pad.data(&sheet);
        for part in [
            "\"name\":\"03\"",
            "\"size\":[720,",
            "\"words\":\"3.15 ms\"}",
            "\"drawn\":[3,null,null,null]",
            "\"line\":[\"sketch(\\\"03\\\", \\\"\",\"\\\")?\"]",
        ] {
            assert!(data.contains(part), "{part} in {data}");
        }
        let Plot {
            left,
            right,
            top,
            bottom,
        } = sheet.plot;
        assert!(sheet.xs.iter().all(|(x, _)| (left..=right).contains(x)));
        assert_eq!((sheet.ys[0].0, sheet.ys[70].0), (bottom, top));
        assert!(sheet.xs.is_sorted() && sheet.ys.iter().rev().is_sorted_by_key(|y| y.0));
    }

    #[test]
    fn a_page_without_scripts_has_the_axes_and_says_how_to_draw_in_words() {
        let shown = log().contents();
        assert!(
            shown[0]
                .1
                .contains("overflow-x:auto\"><img alt=\"The reaction\"")
        );
        let words = &shown[1].1;
        assert!(
            words.contains("sketch(\"03\", \"1: 1 µs; 30: 10 s\")?"),
            "{words}"
        );
        assert!(words.contains("Nothing is drawn so far."));
    }

    #[test]
    fn a_pad_without_a_place_is_a_sentence() {
        for bad in [
            SketchPad::new("T"),
            log().x("n", [0.0, 1.0]),
            log().y("n", 0.0..=1.0),
            log().y("n", f64::NAN..=1.0),
        ] {
            assert!(bad.contents()[0].1.starts_with("No pad: "));
        }
    }
}
