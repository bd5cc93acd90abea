use super::axis::Axis;
use super::canvas::{self, Align, CROWD, GRID, GUESS, INK, LINE, MARGIN, TEXT, WIDTH, text_width};
use super::numbers::{Numbers, Scale, ShowsNumbers};
use super::{FigureError, Format, contents};
use labsupport::cell::{self, Show};

/// Dots in rows: each row a thing, each series a way to look at it, each dot a number with its spread. The figure for costs that lie
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
    crowd: Option<(String, Vec<Member>)>,
    caption: String,
}

#[derive(Clone, Debug)]
struct Dot {
    row: String,
    series: String,
    value: f64,
    low: f64,
    high: f64,
}

/// A dot of the crowd.
#[derive(Clone, Debug)]
struct Member {
    row: String,
    who: String,
    value: f64,
}

/// Between two dots of one row.
const STEP: i32 = 13;

impl Dots {
    /// A figure without dots so far.
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

    /// What the place of a dot shows.
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

    /// Adds a dot with a thin line from `low` to `high`. Rows and series stand in the order in which they come first.
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

    /// Names a series before its first dot, so that it keeps its colour and marker where it has none.
    pub fn series(mut self, name: impl Into<String>) -> Dots {
        self.known.push(name.into());
        self
    }

    /// Draws what somebody expected of a row, as a hollow mark below its dots; nothing where there is no guess, or none of a row
    /// with that name. [`Prediction::value_in`](lessons::Prediction::value_in) gives the number.
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

    /// The guesses that have a place: in a row that is there, and on a log axis above zero.
    fn guesses(&self) -> Vec<(&str, f64)> {
        let rows = self.rows();
        let all = self
            .guesses
            .iter()
            .map(|(row, value)| (row.as_str(), *value));
        all.filter(|(row, value)| {
            rows.contains(row) && value.is_finite() && !(self.scale.log && *value <= 0.0)
        })
        .collect()
    }

    /// Adds an upright line at `value` with a name.
    pub fn mark(mut self, name: impl Into<String>, value: f64) -> Dots {
        self.marks.push((name.into(), value));
        self
    }

