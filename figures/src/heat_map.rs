use super::canvas::{self, Align, FAINT, INK, LINE, MARGIN, PAPER, TEXT, WIDTH, text_width};
use super::theme::{ON_DARK, ON_LIGHT, contrast};
use super::{FigureError, Format, contents};
use labsupport::cell::{self, Show};
use plotters::style::RGBColor;

/// Fields of colour over two rows of names; each field also carries its value in words.
///
/// Rows are counted from the bottom, columns from the left, both from 0. A field without a value is drawn empty: "not
/// measured".
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
    x: (String, Vec<String>),
    y: (String, Vec<String>),
    legend: String,
    format: Format,
    log: bool,
    limit: Option<f64>,
    fields: Vec<(usize, usize, f64)>,
    marks: Vec<(String, usize, usize)>,
    windows: Vec<(String, usize, f64, f64)>,
    caption: String,
}

const ROW: i32 = 44;
/// Dark to light in even steps of lightness, also for the colour-blind: five points of the map "cividis" (Nuñez, Anderton
/// and Renslow 2018).
const RAMP: [(f64, f64, f64); 5] = [
    (0.0, 34.0, 78.0),
    (65.0, 77.0, 107.0),
    (124.0, 123.0, 120.0),
    (188.0, 175.0, 111.0),
    (254.0, 232.0, 56.0),
];
/// Steps in the legend's bar.
const STEPS: i32 = 60;

impl HeatMap {
    /// A map without fields so far.
    pub fn new(title: impl Into<String>) -> HeatMap {
        HeatMap {
            title: title.into(),
            x: Default::default(),
            y: Default::default(),
            legend: String::new(),
            format: Format::Number,
            log: false,
            limit: None,
            fields: Vec::new(),
            marks: Vec::new(),
            windows: Vec::new(),
            caption: String::new(),
        }
    }

    /// What goes across, and the names of the columns from the left.
    pub fn x<S: Into<String>>(
        mut self,
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> HeatMap {
        self.x = (label.into(), names.into_iter().map(Into::into).collect());
        self
    }

    /// What goes up, and the names of the rows from the bottom.
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
        self.legend = label.into();
        self
    }

    /// How the values are written.
    pub fn format(mut self, format: Format) -> HeatMap {
        self.format = format;
        self
    }

    /// Makes the colour scale logarithmic.
    pub fn log(mut self) -> HeatMap {
        self.log = true;
        self
    }

    /// Lets the colours break at `limit`: blue up to it, orange above, both paler the nearer they are. On a log scale one of zero or
    /// less has no place, and nothing breaks.
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

    /// The limit, where the scale has a place for it.
    fn drawn_limit(&self) -> Option<f64> {
        self.limit
            .filter(|limit| limit.is_finite() && !(self.log && *limit <= 0.0))
    }

    /// The value of the field in this column and row; a later one replaces an earlier one.
    pub fn field(mut self, column: usize, row: usize, value: f64) -> HeatMap {
        self.fields.retain(|f| (f.0, f.1) != (column, row));
        self.fields.push((column, row, value));
        self
    }

    /// Draws a ring into a field. Marks of one name share an entry of the legend.
    pub fn mark(mut self, name: impl Into<String>, column: usize, row: usize) -> HeatMap {
        self.marks.push((name.into(), column, row));
        self
    }

    /// Outlines a part of a row, from place `low` to place `high`: a column's middle is at its number, its edges half a column
    /// beside it. Nothing is drawn where `low` is above `high`. Windows of one name share an entry of the legend.
    pub fn window(mut self, name: impl Into<String>, row: usize, low: f64, high: f64) -> HeatMap {
        self.windows.push((name.into(), row, low, high));
        self
    }

