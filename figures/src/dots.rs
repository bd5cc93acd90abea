use crate::drawing::theme::{CROWD, GRID, INK, colour};
use crate::drawing::{Align, Axis, Canvas, GUESS, LINE, Layout, Legend, MARGIN, Plot, Twin, WIDTH};
use crate::drawing::{cell_of, fit, widest, wrap};
use crate::error::FigureError;
use crate::format::Format;
use crate::numbers::{Numbers, Scale, ShowsNumbers};

/// Dots in rows: each row is a thing, each series a way to measure it, and each dot a number with its spread. Use it for costs that lie
/// decades apart, where the length of a bar would mean nothing.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let figure = Dots::new("What one access costs")
///     .value("time per access")
///     .format(Format::Nanoseconds)
///     .log()
///     .dot("Value, locked", "alone", 12.0, 11.0, 13.0)
///     .dot("Value, locked", "four workers", 160.0, 120.0, 400.0)
///     .dot("Manager dict", "alone", 25_000.0, 24_000.0, 30_000.0);
/// assert!(figure.text().contains("160 ns (120 ns to 400 ns)"));
/// assert!(figure.svg().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Dots {
    title: String,
    scale: Scale,
    dots: Vec<Dot>,
    known: Vec<String>,
    guesses: Vec<(String, f64)>,
    marks: Vec<(String, f64)>,
    crowd: Option<(String, Vec<Dot>)>,
    caption: String,
}

#[derive(Clone, Debug)]
struct Dot {
    row: String,
    /// The name of its series; in the crowd, whose it is.
    series: String,
    value: f64,
    low: f64,
    high: f64,
}

/// The height of a line of a row.
const STEP: i32 = 13;

impl Dots {
    /// A figure without dots.
    pub fn new(title: impl Into<String>) -> Dots {
        Dots {
            title: title.into(),
            scale: Scale::default(),
            dots: Vec::new(),
            known: Vec::new(),
            guesses: Vec::new(),
            marks: Vec::new(),
            crowd: None,
            caption: String::new(),
        }
    }

    /// What the position of a dot shows.
    pub fn value(mut self, label: impl Into<String>) -> Dots {
        self.scale.label = label.into();
        self
    }

    /// How the numbers are written.
    pub fn format(mut self, format: Format) -> Dots {
        self.scale.format = format;
        self
    }

    /// Makes the axis logarithmic.
    pub fn log(mut self) -> Dots {
        self.scale.log = true;
        self
    }

    /// Adds a dot with a thin line from `low` to `high`. Rows and series appear in the order in which they are first named.
    pub fn dot(
        mut self,
        row: impl Into<String>,
        series: impl Into<String>,
        value: f64,
        low: f64,
        high: f64,
    ) -> Dots {
        self.dots.push(Dot {
            row: row.into(),
            series: series.into(),
            value,
            low,
            high,
        });
        self
    }

    /// Names a series before its first dot, so it keeps its colour and marker even in a figure where it has no dot.
    pub fn series(mut self, name: impl Into<String>) -> Dots {
        self.known.push(name.into());
        self
    }

    /// Draws the reader's guess for a row, as a hollow mark below its dots. Without a value, or without such a row, nothing is drawn.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = Dots::new("One look").dot("locked", "alone", 13.0, 12.0, 14.0).guess("locked", Some(100.0));
    /// assert!(figure.text().contains("your guess"));
    /// ```
    pub fn guess(mut self, row: impl Into<String>, value: impl Into<Option<f64>>) -> Dots {
        self.guesses
            .extend(value.into().map(|value| (row.into(), value)));
        self
    }

    /// Adds a vertical line at `value`, with a name.
    pub fn mark(mut self, name: impl Into<String>, value: f64) -> Dots {
        self.marks.push((name.into(), value));
        self
    }