    /// Adds many small grey rings, `(row, whose, value)`, with one name in the legend: those of a whole class. The text twin says for
    /// each row how many there are, and whose is the lowest and the highest.
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
        let dots = dots.into_iter();
        let members = dots.map(|(row, who, value)| Member { row, who, value });
        self.crowd = Some((name.into(), members.collect()));
        self
    }

    fn members(&self) -> &[Member] {
        self.crowd.as_ref().map_or(&[], |(_, members)| members)
    }

    /// A sentence or two below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Dots {
        self.caption = caption.into();
        self
    }

    fn rows(&self) -> Vec<&str> {
        let dots = self.dots.iter().map(|dot| dot.row.as_str());
        in_order(dots.chain(self.members().iter().map(|dot| dot.row.as_str())))
    }

    fn names(&self) -> Vec<&str> {
        let known = self.known.iter().map(String::as_str);
        in_order(known.chain(self.dots.iter().map(|dot| dot.series.as_str())))
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// No dot, a number that is none, zero or less on a log axis.
    pub fn svg(&self) -> Result<String, FigureError> {
        if self.dots.is_empty() && self.members().is_empty() {
            return Err(FigureError::Empty {
                title: self.title.clone(),
                what: "a dot",
            });
        }
        let dots = (self.dots.iter()).map(|dot| {
            let name = format!("{}, {}", dot.row, dot.series);
            (name, vec![dot.value, dot.low, dot.high])
        });
        let crowd = (self.members().iter())
            .map(|dot| (format!("{}, {}", dot.row, dot.who), vec![dot.value]));
        let marks = (self.marks.iter()).map(|(name, value)| (name.clone(), vec![*value]));
        let mut values = Vec::new();
        for (series, numbers) in dots.chain(crowd).chain(marks) {
            for (point, value) in numbers.into_iter().enumerate() {
                if !value.is_finite() || (self.scale.log && value <= 0.0) {
                    return Err(FigureError::NoPlace {
                        series,
                        point,
                        axis: "value",
                        value,
                    });
                }
                values.push(value);
            }
        }
        let guesses = self.guesses();
        values.extend(guesses.iter().map(|guess| guess.1));
        let axis = Axis::new(&values, self.scale.log, self.scale.format, true);
        let (rows, series) = (self.rows(), self.names());
        // The crowd has the first line of each row to itself, the guess the last.
        let (first, last) = (
            usize::from(self.crowd.is_some()),
            usize::from(!guesses.is_empty()),
        );
        let widest = rows.iter().map(|row| text_width(row)).max().unwrap_or(0);
        let left = MARGIN + widest.min(WIDTH / 2) + 12;
        let right = WIDTH - MARGIN - 30;
        let height_of_row = STEP * (first + series.len() + last) as i32 + 12;
        let top = canvas::top(&self.title);
        let bottom = top + height_of_row * rows.len() as i32;
        let legend = bottom + 2 * LINE + 14;
        let crowd = self.crowd.as_ref().map(|(name, _)| name.as_str());
        let marks = self.marks.iter().map(|(name, _)| name.as_str());
        let guess = (!guesses.is_empty()).then_some(GUESS);
        let named = series.iter().copied().chain(crowd);
        let signs: Vec<&str> = named.chain(marks).chain(guess).collect();
        let (names, widths) = canvas::legend(&signs);
        let (places, lines) = canvas::flow(&widths);
        let below = legend + lines * LINE + 6;
        let caption = canvas::wrap(&self.caption);
        let height = below + caption.len() as i32 * LINE + MARGIN;
        let px = |place: f64| left + (place * f64::from(right - left)).round() as i32;

        canvas::svg(height, &self.title, &self.text(), |canvas| {
            for (place, _) in &axis.ticks {
                let x = px(axis.at(*place));
                canvas.path([(x, top), (x, bottom)], GRID, 1)?;
            }
            let ticks = axis.ticks.iter();
            canvas.tick_names(
                bottom + 6,
                ticks.map(|(place, name)| (px(axis.at(*place)), name.as_str())),
            )?;
            canvas.text(
                ((left + right) / 2, bottom + LINE + 7),
                &canvas::fit(&self.scale.label, right - left),
                TEXT,
                INK,
                Align::Centre,
            )?;
            for (index, row) in rows.iter().enumerate() {
                let y = top + height_of_row * index as i32;
                canvas.path([(MARGIN, y), (right, y)], GRID, 1)?;
                let name = row_name(row, (height_of_row / LINE).max(1) as usize);
                let mut middle = y + (height_of_row - LINE * (name.len() as i32 - 1)) / 2;
                for line in name {
                    let at = (left - 10, middle);
                    canvas.text_middle(at, &line, TEXT, INK, Align::Right)?;
                    middle += LINE;
                }
                for dot in self.members().iter().filter(|dot| dot.row == *row) {
                    let middle = y + 6 + STEP / 2;
                    canvas.circle((px(axis.place(dot.value)), middle), 4, CROWD, false)?;
                }
                for dot in self.dots.iter().filter(|dot| dot.row == *row) {
                    let place = series.iter().position(|name| *name == dot.series);
                    let index = place.expect("every dot's series is in the list");
                    let middle = y + 6 + STEP * (first + index) as i32 + STEP / 2;
                    let [low, value, high] =
                        [dot.low, dot.value, dot.high].map(|value| px(axis.place(value)));
                    canvas.path([(low, middle), (high, middle)], canvas::colour(index), 2)?;
                    canvas.marker((value, middle), index)?;
                }
                for (_, value) in guesses.iter().filter(|guess| guess.0 == *row) {
                    let middle = y + 6 + STEP * (first + series.len()) as i32 + STEP / 2;
                    canvas.guess((px(axis.place(*value)), middle))?;
                }
            }
            canvas.path([(left, top), (left, bottom), (right, bottom)], INK, 1)?;
            for (_, value) in &self.marks {
                let x = px(axis.place(*value));
                canvas.path([(x, top), (x, bottom)], INK, 2)?;
            }
            for (index, (name, (x, line))) in names.iter().zip(places).enumerate() {
                let y = legend + line * LINE + LINE / 2;
                if index < series.len() {
                    canvas.path([(x, y), (x + 28, y)], canvas::colour(index), 2)?;
                    canvas.marker((x + 14, y), index)?;
                } else if index < series.len() + first {
                    canvas.circle((x + 14, y), 4, CROWD, false)?;
                } else if index < series.len() + first + self.marks.len() {
                    canvas.path([(x + 14, y - 8), (x + 14, y + 8)], INK, 2)?;
                } else {
                    canvas.guess((x + 14, y))?;
                }
                canvas.text_middle((x + 36, y), name, TEXT, INK, Align::Left)?;
            }
            canvas.caption(below, &caption)
        })
    }

    /// The text twin: a line for each row, a column for each series.
    pub fn text(&self) -> String {
        let series = self.names();
        let cell = |row: &str, series: &str| {
            let dots = (self.dots.iter()).filter(|dot| dot.row == row && dot.series == series);
            let written = dots.map(|dot| {
                let [value, low, high] =
                    [dot.value, dot.low, dot.high].map(|v| self.scale.format.write(v));
                if dot.low == dot.high {
                    return value;
                }
                format!("{value} ({low} to {high})")
            });
            let written: Vec<String> = written.collect();
            if written.is_empty() {
                "–".into()
            } else {
                written.join("; ")
            }
        };
        let guesses = self.guesses();
        let guess_of = |row: &str| {
            let of_row = guesses.iter().filter(|guess| guess.0 == row);
            let written: Vec<String> = of_row
                .map(|guess| self.scale.format.write(guess.1))
                .collect();
            written.join("; ")
        };
        let rows: Vec<Vec<String>> = (self.rows().into_iter())
            .map(|row| {
                let cells = series.iter().map(|series| cell(row, series));
                let guess = (!guesses.is_empty()).then(|| guess_of(row));
                [row.to_string()]
                    .into_iter()
                    .chain(cells)
                    .chain(guess)
                    .collect()
            })
            .collect();
        // Without guesses there is no column for them.
        let guess = (!guesses.is_empty()).then_some(GUESS);
        let header: Vec<&str> = [""]
            .into_iter()
            .chain(series.iter().copied())
            .chain(guess)
            .collect();
        let scale = if self.scale.log {
            ", on a logarithmic axis"
        } else {
            ""
        };
        let mut text = format!("{}\n{}{scale}.\n", self.title, self.scale.label);
        if !series.is_empty() {
            text.push_str(&cell::table(&header, &rows, 1).1);
        }
        text.push_str(&self.crowd_text());
        for (name, value) in &self.marks {
            text.push_str(&format!(
                "Upright line, {name}: {}.\n",
                self.scale.format.write(*value)
            ));
        }
        if !self.caption.is_empty() {
            text.push_str(&format!("{}\n", self.caption));
        }
        text
    }

    /// How many of the crowd there are in each row, and whose is the lowest and the highest.
    fn crowd_text(&self) -> String {
        let Some((name, members)) = &self.crowd else {
            return String::new();
        };
        let mut lines = Vec::new();
        for row in self.rows() {
            let mut dots: Vec<&Member> = members.iter().filter(|dot| dot.row == row).collect();
            dots.sort_by(|a, b| a.value.total_cmp(&b.value));
            let [Some(lowest), Some(highest)] = [dots.first(), dots.last()] else {
                continue;
            };
            let [lowest, highest] = [lowest, highest]
                .map(|dot| format!("{} ({})", self.scale.format.write(dot.value), dot.who));
            lines.push(vec![row.into(), dots.len().to_string(), lowest, highest]);
        }
        let header = ["", "dots", "lowest", "highest"];
        format!("In grey, {name}:\n{}", cell::table(&header, &lines, 1).1)
    }

    /// Shows picture and text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Dots {
    fn contents(&self) -> Vec<(&'static str, String)> {
        contents(self.svg(), self.text())
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

/// The name of a row in as many lines as it needs and its row has room for.
fn row_name(name: &str, most: usize) -> Vec<String> {
    let width = WIDTH / 2;
    let lines = canvas::wrap_within(name, width);
    if lines.len() <= most {
        return lines;
    }
    let (kept, rest) = lines.split_at(most - 1);
    let last = canvas::fit(&rest.join(" "), width);
    kept.iter().cloned().chain([last]).collect()
}

/// Each name once, where it comes first.
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
        assert!(text.contains("Upright line, zero: 0.5 ns."), "{text}");
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