    /// A sentence or two below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> HeatMap {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// No field, a field or mark outside the rows and columns, a number that is none, zero or less on a log scale.
    pub fn svg(&self) -> Result<String, FigureError> {
        self.check()?;
        let measure = |value: f64| if self.log { value.log10() } else { value };
        let low = self
            .fields
            .iter()
            .map(|f| measure(f.2))
            .fold(f64::INFINITY, f64::min);
        let high = self
            .fields
            .iter()
            .map(|f| measure(f.2))
            .fold(f64::NEG_INFINITY, f64::max);
        // Where a value lies between both ends, measured as the scale does.
        let place = |measured: f64| {
            if high > low {
                (measured - low) / (high - low)
            } else {
                0.5
            }
        };
        let limit = self.drawn_limit().map(measure);
        let shade = |measured: f64| match limit {
            // Both sides by the same steps, so that twice over is as dark as half.
            Some(limit) => {
                let most = (high - limit).max(limit - low).max(f64::MIN_POSITIVE);
                broken((measured - limit) / most)
            }
            None => ramp(place(measured)),
        };
        let colour_of = |value: f64| shade(measure(value));
        let (columns, rows) = (self.x.1.len() as i32, self.y.1.len() as i32);
        let names = self
            .y
            .1
            .iter()
            .map(|name| text_width(name))
            .max()
            .unwrap_or(0);
        let left = MARGIN + LINE + names.min(WIDTH / 3) + 12;
        let right = WIDTH - MARGIN;
        let width = (right - left) / columns;
        let top = canvas::top(&self.title);
        let bottom = top + ROW * rows;
        let signs: Vec<&str> = self.signs();
        let widths: Vec<i32> = signs
            .iter()
            .map(|name| 36 + text_width(name) + 18)
            .collect();
        let (places, lines) = canvas::flow(&widths);
        let scale = bottom + 3 * LINE + 22;
        let legend = scale + LINE + if self.limit.is_some() { 26 } else { 14 };
        let below = legend + lines * LINE + 6;
        let caption = canvas::wrap(&self.caption);
        let height = below + caption.len() as i32 * LINE + MARGIN;
        let middle = |column: f64| left + ((column + 0.5) * f64::from(width)).round() as i32;
        let row_top = |row: usize| bottom - ROW * (row as i32 + 1);

        canvas::svg(height, &self.title, &self.text(), |canvas| {
            for (row, name) in self.y.1.iter().enumerate() {
                canvas.text_middle(
                    (left - 8, row_top(row) + ROW / 2),
                    &canvas::fit(name, WIDTH / 3),
                    TEXT,
                    INK,
                    Align::Right,
                )?;
                for column in 0..columns {
                    let (x, y) = (left + column * width, row_top(row));
                    match self.value(column as usize, row) {
                        Some(value) => {
                            let colour = colour_of(value);
                            canvas.rect(
                                (x + 1, y + 1),
                                (x + width - 1, y + ROW - 1),
                                colour,
                                true,
                            )?;
                        }
                        None => hatch(canvas, (x + 1, y + 1), (x + width - 1, y + ROW - 1))?,
                    }
                }
            }
            for (column, name) in self.x.1.iter().enumerate() {
                canvas.text(
                    (middle(column as f64), bottom + 6),
                    &canvas::fit(name, width - 4),
                    TEXT,
                    INK,
                    Align::Centre,
                )?;
            }
            canvas.text(
                ((left + right) / 2, bottom + LINE + 7),
                &self.x.0,
                TEXT,
                INK,
                Align::Centre,
            )?;
            canvas.text_upwards((MARGIN, (top + bottom) / 2), &self.y.0)?;
            let (first, last) = (-0.5, f64::from(columns) - 0.5);
            let seen = |w: &&(String, usize, f64, f64)| w.2 <= w.3 && w.3 > first && w.2 < last;
            for (_, row, low, high) in self.windows.iter().filter(seen) {
                let edge = |place: f64| middle(place.clamp(first, last));
                let y = row_top(*row);
                outline(
                    canvas,
                    (edge(*low) + 2, y + 3),
                    (edge(*high) - 2, y + ROW - 3),
                )?;
            }
            for (_, column, row) in &self.marks {
                ring(
                    canvas,
                    (middle(*column as f64), row_top(*row) + ROW / 2),
                    (width / 2 - 4).min(34),
                )?;
            }
            // The values come last, on a patch of their field's colour, so that no frame crosses them.
            for &(column, row, value) in &self.fields {
                let at = (middle(column as f64), row_top(row) + ROW / 2);
                let text = self.format.write(value);
                let half = text_width(&text) / 2;
                // A number cut short would be another number.
                if half > width / 2 {
                    continue;
                }
                let colour = colour_of(value);
                canvas.rect(
                    (at.0 - half, at.1 - 9),
                    (at.0 + half, at.1 + 9),
                    colour,
                    true,
                )?;
                canvas.text_middle(at, &text, TEXT, ink_on(colour), Align::Centre)?;
            }
            // The scale: a bar of colour between its two ends.
            canvas.text((left, scale - LINE), &self.legend, TEXT, INK, Align::Left)?;
            let from = left + 70;
            let bar = |step: i32| from + step * 3;
            for step in 0..STEPS {
                let part = f64::from(step) / f64::from(STEPS - 1);
                let colour = shade(low + part * (high - low));
                canvas.rect(
                    (bar(step), scale),
                    (bar(step + 1), scale + 14),
                    colour,
                    true,
                )?;
            }
            let ends = |measure: f64| {
                self.format.write(if self.log {
                    10f64.powf(measure)
                } else {
                    measure
                })
            };
            canvas.text_middle((bar(0) - 7, scale + 7), &ends(low), TEXT, INK, Align::Right)?;
            canvas.text_middle(
                (bar(STEPS) + 7, scale + 7),
                &ends(high),
                TEXT,
                INK,
                Align::Left,
            )?;
            if let Some(limit) = limit.filter(|limit| (low..=high).contains(limit)) {
                let x = bar(0) + (place(limit) * f64::from(bar(STEPS) - bar(0))).round() as i32;
                canvas.path([(x, scale - 3), (x, scale + 17)], INK, 2)?;
                let name = self.format.write(self.limit.unwrap_or_default());
                canvas.text((x, scale + 18), &name, TEXT, INK, Align::Centre)?;
            }
            for (name, (x, row)) in signs.iter().zip(places) {
                let y = legend + row * LINE + LINE / 2;
                if *name == NOT_MEASURED {
                    hatch(canvas, (x, y - 7), (x + 28, y + 7))?;
                } else if self.marks.iter().any(|mark| mark.0 == *name) {
                    canvas.rect((x, y - 8), (x + 28, y + 8), ramp(0.3), true)?;
                    ring(canvas, (x + 14, y), 10)?;
                } else {
                    canvas.rect((x, y - 8), (x + 28, y + 8), ramp(0.3), true)?;
                    outline(canvas, (x + 2, y - 6), (x + 26, y + 6))?;
                }
                canvas.text_middle((x + 36, y), name, TEXT, INK, Align::Left)?;
            }
            canvas.caption(below, &caption)
        })
    }

