use crate::bars::Bars;
use crate::drawing::{Twin, page};
use crate::error::FigureError;
use crate::format::Format;
use crate::moving::{Moving, list};
use labsupport::cell::{self, Show};
use labsupport::internal::{quote, three_digits};

/// A race of things whose cost lies decades apart: a dot for each goes round once for each time that it is done, on a clock so slow that
/// one of them takes a second.
///
/// The reader chooses which one takes the second, plays, pauses, and moves the time; with the keyboard too. Nothing moves where the
/// reader's system asks for no motion. The costs are those that were measured. A page without scripts, and a printed one, has bars instead.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let race = Race::new("If one look took a second")
///     .runner("look at a flag", 0.5)
///     .runner("take a lock", 14.0)
///     .runner("ask a process", 40_000.0);
/// println!("{}", race.text());
/// assert!(race.text().contains("22 h 13 min"));
/// ```
#[derive(Clone, Debug)]
pub struct Race {
    title: String,
    /// Names, and nanoseconds.
    runners: Vec<(String, f64)>,
    second: Option<String>,
    caption: String,
}

impl Race {
    /// A race that nobody runs yet.
    pub fn new(title: impl Into<String>) -> Race {
        Race {
            title: title.into(),
            runners: Vec::new(),
            second: None,
            caption: String::new(),
        }
    }

    /// Adds what takes so many nanoseconds each time.
    pub fn runner(mut self, name: impl Into<String>, nanoseconds: f64) -> Race {
        self.runners.push((name.into(), nanoseconds));
        self
    }

    /// The runner that takes a second, until the reader chooses another; without it, or if there is none of this name, the first one.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let race = Race::new("T").runner("a", 1.0).runner("b", 1_000.0).second("b");
    /// assert!(race.text().contains("1,000 in a second"));
    /// ```
    pub fn second(mut self, name: impl Into<String>) -> Race {
        self.second = Some(name.into());
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Race {
        self.caption = caption.into();
        self
    }

    /// The still picture: what was measured, and how long each takes if one of them takes a second.
    ///
    /// # Errors
    /// There is no runner, or one that takes no time.
    pub fn svg(&self) -> Result<String, FigureError> {
        let second = self.at();
        let title = match self.runners.get(second) {
            Some((name, _)) => format!("{}: {name}", self.title),
            None => return Err(FigureError::empty(&self.title, "a runner")),
        };
        let bars = Bars::new(title)
            .value("measured")
            .format(Format::Nanoseconds)
            .log()
            .caption(&self.caption);
        let runners = self.runners.iter().zip(self.scaled(second));
        let bars = runners.fold(bars, |bars, ((name, cost), scaled)| {
            bars.bar(format!("{name}: {scaled}"), *cost)
        });
        bars.svg()
    }

    /// The text twin: what each runner takes, and what it takes on the slow clock.
    pub fn text(&self) -> String {
        let second = self.at();
        let mut twin = Twin::new(&self.title);
        if let Some((name, _)) = self.runners.get(second) {
            twin.line(format!("On this clock, one of \"{name}\" takes a second."));
            let runners = self.runners.iter().zip(self.scaled(second));
            let rows = runners.map(|((name, cost), scaled)| {
                vec![name.clone(), Format::Nanoseconds.write(*cost), scaled]
            });
            let rows: Vec<Vec<String>> = rows.collect();
            twin.table(&["", "measured", "on this clock"], &rows, 1);
        }
        twin.end(&self.caption)
    }

    /// Shows the race in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }

    /// The number of the runner that takes a second.
    fn at(&self) -> usize {
        let named = |(name, _): &(String, f64)| Some(name) == self.second.as_ref();
        self.runners.iter().position(named).unwrap_or(0)
    }

    /// What each runner takes, in words, if the one with this number takes a second.
    fn scaled(&self, second: usize) -> impl Iterator<Item = String> + '_ {
        let unit = self.runners[second].1;
        self.runners
            .iter()
            .map(move |(_, cost)| on_clock(cost / unit))
    }

    /// As page/race.js reads it.
    fn data(&self) -> String {
        let runner = |(name, cost): &(String, f64)| {
            let measured = quote(&Format::Nanoseconds.write(*cost));
            format!(
                "{{\"name\":{},\"cost\":{cost:?},\"measured\":{measured}}}",
                quote(name)
            )
        };
        let scaled = |second| list(self.scaled(second).map(|words| quote(&words)));
        format!(
            "{{\"title\":{},\"runners\":{},\"second\":{},\"scaled\":{}}}",
            quote(&self.title),
            list(self.runners.iter().map(runner)),
            self.at(),
            list((0..self.runners.len()).map(scaled))
        )
    }
}

impl Show for Race {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let text = self.text();
        match self.svg() {
            Err(error) => vec![("text/plain", format!("No race: {error}\n\n{text}"))],
            Ok(svg) => {
                let still = page::picture(&svg, &text);
                Moving::RACE.contents(&still, &self.data(), text)
            }
        }
    }
}

