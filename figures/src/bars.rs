use crate::drawing::theme::{INK, colour};
use crate::drawing::{Align, Axis, Canvas, GUESS, Layout, Legend, Plot, Twin, WIDTH};
use crate::drawing::{fit, text_width, widest};
use crate::error::FigureError;
use crate::format::Format;
use crate::numbers::{Numbers, Scale, ShowsNumbers};

/// Horizontal bars, each with its name, its value and, if given, its spread. On a logarithmic axis they are dots: there is no zero for a
/// bar to start at, so its length would mean nothing.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let figure = Bars::new("What one look costs")
///     .value("time per look")
///     .format(Format::Nanoseconds)
///     .log()
///     .bar("lock-free", 0.4)
///     .bar_with_spread("locked, four workers", 160.0, 120.0, 400.0);
/// assert!(figure.text().contains("160 ns  120 ns to 400 ns"));
/// assert!(figure.svg().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Bars {
    title: String,
    scale: Scale,
    bars: Vec<Bar>,
    guesses: Vec<(String, f64)>,
    caption: String,
}

#[derive(Clone, Debug)]
struct Bar {
    name: String,
    value: f64,
    spread: Option<(f64, f64)>,
}

/// The height of a bar's row.
const ROW: i32 = 34;

impl Bars {
    /// A figure without bars.
    pub fn new(title: impl Into<String>) -> Bars {
        Bars {
            title: title.into(),
            scale: Scale::default(),
            bars: Vec::new(),
            guesses: Vec::new(),
            caption: String::new(),
        }
    }

    /// What the length of a bar shows.
    pub fn value(mut self, label: impl Into<String>) -> Bars {
        self.scale.label = label.into();
        self
    }

    /// How the numbers are written.
    pub fn format(mut self, format: Format) -> Bars {
        self.scale.format = format;
        self
    }

    /// Makes the axis logarithmic, and the bars dots.
    pub fn log(mut self) -> Bars {
        self.scale.log = true;
        self
    }

    /// Adds a bar.
    pub fn bar(mut self, name: impl Into<String>, value: f64) -> Bars {
        self.bars.push(Bar {
            name: name.into(),
            value,
            spread: None,
        });
        self
    }

    /// Adds a bar with a thin line from `low` to `high`: its spread.
    pub fn bar_with_spread(
        mut self,
        name: impl Into<String>,
        value: f64,
        low: f64,
        high: f64,
    ) -> Bars {
        self.bars.push(Bar {
            name: name.into(),
            value,
            spread: Some((low, high)),
        });
        self
    }

