use super::error::ExplorerError;
use super::letter::letter;
use super::protocol::Protocol;
use super::round::Round;
use super::words::Words;
use crate::proportion::Proportion;
use labsupport::cell::{self, Show};
use labsupport::internal::{monotonic_nanos, thousands};
use labsupport::shared::Segment;
use std::fmt;
use std::sync::atomic::Ordering;

/// A race that is left to chance, round after round, with the time of every step. As the last expression of a cell it shows itself as a
/// table: how many rounds broke which rule.
///
/// [`Explorer::chance`](super::Explorer::chance) fills one with a race of the protocol's own steps. For code of your own,
/// [`Explorer::stamps`](super::Explorer::stamps) makes an empty one: each worker calls [`stamp`](Stamps::stamp) after each step, and
/// one of them calls [`end`](Stamps::end) with the words at the end of each round.
///
/// A stamp reads `CLOCK_MONOTONIC`, which all processes share, and writes one word of shared memory that no other worker writes: some tens of
/// nanoseconds, and no lock. That is little beside a write under a lock, and still it makes each step longer, so a race with stamps is another
/// race than one without: compare the two.
///
/// # Examples
/// A worker's two writes, in real code:
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
/// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
///
/// let stamps = explorer.stamps(100)?;
/// let (x, y, start, end) = (Value::new(0)?, Value::new(0)?, Barrier::new(2)?, Barrier::new(2)?);
/// let workers = Workers::spawn(2, |w| {
///     let me = w.index() as u64 + 1;
///     for round in 0..stamps.rounds() {
///         start.wait();
///         x.set(me);
///         stamps.stamp(w.index(), round, 0);
///         y.set(me);
///         stamps.stamp(w.index(), round, 1);
///         if end.wait() { // true for one of the two
///             stamps.end(round, [x.get(), y.get()]);
///         }
///     }
/// })?;
/// workers.join()?.into_values()?;
/// println!("{stamps}");
/// if let Some(round) = stamps.first_broken() {
///     println!("{round}"); // with its nanoseconds
///     assert!(explorer.play(&round.word())?.matches_model()); // the same order, by force
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Stamps {
    protocol: Protocol,
    /// For each round: the time of each step of each worker, then the words at the end.
    segment: Segment,
    rounds: usize,
    /// Of the longest list.
    steps: usize,
    /// The words of a round.
    row: usize,
}

impl Stamps {
    pub(super) fn new(protocol: &Protocol, rounds: usize) -> Result<Stamps, ExplorerError> {
        let longest = protocol.lists.iter().map(|steps| steps.len()).max();
        let steps = longest.unwrap_or(0);
        let row = protocol.lists.len() * steps + protocol.start.values().len();
        let bytes = row.saturating_mul(rounds).saturating_mul(8);
        let segment = Segment::new(bytes);
        Ok(Stamps {
            protocol: protocol.clone(),
            segment: segment.map_err(|error| ExplorerError::Processes(error.to_string()))?,
            rounds,
            steps,
            row,
        })
    }

    /// How many rounds there is room for.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Notes that worker `worker`, counted from 0, has just done step `step` of its list, counted from 0, in round `round`.
    ///
    /// # Panics
    /// There is no such worker, step or round.
    #[inline]
    pub fn stamp(&self, worker: usize, round: usize, step: usize) {
        let place = self.place(worker, round, step);
        // Only this worker writes here, and it is read when all workers have ended.
        (self.segment.word(place)).store(monotonic_nanos(), Ordering::Relaxed);
    }

    fn place(&self, worker: usize, round: usize, step: usize) -> usize {
        let (workers, steps) = (self.protocol.lists.len(), self.steps);
        assert!(
            worker < workers && step < steps && round < self.rounds,
            "there is no step {step} of worker {worker} in round {round}: there are {workers} workers with at most {steps} steps, and \
             {} rounds, all counted from 0.",
            self.rounds
        );
        round * self.row + worker * steps + step
    }

    /// Notes the words at the end of round `round`, in the order in which the explorer names them.
    ///
    /// # Panics
    /// There is no such round, or the number of values is not the number of words.
    pub fn end(&self, round: usize, words: impl IntoIterator<Item = u64>) {
        let (words, wanted) = (Vec::from_iter(words), self.protocol.start.values().len());
        assert!(
            words.len() == wanted,
            "{} values are not one for each word: the words are {}.",
            words.len(),
            self.protocol.start.names().join(", ")
        );
        let first = self.place(0, round, 0) + self.row - wanted;
        for (index, value) in words.into_iter().enumerate() {
            (self.segment.word(first + index)).store(value, Ordering::Relaxed);
        }
    }

    fn read(&self, index: usize) -> u64 {
        self.segment.word(index).load(Ordering::Relaxed)
    }

