use crate::schedule::{Exploration, Explorer, ExplorerError, Replay, Steps, Words};
use figures::Table;
use labsupport::internal::thousands;
use std::fmt;

/// Short names for the steps of two finders, on the words `found`, `finder`, `answer` and `writers`.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use lessons::racing::FindingSteps;
/// let double_check = Steps::new().look("look").lock().look("look again").write_result().set_found().unlock();
/// assert_eq!(
///     double_check.to_string(),
///     "look, lock, look again, write finder, write answer, count me, set found, unlock"
/// );
/// ```
pub trait FindingSteps {
    /// Leaves if `found` is set.
    fn look(self, name: &str) -> Steps;
    /// Three steps: writes the finder (`me`), writes the answer (100 · `me`), and counts the writer.
    fn write_result(self) -> Steps;
    /// Sets `found`.
    fn set_found(self) -> Steps;
    /// One step that looks at `found` and sets it; leaves if it was set.
    fn swap_found(self) -> Steps;
}

impl FindingSteps for Steps {
    fn look(self, name: &str) -> Steps {
        self.leave_if(name, |s, _| s["found"] == 1)
    }

    fn write_result(self) -> Steps {
        self.write("write finder", |s, me| s["finder"] = me)
            .write("write answer", |s, me| s["answer"] = 100 * me)
            .write("count me", |s, _| s["writers"] += 1)
    }

    fn set_found(self) -> Steps {
        self.write("set found", |s, _| s["found"] = 1)
    }

    fn swap_found(self) -> Steps {
        self.swap_or_leave("compare-and-swap", |s, _| {
            let is_first = s["found"] == 0;
            s["found"] = 1;
            is_first
        })
    }
}

/// Every order of several protocols: see [`explore_each`].
#[derive(Clone, Debug)]
pub struct Explored(Vec<One>);

#[derive(Clone, Debug)]
struct One {
    name: String,
    explorer: Explorer,
    seen: Exploration,
}

/// Tries every order of each protocol, with the explorer that `explorer_of` makes for its steps.
///
/// # Errors
/// A protocol cannot be explored.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use lessons::racing::explore_each;
/// let protocols = [("blind", Steps::new().write("write", |s, me| s["last"] = me))];
/// let explored = explore_each(&protocols, |steps| {
///     Explorer::new(["last"]).workers(2, steps).invariant("B is last", |s| s["last"] == 2)
/// })?;
/// println!("{}", explored.counts(&[("A was last", "B is last")]));
/// assert_eq!(explored.shortest_bad("blind").schedule(), "BA");
/// println!("{}", explored.force(|end| end["last"] != 2)?);
/// # Ok::<(), ExplorerError>(())
/// ```
pub fn explore_each(
    protocols: &[(&str, Steps)],
    explorer_of: impl Fn(&Steps) -> Explorer,
) -> Result<Explored, ExplorerError> {
    let each = protocols.iter().map(|(name, steps)| {
        let explorer = explorer_of(steps);
        let seen = explorer.explore()?;
        Ok(One {
            name: name.to_string(),
            explorer,
            seen,
        })
    });
    Ok(Explored(each.collect::<Result<_, ExplorerError>>()?))
}

impl Explored {
    /// A table: for each protocol the number of its schedules, how many break each invariant, and how many break none. A pair has the
    /// column's name and the invariant's.
    ///
    /// # Panics
    /// There is no such invariant.
    pub fn counts(&self, columns: &[(&str, &str)]) -> Table {
        let names = columns.iter().map(|(column, _)| *column);
        let header = ["protocol", "schedules"]
            .into_iter()
            .chain(names)
            .chain(["good"]);
        self.0.iter().fold(Table::new(header), |table, one| {
            let all = one.seen.schedules();
            let broken = columns
                .iter()
                .map(|(_, invariant)| one.seen.broken_by(invariant));
            let counts = [all]
                .into_iter()
                .chain(broken)
                .chain([all - one.seen.broken()]);
            let name = [one.name.clone()].into_iter();
            table.row(name.chain(counts.map(thousands)))
        })
    }

