//! Ours and its peers, measured in turn: A B C, A B C, … So whatever else the machine does meanwhile slows all of them alike.

use anyhow::Result;
use figures::Format;
use labsupport::measure::Samples;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// One run: a number for each of the contest's `N` quantities, in nanoseconds or bytes.
pub(crate) type Run<'a, const N: usize> = Box<dyn FnMut() -> Result<[f64; N]> + 'a>;

/// Ours and its peers.
pub(crate) struct Contest<'a, const N: usize> {
    names: [String; N],
    units: [Unit; N],
    cores: Vec<usize>,
    rounds: usize,
    ours: Run<'a, N>,
    peers: Vec<Peer<'a, N>>,
}

struct Peer<'a, const N: usize> {
    name: String,
    run: Result<Run<'a, N>>,
    targets: Vec<(usize, Target)>,
}

/// What the numbers count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Nanoseconds,
    Bytes,
}

/// The target that the design sets for a row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Target {
    /// Ours divided by the peer's.
    Ratio(f64),
    /// At least this many times a second, for ours alone.
    PerSecond(f64),
}

/// What came out.
pub(crate) enum Line {
    Row(Row),
    /// A peer that could not be measured, and why.
    Skipped {
        name: String,
        peer: String,
        why: String,
    },
}

/// One quantity, ours beside one peer.
pub(crate) struct Row {
    pub name: String,
    pub peer: String,
    pub unit: Unit,
    pub ours: Samples,
    pub theirs: Samples,
    pub cores: Vec<usize>,
    pub targets: Vec<Target>,
}

impl<'a, const N: usize> Contest<'a, N> {
    /// A contest for quantities with these names, in which ours and every peer stay on `cores`.
    pub(crate) fn new(
        names: [String; N],
        cores: &[usize],
        rounds: usize,
        ours: impl FnMut() -> Result<[f64; N]> + 'a,
    ) -> Self {
        Contest {
            names,
            units: [Unit::Nanoseconds; N],
            cores: cores.to_vec(),
            rounds,
            ours: Box::new(ours),
            peers: Vec::new(),
        }
    }

    /// Sets the unit of quantity `index` if that is not time.
    pub(crate) fn unit(mut self, index: usize, unit: Unit) -> Self {
        self.units[index] = unit;
        self
    }

    /// Adds a peer.
    pub(crate) fn peer(self, name: &str, run: impl FnMut() -> Result<[f64; N]> + 'a) -> Self {
        self.peer_if(name, Ok(run))
    }

    /// Adds a peer, or the reason why it cannot be measured.
    pub(crate) fn peer_if(
        mut self,
        name: &str,
        run: Result<impl FnMut() -> Result<[f64; N]> + 'a>,
    ) -> Self {
        self.peers.push(Peer {
            name: name.into(),
            run: run.map(|run| Box::new(run) as Run<N>),
            targets: Vec::new(),
        });
        self
    }

    /// Sets the target of quantity `index`, compared with the peer that was added last.
    pub(crate) fn target(mut self, index: usize, target: Target) -> Self {
        if let Some(peer) = self.peers.last_mut() {
            peer.targets.push((index, target));
        }
        self
    }

    /// What it measures, in one line.
    pub(crate) fn title(&self) -> &str {
        &self.names[0]
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }

    /// Runs ours and every peer once to warm up, then `rounds` times in turn, and calls `tick` after every round. A peer that fails becomes
    /// a row with the reason; if ours fails, the whole contest fails.
    pub(crate) fn run(mut self, rounds: usize, mut tick: impl FnMut()) -> Result<Vec<Line>> {
        let mut ours = Vec::new();
        let mut theirs: Vec<Vec<[f64; N]>> = self.peers.iter().map(|_| Vec::new()).collect();
        for round in 0..=rounds {
            let own = (self.ours)()?;
            let warm = round > 0;
            if warm {
                ours.push(own);
            }
            for (peer, samples) in self.peers.iter_mut().zip(&mut theirs) {
                let Ok(run) = &mut peer.run else { continue };
                match run() {
                    Ok(sample) if warm => samples.push(sample),
                    Ok(_) => {}
                    Err(error) => peer.run = Err(error),
                }
            }
            tick();
        }
        let of = |samples: &[[f64; N]], index: usize| {
            Samples::new("", samples.iter().map(|sample| sample[index]))
        };
        let mut lines = Vec::new();
        for index in 0..N {
            for (peer, samples) in self.peers.iter().zip(&theirs) {
                let (name, rival) = (self.names[index].clone(), peer.name.clone());
                lines.push(match &peer.run {
                    Err(why) => Line::Skipped {
                        name,
                        peer: rival,
                        why: format!("{why:#}"),
                    },
                    Ok(_) => Line::Row(Row {
                        name,
                        peer: rival,
                        unit: self.units[index],
                        ours: of(&ours, index),
                        theirs: of(samples, index),
                        cores: self.cores.clone(),
                        targets: (peer.targets.iter())
                            .filter(|(of, _)| *of == index)
                            .map(|(_, target)| *target)
                            .collect(),
                    }),
                });
            }
        }
        Ok(lines)
    }
}