    /// The steps of a round that were stamped, in the order of their times: worker, step, time.
    fn stamped(&self, round: usize) -> Vec<(usize, usize, u64)> {
        let mut stamped = Vec::new();
        for worker in 0..self.protocol.lists.len() {
            for step in 0..self.protocol.lists[worker].len() {
                let time = self.read(self.place(worker, round, step));
                if time != 0 {
                    stamped.push((worker, step, time));
                }
            }
        }
        stamped.sort_by_key(|&(.., time)| time);
        stamped
    }

    fn words_at_end(&self, round: usize) -> Words {
        let words = self.protocol.start.values().len();
        let first = (round + 1) * self.row - words;
        let values = (first..first + words).map(|index| self.read(index));
        self.protocol.start.with(values.collect())
    }

    /// The rounds that were run.
    fn run(&self) -> impl Iterator<Item = Round> + '_ {
        (0..self.rounds).filter_map(|round| {
            let stamped = self.stamped(round);
            let end = self.words_at_end(round);
            (!stamped.is_empty())
                .then(|| Round::of(&self.protocol, (round, self.rounds), &stamped, end))
        })
    }

    /// How many rounds broke a rule, of those that were run.
    ///
    /// # Panics
    /// No round was run.
    pub fn broken(&self) -> Proportion {
        let broken = self.run().map(|round| u64::from(round.is_broken()));
        let (broken, run) = broken.fold((0, 0), |(broken, run), one| (broken + one, run + 1));
        Proportion::new(broken, run)
    }

    /// The first round that broke a rule, step by step with its times.
    ///
    /// A round is passed over if the order of its stamps does not lead to the words that were read at its end: then two steps were closer to each
    /// other than their stamps can tell. Picture and twin say how many were passed over.
    pub fn first_broken(&self) -> Option<Round> {
        let mut bad = self.run().filter(Round::is_broken).enumerate();
        let (passed, round) = bad.find(|(_, round)| round.is_explained())?;
        Some(round.after(passed))
    }

    fn both(&self) -> (String, String) {
        let mut run = 0;
        let mut counts = vec![0; self.protocol.rules.len()];
        let (mut stuck, mut unexplained) = (0, 0);
        for round in self.run() {
            run += 1;
            for (count, broken) in counts.iter_mut().zip(round.rules()) {
                *count += u64::from(broken);
            }
            stuck += u64::from(round.is_stuck());
            unexplained += u64::from(!round.is_explained());
        }
        if run == 0 {
            let sentence = "No round was run.";
            return (format!("<p>{sentence}</p>"), format!("{sentence}\n"));
        }
        let row = |name: String, count| vec![name, Proportion::new(count, run).to_string()];
        let rules = self.protocol.rules.iter().zip(counts);
        let mut rows: Vec<Vec<String>> = rules
            .map(|(rule, count)| row(format!("broken by: {}", rule.name), count))
            .collect();
        rows.push(row("stuck".into(), stuck));
        let (html, text) = cell::table(&["", "by chance"], &rows, 1);
        let mut sentence = match self.first_broken() {
            Some(first) => format!(
                "The first bad round is round {}, {}.",
                thousands(first.number()),
                first.word()
            ),
            None => "No round was bad. That is no proof: explore every schedule.".into(),
        };
        if unexplained > 0 {
            sentence.push_str(&format!(
                " In {} of the rounds, steps were closer to each other than their stamps can tell: these are judged by their ends.",
                thousands(unexplained)
            ));
        }
        (
            format!("{html}<p>{}</p>", cell::escape(&sentence)),
            format!("{text}{sentence}\n"),
        )
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Stamps {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (html, text) = self.both();
        vec![("text/html", html), ("text/plain", text)]
    }
}

impl fmt::Display for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.both().1)
    }
}

