use crate::error::KnobError;
use crate::moving::list;
use labsupport::internal::{quote, three_digits};
use std::ops::{Index, RangeInclusive};

/// Most knobs above one figure. More would not fit on the page with it.
const MOST: usize = 12;
/// Most choices of one knob.
const CHOICES: usize = 100;
/// At so many places a slider stops on a published page, besides the one where it starts.
const STOPS: usize = 5;
/// For so many places at most a published page has figures.
const PLACES: usize = 40;

/// A number that the reader of a figure may change: see [`interact`](crate::interact).
///
/// A knob is a slider over a range: linear, [logarithmic](Knob::log) or over [whole numbers](Knob::integer). It may also be a
/// [choice](Knob::choice) between words or a [switch](Knob::switch). It starts at the low end of its range, at its first choice, or off,
/// unless [`at`](Knob::at) says where.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let cost = Knob::new("iteration cost", 1.0..=1000.0).unit("µs").log().at(10.0);
/// let workers = Knob::new("workers", 1.0..=8.0).integer().at(3.0);
/// let look = Knob::choice("look", ["locked", "lock-free"]);
/// let pin = Knob::switch("pin the workers");
/// # let _ = (cost, workers, look, pin);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Knob {
    pub(crate) name: String,
    unit: String,
    scale: Scale,
    low: f64,
    high: f64,
    at: f64,
    choices: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
    Integer,
    Choice,
    Switch,
    /// A slider that stops at each of the choices: on a published page alone.
    Stops,
}

impl Knob {
    /// A slider over `range`, linear, which starts at the low end.
    pub fn new(name: impl Into<String>, range: RangeInclusive<f64>) -> Knob {
        Knob {
            name: name.into(),
            unit: String::new(),
            scale: Scale::Linear,
            low: *range.start(),
            high: *range.end(),
            at: *range.start(),
            choices: Vec::new(),
        }
    }

    /// A choice between words. The value is the number of the chosen one, counted from 0; [`Knobs::choice`] gives the word.
    pub fn choice(
        name: impl Into<String>,
        choices: impl IntoIterator<Item = impl Into<String>>,
    ) -> Knob {
        let choices: Vec<String> = choices.into_iter().map(Into::into).collect();
        Knob {
            scale: Scale::Choice,
            choices: choices.clone(),
            ..Knob::new(name, 0.0..=choices.len() as f64 - 1.0)
        }
    }

    /// A switch, which starts off. The value is 0 or 1; [`Knobs::is_on`] gives it as a `bool`.
    pub fn switch(name: impl Into<String>) -> Knob {
        Knob {
            scale: Scale::Switch,
            ..Knob::new(name, 0.0..=1.0)
        }
    }

    /// The unit of the number, as it is written behind it.
    pub fn unit(mut self, unit: impl Into<String>) -> Knob {
        self.unit = unit.into();
        self
    }

    /// Makes the slider logarithmic: each step multiplies. The range must lie above zero.
    pub fn log(mut self) -> Knob {
        self.scale = Scale::Log;
        self
    }

    /// Lets the slider stop at whole numbers alone. Both ends of the range must be whole numbers.
    pub fn integer(mut self) -> Knob {
        self.scale = Scale::Integer;
        self
    }

    /// Where the knob starts.
    pub fn at(mut self, value: f64) -> Knob {
        self.at = value;
        self
    }

    /// Whether the knob can be turned, and `value` is a place on it.
    fn check(&self, value: f64) -> Result<(), KnobError> {
        let fail = |why: String| {
            let name = self.name.clone();
            Err(KnobError::Unusable { name, why })
        };
        if self.scale == Scale::Choice && !(1..=CHOICES).contains(&self.choices.len()) {
            let count = self.choices.len();
            return fail(format!("has {count} choices: give it 1 to {CHOICES}"));
        }
        let (low, high) = (self.low, self.high);
        if !low.is_finite() || !high.is_finite() || low > high {
            return fail(format!(
                "goes from {low} to {high}: give it a range from a lower to a higher number"
            ));
        }
        if self.scale == Scale::Log && low <= 0.0 {
            return fail(format!(
                "is logarithmic and begins at {low}: begin above zero"
            ));
        }
        let whole = self.is_whole();
        if whole && (low.fract() != 0.0 || high.fract() != 0.0) {
            return fail(format!(
                "has whole numbers alone and goes from {low} to {high}: end it at whole numbers"
            ));
        }
        if !(low..=high).contains(&value) || whole && value.fract() != 0.0 {
            let what = if whole { "a whole number" } else { "a number" };
            return fail(format!(
                "cannot stand at {value}: give it {what} from {low} to {high}"
            ));
        }
        Ok(())
    }

