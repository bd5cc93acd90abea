use super::text_width::TEXT;
use super::theme::{self, CROWD, INK, PAPER, colour};
use crate::error::FigureError;
use labsupport::cell::escape;
use plotters::backend::DrawingBackend;
use plotters::prelude::{Color, IntoFont, RGBColor, SVGBackend};
pub(crate) use plotters::style::text_anchor::HPos as Align;
use plotters::style::text_anchor::{Pos, VPos};
use plotters::style::{FontTransform, ShapeStyle, TextStyle};
use std::fmt;

/// The sheet that a figure is drawn on, and the few shapes that all figures are made of.
///
/// Everything is drawn in the colours of a light page. A style sheet inside the picture names what each colour becomes on a dark page,
/// so one picture serves both, even inside an `<img>`: there it follows the `color-scheme` of the page around it.
///
/// No shape returns an error. The first failure is kept, and [`svg`] returns it.
pub(crate) struct Canvas<'a> {
    backend: SVGBackend<'a>,
    failure: Option<FigureError>,
}

/// A place in a picture: pixels from the left and from the top.
pub(crate) type Point = (i32, i32);

/// The size of the title's text.
pub(super) const TITLE: i32 = 16;

/// Makes a sheet of this width and height, lets `draw` draw on it, and returns the SVG, with title and description for screen readers.
pub(super) fn svg(
    (width, height): (i32, i32),
    title: &str,
    description: &str,
    draw: impl FnOnce(&mut Canvas<'_>),
) -> Result<String, FigureError> {
    let mut svg = String::new();
    {
        let mut canvas = Canvas {
            backend: SVGBackend::with_string(&mut svg, (width as u32, height as u32)),
            failure: None,
        };
        canvas.rect((0, 0), (width, height), PAPER);
        draw(&mut canvas);
        canvas.draw(|backend| backend.present());
        if let Some(failure) = canvas.failure.take() {
            return Err(failure);
        }
    }
    let (open, rest) = svg.split_once('>').unwrap_or_default();
    Ok(format!(
        "{open} class=\"labs-figure\" role=\"img\" aria-label=\"{title}\" style=\"max-width:100%;height:auto\">\
         <title>{title}</title><desc>{}</desc><style>{}</style>{rest}",
        escape(&printable(description)),
        theme::dark_style(rest),
        title = escape(&printable(title)),
    ))
}

/// The width and height that a picture of [`svg`] names, in pixels.
pub(crate) fn size(svg: &str) -> (&str, &str) {
    let of = |name: &str| {
        let (_, value) = svg.split_once(name)?;
        Some(value.split_once('"')?.0)
    };
    (
        of(" width=\"").unwrap_or_default(),
        of(" height=\"").unwrap_or_default(),
    )
}

impl<'a> Canvas<'a> {
    fn draw<E: fmt::Display>(&mut self, what: impl FnOnce(&mut SVGBackend<'a>) -> Result<(), E>) {
        if let Err(error) = what(&mut self.backend) {
            let failure = || FigureError::Drawing(error.to_string());
            self.failure.get_or_insert_with(failure);
        }
    }

    /// A rectangle full of colour.
    pub(crate) fn rect(&mut self, from: Point, to: Point, colour: RGBColor) {
        self.draw(|backend| backend.draw_rect(from, to, &colour, true));
    }

    /// The outline of a rectangle, a pixel wide.
    pub(crate) fn frame(&mut self, from: Point, to: Point, colour: RGBColor) {
        self.draw(|backend| backend.draw_rect(from, to, &line(colour, 1), false));
    }

    /// A line through `points`.
    pub(crate) fn path(
        &mut self,
        points: impl IntoIterator<Item = Point>,
        colour: RGBColor,
        width: u32,
    ) {
        self.draw(|backend| backend.draw_path(points, &line(colour, width)));
    }

    /// A disc.
    pub(crate) fn circle(&mut self, centre: Point, radius: u32, colour: RGBColor) {
        self.draw(|backend| backend.draw_circle(centre, radius, &colour, true));
    }

    /// The outline of a circle, two pixels wide.
    pub(crate) fn ring(&mut self, centre: Point, radius: u32, colour: RGBColor) {
        self.draw(|backend| backend.draw_circle(centre, radius, &line(colour, 2), false));
    }

    /// A polygon full of colour.
    pub(crate) fn polygon(&mut self, corners: impl IntoIterator<Item = Point>, colour: RGBColor) {
        self.draw(|backend| backend.fill_polygon(corners, &colour));
    }

    /// A cross of two lines that reach `half` pixels from the centre.
    pub(crate) fn cross(&mut self, (x, y): Point, half: i32, colour: RGBColor) {
        self.path([(x - half, y - half), (x + half, y + half)], colour, 3);
        self.path([(x - half, y + half), (x + half, y - half)], colour, 3);
    }

    /// Lines that slant upwards through a rectangle, `apart` pixels from each other, and are cut off at its edges.
    pub(crate) fn slanting(
        &mut self,
        (x0, y0): Point,
        (x1, y1): Point,
        apart: usize,
        colour: RGBColor,
    ) {
        let height = y1 - y0;
        for start in (x0 - height..x1).step_by(apart) {
            let (from, to) = (start.max(x0), (start + height).min(x1));
            if from < to {
                let ends = [from, to].map(|x| (x, y1 - (x - start)));
                self.path(ends, colour, 1);
            }
        }
    }

    /// The line of the `index`-th series: its colour and its dashes.
    pub(crate) fn series(&mut self, points: &[Point], index: usize) {
        let (dash, gap) = theme::dash(index);
        if gap == 0 {
            return self.path(points.iter().copied(), colour(index), 2);
        }
        let (dash, period) = (f64::from(dash), f64::from(dash + gap));
        let mut walked = 0.0; // along the whole line, so that dashes go on around corners
        for pair in points.windows(2) {
            let (x, y) = (f64::from(pair[0].0), f64::from(pair[0].1));
            let (dx, dy) = (f64::from(pair[1].0) - x, f64::from(pair[1].1) - y);
            let length = dx.hypot(dy);
            let along = |from: f64, by: f64, t: f64| (from + by * t / length).round() as i32;
            let at = |t: f64| (along(x, dx, t), along(y, dy, t));
            let mut t = 0.0;
            while t < length {
                let phase = (walked + t) % period;
                let left = if phase < dash { dash } else { period } - phase;
                let end = (t + left.max(0.5)).min(length);
                if phase < dash {
                    self.path([at(t), at(end)], colour(index), 2);
                }
                t = end;
            }
            walked += length;
        }
    }

    /// The marker of the `index`-th series.
    pub(crate) fn marker(&mut self, (x, y): Point, index: usize) {
        let colour = colour(index);
        match index % 6 {
            0 => self.circle((x, y), 4, colour),
            1 => self.rect((x - 4, y - 4), (x + 4, y + 4), colour),
            2 => self.polygon([(x, y - 5), (x + 5, y + 4), (x - 5, y + 4)], colour),
            3 => self.polygon([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], colour),
            4 => self.polygon([(x, y + 5), (x + 5, y - 4), (x - 5, y - 4)], colour),
            _ => self.cross((x, y), 4, colour),
        }
    }

    /// The marker of a guess: hollow, so that it is never taken for a measurement.
    pub(crate) fn guess(&mut self, (x, y): Point) {
        let corners = [(x, y - 8), (x + 8, y), (x, y + 8), (x - 8, y)];
        self.polygon(corners, PAPER);
        self.path(corners.into_iter().chain([corners[0]]), INK, 2);
    }

    /// The reader's own curve: broad and pale, to be drawn before what was measured.
    pub(crate) fn sketch(&mut self, points: impl IntoIterator<Item = Point>) {
        let points: Vec<Point> = points.into_iter().collect();
        match points[..] {
            [one] => self.circle(one, 6, CROWD),
            _ => self.path(points, CROWD, 7),
        }
    }

    /// Text whose top is at `at`.
    pub(crate) fn text(&mut self, at: Point, text: &str, colour: RGBColor, align: Align) {
        self.write(at, text, (TEXT, colour), Pos::new(align, VPos::Top));
    }

    /// Text whose middle is at the height of `at`.
    pub(crate) fn text_middle(&mut self, at: Point, text: &str, colour: RGBColor, align: Align) {
        self.write(at, text, (TEXT, colour), Pos::new(align, VPos::Center));
    }

    /// A number in the middle of its box, a little smaller than other text.
    pub(crate) fn number_in_box(&mut self, at: Point, number: &str, colour: RGBColor) {
        let middle = Pos::new(Align::Center, VPos::Center);
        self.write(at, number, (TEXT - 1, colour), middle);
    }

    /// A line of the title.
    pub(super) fn title(&mut self, at: Point, text: &str) {
        self.write(at, text, (TITLE, INK), Pos::new(Align::Left, VPos::Top));
    }

    /// Text that runs upwards, its centre at `at`.
    pub(crate) fn text_upwards(&mut self, at: Point, text: &str) {
        let pos = Pos::new(Align::Center, VPos::Top);
        self.write_turned(at, text, (TEXT, INK), pos, FontTransform::Rotate270);
    }

    fn write(&mut self, at: Point, text: &str, look: (i32, RGBColor), pos: Pos) {
        self.write_turned(at, text, look, pos, FontTransform::None);
    }

    fn write_turned(
        &mut self,
        at: Point,
        text: &str,
        (size, colour): (i32, RGBColor),
        pos: Pos,
        turn: FontTransform,
    ) {
        // plotters divides by 1.24 to get from its line height to the font size.
        let font = ("sans-serif", f64::from(size) * 1.24).into_font();
        let style = TextStyle::from(font.transform(turn))
            .color(&colour)
            .pos(pos);
        self.draw(|backend| backend.draw_text(&printable(text), &style, at));
    }
}

fn line(colour: RGBColor, width: u32) -> ShapeStyle {
    ShapeStyle {
        color: colour.to_rgba(),
        filled: false,
        stroke_width: width,
    }
}

/// `text` without the control characters that XML forbids: with one of them, no browser draws the picture.
fn printable(text: &str) -> String {
    let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.replace(forbidden, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_forbids_are_replaced() {
        let svg = svg((50, 50), "red \u{1b}[31m", "a\nb\u{0}", |_| ()).unwrap();
        assert!(!svg.contains('\u{1b}') && !svg.contains('\u{0}'));
        assert!(svg.contains("a\nb"));
    }

    #[test]
    fn the_first_failure_is_returned() {
        let fail = |canvas: &mut Canvas<'_>, why: &'static str| {
            canvas.draw(|_| Err(why));
        };
        let drawn = svg((50, 50), "T", "", |canvas| {
            fail(canvas, "no ink");
            fail(canvas, "no paper");
        });
        let error = drawn.unwrap_err().to_string();
        assert!(
            error.contains("no ink") && !error.contains("no paper"),
            "{error}"
        );
    }
}