    fn value(&self, column: usize, row: usize) -> Option<f64> {
        let field = self
            .fields
            .iter()
            .rev()
            .find(|f| (f.0, f.1) == (column, row));
        field.map(|f| f.2)
    }

    /// The names in the legend, each once.
    fn signs(&self) -> Vec<&str> {
        let marks = self.marks.iter().map(|mark| mark.0.as_str());
        let windows = self.windows.iter().map(|window| window.0.as_str());
        let missing = (self.fields.len() < self.x.1.len() * self.y.1.len()).then_some(NOT_MEASURED);
        let mut signs: Vec<&str> = Vec::new();
        for name in marks.chain(windows).chain(missing) {
            if !signs.contains(&name) {
                signs.push(name);
            }
        }
        signs
    }

    fn check(&self) -> Result<(), FigureError> {
        if self.fields.is_empty() {
            return Err(FigureError::Empty {
                title: self.title.clone(),
                what: "a field",
            });
        }
        let (columns, rows) = (self.x.1.len(), self.y.1.len());
        let fields = self.fields.iter().map(|f| (f.0, f.1));
        let marks = self.marks.iter().map(|m| (m.1, m.2));
        let windows = self.windows.iter().map(|w| (0, w.1));
        for (column, row) in fields.chain(marks).chain(windows) {
            if column >= columns || row >= rows {
                return Err(FigureError::Drawing(format!(
                    "there is no field in column {column}, row {row}: the map has {columns} columns and {rows} rows"
                )));
            }
        }
        for (point, &(column, row, value)) in self.fields.iter().enumerate() {
            if !value.is_finite() || (self.log && value <= 0.0) {
                return Err(FigureError::NoPlace {
                    series: format!("{}, {}", self.y.1[row], self.x.1[column]),
                    point,
                    axis: "value",
                    value,
                });
            }
        }
        Ok(())
    }

