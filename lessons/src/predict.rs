use crate::amount::{Amount, AmountError};
use crate::journal::{Journal, Noted};
use figures::Format;
use labsupport::cell::{self, Show, escape};
use std::fmt;

/// Writes down what a student expects, before the run.
///
/// `guess` is a number with its unit, as [`Amount`] reads it. As long as a question mark is in its place there is no guess: nothing is
/// compared, and the lab runs all the same.
///
/// If a journal is kept, the guess is written down there at once, so that a teacher can show the room's guesses before the run.
///
/// After the run, [`compare`](Prediction::compare) says in a sentence how far off the guess was. A figure that is given
/// [`value_in`](Prediction::value_in) draws the guess beside the measurement.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// let guess = predict("What does one locked look cost?", "100 ns")?;
/// let look = Samples::new("ns", [13.0, 13.2, 13.1]);
/// assert_eq!(
///     guess.compare(&look).to_string(),
///     "What does one locked look cost? You said 100 ns. It was 13.1 ns: 7.6 times less than that."
/// );
/// let figure = Bars::new("One look")
///     .format(Format::Nanoseconds)
///     .bar("locked", look.median())
///     .guess("locked", guess.value_in("ns"));
/// assert!(figure.svg()?.contains("your guess"));
///
/// let open = predict("And without the lock?", "? ns")?;
/// assert_eq!(open.to_string(), "And without the lock? No guess yet: replace the question mark with your number.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The guess is neither one number with a unit nor a question mark.
pub fn predict(question: &str, guess: &str) -> Result<Prediction, AmountError> {
    let guess = if guess.contains('?') {
        None
    } else {
        Some(guess.parse::<Amount>()?)
    };
    if let Some(guess) = &guess {
        Journal::of_this_student().note([Noted::Guess {
            question: question.into(),
            guess: guess.to_string(),
        }]);
    }
    Ok(Prediction {
        question: question.into(),
        guess,
    })
}

/// What a student expects: see [`predict`].
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let guess = predict("How many orders are there?", "8 orders")?;
/// assert_eq!(
///     guess.compare((6.0, "orders")).to_string(),
///     "How many orders are there? You said 8 orders. It was 6 orders: 2 fewer."
/// );
/// # Ok::<(), AmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    question: String,
    guess: Option<Amount>,
}

impl Prediction {
    /// The guess as a number in `unit`, for a figure; `None` if there is no guess, or if it measures something else.
    pub fn value_in(&self, unit: &str) -> Option<f64> {
        self.guess.as_ref()?.value_in(unit)
    }

    /// The guess beside what was measured. If a journal is kept, both are written down there.
    pub fn compare(&self, measured: impl Into<Amount>) -> Comparison {
        let comparison = Comparison {
            question: self.question.clone(),
            guess: self.guess.clone(),
            measured: measured.into(),
        };
        Journal::of_this_student().note([Noted::Prediction {
            question: comparison.question.clone(),
            guess: (comparison.guess.as_ref()).map_or(String::new(), Amount::to_string),
            measured: comparison.measured.to_string(),
        }]);
        comparison
    }

    /// Shows the guess in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.guess {
            Some(guess) if guess.unit().is_empty() => write!(
                f,
                "{} You say {guess}, without a unit: the guess will get the unit of the measurement. Write it like \"{guess} ms\" \
                 to be sure.",
                self.question
            ),
            Some(guess) => write!(f, "{} You say {guess}.", self.question),
            None => write!(
                f,
                "{} No guess yet: replace the question mark with your number.",
                self.question
            ),
        }
    }
}

impl Show for Prediction {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let html = format!("<p>{}</p>", escape(&self.to_string()));
        vec![("text/html", html), ("text/plain", self.to_string())]
    }
}

/// A guess beside what was measured: one sentence.
///
/// # Examples
/// ```
/// use lessons::Comparison;
/// use lessons::prelude::*;
/// let guess = predict("By how much is it slower?", "10 %")?;
/// let seen: Comparison = guess.compare((3.2, "%"));
/// assert!(seen.to_string().ends_with("You said 10 %. It was 3.2 %: 6.8 points less."));
/// # Ok::<(), AmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    question: String,
    guess: Option<Amount>,
    measured: Amount,
}