    /// What every order of a protocol has shown.
    ///
    /// # Panics
    /// There is no protocol of this name.
    pub fn of(&self, name: &str) -> &Exploration {
        &self.one(name).seen
    }

    /// The shortest order that breaks a protocol.
    ///
    /// # Panics
    /// There is no protocol of this name, or no order breaks it.
    pub fn shortest_bad(&self, name: &str) -> Replay {
        let bad = self.of(name).shortest_bad();
        bad.unwrap_or_else(|| panic!("no order breaks \"{name}\""))
    }

    fn one(&self, name: &str) -> &One {
        let found = self.0.iter().find(|one| one.name == name);
        found
            .unwrap_or_else(|| panic!("there is no protocol \"{name}\": the protocols are {self}."))
    }

    /// Whether some order breaks the protocol.
    ///
    /// # Panics
    /// There is no protocol of this name.
    pub fn can_break(&self, name: &str) -> bool {
        self.of(name).broken() > 0
    }

    /// Lets real processes take the worst order of each protocol; of one that no order breaks, every order. The table says in how many all
    /// steps were as in the model, and in how many the words at the end are bad, as `is_bad` says.
    ///
    /// # Errors
    /// The processes did not take their steps.
    pub fn force(&self, is_bad: impl Fn(&Words) -> bool) -> Result<Table, ExplorerError> {
        let mut table = Table::new([
            "protocol",
            "forced",
            "as the model says",
            "bad in shared memory",
        ]);
        for one in &self.0 {
            let ids: Vec<u128> = match one.seen.shortest_bad() {
                Some(bad) => vec![bad.id()],
                None => (0..one.seen.schedules()).collect(),
            };
            let (mut same, mut bad) = (0, 0);
            for &id in &ids {
                let real = one.explorer.force(id)?;
                same += usize::from(real.matches_model());
                bad += usize::from(is_bad(real.end()));
            }
            let counts = [ids.len(), same, bad].map(|n| n.to_string());
            table = table.row([one.name.clone()].into_iter().chain(counts));
        }
        Ok(table)
    }
}

/// The names of the protocols.
impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|one| one.name.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

labsupport::shown_in_words!(Explored);

#[cfg(test)]
mod tests {
    use super::*;

    fn explored() -> Explored {
        let protocols = [
            (
                "lock",
                Steps::new()
                    .look("look")
                    .lock()
                    .write_result()
                    .set_found()
                    .unlock(),
            ),
            ("swap", Steps::new().swap_found().write_result()),
        ];
        explore_each(&protocols, |steps| {
            Explorer::new(["found", "finder", "answer", "writers"])
                .workers(2, steps)
                .invariant("one writer", |s| s["writers"] == 1)
        })
        .unwrap()
    }

    #[test]
    fn the_second_finder_overwrites_unless_it_looks_again() {
        let explored = explored();
        assert!(explored.can_break("lock") && !explored.can_break("swap"));
        let table = explored
            .counts(&[("overwritten", "one writer")])
            .to_string();
        assert!(
            table.starts_with("protocol  schedules  overwritten  good"),
            "{table}"
        );
    }

    #[test]
    fn what_is_forced_is_as_the_model_says() {
        let explored = explored();
        let orders = explored.of("swap").schedules();
        let table = explored
            .force(|end| end["writers"] != 1)
            .unwrap()
            .to_string();
        let row = |name: &str| -> Vec<String> {
            let line = table.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).map(String::from).collect()
        };
        assert_eq!(row("lock"), ["1", "1", "1"]);
        assert_eq!(
            row("swap"),
            [orders.to_string(), orders.to_string(), "0".into()]
        );
    }

    #[test]
    #[should_panic(expected = "the protocols are lock, swap.")]
    fn an_unknown_protocol_is_a_sentence() {
        explored().of("luck");
    }
}