impl Row {
    /// Our median divided by the peer's: below 1 is better for us.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.median() / self.theirs.median()
    }

    /// The middle half of the rounds' own ratios.
    pub(crate) fn ratio_spread(&self) -> (f64, f64) {
        let pairs = self.ours.values().iter().zip(self.theirs.values());
        let ratios = Samples::new("", pairs.map(|(ours, theirs)| ours / theirs));
        (ratios.percentile(25.0), ratios.percentile(75.0))
    }

    /// Each target with its verdict.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = (Target, bool)> + '_ {
        self.targets.iter().map(|target| {
            let met = match target {
                Target::Ratio(most) => self.ratio() <= *most,
                Target::PerSecond(least) => 1e9 / self.ours.median() >= *least,
            };
            (*target, met)
        })
    }
}

impl Target {
    /// `≤ 1.1`, `≥ 4 million a second`.
    pub(crate) fn in_words(self) -> String {
        match self {
            Target::Ratio(most) => format!("≤ {}", Format::Number.write(most)),
            Target::PerSecond(least) => {
                format!("≥ {} million a second", Format::Number.write(least / 1e6))
            }
        }
    }
}

impl Unit {
    /// As JSON names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "ns",
            Unit::Bytes => "bytes",
        }
    }

    /// `value` as people write it.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Unit::Nanoseconds => Format::Nanoseconds.write(value),
            Unit::Bytes => format!("{} MB", Format::Number.write(value / 1e6)),
        }
    }
}

/// How many calls [`per_op`] makes in one turn of its loop.
const TOGETHER: u64 = 16;

/// Nanoseconds per call of `op`, from at least `n` calls.
///
/// Each turn of the loop makes many calls. A loop with a single load takes two or three times as long if the linker happens to place it
/// across the end of a cache line, and that would say something about the linker and nothing about the load.
pub(crate) fn per_op<R>(n: u64, mut op: impl FnMut() -> R) -> f64 {
    let turns = n.div_ceil(TOGETHER);
    let start = Instant::now();
    for _ in 0..turns {
        for _ in 0..TOGETHER {
            black_box(op());
        }
    }
    start.elapsed().as_nanos() as f64 / (turns * TOGETHER) as f64
}

/// How many operations make a run as long as `wanted`. `run` takes a number of operations and returns the nanoseconds for each. These
/// trials also warm up.
pub(crate) fn calibrate(wanted: Duration, mut run: impl FnMut(u64) -> Result<f64>) -> Result<u64> {
    let wanted = wanted.as_nanos() as f64;
    let mut n = 64;
    loop {
        let each = run(n)?.max(0.01);
        if each * n as f64 >= wanted / 4.0 {
            return Ok(((wanted / each) as u64).max(1));
        }
        n *= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    fn row(ours: &[f64], theirs: &[f64], targets: Vec<Target>) -> Row {
        Row {
            name: "a".into(),
            peer: "b".into(),
            unit: Unit::Nanoseconds,
            ours: Samples::new("", ours.to_vec()),
            theirs: Samples::new("", theirs.to_vec()),
            cores: vec![0],
            targets,
        }
    }

    #[test]
    fn a_target_is_met_up_to_its_very_limit() {
        let verdicts = |ratio| {
            let row = row(&[ratio], &[1.0], vec![Target::Ratio(1.1)]);
            row.verdicts().map(|(_, met)| met).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(1.1), [true]);
        assert_eq!(verdicts(1.2), [false]);
        let rate = row(
            &[200.0],
            &[1.0],
            vec![Target::PerSecond(4e6), Target::PerSecond(6e6)],
        );
        assert_eq!(
            rate.verdicts().map(|(_, met)| met).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn a_ratio_is_one_of_medians_and_its_spread_one_of_rounds() {
        let row = row(&[2.0, 4.0, 6.0], &[1.0, 4.0, 2.0], vec![]);
        assert_eq!(row.ratio(), 2.0);
        assert_eq!(row.ratio_spread(), (1.5, 2.5));
    }

    #[test]
    fn everybody_runs_in_turn_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let note = |who| {
            order.borrow_mut().push(who);
            Ok([order.borrow().len() as f64])
        };
        let contest = Contest::new(["x".into()], &[0], 2, || note('a')).peer("b", || note('b'));
        let lines = contest.run(2, || ()).unwrap();
        assert_eq!(*order.borrow(), "ababab");
        let Line::Row(row) = &lines[0] else { panic!() };
        assert_eq!(row.ours.values(), [3.0, 5.0]);
        assert_eq!(row.theirs.values(), [4.0, 6.0]);
    }

    #[test]
    fn a_peer_that_fails_is_named_and_the_others_go_on() {
        let contest = Contest::new(["x".into()], &[0], 1, || Ok([1.0]))
            .peer("broken", || bail!("no such thing"))
            .peer_if(
                "absent",
                Err::<fn() -> Result<[f64; 1]>, _>(anyhow::anyhow!("not here")),
            )
            .peer("well", || Ok([2.0]));
        let lines = contest.run(1, || ()).unwrap();
        let reasons: Vec<_> = lines
            .iter()
            .map(|line| match line {
                Line::Row(row) => row.ratio().to_string(),
                Line::Skipped { peer, why, .. } => format!("{peer}: {why}"),
            })
            .collect();
        assert_eq!(
            reasons,
            ["broken: no such thing", "absent: not here", "0.5"]
        );
    }
}