    /// `value` with its unit, as a person reads it.
    fn words(&self, value: f64) -> String {
        match self.scale {
            Scale::Switch => if value == 1.0 { "on" } else { "off" }.into(),
            Scale::Choice | Scale::Stops => self.with_unit(self.choices[value as usize].clone()),
            Scale::Integer => self.with_unit(format!("{value}")),
            Scale::Linear | Scale::Log => self.with_unit(three_digits(value)),
        }
    }

    fn with_unit(&self, value: String) -> String {
        match self.unit.as_str() {
            "" => value,
            unit => format!("{value} {unit}"),
        }
    }

    /// Where the knob stops on a published page, in order: at all places where there are few, and always at both ends and where it starts.
    fn stops(&self) -> Vec<f64> {
        let (low, high) = (self.low, self.high);
        let whole = self.is_whole();
        let few = whole && high - low < STOPS as f64;
        let decades = (high / low).log10();
        let is_round = (decades - decades.round()).abs() < 1e-9;
        let steps = match self.scale {
            Scale::Choice | Scale::Switch => high - low,
            Scale::Integer if few => high - low,
            // Powers of ten, where both ends are a power of ten apart.
            Scale::Log if is_round && decades < STOPS as f64 => decades.round(),
            _ => (STOPS - 1) as f64,
        };
        let at = |step: f64| {
            let share = if steps == 0.0 { 0.0 } else { step / steps };
            let value = match self.scale {
                Scale::Log => low * (high / low).powf(share),
                _ => low + (high - low) * share,
            };
            match whole {
                true => value.round(),
                // As a person would write it.
                false => format!("{value:.2e}").parse().unwrap_or(value),
            }
        };
        let between = (1..steps as usize).map(|step| at(step as f64).clamp(low, high));
        let mut stops: Vec<f64> = between.chain([low, high, self.at]).collect();
        stops.sort_by(f64::total_cmp);
        stops.dedup();
        stops
    }

    fn is_whole(&self) -> bool {
        !matches!(self.scale, Scale::Linear | Scale::Log)
    }

    /// The same knob on a page where it stands at these places alone: its value is the number of the place.
    fn on_stops(&self, stops: &[f64]) -> Knob {
        let last = stops.len() as f64 - 1.0;
        let is_all = last == self.high - self.low;
        match self.scale {
            Scale::Choice | Scale::Switch if is_all => self.clone(),
            _ => Knob {
                scale: Scale::Stops,
                unit: String::new(),
                low: 0.0,
                high: last,
                choices: stops.iter().map(|&value| self.words(value)).collect(),
                ..self.clone()
            },
        }
    }

    fn to_json(&self) -> String {
        let scale = match self.scale {
            Scale::Linear => "linear",
            Scale::Log => "log",
            Scale::Integer => "integer",
            Scale::Choice => "choice",
            Scale::Switch => "switch",
            Scale::Stops => "stops",
        };
        format!(
            "{{\"name\":{},\"unit\":{},\"scale\":\"{scale}\",\"low\":{:?},\"high\":{:?},\"choices\":{}}}",
            quote(&self.name),
            quote(&self.unit),
            self.low,
            self.high,
            list(self.choices.iter().map(|choice| quote(choice)))
        )
    }
}

/// Where the knobs above a figure stand: `k["iteration cost"]` is a number.
///
/// # Panics
/// Each way to ask panics if there is no knob of that name; the message lists the names that there are.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let knobs = [Knob::new("workers", 1.0..=8.0).integer().at(3.0), Knob::choice("look", ["locked", "lock-free"])];
/// interact(knobs, |k| {
///     assert_eq!(k["workers"], 3.0);
///     assert_eq!(k.count("workers"), 3);
///     assert_eq!(k.choice("look"), "locked");
///     Table::new(["workers"]).row([k["workers"].to_string()])
/// })?;
/// # Ok::<(), KnobError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Knobs {
    knobs: Vec<Knob>,
    values: Vec<f64>,
}

