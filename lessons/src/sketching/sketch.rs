use super::all::{ASKED, Asked};
use super::distance::Distance;
use super::error::SketchError;
use crate::amount::Amount;
use crate::journal::{Journal, Noted};
use figures::numbers::{Scale, Shows, ShowsNumbers};
use figures::{Format, Lines, SketchPad};
use labsupport::cell::{self, Show};
use labsupport::internal::{ask_kernel, quote};
use std::fmt;

/// Asks for the curve that a student expects, before the run: as the last expression of a cell it is a pad to draw on.
///
/// What is drawn on the page of the labs' JupyterLab is kept by the kernel. Everywhere else, the student copies the line below the pad into
/// the cell, or writes the points there: `1: 20 µs; 100: 2 ms`. A question mark is no curve yet, and the lab runs all the same.
///
/// After the run, [`compare`](Sketch::compare) says in a sentence how far off the curve was, and [`under`](Sketch::under) draws it behind
/// the measurement.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use lessons::prelude::*;
/// let curve = sketch("03-reaction", "1: 10 µs; 100: 10 µs")?;
/// let measured = Lines::new("T").log_x().log_y().y_format(Format::Seconds).series("10 µs", [(1.0, 2e-5), (10.0, 1e-4), (100.0, 1e-3)]);
/// assert!(curve.compare(&measured, "10 µs").to_string().ends_with(
///     "Your curve is off by a factor of 10, the median of 3 places. It is farthest off at 100: you drew 10 µs, it was 1 ms."
/// ));
/// assert!(curve.under(&measured).text().contains("your curve: 10 µs at 1; 10 µs at 100."));
///
/// let open = sketch("03-reaction", "?")?; // in a notebook: end the cell with it
/// assert!(open.to_string().contains("Nothing is drawn so far."));
/// # Ok::<(), SketchError>(())
/// ```
///
/// # Errors
/// There is no sketch of this name, or a point is not on its pad.
pub fn sketch(name: &str, curve: &str) -> Result<Sketch, SketchError> {
    Sketch::new(name, curve, ask_kernel)
}

/// A curve that a student expects: see [`sketch()`].
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let curve: Sketch = sketch("03-overhead", "1: 50 %; 10: 5 %")?;
/// assert_eq!(curve.points(), [(1.0, 50.0), (10.0, 5.0)]);
/// # Ok::<(), SketchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sketch {
    name: String,
    question: String,
    pad: SketchPad,
    /// What the cell says, or what the kernel had kept when the cell ran.
    steps: Steps,
}

/// The step of the pad at each of its places, or nothing.
type Steps = Vec<Option<usize>>;

/// Asks the kernel, which may not be there.
type Ask = fn(&str) -> Option<String>;

impl Sketch {
    fn new(name: &str, curve: &str, ask: Ask) -> Result<Sketch, SketchError> {
        let found = ASKED.iter().find(|asked| asked.name == name);
        let Asked {
            name,
            question,
            pad,
        } = found.ok_or_else(|| SketchError::Unknown(name.into()))?;
        let mut sketch = Sketch {
            name: (*name).into(),
            question: (*question).into(),
            pad: pad(question).line(name, [&format!("sketch(\"{name}\", \""), "\")?"]),
            steps: Vec::new(),
        };
        let written = sketch.read(curve)?;
        let is_open = written.iter().all(Option::is_none);
        sketch.steps = written;
        // A curve in the cell is newer than what the kernel has kept.
        let newer = if is_open { None } else { Some(&sketch.steps) };
        sketch.steps = sketch.kept(newer, ask);
        Ok(sketch)
    }