    /// The text twin: the fields as a table, marked fields with a star, and the windows in words.
    pub fn text(&self) -> String {
        let mut header = vec![format!("{} \\ {}", self.y.0, self.x.0)];
        header.extend(self.x.1.iter().cloned());
        let rows: Vec<Vec<String>> = (0..self.y.1.len())
            .rev()
            .map(|row| {
                let mut cells = vec![self.y.1[row].clone()];
                cells.extend((0..self.x.1.len()).map(|column| {
                    let marked = self.marks.iter().any(|m| (m.1, m.2) == (column, row));
                    let value = self
                        .value(column, row)
                        .map_or("–".into(), |v| self.format.write(v));
                    if marked { format!("*{value}") } else { value }
                }));
                cells
            })
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut text = format!("{}\nFields: {}.\n", self.title, self.legend);
        if let Some(limit) = self.drawn_limit() {
            text.push_str(&format!(
                "The colours break at {}.\n",
                self.format.write(limit)
            ));
        }
        text.push_str(&cell::table(&header, &rows, 1).1);
        if let Some(mark) = self.marks.first() {
            text.push_str(&format!("* {}\n", mark.0));
        }
        for (name, row, low, high) in &self.windows {
            let columns: Vec<&str> = (self.x.1.iter().enumerate())
                .filter(|(column, _)| (*low..=*high).contains(&(*column as f64)))
                .map(|(_, name)| name.as_str())
                .collect();
            // A drawn window may lie between the middles of two columns.
            let place = (*low >= 0.0 && low <= high).then_some(*low as usize);
            let pair = place.and_then(|place| self.x.1.get(place..place + 2));
            let columns = match (columns.as_slice(), pair) {
                ([], Some(pair)) => {
                    format!("none of the columns, between {} and {}", pair[0], pair[1])
                }
                ([], None) => "none of the columns".into(),
                (columns, _) => columns.join(", "),
            };
            text.push_str(&format!(
                "{name}, {}: {columns}\n",
                self.y.1.get(*row).map_or("", |n| n)
            ));
        }
        if !self.caption.is_empty() {
            text.push_str(&format!("{}\n", self.caption));
        }
        text
    }

    /// Shows picture and text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for HeatMap {
    fn contents(&self) -> Vec<(&'static str, String)> {
        contents(self.svg(), self.text())
    }
}

const NOT_MEASURED: &str = "not measured";

/// The colour at `place`, 0 to 1.
fn ramp(place: f64) -> RGBColor {
    let at = place.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let (below, above) = (RAMP[at.floor() as usize], RAMP[at.ceil() as usize]);
    mixed(below, above, at.fract())
}

/// The colour that lies between `one` and `other`.
fn mixed(one: (f64, f64, f64), other: (f64, f64, f64), part: f64) -> RGBColor {
    let mix = |a: f64, b: f64| (a + (b - a) * part).round() as u8;
    RGBColor(
        mix(one.0, other.0),
        mix(one.1, other.1),
        mix(one.2, other.2),
    )
}

