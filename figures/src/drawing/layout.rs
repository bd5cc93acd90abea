//! The one layout of all figures.
//!
//! ```text
//! ┌───────────────────────────────────────┐
//! │ title                                 │
//! │            (above)                    │
//! │        ┌───────────────────┐ top      │
//! │ (left) │       plot        │ (right)  │
//! │        └───────────────────┘ bottom   │
//! │          0     10    20               │
//! │                label                  │
//! │            (below)                    │
//! │ ── sign and name   ── sign and name   │
//! │ caption                               │
//! └───────────────────────────────────────┘
//! ```
//!
//! A figure says how high its plot is and how much room it needs at its sides; everything else follows.

use super::axis::Axis;
use super::canvas::{self, Align, Canvas, Point, TITLE};
use super::text_width::{LINE, TEXT, fit, text_width, wrap};
use super::theme::{FAINT, GRID, INK};
use super::twin::GUESS;
use crate::error::FigureError;

/// A figure's parts and the room for each.
pub(crate) struct Layout<'f> {
    title: &'f str,
    title_lines: Vec<String>,
    plot: Plot,
    /// Between the plot and the legend.
    below: i32,
    legend: Legend<'f>,
    caption: Vec<String>,
}

pub(crate) const WIDTH: i32 = 720;
pub(crate) const MARGIN: i32 = 14;
/// The room for the names of an axis's ticks and for its label.
const AXIS: i32 = 2 * LINE + 14;
const TITLE_LINE: i32 = 22;

impl<'f> Layout<'f> {
    /// A figure with this title and a plot of this height, as wide as the figure.
    pub(crate) fn new(title: &'f str, height: i32) -> Layout<'f> {
        // Words are measured at the size of `TEXT`.
        let title_lines = wrap(title, (WIDTH - 2 * MARGIN) * TEXT / TITLE);
        let more = (title_lines.len() as i32 - 1).max(0);
        let top = MARGIN + 2 * LINE + TITLE_LINE * more;
        let plot = Plot {
            left: MARGIN,
            right: WIDTH - MARGIN,
            top,
            bottom: top + height,
        };
        Layout {
            title,
            title_lines,
            plot,
            below: AXIS,
            legend: Legend::default(),
            caption: Vec::new(),
        }
    }

    /// Leaves `room` between the title and the plot.
    pub(crate) fn above(mut self, room: i32) -> Layout<'f> {
        self.plot.top += room;
        self.plot.bottom += room;
        self
    }

    /// Leaves `left` pixels on the left of the plot, and `right` on its right.
    pub(crate) fn beside(mut self, left: i32, right: i32) -> Layout<'f> {
        self.plot.left += left;
        self.plot.right -= right;
        self
    }

    /// Leaves `room` below the axis.
    pub(crate) fn below(mut self, room: i32) -> Layout<'f> {
        self.below += room;
        self
    }

    /// Leaves no room for an axis.
    pub(crate) fn without_axis(mut self) -> Layout<'f> {
        self.below = MARGIN;
        self
    }

    pub(crate) fn legend(mut self, legend: Legend<'f>) -> Layout<'f> {
        self.legend = legend;
        self
    }

    pub(crate) fn caption(mut self, caption: &str) -> Layout<'f> {
        self.caption = wrap(caption, WIDTH - 2 * MARGIN);
        self
    }

    /// The picture: `draw` draws the plot, and the text twin becomes its description.
    pub(crate) fn svg(
        self,
        twin: &str,
        draw: impl FnOnce(&mut Canvas<'_>, Plot),
    ) -> Result<String, FigureError> {
        let legend = self.plot.bottom + self.below;
        let caption = legend + self.legend.height();
        let height = caption + LINE * self.caption.len() as i32 + MARGIN;
        canvas::svg((WIDTH, height), self.title, twin, |canvas| {
            for (y, line) in (MARGIN..)
                .step_by(TITLE_LINE as usize)
                .zip(&self.title_lines)
            {
                canvas.title((MARGIN, y), line);
            }
            draw(canvas, self.plot);
            self.legend.draw(canvas, legend);
            for (y, line) in (caption..).step_by(LINE as usize).zip(&self.caption) {
                canvas.text((MARGIN, y), line, FAINT, Align::Left);
            }
        })
    }
}

/// The area in which a figure draws what was measured, in pixels of the picture.
#[derive(Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) top: i32,
    pub(crate) bottom: i32,
}

impl Plot {
    /// The x of `place`, which runs from 0 at the left to 1 at the right.
    pub(crate) fn x(&self, place: f64) -> i32 {
        self.left + (place * f64::from(self.right - self.left)).round() as i32
    }

