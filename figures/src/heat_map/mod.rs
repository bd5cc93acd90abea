mod colours;

use crate::drawing::theme::{FAINT, GRID, INK, PAPER, SHADE};
use crate::drawing::{Align, Canvas, LINE, Layout, Legend, Plot, Point, Twin, WIDTH};
use crate::drawing::{fit, text_width, widest};
use crate::error::FigureError;
use crate::format::Format;
use crate::numbers::Scale;
use colours::{Colours, ink_on, ramp};

/// A grid of coloured fields. Each field also carries its value as text.
///
/// Rows are counted from the bottom and columns from the left, both from 0. A field without a value is hatched: "not measured".
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let map = HeatMap::new("How far over budget?")
///     .x("interval", ["1", "10", "100"])
///     .y("cost", ["1 µs", "1 ms"])
///     .legend("times over budget")
///     .format(Format::Times)
///     .log()
///     .field(0, 0, 5.0).field(1, 0, 0.5).field(2, 0, 0.1).field(0, 1, 0.4)
///     .mark("best measured", 2, 0)
///     .window("predicted", 0, 0.7, 2.3);
/// assert!(map.svg().is_ok());
/// assert!(map.text().contains("0.1×"));
/// ```
#[derive(Clone, Debug)]
pub struct HeatMap {
    title: String,
    /// The label of the x axis, and the columns' names.
    x: (String, Vec<String>),
    /// The label of the y axis, and the rows' names.
    y: (String, Vec<String>),
    /// What the colour shows.
    scale: Scale,
    limit: Option<f64>,
    /// Column, row and value.
    fields: Vec<(usize, usize, f64)>,
    /// Name, column and row.
    marks: Vec<(String, usize, usize)>,
    /// Name, row, and the places where it begins and ends.
    windows: Vec<(String, usize, f64, f64)>,
    caption: String,
}

/// The height of a row.
const ROW: i32 = 44;
/// Steps in the scale's bar, and the width of each.
const STEPS: i32 = 60;
const STEP: i32 = 3;
const NOT_MEASURED: &str = "not measured";

impl HeatMap {
    /// A map without fields.
    pub fn new(title: impl Into<String>) -> HeatMap {
        HeatMap {
            title: title.into(),
            x: Default::default(),
            y: Default::default(),
            scale: Scale::default(),
            limit: None,
            fields: Vec::new(),
            marks: Vec::new(),
            windows: Vec::new(),
            caption: String::new(),
        }
    }