impl fmt::Debug for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = (0..self.protocol.lists.len()).map(letter);
        f.debug_struct("Stamps")
            .field("workers", &workers.collect::<String>())
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Explorer, Steps};

    /// Two writes without a lock, and a worker that leaves if it sees the first.
    fn explorer() -> Explorer {
        let steps = Steps::new()
            .leave_if("look", |s, _| s["x"] != 0)
            .write("write x", |s, me| s["x"] = me)
            .write("write y", |s, me| s["y"] = me);
        Explorer::new(["x", "y"])
            .workers(2, &steps)
            .invariant("a pair", |s| s["x"] == s["y"])
    }

    /// The steps of a round, and the words at its end.
    type Run<'a> = (&'a [(usize, usize)], [u64; 2]);

    /// Stamps as a race would have left them: `(worker, step)` in the order of time.
    fn stamped(explorer: &Explorer, rounds: &[Run<'_>]) -> Stamps {
        let stamps = explorer.stamps(rounds.len() + 1).unwrap(); // the last one is not run
        for (round, (steps, end)) in rounds.iter().enumerate() {
            for &(worker, step) in *steps {
                let before = monotonic_nanos();
                while monotonic_nanos() == before {}
                stamps.stamp(worker, round, step);
            }
            stamps.end(round, *end);
        }
        stamps
    }

    const ALONE: &[(usize, usize)] = &[(0, 0), (0, 1), (0, 2), (1, 0)];
    const TORN: &[(usize, usize)] = &[(0, 0), (1, 0), (0, 1), (1, 1), (1, 2), (0, 2)];

    #[test]
    fn the_first_torn_round_is_drawn_with_its_nanoseconds_and_can_be_forced() {
        let explorer = explorer();
        let stamps = stamped(
            &explorer,
            &[(ALONE, [1, 1]), (TORN, [2, 1]), (TORN, [2, 1])],
        );
        assert!(stamps.broken().to_string().starts_with("2 of 3 runs"));
        let round = stamps.first_broken().unwrap();
        assert_eq!((round.number(), round.word().as_str()), (1, "ABABBA"));
        let forced = explorer.play(&round.word()).unwrap();
        assert!(forced.matches_model());
        assert_eq!(forced.end(), round.end());
        let text = round.to_string();
        assert!(
            text.starts_with("By chance: round 1 of 4 (the first is 0)\n"),
            "{text}"
        );
        assert!(text.contains("Step 6: rule broken: a pair."), "{text}");
        let times: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        assert!(
            times.contains(&"0") && times.contains(&thousands(round.nanoseconds()).as_str()),
            "{text}"
        );
        assert!(
            stamps
                .to_string()
                .ends_with("The first bad round is round 1, ABABBA.\n"),
            "{stamps}"
        );
    }

    #[test]
    fn a_round_whose_stamps_do_not_explain_its_end_is_passed_over_and_said() {
        let impossible: &[(usize, usize)] = &[(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (0, 2)]; // B has left
        let other_end = (ALONE, [2, 1]);
        let stamps = stamped(
            &explorer(),
            &[(impossible, [1, 2]), other_end, (TORN, [2, 1])],
        );
        assert!(stamps.broken().to_string().starts_with("3 of 3 runs"));
        let round = stamps.first_broken().unwrap();
        assert_eq!(round.number(), 2);
        assert!(
            round
                .to_string()
                .contains("2 bad rounds before it are passed over"),
            "{round}"
        );
        assert!(
            stamps
                .to_string()
                .contains("In 2 of the rounds, steps were closer"),
            "{stamps}"
        );
    }

    #[test]
    fn without_a_bad_round_it_says_so() {
        let none = stamped(&explorer(), &[]);
        assert!(none.first_broken().is_none());
        assert!(none.to_string().ends_with("No round was run.\n"));
        let good = stamped(&explorer(), &[(ALONE, [1, 1])]);
        assert!(good.first_broken().is_none());
        assert!(
            good.to_string()
                .ends_with("No round was bad. That is no proof: explore every schedule.\n")
        );
        assert!(explorer().stamps(0).is_err());
    }

    #[test]
    #[should_panic(
        expected = "there is no step 3 of worker 0 in round 0: there are 2 workers with at most 3 steps"
    )]
    fn a_step_that_does_not_exist_is_refused() {
        explorer().stamps(1).unwrap().stamp(0, 0, 3);
    }

    #[test]
    fn chance_runs_only_schedules_that_exist_and_judges_them_as_the_model_does() {
        let locked = Steps::new()
            .leave_if("look", |s, _| s["x"] != 0)
            .lock()
            .write("write x", |s, me| s["x"] += me)
            .write("write y", |s, me| s["y"] += me)
            .unlock();
        let forgets = Steps::new().lock().write("write x", |s, me| s["x"] = me); // and no unlock
        let rules = |explorer: Explorer| {
            explorer
                .invariant("one writer", |s| s["x"] < 3)
                .always("never 3", |s| s["y"] != 3)
        };
        let new = || Explorer::new(["x", "y"]);
        for explorer in [
            explorer(),
            rules(new().workers(2, &locked)),
            rules(new().workers(3, &forgets)),
        ] {
            let stamps = explorer.chance(200).unwrap();
            let mut run = 0;
            for round in stamps.run() {
                assert!(round.is_explained(), "{round}");
                let model = explorer
                    .replay(explorer.id(&round.word()).unwrap())
                    .unwrap();
                assert_eq!(model.end(), round.end());
                assert_eq!(
                    round.is_broken(),
                    !model.broken().is_empty() || !model.stuck().is_empty()
                );
                assert_eq!(round.is_stuck(), !model.stuck().is_empty());
                run += 1;
            }
            assert_eq!(run, 200);
        }
    }
}