    /// The steps of the points that are written in a cell.
    fn read(&self, curve: &str) -> Result<Steps, SketchError> {
        let mut steps = vec![None; self.pad.xs().len()];
        if curve.contains('?') {
            return Ok(steps);
        }
        for point in curve
            .split(';')
            .map(str::trim)
            .filter(|point| !point.is_empty())
        {
            let no_point = || SketchError::NoPoint(point.into());
            let (x, y) = point.split_once(':').ok_or_else(no_point)?;
            let amount = |text: &str| {
                let amount = text.trim().parse::<Amount>();
                amount.map_err(|why| SketchError::Amount(point.into(), why))
            };
            let (x, y) = (amount(x)?, amount(y)?);
            let (across, up) = self.pad.scales();
            let place = in_unit_of(&x, across).and_then(|x| {
                let near = |at: &f64| (at - x).abs() <= 1e-6 * at.abs();
                self.pad.xs().iter().position(near)
            });
            let step = in_unit_of(&y, up).and_then(|y| self.pad.step(y));
            match (place, step) {
                (Some(place), Some(step)) => steps[place] = Some(step),
                (place, _) => return Err(self.outside(point, place.is_none())),
            }
        }
        Ok(steps)
    }

    fn outside(&self, point: &str, across: bool) -> SketchError {
        let (x, y) = self.pad.scales();
        let steps = self.pad.steps();
        let ends = |ends: Option<(&f64, &f64)>| {
            ends.map_or(String::new(), |(low, high)| {
                format!(
                    "up it goes from {} to {}",
                    y.format.write(*low),
                    y.format.write(*high)
                )
            })
        };
        let places = match across {
            true => {
                let xs: Vec<String> = self.pad.xs().iter().map(|at| x.format.write(*at)).collect();
                format!("across there are {}", xs.join(", "))
            }
            false => ends(steps.first().zip(steps.last())),
        };
        SketchError::Outside {
            point: point.into(),
            places,
        }
    }

    /// What the kernel has kept; it takes `newer` instead, if there is something newer. Without a kernel, the cell's own.
    fn kept(&self, newer: Option<&Steps>, ask: Ask) -> Steps {
        let written = |step: &Option<usize>| step.map_or("null".into(), |step| step.to_string());
        let newer = newer.map_or(String::new(), |steps| {
            let steps: Vec<String> = steps.iter().map(written).collect();
            format!(",\"drawn\":[{}]", steps.join(","))
        });
        let (name, points, steps) = (
            quote(&self.name),
            self.pad.xs().len(),
            self.pad.steps().len(),
        );
        let question = format!(
            "{{\"sketch\":{{\"name\":{name},\"points\":{points},\"steps\":{steps}{newer}}}}}"
        );
        let answer = ask(&question).unwrap_or_default();
        let kept: Steps = answer
            .split(' ')
            .map(|word| word.parse::<usize>().ok().filter(|step| *step < steps))
            .collect();
        // Another kernel answers nothing, or something else.
        match kept.len() == points {
            true => kept,
            false => self.steps.clone(),
        }
    }

    /// The pad without a curve, for paper.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// assert!(sketch("02-torn", "?")?.pad().svg().is_ok());
    /// # Ok::<(), SketchError>(())
    /// ```
    pub fn pad(&self) -> &SketchPad {
        &self.pad
    }

    /// The curve, as pairs of x and y; empty if nothing was drawn. It is what the kernel has kept by now.
    pub fn points(&self) -> Vec<(f64, f64)> {
        self.points_from(ask_kernel)
    }

    fn points_from(&self, ask: Ask) -> Vec<(f64, f64)> {
        self.pad.points(&self.kept(None, ask))
    }

    /// The curve beside what was measured: the line `series` of `figure`. If a journal is kept, both are written down there.
    ///
    /// # Panics
    /// The figure has no such line.
    pub fn compare(&self, figure: &Lines, series: &str) -> Compared {
        let numbers = figure.numbers();
        let line = numbers.parts.iter().find_map(|part| match &part.shows {
            Shows::Line(points) if part.series == series => Some(points.clone()),
            _ => None,
        });
        let measured =
            line.unwrap_or_else(|| panic!("\"{}\" has no line \"{series}\"", numbers.title));
        let drawn = self.points();
        let (x, y) = self.pad.scales();
        Journal::of_this_student().note([Noted::Sketch {
            question: self.question.clone(),
            x: x.clone(),
            y: y.clone(),
            drawn: drawn.clone(),
            measured: measured.clone(),
        }]);
        Compared {
            question: self.question.clone(),
            distance: Distance::between(&drawn, &measured, (x, y)),
            is_drawn: !drawn.is_empty(),
            x: x.clone(),
            y: y.clone(),
        }
    }

