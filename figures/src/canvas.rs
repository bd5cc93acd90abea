//! The one look of all figures: sizes, colours, markers, and the few things that are drawn.
//!
//! A figure is drawn in the colours of a light page. A style sheet inside it names what each of them becomes on a dark one, so that one
//! picture serves both, also where it stands in an `<img>`: there it follows the `color-scheme` of the page around it.

use super::FigureError;
use super::theme;
use labsupport::cell::escape;
use plotters::backend::DrawingBackend;
use plotters::prelude::{Color, IntoFont, RGBColor, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, ShapeStyle, TextStyle};
use std::cell::RefCell;

pub(super) const WIDTH: i32 = 720;
pub(super) const TEXT: i32 = 13;
pub(super) const TITLE: i32 = 16;
/// Height of a line of text.
pub(super) const LINE: i32 = 19;
pub(super) const MARGIN: i32 = 14;
/// Height of a line of the title.
const TITLE_LINE: i32 = 22;

/// What a guess is called in every figure.
pub(super) const GUESS: &str = "your guess";
pub(super) use theme::{CROWD, FAINT, GRID, INK, PAPER, SHADE};

/// The colour of the `index`-th series.
pub(super) fn colour(index: usize) -> RGBColor {
    theme::PALETTE[index % theme::PALETTE.len()]
}

/// Dash and gap of the `index`-th series, in pixels; no gap is a solid line.
fn dash(index: usize) -> (i32, i32) {
    [(1, 0), (8, 4), (2, 3), (1, 0), (8, 4), (2, 3)][index % 6]
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// An empty sheet; places are pixels from the top left.
pub(super) struct Canvas<'a> {
    backend: RefCell<SVGBackend<'a>>,
}

/// Makes a sheet of `height`, lets `draw` draw on it, and returns the SVG with title and description for screen readers.
pub(super) fn svg(
    height: i32,
    title: &str,
    text: &str,
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), FigureError>,
) -> Result<String, FigureError> {
    let mut svg = String::new();
    {
        let backend = SVGBackend::with_string(&mut svg, (WIDTH as u32, height as u32));
        let canvas = Canvas {
            backend: RefCell::new(backend),
        };
        canvas.rect((0, 0), (WIDTH, height), PAPER, true)?;
        for (row, line) in title_lines(title).iter().enumerate() {
            let at = (MARGIN, MARGIN + TITLE_LINE * row as i32);
            canvas.text(at, line, TITLE, INK, Align::Left)?;
        }
        draw(&canvas)?;
        canvas.backend.borrow_mut().present().map_err(failed)?;
    }
    let end = svg.find('>').unwrap_or(0);
    let (open, rest) = svg.split_at(end);
    let rest = rest.trim_start_matches('>');
    Ok(format!(
        "{open} class=\"labs-figure\" role=\"img\" aria-label=\"{title}\" style=\"max-width:100%;height:auto\">\
         <title>{title}</title><desc>{}</desc><style>{}</style>{rest}",
        escape(&printable(text)),
        theme::dark_style(rest),
        title = escape(&printable(title)),
    ))
}

fn failed(error: impl std::fmt::Display) -> FigureError {
    FigureError::Drawing(error.to_string())
}