/// Up to this factor a guess is right: two runs of a measurement differ as much.
const RIGHT: f64 = 1.15;

impl Comparison {
    fn distance(&self, guess: &Amount) -> String {
        let measured = &self.measured;
        let Some(said) = guess.value_in(measured.unit()) else {
            return "these units cannot be compared".into();
        };
        if guess.is_a_scale() && measured.is_a_scale() {
            let factor = measured.value() / said;
            let times = |factor: f64| Format::Number.write((factor * 10.0).round() / 10.0);
            return match factor {
                f if (1.0 / RIGHT..=RIGHT).contains(&f) => "as you said".into(),
                f if f > 1.0 => format!("{} times that", times(f)),
                f => format!("{} times less than that", times(1.0 / f)),
            };
        }
        let difference = measured.value() - said;
        let size = Format::Number.write(difference.abs());
        // The sentence already has the unit of a count. A time or a factor needs its own.
        let is_count = measured.is_a_count();
        let with_unit = Amount::new(difference.abs(), measured.unit());
        match (measured.unit(), difference) {
            (_, 0.0) => "as you said".into(),
            ("%", d) if d > 0.0 => format!("{size} points more"),
            ("%", _) => format!("{size} points less"),
            (_, d) if d > 0.0 && is_count => format!("{size} more"),
            _ if is_count => format!("{size} fewer"),
            (_, d) if d > 0.0 => format!("{with_unit} more"),
            _ => format!("{with_unit} less"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison {
            question, measured, ..
        } = self;
        match &self.guess {
            Some(guess) => {
                let meant = guess.as_written(measured);
                let taken = match meant == *guess {
                    true => String::new(),
                    false => format!(", taken as {meant}"),
                };
                let distance = self.distance(&meant);
                write!(
                    f,
                    "{question} You said {guess}{taken}. It was {measured}: {distance}."
                )
            }
            None => write!(f, "{question} It was {measured}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(guess: &str, measured: (f64, &str)) -> String {
        let said = predict("Q?", guess).unwrap().compare(measured).to_string();
        said.strip_prefix("Q? ").unwrap().into()
    }

    #[test]
    fn the_sentence_says_how_far_off() {
        for (guess, measured, said) in [
            (
                "100 ns",
                (105.0, "ns"),
                "You said 100 ns. It was 105 ns: as you said.",
            ),
            (
                "2 µs",
                (100.0, "ns"),
                "You said 2 µs. It was 100 ns: 20 times less than that.",
            ),
            (
                "2 times",
                (7.0, "times"),
                "You said 2 times. It was 7 times: 3.5 times that.",
            ),
            (
                "5 tasks",
                (5.0, "tasks"),
                "You said 5 tasks. It was 5 tasks: as you said.",
            ),
            (
                "0 tasks",
                (4.0, "tasks"),
                "You said 0 tasks. It was 4 tasks: 4 more.",
            ),
            (
                "5 %",
                (-1.0, "%"),
                "You said 5 %. It was -1 %: 6 points less.",
            ),
            ("0 ns", (4.0, "ns"), "You said 0 s. It was 4 ns: 4 ns more."),
            (
                "0 s",
                (0.00216, "s"),
                "You said 0 s. It was 2.16 ms: 2.16 ms more.",
            ),
            (
                "-1 times",
                (-3.0, "times"),
                "You said -1 times. It was -3 times: 2 times less.",
            ),
            (
                "2",
                (0.00216, "s"),
                "You said 2, taken as 2 ms. It was 2.16 ms: as you said.",
            ),
            ("3", (6.0, "tasks"), "You said 3. It was 6 tasks: 3 more."),
            (
                "3 apples",
                (4.0, "ns"),
                "You said 3 apples. It was 4 ns: these units cannot be compared.",
            ),
            (
                "3",
                (4.0, "ns"),
                "You said 3, taken as 3 ns. It was 4 ns: 1.3 times that.",
            ),
            ("? ns", (4.0, "ns"), "It was 4 ns."),
        ] {
            assert_eq!(compared(guess, measured), said);
        }
    }

    #[test]
    fn nonsense_is_a_sentence() {
        let said = predict("Q?", "many").unwrap_err().to_string();
        assert!(said.contains("Write it like 100 ns"), "{said}");
    }
}
