use figures::{Dots, Format, Race, Table};
use labsupport::measure::{Samples, machine};
use std::fmt;

/// What one access costs on each rung of the ladder, for so many workers at once.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::{Ladder, crowd};
/// let value = Value::new(7u64)?;
/// let alone = Ladder::new()
///     .rung("Value unlocked", crowd(1, 1000, || value.get_unlocked())?)
///     .rung("Value locked", crowd(1, 1000, || value.get())?);
/// println!("{alone}");
/// assert!(alone.at("Value locked").median() > alone.at("Value unlocked").median());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ladder(Vec<(String, Samples)>);

impl Ladder {
    /// A ladder without rungs.
    pub fn new() -> Ladder {
        Ladder::default()
    }

    /// Adds a rung above the others, in nanoseconds.
    pub fn rung(mut self, name: &str, cost: Samples) -> Ladder {
        self.0.push((name.into(), cost));
        self
    }

    /// Puts the rungs of another ladder above these.
    pub fn with(mut self, above: Ladder) -> Ladder {
        self.0.extend(above.0);
        self
    }

    /// What was measured on one rung, in nanoseconds.
    ///
    /// # Panics
    /// There is no such rung.
    pub fn at(&self, name: &str) -> &Samples {
        let found = self.0.iter().find(|(rung, _)| rung == name);
        &found
            .unwrap_or_else(|| panic!("there is no rung \"{name}\""))
            .1
    }

    /// The median of one rung, with its unit.
    ///
    /// # Panics
    /// There is no such rung.
    pub fn price(&self, name: &str) -> String {
        Format::Nanoseconds.write(self.at(name).median())
    }

    pub(super) fn rungs(&self) -> impl Iterator<Item = (&str, &Samples)> {
        self.0.iter().map(|(name, cost)| (name.as_str(), cost))
    }

    /// A table: each rung alone, and how many times it is of the rung before.
    pub fn steps(&self) -> Table {
        let mut before = None;
        let mut table = Table::new(["rung", "one access, alone", "times the rung before"]);
        for (name, cost) in self.rungs() {
            let step = before.map_or("–".into(), |before| {
                format!("{:.1}", cost.median() / before)
            });
            table = table.row([name.to_string(), cost.to_string(), step]);
            before = Some(cost.median());
        }
        table
    }

    /// The rungs as a race, on a clock so slow that one look at a flag takes a second: the rung `raw shared atomic`, or the lowest one where
    /// there is none of this name. Each runs with its median.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use lessons::ladder::Ladder;
    /// let ns = |value| Samples::new("ns", [value]);
    /// let ladder = Ladder::new().rung("raw shared atomic", ns(0.5)).rung("Manager dict read", ns(40_000.0));
    /// assert!(ladder.race().text().contains("22 h 13 min"));
    /// ```
    pub fn race(&self) -> Race {
        let race = Race::new("If one access took a second")
            .second("raw shared atomic")
            .caption(format!("The medians of one access, on {}.", machine()));
        let rungs = self.rungs();
        rungs.fold(race, |race, (name, cost)| race.runner(name, cost.median()))
    }

    /// A table: this ladder in a crowd, and how many times it is of the same rung `alone`.
    ///
    /// # Panics
    /// `alone` does not have these rungs.
    pub fn against(&self, alone: &Ladder) -> Table {
        let table = Table::new(["rung", "one access, in a crowd", "times alone"]);
        self.rungs().fold(table, |table, (name, cost)| {
            let times = cost.median() / alone.at(name).median();
            table.row([name.to_string(), cost.to_string(), format!("{times:.1}")])
        })
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps().fmt(f)
    }
}

impl Ladder {
    /// Shows [`steps`](Ladder::steps) in a notebook cell.
    pub fn evcxr_display(&self) {
        self.steps().evcxr_display();
    }
}

/// Both ladders in one figure: a row for each rung.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::{Ladder, ladder_figure};
/// let ladder = Ladder::new().rung("Value locked", measure(5, || 7));
/// assert!(ladder_figure(&ladder, &ladder).text().contains("Value locked"));
/// ```
pub fn ladder_figure(alone: &Ladder, crowded: &Ladder) -> Dots {
    ladder_figure_named("What one access costs", alone, crowded)
}

/// As [`ladder_figure`], with a title.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::{Ladder, ladder_figure_named};
/// let ladder = Ladder::new().rung("Value, locked write", measure(5, || 7));
/// assert!(ladder_figure_named("Writing", &ladder, &ladder).text().starts_with("Writing"));
/// ```
pub fn ladder_figure_named(title: &str, alone: &Ladder, crowded: &Ladder) -> Dots {
    let mut figure = Dots::new(title)
        .value("time for one access")
        .format(Format::Nanoseconds)
        .log()
        .caption(caption(""));
    for (who, ladder) in [("Rust, alone", alone), ("Rust, four", crowded)] {
        for (rung, s) in ladder.rungs() {
            figure = figure.dot(
                rung,
                who,
                s.median(),
                s.percentile(25.0),
                s.percentile(75.0),
            );
        }
    }
    figure
}

pub(super) fn caption(more: &str) -> String {
    format!(
        "Medians; the lines are the middle half of the runs. Rust on {}.{more}",
        machine()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_crowds_are_ratios_of_medians() {
        let ns = |value| Samples::new("ns", [value]);
        let alone = Ladder::new()
            .rung("a", ns(2.0))
            .with(Ladder::new().rung("b", ns(8.0)));
        let crowded = Ladder::new().rung("a", ns(3.0)).rung("b", ns(80.0));
        assert!(alone.to_string().lines().nth(2).unwrap().ends_with("4.0"));
        let against = crowded.against(&alone).to_string();
        assert!(
            against.contains("1.5") && against.contains("10.0"),
            "{against}"
        );
        assert_eq!(crowded.price("b"), "80 ns");
    }
}