    /// The y of `place`, which runs from 0 at the bottom to 1 at the top.
    pub(crate) fn y(&self, place: f64) -> i32 {
        self.bottom - (place * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Draws the x axis: its grid, the names of its ticks and its label.
    pub(crate) fn axis_across(&self, canvas: &mut Canvas<'_>, axis: &Axis, label: &str) {
        let ticks = axis.ticks().map(|(place, name)| (self.x(place), name));
        self.ticks_across(canvas, ticks);
        self.label_across(canvas, label);
    }

    /// Draws the ticks of the x axis, each at its x: a line of the grid, with the name below it. A name is moved in at the figure's edge, and
    /// left out if the previous one leaves no room.
    pub(crate) fn ticks_across<'t>(
        &self,
        canvas: &mut Canvas<'_>,
        ticks: impl Iterator<Item = (i32, &'t str)>,
    ) {
        let mut free = 0;
        for (x, name) in ticks {
            canvas.path([(x, self.top), (x, self.bottom)], GRID, 1);
            let half = text_width(name) / 2;
            let x = x.min(WIDTH - 4 - half);
            if x - half >= free {
                canvas.text((x, self.bottom + 7), name, INK, Align::Center);
                free = x + half + 4;
            }
        }
    }

    /// Draws the label of the x axis, below the names of the ticks.
    pub(crate) fn label_across(&self, canvas: &mut Canvas<'_>, label: &str) {
        let at = ((self.left + self.right) / 2, self.bottom + LINE + 8);
        canvas.text(at, &fit(label, self.right - self.left), INK, Align::Center);
    }

    /// Draws the y axis: its grid, the names of its ticks and its label.
    pub(crate) fn axis_up(&self, canvas: &mut Canvas<'_>, axis: &Axis, label: &str) {
        for (place, name) in axis.ticks() {
            let y = self.y(place);
            canvas.path([(self.left, y), (self.right, y)], GRID, 1);
            canvas.text_middle((self.left - 7, y), name, INK, Align::Right);
        }
        self.label_up(canvas, label);
    }

    /// Draws the label of the y axis, at the left edge of the figure.
    pub(crate) fn label_up(&self, canvas: &mut Canvas<'_>, label: &str) {
        let label = fit(label, self.bottom - self.top + LINE);
        canvas.text_upwards((MARGIN, (self.top + self.bottom) / 2), &label);
    }

    /// Draws a vertical line at `x`, through the whole plot.
    pub(crate) fn vertical(&self, canvas: &mut Canvas<'_>, x: i32) {
        canvas.path([(x, self.top), (x, self.bottom)], INK, 2);
    }
}

/// The names below a plot, each with its sign before it.
#[derive(Default)]
pub(crate) struct Legend<'f> {
    entries: Vec<(String, Sign<'f>)>,
}

/// Draws a sign that is 28 pixels wide. The point is the middle of its left edge.
type Sign<'f> = Box<dyn Fn(&mut Canvas<'_>, Point) + 'f>;

/// From the left end of a sign to its name.
const SIGN: i32 = 36;

impl<'f> Legend<'f> {
    /// Adds a name with its sign. A name that is longer than a line is cut.
    pub(crate) fn add(&mut self, name: &str, sign: impl Fn(&mut Canvas<'_>, Point) + 'f) {
        let name = fit(name, WIDTH - 2 * MARGIN - SIGN);
        self.entries.push((name, Box::new(sign)));
    }

    /// Adds a vertical line.
    pub(crate) fn add_mark(&mut self, name: &str) {
        self.add(name, |canvas, (x, y)| {
            canvas.path([(x + 14, y - 8), (x + 14, y + 8)], INK, 2);
        });
    }

    /// Adds the marker of a guess.
    pub(crate) fn add_guess(&mut self) {
        self.add(GUESS, |canvas, (x, y)| canvas.guess((x + 14, y)));
    }

    /// The place of each entry: its x, and its line, counted from 0.
    fn places(&self) -> Vec<(i32, i32)> {
        let (mut x, mut line) = (MARGIN, 0);
        let place = |(name, _): &(String, Sign<'_>)| {
            let width = SIGN + text_width(name) + 18;
            if x > MARGIN && x + width > WIDTH - MARGIN {
                (x, line) = (MARGIN, line + 1);
            }
            x += width;
            (x - width, line)
        };
        self.entries.iter().map(place).collect()
    }

    fn height(&self) -> i32 {
        let last = self.places().pop();
        last.map_or(0, |(_, line)| LINE * (line + 1) + 6)
    }

    fn draw(&self, canvas: &mut Canvas<'_>, top: i32) {
        for ((name, sign), (x, line)) in self.entries.iter().zip(self.places()) {
            let y = top + LINE * line + LINE / 2;
            sign(canvas, (x, y));
            canvas.text_middle((x + SIGN, y), name, INK, Align::Left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_moves_the_plot_down() {
        let top = |title: &str| Layout::new(title, 100).plot.top;
        assert_eq!(top(""), top("short"));
        assert!(top(&"a title of many words ".repeat(9)) > top("short"));
    }

    #[test]
    fn a_legend_takes_the_lines_that_it_needs_and_no_room_when_it_is_empty() {
        let mut legend = Legend::default();
        assert_eq!(legend.height(), 0);
        legend.add_guess();
        assert_eq!(legend.height(), LINE + 6);
        legend.add_mark(&"a long name ".repeat(20));
        assert_eq!(legend.places()[1], (MARGIN, 1));
        assert_eq!(legend.height(), 2 * LINE + 6);
    }
}