/// More rounds in a second than this are counted instead: `FASTEST` in page/race.js.
const FASTEST: f64 = 3.0;

/// So many seconds as a person says them, in the two largest units that matter.
fn on_clock(seconds: f64) -> String {
    const UNITS: [(&str, f64); 4] = [
        ("min", 60.0),
        ("h", 3_600.0),
        ("days", 86_400.0),
        ("years", 365.0 * 86_400.0),
    ];
    if seconds < 1.0 / FASTEST {
        return format!("{} in a second", three_digits(1.0 / seconds));
    }
    if seconds < 59.95 {
        return format!("{} s", three_digits(seconds));
    }
    let unit = UNITS
        .iter()
        .rposition(|(_, length)| seconds >= 0.999_5 * length);
    let (name, length) = UNITS[unit.unwrap_or(0)];
    let (below, part) = match unit {
        Some(3) => {
            let years = three_digits(seconds / length);
            let s = if years == "1" { "" } else { "s" };
            return format!("{years} year{s}");
        }
        None | Some(0) => ("s", 1.0),
        Some(unit) => (UNITS[unit - 1].0, UNITS[unit - 1].1),
    };
    // Rounded once, so that there are never sixty minutes beside an hour.
    let parts = (seconds / part).round();
    let each = (length / part).round();
    let (whole, rest) = ((parts / each).floor(), parts % each);
    match (whole, rest) {
        (1.0, 0.0) if name == "days" => "1 day".into(),
        (_, 0.0) => format!("{whole} {name}"),
        (1.0, _) if name == "days" => format!("1 day {rest} {below}"),
        _ => format!("{whole} {name} {rest} {below}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Race {
        Race::new("If one access took a second")
            .runner("atomic", 0.5)
            .runner("lock", 14.0)
            .runner("manager", 40_000.0)
            .runner("process", 250_000.0)
            .caption("Measured here.")
    }

    #[test]
    fn a_slow_clock_says_what_a_person_can_imagine() {
        for (seconds, said) in [
            (1.25e-5, "80,000 in a second"),
            (0.25, "4 in a second"),
            (0.5, "0.5 s"),
            (1.0, "1 s"),
            (28.04, "28 s"),
            (59.97, "1 min"),
            (61.0, "1 min 1 s"),
            (550.0, "9 min 10 s"),
            (3_599.9, "1 h"),
            (80_000.0, "22 h 13 min"),
            (86_400.0, "1 day"),
            (100_000.0, "1 day 4 h"),
            (500_000.0, "5 days 19 h"),
            (365.0 * 86_400.0, "1 year"),
            (1e9, "31.7 years"),
            (1e14, "3,170,000 years"),
        ] {
            assert_eq!(on_clock(seconds), said, "{seconds}");
        }
    }

    #[test]
    fn no_smaller_unit_is_ever_full() {
        for step in 0..40_000 {
            let said = on_clock(10f64.powf(f64::from(step) / 4_000.0));
            let is_full = |full: &&str| said.ends_with(full);
            let full = [" 60 s", " 60 min", " 24 h", " 365 days"];
            assert!(!full.iter().any(is_full), "{said}");
        }
    }

    #[test]
    fn the_page_gets_the_measured_numbers_and_words_for_each_choice() {
        let data = ladder().second("manager").data();
        for part in [
            "{\"name\":\"lock\",\"cost\":14.0,\"measured\":\"14 ns\"}",
            "\"second\":2,",
            // The atomic takes a second; the manager does.
            "[\"1 s\",\"28 s\",\"22 h 13 min\",\"5 days 19 h\"]",
            "[\"80,000 in a second\",\"2,860 in a second\",\"1 s\",\"6.25 s\"]",
        ] {
            assert!(data.contains(part), "{part} in {data}");
        }
        assert!(ladder().second("nobody").data().contains("\"second\":0,"));
    }

    #[test]
    fn a_page_without_scripts_has_bars_and_words() {
        let shown = ladder().contents();
        let html = &shown[0].1;
        assert!(html.contains("overflow-x:auto\"><img alt=\"If one access"));
        assert!(html.contains("manager     40 µs    22 h 13 min"), "{html}");
        assert_eq!(shown[1], ("text/plain", ladder().text()));
        assert!(ladder().svg().unwrap().contains("process: 5 days 19 h"));
    }

    #[test]
    fn no_runner_and_no_cost_are_sentences() {
        let said = |race: Race| race.contents()[0].clone();
        let (mime, text) = said(Race::new("T"));
        assert!(
            mime == "text/plain" && text.contains("add a runner"),
            "{text}"
        );
        for cost in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let (mime, text) = said(Race::new("T").runner("a", cost).runner("b", 1.0));
            assert!(
                mime == "text/plain" && text.starts_with("No race: "),
                "{text}"
            );
        }
    }
}