    /// The label of the x axis, and the names of the columns from the left.
    pub fn x<S: Into<String>>(
        mut self,
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> HeatMap {
        self.x = (label.into(), names.into_iter().map(Into::into).collect());
        self
    }

    /// The label of the y axis, and the names of the rows from the bottom.
    pub fn y<S: Into<String>>(
        mut self,
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> HeatMap {
        self.y = (label.into(), names.into_iter().map(Into::into).collect());
        self
    }

    /// What the colour shows.
    pub fn legend(mut self, label: impl Into<String>) -> HeatMap {
        self.scale.label = label.into();
        self
    }

    /// How the values are written.
    pub fn format(mut self, format: Format) -> HeatMap {
        self.scale.format = format;
        self
    }

    /// Makes the colour scale logarithmic.
    pub fn log(mut self) -> HeatMap {
        self.scale.log = true;
        self
    }

    /// Lets the colours break at `limit`: blue up to it, orange above, both paler the nearer they are to it. A limit of zero or
    /// less has no place on a log scale, and nothing breaks.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let map = HeatMap::new("How far over budget?")
    ///     .x("interval", ["1", "10"])
    ///     .y("cost", ["1 µs"])
    ///     .limit(1.0)
    ///     .field(0, 0, 5.0)
    ///     .field(1, 0, 0.5);
    /// assert!(map.text().contains("The colours break at 1."));
    /// ```
    pub fn limit(mut self, limit: f64) -> HeatMap {
        self.limit = Some(limit);
        self
    }

    /// The value of the field in this column and row. A later value replaces an earlier one.
    pub fn field(mut self, column: usize, row: usize, value: f64) -> HeatMap {
        self.fields.retain(|f| (f.0, f.1) != (column, row));
        self.fields.push((column, row, value));
        self
    }

    /// Draws a ring into a field. Marks with the same name share an entry in the legend.
    pub fn mark(mut self, name: impl Into<String>, column: usize, row: usize) -> HeatMap {
        self.marks.push((name.into(), column, row));
        self
    }

    /// Outlines part of a row, from place `low` to place `high`: the middle of a column is at its number, and its edges are half a column
    /// away. If `low` is above `high`, nothing is drawn. Windows with the same name share an entry in the legend.
    pub fn window(mut self, name: impl Into<String>, row: usize, low: f64, high: f64) -> HeatMap {
        self.windows.push((name.into(), row, low, high));
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> HeatMap {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no field, a field, mark or window lies outside the rows and columns, a number is not finite, or a number on a log scale
    /// is zero or less.
    pub fn svg(&self) -> Result<String, FigureError> {
        self.check()?;
        let values = self.fields.iter().map(|field| field.2);
        let colours = Colours::new(&self.scale, values, self.drawn_limit());
        // The scale is below the axis; a limit has its number below the scale.
        let below = 2 * LINE + if self.limit.is_some() { 34 } else { 22 };
        Layout::new(&self.title, ROW * self.y.1.len() as i32)
            .beside(LINE + widest(&self.y.1).min(WIDTH / 3) + 12, 0)
            .below(below)
            .legend(self.legend_of_signs())
            .caption(&self.caption)
            .svg(&self.text(), |canvas, plot| {
                plot.label_across(canvas, &self.x.0);
                plot.label_up(canvas, &self.y.0);
                let grid = Grid::of(self, plot);
                self.draw_fields(canvas, &grid, &colours);
                self.draw_windows(canvas, &grid);
                for (_, column, row) in &self.marks {
                    let half = (grid.width / 2 - 4).min(34);
                    ring(canvas, grid.middle(*column as f64, *row), half);
                }
                self.draw_values(canvas, &grid, &colours);
                self.draw_scale(canvas, plot, &colours);
            })
    }

    fn check(&self) -> Result<(), FigureError> {
        if self.fields.is_empty() {
            return Err(FigureError::empty(&self.title, "a field"));
        }
        let (columns, rows) = (self.x.1.len(), self.y.1.len());
        let fields = self.fields.iter().map(|f| (f.0, f.1));
        let marks = self.marks.iter().map(|m| (m.1, m.2));
        let windows = self.windows.iter().map(|w| (0, w.1));
        for (column, row) in fields.chain(marks).chain(windows) {
            if column >= columns || row >= rows {
                return Err(FigureError::Drawing(format!(
                    "there is no field in column {column}, row {row}; the map has {columns} columns and {rows} rows, counted from 0"
                )));
            }
        }
        for (point, &(column, row, value)) in self.fields.iter().enumerate() {
            let name = format!("{}, {}", self.y.1[row], self.x.1[column]);
            self.scale.check(value, "value", &name, point)?;
        }
        Ok(())
    }

    /// The limit, if the scale has a place for it.
    fn drawn_limit(&self) -> Option<f64> {
        self.limit.filter(|limit| self.scale.has_place(*limit))
    }

    fn value(&self, column: usize, row: usize) -> Option<f64> {
        let mut fields = self.fields.iter();
        let field = fields.find(|field| (field.0, field.1) == (column, row));
        field.map(|field| field.2)
    }

    /// The fields' colours, and the names of rows and columns.
    fn draw_fields(&self, canvas: &mut Canvas<'_>, grid: &Grid, colours: &Colours) {
        for (row, name) in self.y.1.iter().enumerate() {
            let (left, middle) = (grid.plot.left, grid.middle(0.0, row).1);
            let name = fit(name, WIDTH / 3);
            canvas.text_middle((left - 8, middle), &name, INK, Align::Right);
            for column in 0..self.x.1.len() {
                let (from, to) = grid.field(column, row);
                match self.value(column, row) {
                    Some(value) => canvas.rect(from, to, colours.of_value(value)),
                    None => hatch(canvas, from, to),
                }
            }
        }
        for (column, name) in self.x.1.iter().enumerate() {
            let at = (grid.middle(column as f64, 0).0, grid.plot.bottom + 7);
            canvas.text(at, &fit(name, grid.width - 4), INK, Align::Center);
        }
    }

    fn draw_windows(&self, canvas: &mut Canvas<'_>, grid: &Grid) {
        let (first, last) = (-0.5, self.x.1.len() as f64 - 0.5);
        for &(_, row, low, high) in &self.windows {
            if low <= high && high > first && low < last {
                let (left, middle) = grid.middle(low.max(first), row);
                let (right, _) = grid.middle(high.min(last), row);
                let (top, bottom) = (middle - ROW / 2 + 3, middle + ROW / 2 - 3);
                outline(canvas, (left + 2, top), (right - 2, bottom));
            }
        }
    }

    /// The values come last, on a patch of their field's colour, so that no frame crosses them.
    fn draw_values(&self, canvas: &mut Canvas<'_>, grid: &Grid, colours: &Colours) {
        for &(column, row, value) in &self.fields {
            let (x, y) = grid.middle(column as f64, row);
            let text = self.scale.write(value);
            let half = text_width(&text) / 2;
            // A number cut short would be another number.
            if half <= grid.width / 2 {
                let colour = colours.of_value(value);
                canvas.rect((x - half, y - 9), (x + half, y + 9), colour);
                canvas.text_middle((x, y), &text, ink_on(colour), Align::Center);
            }
        }
    }

    /// The scale: a bar of colour between its two ends, and the limit on it.
    fn draw_scale(&self, canvas: &mut Canvas<'_>, plot: Plot, colours: &Colours) {
        let top = plot.bottom + 3 * LINE + 22;
        let label = fit(&self.scale.label, plot.right - plot.left);
        canvas.text((plot.left, top - LINE), &label, INK, Align::Left);
        let (from, to) = (plot.left + 70, plot.left + 70 + STEP * STEPS);
        for step in 0..STEPS {
            let x = from + STEP * step;
            let place = f64::from(step) / f64::from(STEPS - 1);
            let colour = colours.of(colours.measured(place));
            canvas.rect((x, top), (x + STEP, top + 14), colour);
        }
        let write = |measured: f64| self.scale.write(colours.value(measured));
        canvas.text_middle((from - 7, top + 7), &write(colours.low), INK, Align::Right);
        canvas.text_middle((to + 7, top + 7), &write(colours.high), INK, Align::Left);
        if let (Some(limit), Some(place)) = (self.limit, colours.limit_place()) {
            let x = from + (place * f64::from(to - from)).round() as i32;
            canvas.path([(x, top - 3), (x, top + 17)], INK, 2);
            let name = self.scale.write(limit);
            canvas.text((x, top + 18), &name, INK, Align::Center);
        }
    }

    /// The names of marks and windows, each once, and how a field without a value looks.
    fn legend_of_signs(&self) -> Legend<'_> {
        let mut legend = Legend::default();
        let mut known: Vec<&str> = Vec::new();
        let marks = self.marks.iter().map(|mark| (mark.0.as_str(), true));
        let windows = self.windows.iter().map(|window| (window.0.as_str(), false));
        for (name, is_mark) in marks.chain(windows) {
            if known.contains(&name) {
                continue;
            }
            known.push(name);
            legend.add(name, move |canvas, (x, y)| {
                canvas.rect((x, y - 8), (x + 28, y + 8), ramp(0.3));
                if is_mark {
                    ring(canvas, (x + 14, y), 10);
                } else {
                    outline(canvas, (x + 2, y - 6), (x + 26, y + 6));
                }
            });
        }
        if self.fields.len() < self.x.1.len() * self.y.1.len() {
            legend.add(NOT_MEASURED, |canvas, (x, y)| {
                hatch(canvas, (x, y - 7), (x + 28, y + 7));
            });
        }
        legend
    }

    /// The text twin: the fields as a table, marked fields with a star, and the windows as text.
    pub fn text(&self) -> String {
        let corner = format!("{} \\ {}", self.y.0, self.x.0);
        let columns = self.x.1.iter().map(String::as_str);
        let header: Vec<&str> = [corner.as_str()].into_iter().chain(columns).collect();
        let row = |row: usize| {
            let fields = (0..self.x.1.len()).map(|column| {
                let marked = self.marks.iter().any(|m| (m.1, m.2) == (column, row));
                let value = self.value(column, row);
                let value = value.map_or("–".into(), |value| self.scale.write(value));
                if marked { format!("*{value}") } else { value }
            });
            [self.y.1[row].clone()].into_iter().chain(fields).collect()
        };
        let rows: Vec<Vec<String>> = (0..self.y.1.len()).rev().map(row).collect();
        let mut twin = Twin::new(&self.title);
        twin.line(format!("Fields: {}.", self.scale.label));
        if let Some(limit) = self.drawn_limit() {
            twin.line(format!("The colours break at {}.", self.scale.write(limit)));
        }
        twin.table(&header, &rows, 1);
        if let Some(mark) = self.marks.first() {
            twin.line(format!("* {}", mark.0));
        }
        for (name, row, low, high) in &self.windows {
            let row = self.y.1.get(*row).map_or("", |name| name);
            twin.line(format!("{name}, {row}: {}", self.columns(*low, *high)));
        }
        twin.end(&self.caption)
    }

    /// The columns whose middles lie between two places, as text.
    fn columns(&self, low: f64, high: f64) -> String {
        let inside = (self.x.1.iter().enumerate())
            .filter(|(column, _)| (low..=high).contains(&(*column as f64)))
            .map(|(_, name)| name.as_str());
        let inside: Vec<&str> = inside.collect();
        if !inside.is_empty() {
            return inside.join(", ");
        }
        // A drawn window may lie between the middles of two columns.
        let place = (low >= 0.0 && low <= high).then_some(low as usize);
        match place.and_then(|place| self.x.1.get(place..place + 2)) {
            Some(pair) => format!("none of the columns, between {} and {}", pair[0], pair[1]),
            None => "none of the columns".into(),
        }
    }
}

/// Where the fields lie.
struct Grid {
    plot: Plot,
    /// The width of a column.
    width: i32,
}

impl Grid {
    fn of(map: &HeatMap, plot: Plot) -> Grid {
        let width = (plot.right - plot.left) / map.x.1.len() as i32;
        Grid { plot, width }
    }

    /// The middle of a row, at a place across: a column's middle is at its number.
    fn middle(&self, place: f64, row: usize) -> Point {
        let x = self.plot.left + ((place + 0.5) * f64::from(self.width)).round() as i32;
        (x, self.plot.bottom - ROW * row as i32 - ROW / 2)
    }

    /// Two corners of a field.
    fn field(&self, column: usize, row: usize) -> (Point, Point) {
        let left = self.plot.left + column as i32 * self.width;
        let top = self.plot.bottom - ROW * (row as i32 + 1);
        ((left + 1, top + 1), (left + self.width - 1, top + ROW - 1))
    }
}

/// A grey field with slanting lines: nothing was measured there.
fn hatch(canvas: &mut Canvas<'_>, from: Point, to: Point) {
    canvas.rect(from, to, SHADE);
    canvas.slanting(from, to, 8, GRID);
    canvas.frame(from, to, FAINT);
}

/// A white frame in a dark one, which stands out from fields of any colour.
fn outline(canvas: &mut Canvas<'_>, (x0, y0): Point, (x1, y1): Point) {
    let frame = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
    canvas.path(frame, INK, 5);
    canvas.path(frame, PAPER, 2);
}

/// A white ring in a dark one. It is a wide oval, so that the value inside stays readable.
fn ring(canvas: &mut Canvas<'_>, centre: Point, half: i32) {
    let height = half.min(15).min(half * 3 / 5);
    let oval = (0..=48).map(|step| {
        let angle = f64::from(step) / 48.0 * std::f64::consts::TAU;
        let x = f64::from(centre.0) + f64::from(half) * angle.cos();
        let y = f64::from(centre.1) + f64::from(height) * angle.sin();
        (x.round() as i32, y.round() as i32)
    });
    canvas.path(oval.clone(), INK, 5);
    canvas.path(oval, PAPER, 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> HeatMap {
        HeatMap::new("T")
            .x("x", ["a", "b"])
            .y("y", ["c", "d"])
            .legend("v")
            .field(0, 0, 1.0)
            .field(1, 1, 100.0)
    }

    #[test]
    fn fields_marks_and_windows_are_drawn_and_named() {
        let svg = map()
            .log()
            .mark("best", 1, 1)
            .window("good", 0, -0.5, 0.5)
            .svg()
            .unwrap();
        for part in ["best", "good", "not measured", "100", ">\na\n<", ">\nd\n<"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn the_text_twin_stars_the_mark_and_names_the_window() {
        let text = map()
            .mark("best", 1, 1)
            .window("good", 0, -0.2, 0.4)
            .window("good", 1, 5.0, 1.0)
            .text();
        assert!(
            text.contains("d      –  *100\nc      1     –\n* best\ngood, c: a\ngood, d: none"),
            "{text}"
        );
    }

    #[test]
    fn a_later_value_replaces_an_earlier_one() {
        let map = map().field(0, 0, 7.0);
        assert!(!map.svg().unwrap().contains(">\n1\n<"));
        assert!(map.text().contains("c      7"));
    }

    #[test]
    fn a_window_between_two_columns_is_told() {
        let text = map().window("good", 0, 0.6, 0.9).text();
        assert!(
            text.contains(
                "good, c: none of the columns, between a and b
"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_has_no_place_is_a_sentence() {
        assert!(
            map()
                .field(2, 0, 1.0)
                .svg()
                .unwrap_err()
                .to_string()
                .contains("no field in column 2, row 0")
        );
        let error = map().log().field(1, 0, 0.0).svg().unwrap_err();
        assert!(error.to_string().contains("\"c, b\" is 0"), "{error}");
        assert!(HeatMap::new("T").svg().is_err());
    }

    #[test]
    fn the_limit_stands_on_the_scale() {
        let figure = map().log().limit(10.0);
        assert!(figure.svg().unwrap().contains(">\n10\n<"));
        assert!(figure.text().contains("The colours break at 10."));
        // A limit without a place, and one that nothing reaches.
        assert_eq!(map().log().limit(0.0).text(), map().log().text());
        assert!(map().limit(1e6).svg().is_ok());
    }
}
