use super::{Explored, Finding, Rounds, race};
use crate::running::RunError;
use figures::{Progress, Table};
use labsupport::cell::{self, Show};
use labsupport::measure::{Work, machine};
use std::fmt;
use std::time::Duration;

/// A protocol as real code: it gets the place for the result, the worker's number and the work between the two writes, and returns whether
/// it wrote.
type Protocol = fn(&Finding, u64, Work) -> bool;

/// How several protocols fared: see [`race_each`].
#[derive(Clone, Debug)]
pub struct Races {
    rounds: u64,
    each: Vec<(String, Rounds)>,
}

/// Runs [`race`] with each protocol, one after the other.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::racing::{Finding, race_each};
/// use std::time::Duration;
/// fn nobody(_: &Finding, _: u64, _: Work) -> bool {
///     false
/// }
/// let races = race_each(20, Duration::from_micros(1), &[("nobody writes", nobody)])?;
/// assert_eq!(races.of("nobody writes").overwritten().share(), 1.0); // not exactly one writer
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn race_each(
    rounds: u64,
    window: Duration,
    protocols: &[(&str, Protocol)],
) -> Result<Races, RunError> {
    let each = Progress::over("races", protocols.to_vec())
        .map(|(name, protocol)| Ok((name.to_string(), race(rounds, window, protocol)?)));
    Ok(Races {
        rounds,
        each: each.collect::<Result<_, RunError>>()?,
    })
}

impl Races {
    /// The rounds of one protocol.
    ///
    /// # Panics
    /// There is no protocol of this name.
    pub fn of(&self, name: &str) -> Rounds {
        let found = self.each.iter().find(|(known, _)| known == name);
        found
            .unwrap_or_else(|| panic!("no race was run with \"{name}\""))
            .1
    }

    /// What it means if a protocol that can break, as `explored` knows, did not; and where it was measured.
    pub fn note(&self, explored: &Explored) -> String {
        let lucky =
            |(name, rounds): &&(String, Rounds)| explored.can_break(name) && rounds.is_clean();
        let measured = format!(
            "Measured on {}, {} rounds for each protocol.",
            machine(),
            self.rounds
        );
        match self.each.iter().find(lucky) {
            None => measured,
            Some(_) => format!(
                "A protocol that can break did not, in these rounds: the two workers hardly ever\n\
                 ran at the same time. That is so on one core, or when other programs use the cores.\n\
                 Try a window of 5 ms and 100 rounds. What can happen is in sections 2 and 3.\n{measured}"
            ),
        }
    }

    fn table(&self) -> Table {
        let table = Table::new(["protocol", "torn", "overwritten"]).words(1);
        self.each.iter().fold(table, |table, (name, rounds)| {
            table.row([
                name.clone(),
                rounds.torn().to_string(),
                rounds.overwritten().to_string(),
            ])
        })
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Races {
    fn contents(&self) -> Vec<(&'static str, String)> {
        self.table().contents()
    }
}

impl fmt::Display for Races {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::racing::{FindingSteps, explore_each};
    use crate::schedule::{Explorer, Steps};

    fn once(result: &Finding, me: u64, _: Work) -> bool {
        if !result.found.set_once() {
            return false;
        }
        result.finder.set(me);
        result.answer.set(100 * me);
        true
    }

    #[test]
    fn a_protocol_that_can_break_and_did_not_is_noted() {
        let explored = |steps: Steps| {
            explore_each(&[("one", steps)], |steps| {
                Explorer::new(["found", "finder", "answer", "writers"])
                    .workers(2, steps)
                    .invariant("one writer", |s| s["writers"] == 1)
            })
            .unwrap()
        };
        let races = race_each(10, Duration::from_micros(1), &[("one", once)]).unwrap();
        let lucky = races.note(&explored(
            Steps::new().look("look").write_result().set_found(),
        ));
        assert!(
            lucky.starts_with("A protocol that can break did not"),
            "{lucky}"
        );
        let right = races.note(&explored(Steps::new().swap_found().write_result()));
        assert!(right.starts_with("Measured on"), "{right}");
        assert!(races.to_string().contains("0 of 10 runs"), "{races}");
    }
}
