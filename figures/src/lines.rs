use super::axis::Axis;
use super::canvas::{
    self, Align, CROWD, Canvas, FAINT, GRID, GUESS, INK, LINE, MARGIN, SHADE, TEXT, WIDTH,
    text_width,
};
use super::numbers::{Numbers, Part, Scale, Shows, ShowsNumbers};
use super::{FigureError, Format, contents};
use labsupport::cell::{self, Show};

/// Lines over a common x axis: one per series, with a marker at each point.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let figure = Lines::new("Two mechanisms")
///     .x("workers")
///     .y("time per look")
///     .y_format(Format::Nanoseconds)
///     .log_y()
///     .series("lock-free", [(1.0, 0.4), (2.0, 0.4), (4.0, 0.4)])
///     .series("locked", [(1.0, 9.0), (2.0, 80.0), (4.0, 160.0)])
///     .level("a cache miss", 100.0)
///     .caption("Medians.");
/// println!("{}", figure.text());
/// assert!(figure.svg().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Lines {
    title: String,
    x: Scale,
    y: Scale,
    series: Vec<Series>,
    levels: Vec<(String, f64)>,
    windows: Vec<(String, f64, f64)>,
    marks: Vec<(String, f64)>,
    guesses: Vec<(f64, f64)>,
    crowd: Crowd,
    caption: String,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Lines behind the others; no name is no crowd.
#[derive(Clone, Debug, Default)]
struct Crowd {
    name: Option<String>,
    lines: Vec<Series>,
}

const PLOT_HEIGHT: i32 = 300;

impl Lines {
    /// A figure without lines so far.
    pub fn new(title: impl Into<String>) -> Lines {
        Lines {
            title: title.into(),
            x: Scale::default(),
            y: Scale::default(),
            series: Vec::new(),
            levels: Vec::new(),
            windows: Vec::new(),
            marks: Vec::new(),
            guesses: Vec::new(),
            crowd: Crowd::default(),
            caption: String::new(),
        }
    }

    /// What the x axis shows.
    pub fn x(mut self, label: impl Into<String>) -> Lines {
        self.x.label = label.into();
        self
    }

    /// What the y axis shows.
    pub fn y(mut self, label: impl Into<String>) -> Lines {
        self.y.label = label.into();
        self
    }

    /// Makes the x axis logarithmic.
    pub fn log_x(mut self) -> Lines {
        self.x.log = true;
        self
    }

    /// Makes the y axis logarithmic.
    pub fn log_y(mut self) -> Lines {
        self.y.log = true;
        self
    }

    /// How the numbers of the x axis are written.
    pub fn x_format(mut self, format: Format) -> Lines {
        self.x.format = format;
        self
    }

    /// How the numbers of the y axis are written.
    pub fn y_format(mut self, format: Format) -> Lines {
        self.y.format = format;
        self
    }

