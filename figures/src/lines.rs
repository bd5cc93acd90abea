use crate::drawing::theme::{CROWD, FAINT, INK, SHADE};
use crate::drawing::{
    Align, Axis, Canvas, GUESS, LINE, Layout, Legend, Plot, Point, Twin, cell_of,
};
use crate::drawing::{fit, text_width, widest};
use crate::error::FigureError;
use crate::format::Format;
use crate::numbers::{Numbers, Part, Scale, Shows, ShowsNumbers};

/// Lines over a common x axis: one for each series, with a marker at each point.
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
    sketch: Option<Vec<(f64, f64)>>,
    crowd: Crowd,
    caption: String,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Lines behind the others. Without a name there is no crowd.
#[derive(Clone, Debug, Default)]
struct Crowd {
    name: Option<String>,
    lines: Vec<Series>,
}

/// The height of the plot.
const HEIGHT: i32 = 300;

/// What the reader's own curve is called in a figure and its twin.
const SKETCH: &str = "your curve";

impl Lines {
    /// A figure without lines.
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
            sketch: None,
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

    /// Adds a level line at `y`, with a name: a limit or a budget.
    pub fn level(mut self, name: impl Into<String>, y: f64) -> Lines {
        self.levels.push((name.into(), y));
        self
    }

    /// Shades the x values from `low` to `high`, and names the shaded part in the legend. If `low` is above `high`, nothing is shaded.
    pub fn window(mut self, name: impl Into<String>, low: f64, high: f64) -> Lines {
        self.windows.push((name.into(), low, high));
        self
    }

    /// Adds a vertical line at `x`, with a name: the value that was chosen.
    pub fn mark(mut self, name: impl Into<String>, x: f64) -> Lines {
        self.marks.push((name.into(), x));
        self
    }

    /// Marks the reader's guess at `x`. Without a value, or where the axes have no place for it, nothing is drawn.
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