    /// Marks the reader's guess for the bar with this name. Without a value, or without such a bar, nothing is drawn.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = Bars::new("One look").bar("locked", 13.0).guess("locked", Some(100.0)).guess("free", None);
    /// assert!(figure.text().contains("your guess"));
    /// ```
    pub fn guess(mut self, name: impl Into<String>, value: impl Into<Option<f64>>) -> Bars {
        self.guesses
            .extend(value.into().map(|value| (name.into(), value)));
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Bars {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no bar, a number is not finite, or a number on a log axis is zero or less.
    pub fn svg(&self) -> Result<String, FigureError> {
        let axis = self.axis()?;
        let values = self.bars.iter().map(|bar| self.scale.write(bar.value));
        let names = widest(self.bars.iter().map(|bar| &bar.name));
        let mut legend = Legend::default();
        if self.has_guesses() {
            legend.add_guess();
        }
        Layout::new(&self.title, ROW * self.bars.len() as i32)
            .beside(names.min(WIDTH / 2) + 10, widest(values) + 14)
            .legend(legend)
            .caption(&self.caption)
            .svg(&self.text(), |canvas, plot| {
                plot.axis_across(canvas, &axis, &self.scale.label);
                let zero = if self.scale.log { 0.0 } else { axis.place(0.0) };
                let zero = plot.x(zero);
                canvas.path([(zero, plot.top), (zero, plot.bottom)], INK, 1);
                for (row, bar) in self.bars.iter().enumerate() {
                    let middle = plot.top + ROW * row as i32 + ROW / 2;
                    self.draw(bar, canvas, plot, &axis, (zero, middle));
                }
            })
    }

    /// The axis, which has a place for every number.
    fn axis(&self) -> Result<Axis, FigureError> {
        if self.bars.is_empty() {
            return Err(FigureError::empty(&self.title, "a bar"));
        }
        let mut values = Vec::new();
        for bar in &self.bars {
            let spread = bar.spread.into_iter().flat_map(|(low, high)| [low, high]);
            for (point, value) in [bar.value].into_iter().chain(spread).enumerate() {
                self.scale.check(value, "value", &bar.name, point)?;
                values.push(value);
            }
            values.extend(self.guess_of(bar));
        }
        if !self.scale.log {
            values.push(0.0); // where bars begin
        }
        Ok(Axis::new(&values, &self.scale, true))
    }

    /// The guess for a bar, if the axis has a place for it.
    fn guess_of(&self, bar: &Bar) -> Option<f64> {
        let of_bar = self.guesses.iter().filter(|(name, _)| *name == bar.name);
        let values = of_bar.map(|(_, value)| *value);
        values.rev().find(|value| self.scale.has_place(*value))
    }

    fn has_guesses(&self) -> bool {
        self.bars.iter().any(|bar| self.guess_of(bar).is_some())
    }

    /// A bar from `zero` on, or a dot, with its name, its spread, its guess and its value, around the height of `middle`.
    fn draw(
        &self,
        bar: &Bar,
        canvas: &mut Canvas<'_>,
        plot: Plot,
        axis: &Axis,
        (zero, middle): (i32, i32),
    ) {
        let x = |value: f64| plot.x(axis.place(value));
        let end = x(bar.value);
        let mut after = end + 4;
        if !self.scale.log {
            let (from, to) = (zero.min(end), zero.max(end).max(zero + 1));
            canvas.rect((from, middle - 10), (to, middle + 10), colour(0));
            after = to;
        }
        if let Some((low, high)) = bar.spread {
            let (low, high) = (x(low), x(high));
            canvas.path([(low, middle), (high, middle)], INK, 2);
            for x in [low, high] {
                canvas.path([(x, middle - 5), (x, middle + 5)], INK, 2);
            }
            after = after.max(high);
        }
        if self.scale.log {
            canvas.circle((end, middle), 6, colour(0));
        }
        let value = self.scale.write(bar.value);
        if let Some(guess) = self.guess_of(bar) {
            let x = x(guess);
            canvas.guess((x, middle));
            // Where the value would be written over the guess, it is written behind it.
            if (after - 9..after + text_width(&value) + 16).contains(&x) {
                after = x + 9;
            }
        }
        canvas.text_middle((after + 7, middle), &value, INK, Align::Left);
        let name = fit(&bar.name, WIDTH / 2);
        canvas.text_middle((plot.left - 8, middle), &name, INK, Align::Right);
    }

    /// The text twin: every bar in a table.
    pub fn text(&self) -> String {
        let write = |value| self.scale.write(value);
        // Without guesses there is no column for them.
        let columns = 3 + usize::from(self.has_guesses());
        let rows = self.bars.iter().map(|bar| {
            let spread = |(low, high)| format!("{} to {}", write(low), write(high));
            let spread = bar.spread.map_or(String::new(), spread);
            let guess = self.guess_of(bar).map_or(String::new(), write);
            let mut row = vec![bar.name.clone(), write(bar.value), spread, guess];
            row.truncate(columns);
            row
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let header = ["", &self.scale.label, "spread", GUESS];
        let mut twin = Twin::new(&self.title);
        twin.line(if self.scale.log {
            "Dots on a logarithmic axis."
        } else {
            "Bars."
        });
        twin.table(&header[..columns], &rows, 1);
        twin.end(&self.caption)
    }
}

impl ShowsNumbers for Bars {
    fn numbers(&self) -> Numbers {
        let values = self.bars.iter().map(|bar| {
            let (low, high) = bar.spread.unwrap_or((bar.value, bar.value));
            ("", bar.name.as_str(), bar.value, low, high)
        });
        Numbers::of_values(&self.title, &self.scale, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_drawn_and_told_where_there_is_one() {
        let bars = |guess: Option<f64>| {
            Bars::new("T")
                .log()
                .bar("a", 10.0)
                .bar("b", 20.0)
                .guess("a", guess)
        };
        let (with, without) = (bars(Some(500.0)), bars(None));
        assert!(with.svg().unwrap().contains("your guess"));
        assert!(with.text().contains("your guess\na") && with.text().contains("500"));
        assert!(
            !without.svg().unwrap().contains("your guess") && !without.text().contains("guess")
        );
        // What has no place on a log axis, or no bar, is left out and breaks nothing.
        assert_eq!(bars(Some(0.0)).svg().unwrap(), without.svg().unwrap());
        let nobody = without.clone().guess("c", Some(5.0));
        assert_eq!(nobody.svg().unwrap(), without.svg().unwrap());
    }

    #[test]
    fn bars_carry_name_value_and_spread() {
        let bars = Bars::new("T")
            .value("v")
            .bar("small", 0.0)
            .bar("minus", -2.0)
            .bar_with_spread("big", 10.0, 8.0, 12.0);
        let svg = bars.svg().unwrap();
        for part in ["small", "minus", "big", ">\n10\n<", ">\n-2\n<"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(bars.text().contains("8 to 12"));
    }

    #[test]
    fn on_a_log_axis_nothing_has_a_length() {
        let figure = Bars::new("T").bar("one", 1.0).bar("ten", 10.0);
        let shapes = |figure: &Bars| {
            let svg = figure.svg().unwrap();
            (svg.matches("<rect").count(), svg.matches("<circle").count())
        };
        // The first rectangle is the paper.
        assert_eq!(shapes(&figure), (3, 0));
        assert_eq!(shapes(&figure.clone().log()), (1, 2));
        assert!(figure.log().text().contains("Dots on a logarithmic axis."));
    }

    #[test]
    fn nothing_and_no_number_are_sentences() {
        assert!(
            Bars::new("T")
                .svg()
                .unwrap_err()
                .to_string()
                .ends_with("add a bar.")
        );
        let error = Bars::new("T").log().bar("b", 0.0).svg().unwrap_err();
        assert!(error.to_string().contains("\"b\" is 0 in value"));
    }
}