    /// Adds a line through `points`, pairs of x and y.
    pub fn series(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Lines {
        self.series.push(Series {
            name: name.into(),
            points: points.into_iter().collect(),
        });
        self
    }

    /// Adds a level line at `y` with a name: a limit, a budget.
    pub fn level(mut self, name: impl Into<String>, y: f64) -> Lines {
        self.levels.push((name.into(), y));
        self
    }

    /// Shades the x values from `low` to `high`, and names that in the legend. Nothing is shaded where `low` is above `high`.
    pub fn window(mut self, name: impl Into<String>, low: f64, high: f64) -> Lines {
        self.windows.push((name.into(), low, high));
        self
    }

    /// Adds an upright line at `x` with a name: the value that was chosen.
    pub fn mark(mut self, name: impl Into<String>, x: f64) -> Lines {
        self.marks.push((name.into(), x));
        self
    }

    /// Marks what somebody expected at `x`. Without a value, or where the axes have no place for it, nothing is drawn.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = Lines::new("Two mechanisms").series("locked", [(1.0, 9.0), (4.0, 160.0)]).guess(4.0, Some(50.0));
    /// assert!(figure.text().contains("your guess: 50 at 4"));
    /// ```
    pub fn guess(mut self, x: f64, value: impl Into<Option<f64>>) -> Lines {
        self.guesses.extend(value.into().map(|value| (x, value)));
        self
    }

    /// The guesses for which the axes have a place.
    fn guesses(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let fits = |value: f64, side: &Scale| value.is_finite() && !(side.log && value <= 0.0);
        let all = self.guesses.iter().copied();
        all.filter(move |(x, y)| fits(*x, &self.x) && fits(*y, &self.y))
    }

    /// Puts many lines behind the others, thin and grey, with one name in the legend: those of a whole class, each with whose it is.
    /// The text twin says how many there are at each x, and whose is the lowest and the highest.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let lines = (1..=30).map(|n| (format!("student {n}"), vec![(1.0, f64::from(n)), (4.0, 9.0)]));
    /// let figure = Lines::new("One look").crowd("30 students", lines).series("median", [(1.0, 15.5), (4.0, 9.0)]);
    /// assert!(figure.text().contains("30  1 (student 1)  30 (student 30)"));
    /// assert!(figure.svg()?.contains("30 students"));
    /// # Ok::<(), FigureError>(())
    /// ```
    pub fn crowd<P: IntoIterator<Item = (f64, f64)>>(
        mut self,
        name: impl Into<String>,
        lines: impl IntoIterator<Item = (String, P)>,
    ) -> Lines {
        self.crowd.name = Some(name.into());
        self.crowd
            .lines
            .extend(lines.into_iter().map(|(name, points)| Series {
                name,
                points: points.into_iter().collect(),
            }));
        self
    }

    /// A sentence or two below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Lines {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// No point at all, a number that is none, zero or less on a log axis.
    pub fn svg(&self) -> Result<String, FigureError> {
        self.check()?;
        let points = || {
            let all = self.series.iter().chain(&self.crowd.lines);
            all.flat_map(|series| &series.points)
        };
        let xs: Vec<f64> = points()
            .map(|p| p.0)
            .chain(self.marks.iter().map(|m| m.1))
            .chain(self.guesses().map(|g| g.0))
            .collect();
        let ys: Vec<f64> = points()
            .map(|p| p.1)
            .chain(self.levels.iter().map(|l| l.1))
            .chain(self.guesses().map(|g| g.1))
            .collect();
        let mut x_axis = Axis::new(&xs, self.x.log, self.x.format, false);
        x_axis.widen(0.03);
        let y_axis = Axis::new(&ys, self.y.log, self.y.format, true);

        let names: Vec<&str> = (self.series.iter().map(|s| s.name.as_str()))
            .chain(self.windows.iter().map(|w| w.0.as_str()))
            .chain(self.marks.iter().map(|m| m.0.as_str()))
            .chain(self.guesses().next().map(|_| GUESS))
            .chain(self.crowd.name.as_deref())
            .collect();
        let (names, widths) = canvas::legend(&names);
        let (places, rows) = canvas::flow(&widths);
        let caption = canvas::wrap(&self.caption);

        let tick_width = y_axis
            .ticks
            .iter()
            .map(|(_, label)| text_width(label))
            .max()
            .unwrap_or(0);
        let left = MARGIN + LINE + tick_width + 8;
        let right = WIDTH - MARGIN - 8;
        let top = canvas::top(&self.title);
        let bottom = top + PLOT_HEIGHT;
        let legend = bottom + 2 * LINE + 14;
        let below = legend + rows * LINE + 6;
        let height = below + caption.len() as i32 * LINE + MARGIN;
        let px = |place: f64| left + (place * f64::from(right - left)).round() as i32;
        let py = |place: f64| bottom - (place * f64::from(bottom - top)).round() as i32;

        canvas::svg(height, &self.title, &self.text(), |canvas| {
            for (_, low, high) in self.windows.iter().filter(|(_, low, high)| low <= high) {
                let clip = |x: f64| px(x_axis.place(x).clamp(0.0, 1.0));
                canvas.rect((clip(*low), top), (clip(*high), bottom), SHADE, true)?;
            }
            for (place, _) in &x_axis.ticks {
                let x = px(x_axis.at(*place));
                canvas.path([(x, top), (x, bottom)], GRID, 1)?;
            }
            let ticks = x_axis.ticks.iter();
            canvas.tick_names(
                bottom + 7,
                ticks.map(|(place, name)| (px(x_axis.at(*place)), name.as_str())),
            )?;
            for (place, label) in &y_axis.ticks {
                let y = py(y_axis.at(*place));
                canvas.path([(left, y), (right, y)], GRID, 1)?;
                canvas.text_middle((left - 7, y), label, TEXT, INK, Align::Right)?;
            }
            canvas.path([(left, top), (left, bottom), (right, bottom)], FAINT, 1)?;
            canvas.text(
                ((left + right) / 2, bottom + LINE + 8),
                &canvas::fit(&self.x.label, right - left),
                TEXT,
                INK,
                Align::Centre,
            )?;
            let label = canvas::fit(&self.y.label, PLOT_HEIGHT + LINE);
            canvas.text_upwards((MARGIN, (top + bottom) / 2), &label)?;
            let placed = |series: &Series| -> Vec<(i32, i32)> {
                let points = series.points.iter();
                points
                    .map(|&(x, y)| (px(x_axis.place(x)), py(y_axis.place(y))))
                    .collect()
            };
            for (name, level) in &self.levels {
                let y = py(y_axis.place(*level));
                canvas.path([(left, y), (right, y)], INK, 1)?;
                let name = canvas::fit(name, right - left - 12);
                let width = text_width(&name);
                // Where the fewest lines cross it.
                let crossed = |x: &i32| {
                    let series = self.series.iter().map(placed);
                    series
                        .filter(|line| goes_through(line, (*x, y - LINE), (*x + width, y)))
                        .count()
                };
                let places = [left + 6, right - 6 - width, (left + right - width) / 2];
                let x = places.into_iter().min_by_key(crossed).unwrap_or(left);
                canvas.text((x, y - LINE + 2), &name, TEXT, INK, Align::Left)?;
            }
            for (_, x) in &self.marks {
                let x = px(x_axis.place(*x));
                canvas.path([(x, top), (x, bottom)], INK, 2)?;
            }
            for line in &self.crowd.lines {
                let points = placed(line);
                canvas.path(points.iter().copied(), CROWD, 1)?;
                for point in points {
                    canvas.circle(point, 2, CROWD, true)?;
                }
            }
            for (index, series) in self.series.iter().enumerate() {
                let points = placed(series);
                canvas.series(&points, index)?;
                for &point in &points {
                    canvas.marker(point, index)?;
                }
            }
            for (x, y) in self.guesses() {
                canvas.guess((px(x_axis.place(x)), py(y_axis.place(y))))?;
            }
            for (index, (name, (x, row))) in names.iter().zip(places).enumerate() {
                let y = legend + row * LINE + LINE / 2;
                if self.crowd.name.is_some() && index == names.len() - 1 {
                    canvas.path([(x, y), (x + 28, y)], CROWD, 1)?;
                    canvas.circle((x + 14, y), 2, CROWD, true)?;
                } else {
                    self.legend_sign(canvas, index, (x, y))?;
                }
                canvas.text_middle((x + 36, y), name, TEXT, INK, Align::Left)?;
            }
            canvas.caption(below, &caption)
        })
    }

    /// What stands before the `index`-th name of the legend: series, then windows, then marks, then the guess.
    fn legend_sign(
        &self,
        canvas: &Canvas<'_>,
        index: usize,
        (x, y): (i32, i32),
    ) -> Result<(), FigureError> {
        if index < self.series.len() {
            canvas.series(&[(x, y), (x + 28, y)], index)?;
            canvas.marker((x + 14, y), index)
        } else if index < self.series.len() + self.windows.len() {
            canvas.rect((x, y - 7), (x + 28, y + 7), SHADE, true)?;
            canvas.rect((x, y - 7), (x + 28, y + 7), FAINT, false)
        } else if index < self.series.len() + self.windows.len() + self.marks.len() {
            canvas.path([(x + 14, y - 8), (x + 14, y + 8)], INK, 2)
        } else {
            canvas.guess((x + 14, y))
        }
    }

    fn check(&self) -> Result<(), FigureError> {
        let mut all = self.series.iter().chain(&self.crowd.lines);
        if all.all(|series| series.points.is_empty()) {
            return Err(FigureError::Empty {
                title: self.title.clone(),
                what: "a series with at least one point",
            });
        }
        let series = self.series.iter().chain(&self.crowd.lines);
        let series = series.map(|s| (s.name.clone(), s.points.clone()));
        // Levels and marks have one coordinate; the other is 1, which every axis has a place for.
        let levels = self.levels.iter().map(|l| (l.0.clone(), vec![(1.0, l.1)]));
        let marks = self.marks.iter().map(|m| (m.0.clone(), vec![(m.1, 1.0)]));
        for (name, points) in series.chain(levels).chain(marks) {
            for (point, (x, y)) in points.into_iter().enumerate() {
                for (axis, value, log) in [("x", x, self.x.log), ("y", y, self.y.log)] {
                    if !value.is_finite() || (log && value <= 0.0) {
                        return Err(FigureError::NoPlace {
                            series: name,
                            point,
                            axis,
                            value,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// The text twin: what the axes are, and every point in a table.
    pub fn text(&self) -> String {
        let scale = |side: &Scale| if side.log { ", logarithmic" } else { "" };
        let mut text = format!(
            "{}\nAcross: {}{}. Up: {}{}.\n",
            self.title,
            self.x.label,
            scale(&self.x),
            self.y.label,
            scale(&self.y)
        );
        let mut xs: Vec<f64> = self
            .series
            .iter()
            .flat_map(|s| s.points.iter().map(|p| p.0))
            .collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let rows: Vec<Vec<String>> = xs
            .iter()
            .map(|&x| {
                let mut row = vec![self.x.format.write(x)];
                row.extend(self.series.iter().map(|series| {
                    let points = series.points.iter().filter(|p| p.0 == x);
                    let ys: Vec<String> = points.map(|p| self.y.format.write(p.1)).collect();
                    if ys.is_empty() {
                        "–".into()
                    } else {
                        ys.join("; ")
                    }
                }));
                row
            })
            .collect();
        let header: Vec<&str> = ["x"]
            .into_iter()
            .chain(self.series.iter().map(|s| s.name.as_str()))
            .collect();
        text.push_str(&cell::table(&header, &rows, 0).1);
        text.push_str(&self.crowd_text());
        for (name, level) in &self.levels {
            text.push_str(&format!(
                "Level line, {name}: {}.\n",
                self.y.format.write(*level)
            ));
        }
        for (name, low, high) in &self.windows {
            if low <= high {
                let (low, high) = (self.x.format.write(*low), self.x.format.write(*high));
                text.push_str(&format!("Shaded, {name}: {low} to {high}.\n"));
            } else {
                text.push_str(&format!("{name}: empty, nothing is shaded.\n"));
            }
        }
        for (name, x) in &self.marks {
            text.push_str(&format!(
                "Upright line, {name}: {}.\n",
                self.x.format.write(*x)
            ));
        }
        for (x, y) in self.guesses() {
            let (x, y) = (self.x.format.write(x), self.y.format.write(y));
            text.push_str(&format!("{GUESS}: {y} at {x}.\n"));
        }
        if !self.caption.is_empty() {
            text.push_str(&format!("{}\n", self.caption));
        }
        text
    }

    /// How many of the crowd there are at each x, and whose is the lowest and the highest.
    fn crowd_text(&self) -> String {
        let Some(name) = &self.crowd.name else {
            return String::new();
        };
        let mut points: Vec<(f64, f64, &str)> = (self.crowd.lines.iter())
            .flat_map(|line| line.points.iter().map(|&(x, y)| (x, y, line.name.as_str())))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let rows: Vec<Vec<String>> = points
            .chunk_by(|a, b| a.0 == b.0)
            .map(|at| {
                let whose =
                    |(_, y, who): &(f64, f64, &str)| format!("{} ({who})", self.y.format.write(*y));
                vec![
                    self.x.format.write(at[0].0),
                    at.len().to_string(),
                    whose(&at[0]),
                    whose(&at[at.len() - 1]),
                ]
            })
            .collect();
        let header = ["x", "lines", "lowest", "highest"];
        format!("In grey, {name}:\n{}", cell::table(&header, &rows, 0).1)
    }

    /// Shows picture and text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Lines {
    fn contents(&self) -> Vec<(&'static str, String)> {
        contents(self.svg(), self.text())
    }
}

impl ShowsNumbers for Lines {
    fn numbers(&self) -> Numbers {
        let parts = self.series.iter().map(|series| Part {
            series: series.name.clone(),
            shows: Shows::Line(series.points.clone()),
        });
        Numbers {
            title: self.title.clone(),
            x: Some(self.x.clone()),
            y: self.y.clone(),
            parts: parts.collect(),
        }
    }
}

/// Whether the line through `points` comes into the rectangle between two corners.
fn goes_through(points: &[(i32, i32)], from: (i32, i32), to: (i32, i32)) -> bool {
    points.windows(2).any(|pair| {
        let [(x, y), (x1, y1)] = [pair[0], pair[1]];
        let (dx, dy) = (x1 - x, y1 - y);
        let steps = dx.abs().max(dy.abs()).max(1);
        (0..=steps).any(|step| {
            let (x, y) = (x + dx * step / steps, y + dy * step / steps);
            (from.0..=to.0).contains(&x) && (from.1..=to.1).contains(&y)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_drawn_behind_and_is_enough_for_a_figure() {
        let crowd = |points: [(f64, f64); 2]| {
            let lines = ["a", "b"].map(|who| (who.to_string(), points));
            Lines::new("T").log_y().crowd("two students", lines)
        };
        let svg = crowd([(1.0, 2.0), (2.0, 300.0)]).svg().unwrap();
        // Two dots for each, and one in the legend.
        assert_eq!(svg.matches("<circle").count(), 5);
        assert!(svg.contains(">\n1,000\n<"), "the axis has room for it");
        let error = crowd([(1.0, 2.0), (2.0, 0.0)]).svg().unwrap_err();
        assert!(error.to_string().contains("\"a\""), "{error}");
        // An empty series keeps the colour of those after it.
        let svg = Lines::new("T").series("none", []).series("b", [(1.0, 2.0)]);
        assert!(svg.svg().unwrap().contains("none"));
    }

    fn sample() -> Lines {
        Lines::new("T")
            .x("interval")
            .y("time")
            .log_x()
            .log_y()
            .y_format(Format::Seconds)
            .series("a & b", [(1.0, 1e-6), (10.0, 1e-5), (100.0, 1e-3)])
            .series("c", [(1.0, 2e-6), (100.0, 2e-3)])
    }

    #[test]
    fn a_guess_is_drawn_and_told_where_it_has_a_place() {
        let with = sample().guess(10.0, Some(1e-2));
        assert!(with.svg().unwrap().contains(GUESS));
        assert!(with.text().contains("your guess: 10 ms at 10."));
        let (plain, none) = (sample().svg().unwrap(), sample().guess(10.0, None));
        assert_eq!(none.svg().unwrap(), plain);
        // On a log axis there is no zero.
        let nowhere = sample().guess(10.0, Some(0.0)).guess(0.0, Some(1e-3));
        assert_eq!(nowhere.svg().unwrap(), plain);
        assert_eq!(nowhere.text(), sample().text());
    }

    #[test]
    fn every_series_has_its_line_its_markers_and_its_name() {
        let svg = sample()
            .level("budget", 1e-4)
            .window("good", 3.0, 30.0)
            .mark("chosen", 10.0)
            .svg()
            .unwrap();
        // Three points and the legend's: the first series is marked by circles, the second by filled squares.
        assert_eq!(svg.matches("<circle").count(), 4);
        for part in [
            "a &amp; b",
            "budget",
            "good",
            "chosen",
            "1 ms",
            "100",
            "role=\"img\"",
            "<title>T</title>",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn the_text_twin_has_every_number_and_says_what_is_missing() {
        let text = sample().window("good", 5.0, 2.0).text();
        assert!(
            text.contains(
                "  x  a & b     c\n  1   1 µs  2 µs\n 10  10 µs     –\n100   1 ms  2 ms\n"
            ),
            "{text}"
        );
        assert!(text.contains("good: empty"));
    }

    #[test]
    fn numbers_without_a_place_are_named() {
        let error = sample()
            .series("bad", [(1.0, 1.0), (2.0, f64::NAN)])
            .svg()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("point 1 of \"bad\" is NaN in y")
        );
        assert!(sample().series("bad", [(0.0, 1.0)]).svg().is_err());
        assert!(sample().mark("bad", -1.0).svg().is_err());
    }

    #[test]
    fn two_points_over_one_x_are_both_told() {
        let text = Lines::new("T").series("a", [(1.0, 2.0), (1.0, 3.0)]).text();
        assert!(text.contains("2; 3"), "{text}");
    }

    #[test]
    fn long_words_leave_their_beginning() {
        let long = "a name that does not fit ".repeat(12);
        let svg = Lines::new(&long)
            .x(&long)
            .y(&long)
            .series(&long, [(0.0, 1.0), (1e9, 2.0)])
            .level(&long, 1.5)
            .svg()
            .unwrap();
        // x, y, level and legend are cut; the title is wrapped. The whole of them is in the description.
        assert_eq!(svg.matches("…\n</text>").count(), 4, "{svg}");
    }

    #[test]
    fn one_point_equal_values_and_huge_ranges_draw() {
        assert!(Lines::new("1").series("a", [(5.0, 0.0)]).svg().is_ok());
        assert!(
            Lines::new("2")
                .series("a", [(1.0, 3.0), (2.0, 3.0)])
                .svg()
                .is_ok()
        );
        assert!(
            Lines::new("3")
                .log_x()
                .log_y()
                .series("a", [(1e-9, 1e12), (1e9, 1e-12)])
                .svg()
                .is_ok()
        );
        assert!(
            Lines::new("4")
                .series("none", [])
                .series("a", [(1.0, 1.0)])
                .svg()
                .is_ok()
        );
    }

    #[test]
    fn the_name_of_a_level_stands_where_no_line_crosses_it() {
        let crossing = [(0.0, 0.0), (1.0, 10.0), (9.0, 10.0), (10.0, 10.0)];
        let place = |points: &[(f64, f64)]| {
            let svg = Lines::new("t")
                .series("s", points.to_vec())
                .level("a limit", 5.0);
            let svg = svg.svg().unwrap();
            let (before, _) = svg.split_once("\na limit").unwrap();
            let (_, x) = before.rsplit_once("<text x=\"").unwrap();
            x.split('"').next().unwrap().parse::<i32>().unwrap()
        };
        let free = place(&[(0.0, 10.0), (10.0, 10.0)]);
        let moved = place(&crossing);
        assert!(moved > free + 200, "{free} {moved}");
    }
}
