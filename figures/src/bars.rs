use super::axis::Axis;
use super::canvas::{self, Align, GRID, GUESS, INK, LINE, MARGIN, TEXT, WIDTH, colour, text_width};
use super::numbers::{Numbers, Scale, ShowsNumbers};
use super::{FigureError, Format, contents};
use labsupport::cell::{self, Show};

/// Bars that lie on their side, so that their names have room, each with its value and, if given, its spread. On a logarithmic axis
/// they are dots: a length from nowhere in particular would say nothing.
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

const BAR: i32 = 34;

impl Bars {
    /// A figure without bars so far.
    pub fn new(title: impl Into<String>) -> Bars {
        Bars {
            title: title.into(),
            scale: Scale::default(),
            bars: Vec::new(),
            guesses: Vec::new(),
            caption: String::new(),
        }
    }

    /// What the bars' length shows.
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

    /// Adds a bar with a thin line from `low` to `high`.
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

    /// Marks what somebody expected of the bar with this name. Without a value, or without such a bar, nothing is drawn.
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

    /// The guess for a bar; on a log axis one that has no place there is left out.
    fn guess_of(&self, bar: &Bar) -> Option<f64> {
        let of_bar = self.guesses.iter().filter(|(name, _)| *name == bar.name);
        let drawn = |value: &f64| value.is_finite() && !(self.scale.log && *value <= 0.0);
        of_bar.map(|(_, value)| *value).rfind(drawn)
    }

    /// A sentence or two below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Bars {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// No bar, a number that is none, zero or less on a log axis.
    pub fn svg(&self) -> Result<String, FigureError> {
        if self.bars.is_empty() {
            return Err(FigureError::Empty {
                title: self.title.clone(),
                what: "a bar",
            });
        }
        let mut values = Vec::new();
        for bar in &self.bars {
            let spread = bar.spread.into_iter().flat_map(|(low, high)| [low, high]);
            for (point, value) in [bar.value].into_iter().chain(spread).enumerate() {
                if !value.is_finite() || (self.scale.log && value <= 0.0) {
                    return Err(FigureError::NoPlace {
                        series: bar.name.clone(),
                        point,
                        axis: "value",
                        value,
                    });
                }
                values.push(value);
            }
            values.extend(self.guess_of(bar));
        }
        let has_guesses = self.bars.iter().any(|bar| self.guess_of(bar).is_some());
        if !self.scale.log {
            values.push(0.0); // where bars begin
        }
        let axis = Axis::new(&values, self.scale.log, self.scale.format, true);
        let caption = canvas::wrap(&self.caption);
        let names = self
            .bars
            .iter()
            .map(|bar| text_width(&bar.name))
            .max()
            .unwrap_or(0);
        let written = self
            .bars
            .iter()
            .map(|bar| text_width(&self.scale.format.write(bar.value)))
            .max();
        let left = MARGIN + names.min(WIDTH / 2) + 10;
        let right = WIDTH - MARGIN - written.unwrap_or(0) - 14;
        let top = canvas::top(&self.title);
        let bottom = top + BAR * self.bars.len() as i32;
        let legend = bottom + 2 * LINE + 16;
        let below = legend + if has_guesses { LINE + 6 } else { 0 };
        let height = below + caption.len() as i32 * LINE + MARGIN;
        let px = |place: f64| left + (place * f64::from(right - left)).round() as i32;
        let zero = if self.scale.log {
            left
        } else {
            px(axis.place(0.0))
        };

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
            canvas.path([(zero, top), (zero, bottom)], INK, 1)?;
            canvas.text(
                ((left + right) / 2, bottom + LINE + 7),
                &canvas::fit(&self.scale.label, right - left),
                TEXT,
                INK,
                Align::Centre,
            )?;
            for (index, bar) in self.bars.iter().enumerate() {
                let middle = top + BAR * index as i32 + BAR / 2;
                let end = px(axis.place(bar.value));
                let mut after = if self.scale.log {
                    end + 4
                } else {
                    let (from, to) = (zero.min(end), zero.max(end).max(zero + 1));
                    canvas.rect((from, middle - 10), (to, middle + 10), colour(0), true)?;
                    to
                };
                if let Some((low, high)) = bar.spread {
                    let (low, high) = (px(axis.place(low)), px(axis.place(high)));
                    canvas.path([(low, middle), (high, middle)], INK, 2)?;
                    for x in [low, high] {
                        canvas.path([(x, middle - 5), (x, middle + 5)], INK, 2)?;
                    }
                    after = after.max(high);
                }
                if self.scale.log {
                    canvas.circle((end, middle), 6, colour(0), true)?;
                }
                let value = self.scale.format.write(bar.value);
                if let Some(guess) = self.guess_of(bar) {
                    let x = px(axis.place(guess));
                    canvas.guess((x, middle))?;
                    // Where the value would be written over it, it is written behind it.
                    if (after - 9..after + text_width(&value) + 16).contains(&x) {
                        after = x + 9;
                    }
                }
                canvas.text_middle((after + 7, middle), &value, TEXT, INK, Align::Left)?;
                let name = canvas::fit(&bar.name, WIDTH / 2);
                canvas.text_middle((left - 8, middle), &name, TEXT, INK, Align::Right)?;
            }
            if has_guesses {
                let y = legend + LINE / 2;
                canvas.guess((MARGIN + 14, y))?;
                canvas.text_middle((MARGIN + 36, y), GUESS, TEXT, INK, Align::Left)?;
            }
            canvas.caption(below, &caption)
        })
    }

    /// The text twin: every bar in a table.
    pub fn text(&self) -> String {
        let write = |value| self.scale.format.write(value);
        let rows: Vec<Vec<String>> = (self.bars.iter())
            .map(|bar| {
                let spread = bar.spread.map_or(String::new(), |(low, high)| {
                    format!("{} to {}", write(low), write(high))
                });
                let guess = self.guess_of(bar).map_or(String::new(), write);
                vec![bar.name.clone(), write(bar.value), spread, guess]
            })
            .collect();
        // Without guesses there is no column for them.
        let columns = 4 - usize::from(rows.iter().all(|row| row[3].is_empty()));
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row[..columns].to_vec()).collect();
        let kind = if self.scale.log {
            "Dots on a logarithmic axis"
        } else {
            "Bars"
        };
        let (_, table) = cell::table(
            &["", &self.scale.label, "spread", GUESS][..columns],
            &rows,
            1,
        );
        let caption = if self.caption.is_empty() {
            String::new()
        } else {
            format!("{}\n", self.caption)
        };
        format!("{}\n{kind}.\n{table}{caption}", self.title)
    }

    /// Shows picture and text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Bars {
    fn contents(&self) -> Vec<(&'static str, String)> {
        contents(self.svg(), self.text())
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