impl Canvas<'_> {
    pub(super) fn rect(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: RGBColor,
        filled: bool,
    ) -> Result<(), FigureError> {
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled,
            stroke_width: 1,
        };
        self.backend
            .borrow_mut()
            .draw_rect(from, to, &style, filled)
            .map_err(failed)
    }

    /// A line through `points`.
    pub(super) fn path(
        &self,
        points: impl IntoIterator<Item = (i32, i32)>,
        colour: RGBColor,
        width: u32,
    ) -> Result<(), FigureError> {
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled: false,
            stroke_width: width,
        };
        self.backend
            .borrow_mut()
            .draw_path(points, &style)
            .map_err(failed)
    }

    /// The line of the `index`-th series: its colour and its dashes.
    pub(super) fn series(&self, points: &[(i32, i32)], index: usize) -> Result<(), FigureError> {
        let (dash, gap) = dash(index);
        if gap == 0 {
            return self.path(points.iter().copied(), colour(index), 2);
        }
        let (dash, period) = (f64::from(dash), f64::from(dash + gap));
        let mut walked = 0.0; // along the whole line, so that dashes go on around corners
        for pair in points.windows(2) {
            let (x, y) = (f64::from(pair[0].0), f64::from(pair[0].1));
            let (dx, dy) = (f64::from(pair[1].0) - x, f64::from(pair[1].1) - y);
            let length = dx.hypot(dy);
            let at = |t: f64| {
                (
                    (x + dx * t / length).round() as i32,
                    (y + dy * t / length).round() as i32,
                )
            };
            let mut t = 0.0;
            while t < length {
                let phase = (walked + t) % period;
                let left = if phase < dash {
                    dash - phase
                } else {
                    period - phase
                };
                let end = (t + left.max(0.5)).min(length);
                if phase < dash {
                    self.path([at(t), at(end)], colour(index), 2)?;
                }
                t = end;
            }
            walked += length;
        }
        Ok(())
    }

    /// The marker of the `index`-th series.
    pub(super) fn marker(&self, (x, y): (i32, i32), index: usize) -> Result<(), FigureError> {
        let colour = colour(index);
        match index % 6 {
            0 => self.circle((x, y), 4, colour, true),
            1 => self.rect((x - 4, y - 4), (x + 4, y + 4), colour, true),
            2 => self.polygon([(x, y - 5), (x + 5, y + 4), (x - 5, y + 4)], colour),
            3 => self.polygon([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], colour),
            4 => self.polygon([(x, y + 5), (x + 5, y - 4), (x - 5, y - 4)], colour),
            _ => {
                self.path([(x - 4, y - 4), (x + 4, y + 4)], colour, 3)?;
                self.path([(x - 4, y + 4), (x + 4, y - 4)], colour, 3)
            }
        }
    }

    /// The marker of a guess: hollow, so that it is never taken for a measurement.
    pub(super) fn guess(&self, (x, y): (i32, i32)) -> Result<(), FigureError> {
        let corners = [(x, y - 8), (x + 8, y), (x, y + 8), (x - 8, y)];
        self.polygon(corners, PAPER)?;
        self.path(corners.into_iter().chain([corners[0]]), INK, 2)
    }

    pub(super) fn circle(
        &self,
        centre: (i32, i32),
        radius: u32,
        colour: RGBColor,
        filled: bool,
    ) -> Result<(), FigureError> {
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled,
            stroke_width: 2,
        };
        self.backend
            .borrow_mut()
            .draw_circle(centre, radius, &style, filled)
            .map_err(failed)
    }

    pub(super) fn polygon(
        &self,
        corners: impl IntoIterator<Item = (i32, i32)>,
        colour: RGBColor,
    ) -> Result<(), FigureError> {
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled: true,
            stroke_width: 1,
        };
        self.backend
            .borrow_mut()
            .fill_polygon(corners, &style)
            .map_err(failed)
    }

    /// Text whose top is at `y`.
    pub(super) fn text(
        &self,
        at: (i32, i32),
        text: &str,
        size: i32,
        colour: RGBColor,
        align: Align,
    ) -> Result<(), FigureError> {
        self.write(
            at,
            text,
            size,
            colour,
            align,
            VPos::Top,
            FontTransform::None,
        )
    }

    /// Text whose middle is at `y`.
    pub(super) fn text_middle(
        &self,
        at: (i32, i32),
        text: &str,
        size: i32,
        colour: RGBColor,
        align: Align,
    ) -> Result<(), FigureError> {
        self.write(
            at,
            text,
            size,
            colour,
            align,
            VPos::Center,
            FontTransform::None,
        )
    }

    /// Text that runs upwards, its centre at `at`.
    pub(super) fn text_upwards(&self, at: (i32, i32), text: &str) -> Result<(), FigureError> {
        self.write(
            at,
            text,
            TEXT,
            INK,
            Align::Centre,
            VPos::Top,
            FontTransform::Rotate270,
        )
    }

    #[allow(clippy::too_many_arguments)] // private; the three above are what is called
    fn write(
        &self,
        at: (i32, i32),
        text: &str,
        size: i32,
        colour: RGBColor,
        align: Align,
        vertical: VPos,
        transform: FontTransform,
    ) -> Result<(), FigureError> {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        // plotters divides by 1.24 to get from its line height to the font size.
        let font = ("sans-serif", f64::from(size) * 1.24)
            .into_font()
            .transform(transform);
        let style = TextStyle::from(font)
            .color(&colour)
            .pos(Pos::new(horizontal, vertical));
        self.backend
            .borrow_mut()
            .draw_text(&printable(text), &style, at)
            .map_err(failed)
    }

    /// The names of the ticks of an axis that lies, `(x, name)` from the left, at `y`: moved in at the figure's edge, and left
    /// out where there is no room beside the one before.
    pub(super) fn tick_names<'t>(
        &self,
        y: i32,
        ticks: impl Iterator<Item = (i32, &'t str)>,
    ) -> Result<(), FigureError> {
        let mut free = 0;
        for (x, name) in ticks {
            let half = text_width(name) / 2;
            let x = x.min(WIDTH - 4 - half);
            if x - half >= free {
                self.text((x, y), name, TEXT, INK, Align::Centre)?;
                free = x + half + 4;
            }
        }
        Ok(())
    }

    /// A caption of several lines from `y` on.
    pub(super) fn caption(&self, y: i32, lines: &[String]) -> Result<(), FigureError> {
        for (index, line) in lines.iter().enumerate() {
            self.text(
                (MARGIN, y + LINE * index as i32),
                line,
                TEXT,
                FAINT,
                Align::Left,
            )?;
        }
        Ok(())
    }
}

