use super::rungs::Ladder;
use figures::{Format, Table};
use std::time::Duration;

/// What one access costs at most: in a crowd, or after a pause where that is more.
#[derive(Clone, Debug)]
pub struct Prices {
    crowded: Ladder,
    /// Nanoseconds after a pause.
    asked: f64,
    handed: f64,
}

/// For which access pattern to take which mechanism, and the rung that has its price.
const PATTERNS: [(&str, &str, &str); 7] = [
    (
        "one word, read often, set once",
        "Flag",
        "raw shared atomic",
    ),
    (
        "one value, read and changed by all",
        "Value under its lock",
        "Value locked",
    ),
    (
        "a row of numbers, one at a time",
        "Array element",
        "Array element",
    ),
    (
        "a row of numbers that must fit together",
        "Array under its lock",
        "Array whole",
    ),
    ("tasks, each for one worker", "Queue", "Queue hand-off"),
    (
        "names and values of any type, seldom",
        "Manager dict",
        "Manager dict read",
    ),
    (
        "a whole job that may crash",
        "a process of its own",
        "start a process",
    ),
];

/// The ways to hand a task over, the rung, and how many accesses each is: a task that goes through a Manager is put and fetched.
const WAYS: [(&str, &str, f64); 3] = [
    ("through a Queue", "Queue hand-off", 1.0),
    ("to a new process", "start a process", 1.0),
    ("by a Manager, there and back", "Manager dict read", 2.0),
];

impl Prices {
    /// From a crowded ladder, and from what a question to a Manager and a hand-off cost after a pause, in nanoseconds.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use lessons::ladder::{Ladder, Prices};
    /// let names = ["raw shared atomic", "Value locked", "Array element", "Array whole", "Queue hand-off", "Manager dict read", "start a process"];
    /// let ladder = names.iter().fold(Ladder::new(), |ladder, name| ladder.rung(name, Samples::new("ns", [100.0])));
    /// let prices = Prices::of(&ladder, 50_000.0, 9_000.0);
    /// assert!(prices.each_second(1000.0).to_string().contains("50 ms (5 %)"));
    /// ```
    pub fn of(crowded: &Ladder, asked: f64, handed: f64) -> Prices {
        Prices {
            crowded: crowded.clone(),
            asked,
            handed,
        }
    }

    /// Seconds.
    fn at(&self, rung: &str) -> f64 {
        let paused = match rung {
            "Queue hand-off" => self.handed,
            "Manager dict read" => self.asked,
            _ => 0.0,
        };
        self.crowded.at(rung).median().max(paused) * 1e-9
    }

    /// A table: each access pattern, the mechanism for it, and what that costs at so many accesses per second.
    ///
    /// # Panics
    /// The ladder does not have all rungs.
    pub fn each_second(&self, rate: f64) -> Table {
        let header = [
            "access pattern",
            "mechanism",
            "one access, at most",
            "each second",
        ];
        PATTERNS.iter().fold(
            Table::new(header).words(2),
            |table, (pattern, mechanism, rung)| {
                let cost = self.at(rung);
                let busy = Format::Seconds.write(cost * rate);
                let share = Format::Number.write(cost * rate * 100.0);
                let cells = [Format::Seconds.write(cost), format!("{busy} ({share} %)")];
                table.row(
                    [pattern.to_string(), mechanism.to_string()]
                        .into_iter()
                        .chain(cells),
                )
            },
        )
    }

    /// A table: for each way to hand over a task that takes so long, the share of the time that it costs, and how many tasks to hand over
    /// together to stay within the share `at_most`.
    ///
    /// # Panics
    /// The ladder does not have all rungs.
    pub fn break_even(&self, task: Duration, at_most: f64) -> Table {
        let task = task.as_secs_f64();
        let table = Table::new([
            "handed over",
            "share of the time, at most",
            "together, to stay within",
        ]);
        WAYS.iter().fold(table, |table, (way, rung, accesses)| {
            let cost = accesses * self.at(rung);
            let together = (cost * (1.0 - at_most) / at_most / task).ceil().max(1.0);
            let share = format!("{} %", Format::Number.write(100.0 * cost / (cost + task)));
            table.row([way.to_string(), share, Format::Number.write(together)])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labsupport::measure::Samples;

    #[test]
    fn the_dearer_of_two_prices_counts_and_tasks_go_together() {
        let rungs = PATTERNS.map(|(_, _, rung)| rung);
        let ladder = rungs.iter().fold(Ladder::new(), |ladder, rung| {
            ladder.rung(rung, Samples::new("ns", [1_000.0]))
        });
        let prices = Prices::of(&ladder, 40_000.0, 10.0);
        let even = prices.break_even(Duration::from_micros(3), 0.2).to_string();
        let row = |name: &str| {
            even.lines()
                .find(|line| line.starts_with(name))
                .unwrap()
                .to_string()
        };
        assert!(row("through a Queue").contains("25 %") && row("through a Queue").ends_with('2'));
        assert!(row("by a Manager").ends_with("107"), "{even}");
    }
}