    /// Draws the curve that the reader has sketched behind the lines: a broad one, so that it is never taken for a measurement. Points for
    /// which the axes have no place are left out. Without a point, the caption says that no curve was drawn.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = Lines::new("Two mechanisms").series("locked", [(1.0, 9.0), (4.0, 160.0)]);
    /// assert!(figure.clone().sketch([(1.0, 10.0), (4.0, 10.0)]).text().contains("your curve: 10 at 1; 10 at 4"));
    /// assert!(figure.sketch([]).text().ends_with("No curve was drawn.\n"));
    /// ```
    pub fn sketch(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Lines {
        self.sketch = Some(points.into_iter().collect());
        self
    }

    /// Puts many lines behind the others, thin and grey, with one name in the legend: for example those of a whole class. Each line comes
    /// with its owner's name. The text twin says how many values there are at each x, and whose are the lowest and the highest.
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

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Lines {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no point at all, a number is not finite, or a number on a log axis is zero or less.
    pub fn svg(&self) -> Result<String, FigureError> {
        let axes = self.axes()?;
        let ticks = widest(axes.y.ticks().map(|(_, name)| name));
        Layout::new(&self.title, HEIGHT)
            .beside(LINE + ticks + 8, 8)
            .legend(self.legend())
            .caption(&self.whole_caption())
            .svg(&self.text(), |canvas, plot| {
                let (x, y) = (|x| plot.x(axes.x.place(x)), |y| plot.y(axes.y.place(y)));
                for (_, low, high) in self.windows.iter().filter(|(_, low, high)| low <= high) {
                    let clip = |x: f64| plot.x(axes.x.place(x).clamp(0.0, 1.0));
                    canvas.rect((clip(*low), plot.top), (clip(*high), plot.bottom), SHADE);
                }
                plot.axis_across(canvas, &axes.x, &self.x.label);
                plot.axis_up(canvas, &axes.y, &self.y.label);
                let Plot {
                    left,
                    right,
                    top,
                    bottom,
                } = plot;
                canvas.path([(left, top), (left, bottom), (right, bottom)], FAINT, 1);
                let placed = |series: &Series| -> Vec<Point> {
                    series
                        .points
                        .iter()
                        .map(|point| (x(point.0), y(point.1)))
                        .collect()
                };
                let series: Vec<Vec<Point>> = self.series.iter().map(placed).collect();
                for (name, level) in &self.levels {
                    draw_level(canvas, plot, name, y(*level), &series);
                }
                for (_, mark) in &self.marks {
                    plot.vertical(canvas, x(*mark));
                }
                let sketch = self.sketched().map(|point| (x(point.0), y(point.1)));
                canvas.sketch(sketch);
                for line in self.crowd.lines.iter().map(placed) {
                    canvas.path(line.iter().copied(), CROWD, 1);
                    line.into_iter()
                        .for_each(|point| canvas.circle(point, 2, CROWD));
                }
                for (index, points) in series.iter().enumerate() {
                    canvas.series(points, index);
                    points.iter().for_each(|&point| canvas.marker(point, index));
                }
                for (at, guess) in self.guesses() {
                    canvas.guess((x(at), y(guess)));
                }
            })
    }

    /// The axes. They have a place for every number, except those of windows.
    fn axes(&self) -> Result<Axes, FigureError> {
        let lines = || self.series.iter().chain(&self.crowd.lines);
        if lines().all(|series| series.points.is_empty()) {
            let what = "a series with at least one point";
            return Err(FigureError::empty(&self.title, what));
        }
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for series in lines() {
            for (point, &(x, y)) in series.points.iter().enumerate() {
                self.x.check(x, "x", &series.name, point)?;
                self.y.check(y, "y", &series.name, point)?;
                xs.push(x);
                ys.push(y);
            }
        }
        for (name, level) in &self.levels {
            self.y.check(*level, "y", name, 0)?;
            ys.push(*level);
        }
        for (name, mark) in &self.marks {
            self.x.check(*mark, "x", name, 0)?;
            xs.push(*mark);
        }
        for (x, y) in self.guesses().chain(self.sketched()) {
            xs.push(x);
            ys.push(y);
        }
        let mut x = Axis::new(&xs, &self.x, false);
        x.widen(0.03);
        let y = Axis::new(&ys, &self.y, true);
        Ok(Axes { x, y })
    }

    /// The guesses for which the axes have a place.
    fn guesses(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let all = self.guesses.iter().copied();
        all.filter(|&(x, y)| self.x.has_place(x) && self.y.has_place(y))
    }

    /// The points of the reader's curve for which the axes have a place.
    fn sketched(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let all = self.sketch.iter().flatten().copied();
        all.filter(|&(x, y)| self.x.has_place(x) && self.y.has_place(y))
    }

    /// The caption, and that a curve is missing.
    fn whole_caption(&self) -> String {
        match &self.sketch {
            Some(points) if points.is_empty() => format!("{} No curve was drawn.", self.caption)
                .trim_start()
                .into(),
            _ => self.caption.clone(),
        }
    }

    fn legend(&self) -> Legend<'_> {
        let mut legend = Legend::default();
        for (index, series) in self.series.iter().enumerate() {
            legend.add(&series.name, move |canvas, (x, y)| {
                canvas.series(&[(x, y), (x + 28, y)], index);
                canvas.marker((x + 14, y), index);
            });
        }
        for (name, ..) in &self.windows {
            legend.add(name, |canvas, (x, y)| {
                canvas.rect((x, y - 7), (x + 28, y + 7), SHADE);
                canvas.frame((x, y - 7), (x + 28, y + 7), FAINT);
            });
        }
        self.marks
            .iter()
            .for_each(|(name, _)| legend.add_mark(name));
        if self.guesses().next().is_some() {
            legend.add_guess();
        }
        if self.sketched().next().is_some() {
            legend.add(SKETCH, |canvas, (x, y)| {
                canvas.sketch([(x, y), (x + 28, y)])
            });
        }
        if let Some(name) = &self.crowd.name {
            legend.add(name, |canvas, (x, y)| {
                canvas.path([(x, y), (x + 28, y)], CROWD, 1);
                canvas.circle((x + 14, y), 2, CROWD);
            });
        }
        legend
    }

    /// The text twin: what the axes show, and every point in a table.
    pub fn text(&self) -> String {
        let axis = |scale: &Scale| {
            let log = if scale.log { ", logarithmic" } else { "" };
            format!("{}{log}", scale.label)
        };
        let mut twin = Twin::new(&self.title);
        twin.line(format!("Across: {}. Up: {}.", axis(&self.x), axis(&self.y)));
        let names = self.series.iter().map(|series| series.name.as_str());
        let header: Vec<&str> = ["x"].into_iter().chain(names).collect();
        twin.table(&header, &self.rows(), 0);
        if let Some(name) = &self.crowd.name {
            twin.crowd(name, ["x", "lines"], &self.y, self.crowd_by_x().into_iter());
        }
        for (name, level) in &self.levels {
            twin.line(format!("Level line, {name}: {}.", self.y.write(*level)));
        }
        for (name, low, high) in &self.windows {
            twin.line(if low <= high {
                let (low, high) = (self.x.write(*low), self.x.write(*high));
                format!("Shaded, {name}: {low} to {high}.")
            } else {
                format!("{name}: empty, nothing is shaded.")
            });
        }
        for (name, x) in &self.marks {
            twin.vertical(name, &self.x.write(*x));
        }
        for (x, y) in self.guesses() {
            let (x, y) = (self.x.write(x), self.y.write(y));
            twin.line(format!("{GUESS}: {y} at {x}."));
        }
        let written = |(x, y): (f64, f64)| format!("{} at {}", self.y.write(y), self.x.write(x));
        let sketch: Vec<String> = self.sketched().map(written).collect();
        if !sketch.is_empty() {
            twin.line(format!("{SKETCH}: {}.", sketch.join("; ")));
        }
        twin.end(&self.whole_caption())
    }

    /// A row for each x, with the y of each series there.
    fn rows(&self) -> Vec<Vec<String>> {
        let points = self.series.iter().flat_map(|series| &series.points);
        let mut xs: Vec<f64> = points.map(|point| point.0).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let row = |x: f64| {
            let ys = self.series.iter().map(|series| {
                let points = series.points.iter().filter(|point| point.0 == x);
                cell_of(points.map(|point| self.y.write(point.1)))
            });
            [self.x.write(x)].into_iter().chain(ys).collect()
        };
        xs.into_iter().map(row).collect()
    }

    /// For each x, the crowd's values and whose they are.
    fn crowd_by_x(&self) -> Vec<(String, Vec<(f64, &str)>)> {
        let lines = self.crowd.lines.iter();
        let points = lines.flat_map(|line| line.points.iter().map(|&(x, y)| (x, y, &*line.name)));
        let mut points: Vec<(f64, f64, &str)> = points.collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let groups = points.chunk_by(|a, b| a.0 == b.0).map(|group| {
            let values = group.iter().map(|&(_, y, who)| (y, who));
            (self.x.write(group[0].0), values.collect())
        });
        groups.collect()
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

struct Axes {
    x: Axis,
    y: Axis,
}

/// Draws a level line, with its name where the fewest of the `series` cross it.
fn draw_level(canvas: &mut Canvas<'_>, plot: Plot, name: &str, y: i32, series: &[Vec<Point>]) {
    let Plot { left, right, .. } = plot;
    canvas.path([(left, y), (right, y)], INK, 1);
    let name = fit(name, right - left - 12);
    let width = text_width(&name);
    let crossed = |x: &i32| {
        let corners = ((*x, y - LINE), (*x + width, y));
        let through = series.iter().filter(|line| goes_through(line, corners));
        through.count()
    };
    let places = [left + 6, right - 6 - width, (left + right - width) / 2];
    let x = places.into_iter().min_by_key(crossed).unwrap_or(left);
    canvas.text((x, y - LINE + 2), &name, INK, Align::Left);
}

/// Whether the line through `points` enters the rectangle between two corners.
fn goes_through(points: &[Point], (from, to): (Point, Point)) -> bool {
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
    fn a_sketch_is_drawn_first_and_its_absence_is_told() {
        let with = sample().sketch([(1.0, 1e-2), (10.0, 0.0), (100.0, 1e-7)]);
        let svg = with.svg().unwrap();
        let at = |part: &str| svg.find(part).unwrap_or_else(|| panic!("{part} in {svg}"));
        assert!(
            at("stroke-width=\"7\"") < at("stroke=\"#0072B2\" stroke-width=\"2\""),
            "behind the lines"
        );
        assert!(
            with.text()
                .contains("your curve: 10 ms at 1; 100 ns at 100.")
        );
        assert_eq!(
            with.numbers(),
            sample().numbers(),
            "a sketch is not a measurement"
        );
        let without = sample().caption("Medians.").sketch([]);
        assert!(without.text().ends_with("\nMedians. No curve was drawn.\n"));
        assert!(!without.svg().unwrap().contains(SKETCH));
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
