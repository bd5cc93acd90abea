use crate::running::{RunError, run_workers};
use figures::{Format, Progress, Table};
use labsupport::measure::Samples;
use labsupport::process::Worker;
use labsupport::shared::{Flag, Value};

/// Workers that hunt.
const HUNTERS: usize = 4;

/// The divisions of one worker, and those of them that begin when a prime is published already.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::looking::Divisions;
/// let (found, mut count) = (Flag::new()?, Divisions::default());
/// count.one_more(&found);
/// found.set();
/// count.one_more(&found);
/// assert_eq!((count.all(), count.wasted()), (2, 1));
/// # Ok::<(), SharedError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Divisions {
    all: u64,
    wasted: u64,
}

impl Divisions {
    /// Counts one more. It reads the flag, only to count: nothing depends on it.
    #[inline]
    pub fn one_more(&mut self, found: &Flag) {
        self.all += 1;
        self.wasted += u64::from(found.is_set());
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        self.all
    }

    /// Those that began when a prime was published.
    pub fn wasted(&self) -> u64 {
        self.wasted
    }
}

/// What [`in_hunts`] has seen: for each turn, a hunt of each way.
#[derive(Clone, Debug)]
pub struct Hunts<const WAYS: usize> {
    turns: Vec<[Hunt; WAYS]>,
}

/// The prime that was found, and the divisions of all.
#[derive(Clone, Copy, Debug)]
struct Hunt {
    prime: u64,
    count: Divisions,
}

/// Lets four workers hunt for a prime, `turns` times in each of the ways, in turn. A way is the number of divisions between two looks.
/// `hunter` runs in each worker, gets that number, the flag and the place for the prime, and returns what it has counted.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::looking::{Divisions, in_hunts};
/// let hunts = in_hunts(2, [1], |_, _, found, prime| {
///     if found.set_once() {
///         prime.set(7);
///     }
///     Divisions::default()
/// })?;
/// assert_eq!(hunts.most_wasted(0), 0);
/// assert!(hunts.wasted(["somewhere"]).to_string().contains("somewhere"));
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn in_hunts<const WAYS: usize>(
    turns: usize,
    ways: [u64; WAYS],
    hunter: impl Fn(&Worker, u64, &Flag, &Value<u64>) -> Divisions,
) -> Result<Hunts<WAYS>, RunError> {
    let hunt = |every: u64| {
        let (found, prime) = (Flag::new()?, Value::new(0u64)?);
        let counts = run_workers(HUNTERS, |w| {
            let count = hunter(w, every, &found, &prime);
            (count.all, count.wasted)
        })?;
        let count = Divisions {
            all: counts.iter().map(|count| count.0).sum(),
            wasted: counts.iter().map(|count| count.1).sum(),
        };
        Ok(Hunt {
            prime: prime.get(),
            count,
        })
    };
    let turns = Progress::over("hunts", 0..turns).map(|_| {
        let hunts = ways
            .map(hunt)
            .into_iter()
            .collect::<Result<Vec<_>, RunError>>()?;
        Ok(hunts.try_into().expect("one for each way"))
    });
    Ok(Hunts {
        turns: turns.collect::<Result<_, RunError>>()?,
    })
}

impl<const WAYS: usize> Hunts<WAYS> {
    /// Divisions and waste of each way, by its name: medians, and the most that was wasted in one hunt.
    pub fn wasted(&self, names: [&str; WAYS]) -> Table {
        let table = Table::new([
            "look",
            "divisions",
            "wasted by all losers",
            "at most wasted",
        ]);
        names
            .into_iter()
            .enumerate()
            .fold(table, |table, (way, name)| {
                let all = self.counts(way, Divisions::all).median();
                let wasted = self.counts(way, Divisions::wasted).median();
                let [all, wasted, most] =
                    [all, wasted, self.most_wasted(way) as f64].map(|n| Format::Number.write(n));
                table.row([name.into(), all, wasted, most])
            })
    }

    /// The most divisions that all losers together have wasted in one hunt of this way.
    ///
    /// # Panics
    /// There are fewer ways, or no turns.
    pub fn most_wasted(&self, way: usize) -> u64 {
        self.counts(way, Divisions::wasted).max() as u64
    }

    fn counts(&self, way: usize, of: fn(&Divisions) -> u64) -> Samples {
        Samples::new(
            "",
            self.turns.iter().map(|turn| of(&turn[way].count) as f64),
        )
    }

    /// How many divisions each worker needs to the first prime among its own numbers, and in how many hunts that prime came first. `hunter` is
    /// as in [`in_hunts`], without the number; here each worker has a flag of its own.
    ///
    /// # Errors
    /// A worker could not be started, or did not come home.
    pub fn ways_to_go(
        &self,
        hunter: impl Fn(&Worker, &Flag, &Value<u64>) -> Divisions,
    ) -> Result<Table, RunError> {
        let place = || Ok((Flag::new()?, Value::new(0u64)?));
        let places = (0..HUNTERS)
            .map(|_| place())
            .collect::<Result<Vec<_>, RunError>>()?;
        let own = run_workers(HUNTERS, |w| {
            let (found, prime) = &places[w.index()];
            let count = hunter(w, found, prime);
            (prime.get(), count.all)
        })?;
        Ok(self.ways_of(&own))
    }

    fn ways_of(&self, own: &[(u64, u64)]) -> Table {
        let mut fewest: Vec<u64> = own.iter().map(|(_, divisions)| *divisions).collect();
        fewest.sort();
        let hunts: Vec<&Hunt> = self.turns.iter().flatten().collect();
        let table = Table::new([
            "worker",
            "its first prime",
            "divisions",
            "more than the shortest way, %",
            "came first in",
        ]);
        let rows = own.iter().enumerate();
        rows.fold(table, |table, (index, (prime, divisions))| {
            let first = hunts.iter().filter(|hunt| hunt.prime == *prime).count();
            let more = 100.0 * (*divisions as f64 / fewest[0].max(1) as f64 - 1.0);
            table.row([
                index.to_string(),
                prime.to_string(),
                divisions.to_string(),
                format!("{more:.2}"),
                format!("{first} of {}", hunts.len()),
            ])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waste_and_ways_are_counted() {
        let hunt = |prime, all, wasted| Hunt {
            prime,
            count: Divisions { all, wasted },
        };
        let hunts = Hunts {
            turns: vec![
                [hunt(7, 1_000, 500), hunt(11, 600, 3)],
                [hunt(7, 2_000, 900), hunt(7, 700, 1)],
            ],
        };
        assert_eq!((hunts.most_wasted(0), hunts.most_wasted(1)), (900, 3));
        let table = hunts.wasted(["between", "inside"]).to_string();
        assert!(table.contains("1,500") && table.contains("700"), "{table}");
        let ways = hunts.ways_of(&[(7, 200), (11, 201)]).to_string();
        assert!(ways.contains("3 of 4") && ways.contains("0.50"), "{ways}");
    }
}