    /// Adds many small grey rings, `(row, whose, value)`, with one name in the legend: for example those of a whole class. For each row, the
    /// text twin says how many there are, and whose are the lowest and the highest.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let dots = (1..=30).map(|n| ("locked".to_string(), format!("student {n}"), f64::from(n)));
    /// let figure = Dots::new("One look").crowd("30 students", dots).dot("locked", "median", 15.5, 8.0, 23.0).mark("a cache miss", 20.0);
    /// assert!(figure.text().contains("30  1 (student 1)  30 (student 30)"));
    /// assert!(figure.svg()?.contains("30 students"));
    /// # Ok::<(), FigureError>(())
    /// ```
    pub fn crowd(
        mut self,
        name: impl Into<String>,
        dots: impl IntoIterator<Item = (String, String, f64)>,
    ) -> Dots {
        let members = dots.into_iter().map(|(row, series, value)| {
            let (low, high) = (value, value);
            Dot {
                row,
                series,
                value,
                low,
                high,
            }
        });
        self.crowd = Some((name.into(), members.collect()));
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Dots {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no dot, a number is not finite, or a number on a log axis is zero or less.
    pub fn svg(&self) -> Result<String, FigureError> {
        let axis = self.axis()?;
        let rows = self.rows();
        let height = self.row_height();
        Layout::new(&self.title, height * rows.len() as i32)
            .beside(widest(&rows).min(WIDTH / 2) + 12, 30)
            .legend(self.legend())
            .caption(&self.caption)
            .svg(&self.text(), |canvas, plot| {
                plot.axis_across(canvas, &axis, &self.scale.label);
                for (index, row) in rows.iter().enumerate() {
                    self.draw_row(row, canvas, plot, &axis, plot.top + height * index as i32);
                }
                let Plot {
                    left,
                    right,
                    top,
                    bottom,
                } = plot;
                canvas.path([(left, top), (left, bottom), (right, bottom)], INK, 1);
                for (_, value) in &self.marks {
                    plot.vertical(canvas, plot.x(axis.place(*value)));
                }
            })
    }

    /// The axis, which has a place for every number.
    fn axis(&self) -> Result<Axis, FigureError> {
        if self.dots.is_empty() && self.members().is_empty() {
            return Err(FigureError::empty(&self.title, "a dot"));
        }
        let mut values = Vec::new();
        let mut add = |name: &str, numbers: &[f64]| {
            values.extend(numbers);
            let mut numbers = numbers.iter().enumerate();
            numbers.try_for_each(|(point, value)| self.scale.check(*value, "value", name, point))
        };
        for dot in self.dots.iter().chain(self.members()) {
            let name = format!("{}, {}", dot.row, dot.series);
            add(&name, &[dot.value, dot.low, dot.high])?;
        }
        for (name, value) in &self.marks {
            add(name, &[*value])?;
        }
        values.extend(self.guesses().iter().map(|guess| guess.1));
        Ok(Axis::new(&values, &self.scale, true))
    }

    /// The rows, in the order in which they are first named.
    fn rows(&self) -> Vec<&str> {
        let dots = self.dots.iter().map(|dot| dot.row.as_str());
        in_order(dots.chain(self.members().iter().map(|dot| dot.row.as_str())))
    }

    /// The series, in the order in which they are first named.
    fn names(&self) -> Vec<&str> {
        let known = self.known.iter().map(String::as_str);
        in_order(known.chain(self.dots.iter().map(|dot| dot.series.as_str())))
    }

    fn members(&self) -> &[Dot] {
        self.crowd.as_ref().map_or(&[], |(_, members)| members)
    }

    /// The guesses that have a place: in an existing row, and on a log axis above zero.
    fn guesses(&self) -> Vec<(&str, f64)> {
        let rows = self.rows();
        let all = self.guesses.iter().map(|(row, value)| (&**row, *value));
        all.filter(|(row, value)| rows.contains(row) && self.scale.has_place(*value))
            .collect()
    }

    /// Each row has a line for the crowd, then one for each series, then one for the guess.
    fn row_height(&self) -> i32 {
        let more = usize::from(self.crowd.is_some()) + usize::from(!self.guesses().is_empty());
        STEP * (self.names().len() + more) as i32 + 12
    }

    fn draw_row(&self, row: &str, canvas: &mut Canvas<'_>, plot: Plot, axis: &Axis, top: i32) {
        let height = self.row_height();
        canvas.path([(MARGIN, top), (plot.right, top)], GRID, 1);
        let name = row_name(row, (height / LINE).max(1) as usize);
        let first = top + (height - LINE * (name.len() as i32 - 1)) / 2;
        for (y, line) in (first..).step_by(LINE as usize).zip(name) {
            canvas.text_middle((plot.left - 10, y), &line, INK, Align::Right);
        }
        let x = |value: f64| plot.x(axis.place(value));
        let middle = |line: usize| top + 6 + STEP * line as i32 + STEP / 2;
        for dot in self.members().iter().filter(|dot| dot.row == row) {
            canvas.ring((x(dot.value), middle(0)), 4, CROWD);
        }
        let first = usize::from(self.crowd.is_some());
        let series = self.names();
        for (index, name) in series.iter().enumerate() {
            let here = |dot: &&Dot| dot.row == row && dot.series == *name;
            for dot in self.dots.iter().filter(here) {
                let y = middle(first + index);
                canvas.path([(x(dot.low), y), (x(dot.high), y)], colour(index), 2);
                canvas.marker((x(dot.value), y), index);
            }
        }
        for (_, value) in self.guesses().iter().filter(|guess| guess.0 == row) {
            canvas.guess((x(*value), middle(first + series.len())));
        }
    }

    fn legend(&self) -> Legend<'_> {
        let mut legend = Legend::default();
        for (index, name) in self.names().iter().enumerate() {
            legend.add(name, move |canvas, (x, y)| {
                canvas.path([(x, y), (x + 28, y)], colour(index), 2);
                canvas.marker((x + 14, y), index);
            });
        }
        if let Some((name, _)) = &self.crowd {
            legend.add(name, |canvas, (x, y)| canvas.ring((x + 14, y), 4, CROWD));
        }
        self.marks
            .iter()
            .for_each(|(name, _)| legend.add_mark(name));
        if !self.guesses().is_empty() {
            legend.add_guess();
        }
        legend
    }

    /// The text twin: a line for each row, a column for each series.
    pub fn text(&self) -> String {
        let (series, guesses) = (self.names(), self.guesses());
        let guess_of = |row: &str| {
            let of_row = guesses.iter().filter(|guess| guess.0 == row);
            let written: Vec<String> = of_row.map(|guess| self.scale.write(guess.1)).collect();
            written.join("; ")
        };
        // Without guesses there is no column for them.
        let guess = (!guesses.is_empty()).then_some(GUESS);
        let rows = self.rows().into_iter().map(|row| {
            let cells = series.iter().map(|series| self.cell(row, series));
            let guess = guess.map(|_| guess_of(row));
            let name = [row.to_string()].into_iter();
            name.chain(cells).chain(guess).collect()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let header = [""].into_iter().chain(series.iter().copied()).chain(guess);
        let header: Vec<&str> = header.collect();
        let mut twin = Twin::new(&self.title);
        let scale = if self.scale.log {
            ", on a logarithmic axis"
        } else {
            ""
        };
        twin.line(format!("{}{scale}.", self.scale.label));
        if !series.is_empty() {
            twin.table(&header, &rows, 1);
        }
        if let Some((name, members)) = &self.crowd {
            let groups = self.rows().into_iter().map(|row| {
                let dots = members.iter().filter(|dot| dot.row == row);
                let values = dots.map(|dot| (dot.value, dot.series.as_str()));
                (row.to_string(), values.collect())
            });
            twin.crowd(name, ["", "dots"], &self.scale, groups);
        }
        for (name, value) in &self.marks {
            twin.vertical(name, &self.scale.write(*value));
        }
        twin.end(&self.caption)
    }

    /// The dots of one row and one series, in words.
    fn cell(&self, row: &str, series: &str) -> String {
        let dots = (self.dots.iter()).filter(|dot| dot.row == row && dot.series == series);
        let written = dots.map(|dot| {
            let [value, low, high] = [dot.value, dot.low, dot.high].map(|v| self.scale.write(v));
            if dot.low == dot.high {
                return value;
            }
            format!("{value} ({low} to {high})")
        });
        cell_of(written)
    }
}

impl ShowsNumbers for Dots {
    fn numbers(&self) -> Numbers {
        let values = self.dots.iter().map(|dot| {
            let names = (dot.series.as_str(), dot.row.as_str());
            (names.0, names.1, dot.value, dot.low, dot.high)
        });
        Numbers::of_values(&self.title, &self.scale, values)
    }
}

/// The name of a row, in as many lines as it needs, but at most as many as its row has room for.
fn row_name(name: &str, most: usize) -> Vec<String> {
    let width = WIDTH / 2;
    let lines = wrap(name, width);
    if lines.len() <= most {
        return lines;
    }
    let (kept, rest) = lines.split_at(most - 1);
    let last = fit(&rest.join(" "), width);
    kept.iter().cloned().chain([last]).collect()
}

/// Each name once, at its first place.
fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Dots {
        Dots::new("T")
            .value("cost")
            .format(Format::Nanoseconds)
            .log()
            .dot("a", "alone", 1.0, 0.9, 1.2)
            .dot("b", "alone", 1e6, 1e6, 2e6)
            .dot("a", "crowd", 100.0, 50.0, 300.0)
    }

    #[test]
    fn a_guess_is_drawn_and_told_where_it_has_a_place() {
        let (with, without) = (two().guess("b", Some(5e5)), two().guess("b", None));
        assert!(with.svg().unwrap().contains("your guess"));
        let text = with.text();
        assert!(
            text.contains("your guess") && text.contains("500"),
            "{text}"
        );
        assert_eq!(without.text(), two().text());
        assert_eq!(without.svg().unwrap(), two().svg().unwrap());
        assert_eq!(
            with.numbers(),
            two().numbers(),
            "a guess is not a measurement"
        );
        let nowhere = two().guess("c", Some(5.0)).guess("a", Some(0.0));
        assert_eq!(nowhere.svg().unwrap(), two().svg().unwrap());
    }

    #[test]
    fn rows_and_series_stand_in_the_order_in_which_they_come_first() {
        assert_eq!(two().rows(), ["a", "b"]);
        assert_eq!(two().names(), ["alone", "crowd"]);
        let known = two().series("crowd").series("nobody");
        assert_eq!(known.names(), ["crowd", "nobody", "alone"]);
        assert!(known.svg().is_ok());
        let text = two().text();
        for line in [
            "cost, on a logarithmic axis.",
            "a  1 ns (0.9 ns to 1.2 ns)  100 ns (50 ns to 300 ns)",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.ends_with(" –\n"), "no dot there: {text}");
    }

    #[test]
    fn every_dot_has_its_marker() {
        let svg = two().svg().unwrap();
        // The first series is marked by circles, two and the legend's.
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("crowd") && !svg.contains("NaN"));
    }

    #[test]
    fn a_crowd_is_drawn_in_its_own_line_and_is_enough_for_a_figure() {
        let crowd = ["a", "b", "c"].map(|who| ("row".to_string(), who.to_string(), 3.0));
        let svg = Dots::new("T").crowd("three students", crowd.clone()).svg();
        // One for each, and one in the legend.
        assert_eq!(svg.unwrap().matches("<circle").count(), 4);
        let text = two()
            .crowd("three students", crowd)
            .mark("zero", 0.5)
            .text();
        assert!(text.contains("row     3  3 ns (a)  3 ns (c)"), "{text}");
        assert!(text.contains("Vertical line, zero: 0.5 ns."), "{text}");
        let error = two().mark("zero", 0.0).svg().unwrap_err().to_string();
        assert!(error.contains("\"zero\" is 0"), "{error}");
    }

    #[test]
    fn a_long_name_takes_the_lines_that_its_row_has() {
        let long = "a name of many words ".repeat(7);
        assert_eq!(row_name("short", 1), ["short"]);
        assert_eq!(row_name("", 1).len(), 0);
        assert_eq!(row_name(&long, 9).join(" "), long.trim());
        let cut = row_name(&long, 2);
        assert!(cut.len() == 2 && cut[1].ends_with('…'), "{cut:?}");
    }

    #[test]
    fn nothing_and_no_number_are_sentences() {
        let error = Dots::new("T").svg().unwrap_err().to_string();
        assert!(error.ends_with("add a dot."), "{error}");
        let error = Dots::new("T").log().dot("r", "s", 1.0, 0.0, 2.0).svg();
        let error = error.unwrap_err().to_string();
        assert!(error.contains("\"r, s\" is 0 in value"), "{error}");
    }
}