/// The colour of what lies at the limit, 0, below it, down to -1, or above it, up to 1.
fn broken(place: f64) -> RGBColor {
    // At the limit each side still has a hue of its own.
    let (pale, full) = if place <= 0.0 {
        ((205.0, 226.0, 243.0), (5.0, 72.0, 125.0))
    } else {
        ((255.0, 221.0, 178.0), (150.0, 55.0, 0.0))
    };
    mixed(pale, full, place.abs().min(1.0))
}

/// Black or white, whichever can be read on `colour`.
fn ink_on(colour: RGBColor) -> RGBColor {
    if contrast(ON_LIGHT, colour) > contrast(ON_DARK, colour) {
        ON_LIGHT
    } else {
        ON_DARK
    }
}

fn hatch(
    canvas: &canvas::Canvas<'_>,
    (x0, y0): (i32, i32),
    (x1, y1): (i32, i32),
) -> Result<(), FigureError> {
    canvas.rect((x0, y0), (x1, y1), canvas::SHADE, true)?;
    // Slanting lines, cut off at the edges.
    let mut start = x0 - (y1 - y0);
    while start < x1 {
        let from = start.max(x0);
        let to = (start + (y1 - y0)).min(x1);
        canvas.path(
            [(from, y1 - (from - start)), (to, y1 - (to - start))],
            canvas::GRID,
            1,
        )?;
        start += 8;
    }
    canvas.rect((x0, y0), (x1, y1), FAINT, false)
}

/// A white frame in a dark one: seen on every colour.
fn outline(
    canvas: &canvas::Canvas<'_>,
    (x0, y0): (i32, i32),
    (x1, y1): (i32, i32),
) -> Result<(), FigureError> {
    let frame = |inset: i32| {
        let (x0, y0, x1, y1) = (x0 + inset, y0 + inset, x1 - inset, y1 - inset);
        [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    };
    // Dark around light, as the ring: it stands out from fields of any colour.
    canvas.path(frame(0), INK, 5)?;
    canvas.path(frame(0), PAPER, 2)
}

fn ring(canvas: &canvas::Canvas<'_>, centre: (i32, i32), half: i32) -> Result<(), FigureError> {
    let height = half.min(15).min(half * 3 / 5);
    // A lying oval, so that the value inside stays readable.
    let oval = |grow: f64| {
        (0..=48).map(move |step| {
            let angle = f64::from(step) / 48.0 * std::f64::consts::TAU;
            let x = f64::from(centre.0) + (f64::from(half) + grow) * angle.cos();
            let y = f64::from(centre.1) + (f64::from(height) + grow) * angle.sin();
            (x.round() as i32, y.round() as i32)
        })
    };
    canvas.path(oval(0.0), INK, 5)?;
    canvas.path(oval(0.0), PAPER, 3)
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
    fn ink_can_be_read_on_every_field() {
        for step in 0..=100 {
            let part = f64::from(step) / 100.0;
            for field in [ramp(part), broken(part), broken(-part)] {
                let apart = contrast(ink_on(field), field);
                assert!(apart >= 4.5, "{field:?}: {apart}");
            }
        }
    }

    #[test]
    fn colours_break_at_the_limit() {
        // Blue has more blue than red, orange the reverse, however near they are.
        for step in 1..=100 {
            let part = f64::from(step) / 100.0;
            let (kept, missed) = (broken(-part), broken(part));
            assert!(kept.2 > kept.0 && missed.0 > missed.2);
        }
        let figure = map().log().limit(10.0);
        assert!(figure.svg().unwrap().contains(">\n10\n<"));
        assert!(figure.text().contains("The colours break at 10."));
        // A limit without a place, and one that nothing reaches.
        assert_eq!(map().log().limit(0.0).text(), map().log().text());
        assert!(map().limit(1e6).svg().is_ok());
    }
}