impl Knobs {
    /// These knobs, each where it starts.
    pub(crate) fn new(knobs: Vec<Knob>) -> Result<Knobs, KnobError> {
        if !(1..=MOST).contains(&knobs.len()) {
            let count = knobs.len();
            return Err(KnobError::Count { count, most: MOST });
        }
        for (index, knob) in knobs.iter().enumerate() {
            knob.check(knob.at)?;
            if knobs[..index].iter().any(|other| other.name == knob.name) {
                return Err(KnobError::Unusable {
                    name: knob.name.clone(),
                    why: "is there twice: give each knob a name of its own".into(),
                });
            }
        }
        let values = knobs.iter().map(|knob| knob.at).collect();
        Ok(Knobs { knobs, values })
    }

    /// Moves all knobs. Values that do not fit change nothing.
    pub(crate) fn turn(&mut self, values: &[f64]) {
        let fits = |(knob, &value): (&Knob, &f64)| knob.check(value).is_ok();
        if values.len() == self.knobs.len() && self.knobs.iter().zip(values).all(fits) {
            self.values = values.to_vec();
        }
    }

    fn find(&self, name: &str) -> usize {
        let found = self.knobs.iter().position(|knob| knob.name == name);
        found.unwrap_or_else(|| {
            let names: Vec<String> = self
                .knobs
                .iter()
                .map(|knob| format!("\"{}\"", knob.name))
                .collect();
            panic!(
                "there is no knob \"{name}\": the knobs are {}",
                names.join(", ")
            )
        })
    }

    /// The value of a knob over whole numbers that are not negative, for a count of workers or of tasks. A fraction is rounded.
    pub fn count(&self, name: &str) -> usize {
        self[name].round() as usize
    }

    /// The word that is chosen.
    pub fn choice(&self, name: &str) -> &str {
        let index = self.find(name);
        self.knobs[index]
            .choices
            .get(self.values[index] as usize)
            .map_or("", String::as_str)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self[name] == 1.0
    }

    /// Where they stand, as a line: `iteration cost = 10 µs, workers = 3`.
    pub(crate) fn words(&self) -> String {
        let knobs = self.knobs.iter().zip(&self.values);
        let words: Vec<String> = knobs
            .map(|(knob, &value)| format!("{} = {}", knob.name, knob.words(value)))
            .collect();
        words.join(", ")
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Where each of them stops on a published page. A knob whose stops would make too many figures stays where it starts.
    pub(crate) fn stops(&self) -> Vec<Vec<f64>> {
        let mut left = PLACES;
        let stops = self.knobs.iter().map(|knob| {
            let stops = knob.stops();
            match left / stops.len() {
                0 => vec![knob.at],
                fewer => {
                    left = fewer;
                    stops
                }
            }
        });
        stops.collect()
    }

    /// As page/kept.js reads them, with the numbers of the stops as their values.
    pub(crate) fn at_stops(&self, stops: &[Vec<f64>]) -> String {
        let knobs = self.knobs.iter().zip(stops);
        let knobs: Vec<Knob> = knobs.map(|(knob, stops)| knob.on_stops(stops)).collect();
        let at = |(stops, value): (&Vec<f64>, &f64)| {
            let at = stops.iter().position(|stop| stop == value);
            at.unwrap_or(0).to_string()
        };
        let values = stops.iter().zip(&self.values).map(at);
        format!("{{\"knobs\":{},\"values\":{}}}", json(&knobs), list(values))
    }

    /// What the kernel must know of them, as JSON.
    pub(crate) fn to_json(&self) -> String {
        format!(
            "\"knobs\":{},\"values\":{},\"words\":{}",
            json(&self.knobs),
            list(self.values.iter().map(|value| format!("{value:?}"))),
            quote(&self.words())
        )
    }
}

fn json(knobs: &[Knob]) -> String {
    list(knobs.iter().map(Knob::to_json))
}

impl Index<&str> for Knobs {
    type Output = f64;