    /// `figure` with the curve behind what was measured. If none was drawn, the figure says so.
    pub fn under(&self, figure: &Lines) -> Lines {
        figure.clone().sketch(self.points())
    }

    /// Shows the pad in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

/// The number of `amount` as an axis counts it; `None` if it measures something else.
fn in_unit_of(amount: &Amount, scale: &Scale) -> Option<f64> {
    let unit = match scale.format {
        Format::Number => return amount.unit().is_empty().then(|| amount.value()),
        Format::Percent => "%",
        Format::Times => "times",
        Format::Seconds => "s",
        Format::Nanoseconds => "ns",
    };
    amount.value_in(unit)
}

impl Show for Sketch {
    fn contents(&self) -> Vec<(&'static str, String)> {
        self.pad.clone().drawn(&self.steps).contents()
    }
}

impl fmt::Display for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pad.clone().drawn(&self.steps).text())
    }
}

/// A curve beside what was measured: one or two sentences.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use lessons::Compared;
/// use lessons::prelude::*;
/// let measured = Lines::new("T").log_x().series("no lock: torn", [(1e-6, 40.0), (1e-5, 44.0)]);
/// let seen: Compared = sketch("02-torn", "1 µs: 50 %; 10 µs: 50 %")?.compare(&measured, "no lock: torn");
/// assert!(seen.to_string().contains("Your curve is off by 8 points, the median of 2 places."));
/// let open: Compared = sketch("02-torn", "?")?.compare(&measured, "no lock: torn");
/// assert!(open.to_string().ends_with("No curve was drawn."));
/// # Ok::<(), SketchError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    question: String,
    distance: Option<Distance>,
    is_drawn: bool,
    x: Scale,
    y: Scale,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.question)?;
        let Some(distance) = self.distance else {
            return f.write_str(match self.is_drawn {
                true => "Your curve reaches nothing that was measured.",
                false => "No curve was drawn.",
            });
        };
        let off = distance.words(&self.y);
        let of = match distance.points {
            1 => "at the one place that it reaches".into(),
            points => format!("the median of {points} places"),
        };
        let (at, drawn, measured) = distance.farthest;
        let (x, y) = (self.x.format, self.y.format);
        write!(
            f,
            "Your curve is off by {off}, {of}. It is farthest off at {}: you drew {}, it was {}.",
            x.write(at),
            y.write(drawn),
            y.write(measured)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(_: &str) -> Option<String> {
        None
    }

    fn of(curve: &str, ask: Ask) -> Sketch {
        Sketch::new("03-reaction", curve, ask).unwrap()
    }

    #[test]
    fn every_curve_that_a_pad_writes_is_read_as_it_was() {
        for asked in &ASKED {
            let sketch = Sketch::new(asked.name, "?", nobody).unwrap();
            assert!(
                asked
                    .question
                    .starts_with(&format!("Lab {}: ", &asked.name[..2]))
            );
            let (places, most) = (sketch.pad.xs().len(), sketch.pad.steps().len());
            for step in 0..most {
                let steps: Steps = (0..places)
                    .map(|place| (place % 3 != 1).then_some((step + 7 * place) % most))
                    .collect();
                let written = sketch.pad.written(&steps);
                assert_eq!(sketch.read(&written).as_ref(), Ok(&steps), "{written}");
            }
        }
    }

    #[test]
    fn what_people_write_is_read_and_what_cannot_be_is_a_sentence() {
        let curve = of(" 1 : 20us ;10:0.2 ms; 10,000: 1 s;", nobody);
        assert_eq!(curve.points(), [(1.0, 2e-5), (10.0, 2e-4), (10_000.0, 1.0)]);
        assert_eq!(
            of("10: 21 µs; 10: 3 ms", nobody).points(),
            [(10.0, 3.15e-3)]
        );
        assert!(of("", nobody).points().is_empty() && of("1: ? µs", nobody).points().is_empty());
        let said = |curve| {
            Sketch::new("03-reaction", curve, nobody)
                .unwrap_err()
                .to_string()
        };
        for (curve, part) in [
            ("1: 20", "from 1 µs to 10 s"),
            ("1: 2 h", "from 1 µs to 10 s"),
            ("7: 1 ms", "across there are 1, 3, 10,"),
            ("1 ms: 1 ms", "across there are 1, 3, 10,"),
            ("1 ms", "is not a point"),
            ("1: many", "`many` is not one number"),
            ("1: 2: 3 ms", "is not one number"),
        ] {
            assert!(said(curve).contains(part), "{curve}: {}", said(curve));
        }
        let unknown = Sketch::new("9", "?", nobody).unwrap_err().to_string();
        assert!(
            unknown.ends_with("there are 02-torn, 03-reaction, 03-overhead."),
            "{unknown}"
        );
    }

    #[test]
    fn what_the_kernel_has_kept_counts_unless_the_cell_has_a_curve() {
        fn kernel(question: &str) -> Option<String> {
            let begin = "{\"sketch\":{\"name\":\"03-reaction\",\"points\":9,\"steps\":71";
            let rest = question.strip_prefix(begin).unwrap();
            Some(match rest {
                "}}" => "- 13 - - - - - - 70".into(),
                ",\"drawn\":[0,null,null,null,null,null,null,null,null]}}" => {
                    "0 - - - - - - - -".into()
                }
                other => panic!("{other}"),
            })
        }
        assert_eq!(
            of("?", kernel).points_from(kernel),
            [(3.0, 2e-5), (10_000.0, 10.0)]
        );
        assert!(
            of("?", kernel)
                .to_string()
                .contains("Drawn: 3: 20 µs; 10,000: 10 s.")
        );
        assert!(
            of("1: 1 µs", kernel)
                .to_string()
                .contains("Drawn: 1: 1 µs.")
        );
    }

    #[test]
    fn an_answer_that_is_none_leaves_the_cell_s_own_curve() {
        let answers: [Ask; 4] = [
            nobody,
            |_| Some("once".into()),
            |_| Some(String::new()),
            |_| Some("1 2 3".into()),
        ];
        for ask in answers {
            assert_eq!(of("1: 1 µs", ask).points_from(ask), [(1.0, 1e-6)]);
            assert!(of("?", ask).points_from(ask).is_empty());
        }
        // A step that the pad does not have is no point.
        let outside: Ask = |_| Some("71 -1 x 5 - - - - 99".into());
        assert_eq!(of("?", outside).points_from(outside), [(30.0, 3.15e-6)]);
    }

    #[test]
    fn a_figure_without_the_line_is_named() {
        let figure = Lines::new("Other").series("1 µs", [(1.0, 1.0)]);
        let panic = std::panic::catch_unwind(|| of("?", nobody).compare(&figure, "10 µs"));
        let said = panic.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(*said, "\"Other\" has no line \"10 µs\"");
    }

    #[test]
    fn a_curve_that_reaches_nothing_says_so() {
        let figure = Lines::new("T").series("10 µs", [(10.0, 1.0)]);
        let said = of("1: 1 ms; 3: 1 ms", nobody)
            .compare(&figure, "10 µs")
            .to_string();
        assert!(
            said.ends_with("Your curve reaches nothing that was measured."),
            "{said}"
        );
        let one = of("10: 1 s", nobody).compare(&figure, "10 µs").to_string();
        assert!(
            one.contains("off by a factor of 1, at the one place that it reaches."),
            "{one}"
        );
    }
}