/// The width and height that a picture of [`svg`] names, which are numbers of pixels.
pub(super) fn size(svg: &str) -> (&str, &str) {
    let of = |name: &str| {
        let (_, value) = svg.split_once(name)?;
        Some(value.split_once('"')?.0)
    };
    (
        of(" width=\"").unwrap_or_default(),
        of(" height=\"").unwrap_or_default(),
    )
}

/// How wide a text is, about: the widths of sans-serif fonts differ, so this is on the safe side.
pub(super) fn text_width(text: &str) -> i32 {
    let wide = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'' | ' ' | '|'
        | '(' | ')' => 0.36,
        'm' | 'w' | 'M' | 'W' | '→' | '≤' | '×' => 0.9,
        c if c.is_uppercase() => 0.72,
        _ => 0.58,
    };
    (text.chars().map(wide).sum::<f64>() * f64::from(TEXT)).ceil() as i32
}

/// `text`, or as much of its beginning as `width` pixels hold and an ellipsis. The text twin has all of it.
pub(super) fn fit(text: &str, width: i32) -> String {
    if text_width(text) <= width {
        return text.into();
    }
    let mut shorter: String = text.into();
    while shorter.pop().is_some() {
        let cut = format!("{}…", shorter.trim_end());
        if text_width(&cut) <= width {
            return cut;
        }
    }
    String::new()
}

/// `text` without the control characters that XML forbids: one of them, and no browser draws the picture.
fn printable(text: &str) -> String {
    let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.replace(forbidden, "\u{fffd}")
}

/// Where the drawing begins, below the title.
pub(super) fn top(title: &str) -> i32 {
    MARGIN + 2 * LINE + TITLE_LINE * (title_lines(title).len() as i32 - 1).max(0)
}

fn title_lines(title: &str) -> Vec<String> {
    // Widths are those of `TEXT`.
    wrap_within(title, (WIDTH - 2 * MARGIN) * TEXT / TITLE)
}

/// `text` in lines that fit the figure.
pub(super) fn wrap(text: &str) -> Vec<String> {
    wrap_within(text, WIDTH - 2 * MARGIN)
}

/// `text` in lines of `width` pixels.
pub(super) fn wrap_within(text: &str, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(word) + 5 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, width)),
        }
    }
    lines
}

/// The names of a legend, cut where one is longer than a line, and the width of each entry.
pub(super) fn legend(names: &[&str]) -> (Vec<String>, Vec<i32>) {
    let names: Vec<String> = (names.iter())
        .map(|name| fit(name, WIDTH - 2 * MARGIN - 36))
        .collect();
    let widths = names.iter().map(|name| 36 + text_width(name) + 18);
    let widths = widths.collect();
    (names, widths)
}

/// The entries of a legend, each a width; where each goes, and how many lines there are.
pub(super) fn flow(widths: &[i32]) -> (Vec<(i32, i32)>, i32) {
    let (mut x, mut row) = (MARGIN, 0);
    let mut places = Vec::new();
    for &width in widths {
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, row) = (MARGIN, row + 1);
        }
        places.push((x, row));
        x += width;
    }
    (places, if widths.is_empty() { 0 } else { row + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_or_wrapped_and_never_wider_than_asked() {
        assert_eq!(fit("short", 100), "short");
        let cut = fit(&"long name ".repeat(20), 100);
        assert!(cut.ends_with('…') && text_width(&cut) <= 100, "{cut}");
        assert_eq!(fit("x", 0), "");
        for line in title_lines(&"a title of many words ".repeat(9)) {
            assert!(text_width(&line) * TITLE / TEXT <= WIDTH - 2 * MARGIN);
        }
        assert_eq!(top(""), top("short"));
        assert!(top(&"a title of many words ".repeat(9)) > top("short"));
    }

    #[test]
    fn characters_that_xml_forbids_are_replaced() {
        let svg = svg(50, "red \u{1b}[31m", "a\nb\u{0}", |_| Ok(())).unwrap();
        assert!(!svg.contains('\u{1b}') && !svg.contains('\u{0}'));
        assert!(svg.contains("a\nb"));
    }
}