    fn index(&self, name: &str) -> &f64 {
        &self.values[self.find(name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(knobs: impl IntoIterator<Item = Knob>) -> String {
        Knobs::new(knobs.into_iter().collect())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_knob_that_cannot_be_turned_is_an_error_that_says_what_to_write() {
        let knob = || Knob::new("n", 1.0..=10.0);
        assert_eq!(
            said([]),
            "There are 0 knobs: give a figure 1 to 12 of them."
        );
        assert!(said([knob(), knob()]).contains("\"n\" is there twice"));
        assert!(said([knob().at(11.0)]).contains("cannot stand at 11: give it a number from 1"));
        assert!(said([knob().at(f64::NAN)]).contains("NaN"));
        assert!(said([knob().integer().at(1.5)]).contains("a whole number from 1 to 10"));
        assert!(said([Knob::new("n", 0.0..=1.0).log()]).contains("begin above zero"));
        assert!(said([Knob::new("n", 0.5..=9.0).integer()]).contains("end it at whole numbers"));
        let reversed = Knob::new("n", 2.0..=1.0);
        assert!(said([reversed]).contains("goes from 2 to 1"));
        assert!(said([Knob::new("n", 0.0..=f64::INFINITY)]).contains("to inf"));
        assert!(said([Knob::choice("n", [""; 0])]).contains("has 0 choices"));
    }

    #[test]
    fn values_that_do_not_fit_change_nothing() {
        let choice = Knob::choice("c", ["a", "b"]).at(1.0);
        let mut knobs = Knobs::new(vec![Knob::new("n", 1.0..=10.0), choice]).unwrap();
        for bad in [
            &[11.0, 0.0][..],
            &[f64::NAN, 0.0],
            &[2.0],
            &[2.0, 2.0],
            &[2.0, 0.5],
            &[],
        ] {
            knobs.turn(bad);
            assert_eq!(knobs.words(), "n = 1, c = b", "{bad:?}");
        }
        knobs.turn(&[2.5, 0.0]);
        assert_eq!(knobs.words(), "n = 2.5, c = a");
        assert_eq!((knobs["n"], knobs.choice("c")), (2.5, "a"));
    }

    #[test]
    fn a_knob_stops_at_its_ends_where_it_starts_and_at_round_numbers_between() {
        let stops = |knob: Knob| knob.stops();
        let log = |low, high| Knob::new("n", low..=high).log().at(low);
        assert_eq!(stops(log(1.0, 1e3)), [1.0, 10.0, 100.0, 1e3]);
        assert_eq!(stops(log(1.0, 16.0)), [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(stops(log(0.3, 0.3)), [0.3]);
        let linear = Knob::new("n", 0.0..=1.0).at(0.3);
        assert_eq!(stops(linear), [0.0, 0.25, 0.3, 0.5, 0.75, 1.0]);
        let whole = |high| Knob::new("n", 1.0..=high).integer();
        assert_eq!(stops(whole(4.0)), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(stops(whole(12.0)), [1.0, 4.0, 7.0, 9.0, 12.0]);
        assert_eq!(stops(Knob::switch("n")), [0.0, 1.0]);
        assert_eq!(stops(Knob::choice("n", ["a", "b", "c"])), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn what_is_chosen_has_a_unit_too() {
        let size = Knob::choice("size", ["1", "64"]).unit("KB").at(1.0);
        assert_eq!(Knobs::new(vec![size]).unwrap().words(), "size = 64 KB");
    }

    #[test]
    #[should_panic(expected = "there is no knob \"m\": the knobs are \"n\", \"s\"")]
    fn a_wrong_name_is_a_panic_that_lists_the_names() {
        let knobs = Knobs::new(vec![Knob::new("n", 1.0..=2.0), Knob::switch("s")]).unwrap();
        let _ = knobs["m"];
    }

    #[test]
    fn what_the_kernel_is_told_is_json_with_quotes_escaped() {
        let knobs = Knobs::new(vec![
            Knob::new("a \"b\"", 1.0..=1e3).unit("µs").log().at(10.0),
        ])
        .unwrap();
        assert_eq!(
            knobs.to_json(),
            "\"knobs\":[{\"name\":\"a \\\"b\\\"\",\"unit\":\"µs\",\"scale\":\"log\",\"low\":1.0,\"high\":1000.0,\"choices\":[]}],\
             \"values\":[10.0],\"words\":\"a \\\"b\\\" = 10 µs\""
        );
    }
}
