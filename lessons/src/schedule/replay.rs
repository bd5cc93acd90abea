use super::diagram::{Drawn, diagram};
use super::letter::letter;
use super::protocol::Protocol;
use super::state::State;
use super::words::Words;
use figures::StepDiagram;
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use std::fmt;

/// One schedule, step by step, with the words after each step. As the last expression of a cell it draws itself, with a lane for each
/// worker. Time runs downwards.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
/// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
/// let bad = explorer.explore()?.shortest_bad().unwrap();
/// assert_eq!((bad.schedule().as_str(), bad.end().values()), ("ABBA", &[2, 1][..]));
/// assert_eq!(bad.broken(), ["a pair"]);
/// println!("{bad}");
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    id: u128,
    schedules: u128,
    workers: usize,
    start: Words,
    pub(super) moments: Vec<Moment>,
    /// Each invariant, and whether it held.
    verdicts: Vec<(String, Verdict)>,
    /// The workers that wait for the lock forever.
    pub(super) stuck: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    Broken,
    /// Before the first step, so no step is to blame.
    BrokenFromTheStart,
}

/// One step, and the state after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) worker: usize,
    /// Which step of the worker's list.
    pub(super) step: usize,
    pub(super) goes_on: bool,
    pub(super) label: String,
    pub(super) words: Words,
    holder: Option<usize>,
    /// The invariants that this step broke.
    broke: Vec<String>,
}

impl Replay {
    pub(super) fn of(protocol: &Protocol, id: u128, schedules: u128, schedule: &[usize]) -> Replay {
        let lists = &protocol.lists;
        let mut state = State::start(&protocol.start);
        let is_broken = |state: &State, at_end: bool| -> Vec<bool> {
            let rules = protocol.rules.iter();
            rules
                .map(|rule| rule.is_broken(&state.words, at_end))
                .collect()
        };
        let mut was_broken = is_broken(&state, schedule.is_empty());
        let at_start = was_broken.clone();
        let mut ever_broken = was_broken.clone();
        let mut moments = Vec::new();
        for (index, &worker) in schedule.iter().enumerate() {
            let step = state.next(worker);
            let (after, goes_on) = state.after(lists, worker);
            state = after;
            let broken = is_broken(&state, index + 1 == schedule.len());
            let mut broke = Vec::new();
            for (rule, &now) in broken.iter().enumerate() {
                ever_broken[rule] |= now;
                if now && !was_broken[rule] {
                    broke.push(protocol.rules[rule].name.clone());
                }
            }
            was_broken = broken;
            moments.push(Moment {
                worker,
                step,
                goes_on,
                label: lists[worker].label(step, goes_on),
                words: state.words.clone(),
                holder: state.holder,
                broke,
            });
        }
        let verdicts = (protocol.rules.iter().enumerate()).map(|(index, rule)| {
            let verdict = match (at_start[index], ever_broken[index]) {
                (true, _) => Verdict::BrokenFromTheStart,
                (false, true) => Verdict::Broken,
                (false, false) => Verdict::Holds,
            };
            (rule.name.clone(), verdict)
        });
        Replay {
            id,
            schedules,
            workers: lists.len(),
            start: protocol.start.clone(),
            moments,
            verdicts: verdicts.collect(),
            stuck: (0..lists.len())
                .filter(|&worker| !state.is_done(lists, worker))
                .collect(),
        }
    }

    /// The number of the schedule.
    pub fn id(&self) -> u128 {
        self.id
    }

    /// The schedule: the letter of the worker at each step.
    pub fn schedule(&self) -> String {
        let workers = self.moments.iter().map(|moment| letter(moment.worker));
        workers.collect()
    }

    /// Each step: the letter of the worker, and what it did.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let once = Steps::new().leave_if("check", |s, _me| s["x"] != 0).write("write", |s, me| s["x"] = me);
    /// let replay = Explorer::new(["x"]).workers(2, &once).replay(0)?;
    /// let steps: Vec<String> = replay.steps().iter().map(|(who, what)| format!("{who}: {what}")).collect();
    /// assert_eq!(steps, ["A: check → goes on", "A: write", "B: check → leaves"]);
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn steps(&self) -> Vec<(char, String)> {
        let moments = self.moments.iter();
        moments
            .map(|moment| (letter(moment.worker), moment.label.clone()))
            .collect()
    }

    /// The words at the end.
    pub fn end(&self) -> &Words {
        self.moments.last().map_or(&self.start, |last| &last.words)
    }

    /// The invariants that this schedule breaks.
    pub fn broken(&self) -> Vec<&str> {
        let verdicts = (self.verdicts.iter()).filter(|(_, verdict)| *verdict != Verdict::Holds);
        verdicts.map(|(name, _)| name.as_str()).collect()
    }

    /// The workers that wait for the lock forever.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let forgetful = Steps::new().lock().write("write", |s, me| s["last"] = me); // and no unlock
    /// let replay = Explorer::new(["last"]).workers(2, &forgetful).replay(0)?;
    /// assert_eq!((replay.schedule().as_str(), replay.stuck()), ("AA", vec!['B']));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn stuck(&self) -> Vec<char> {
        self.stuck.iter().copied().map(letter).collect()
    }

    fn diagram(&self) -> StepDiagram {
        let title = format!(
            "Schedule {} of {} (the first is 0)",
            thousands(self.id),
            thousands(self.schedules)
        );
        let steps = self.moments.iter().map(|moment| Drawn {
            worker: moment.worker,
            label: &moment.label,
            words: &moment.words,
            holder: moment.holder,
            broke: &moment.broke,
            time: None,
        });
        diagram(title, self.workers, &self.start, steps, &self.stuck).caption(self.verdict())
    }

    /// Which invariants hold and which do not, in sentences.
    fn verdict(&self) -> String {
        let mut sentences: Vec<String> = (self.verdicts.iter())
            .map(|(name, verdict)| match verdict {
                Verdict::Holds => format!("Rule kept: {name}."),
                Verdict::Broken => format!("Rule broken: {name}."),
                Verdict::BrokenFromTheStart => format!("Rule broken from the start: {name}."),
            })
            .collect();
        if !self.stuck.is_empty() {
            let stuck: Vec<String> = self.stuck().iter().map(char::to_string).collect();
            let verb = if stuck.len() == 1 { "waits" } else { "wait" };
            let holder = self.moments.last().and_then(|moment| moment.holder);
            let why = holder.map_or(String::new(), |holder| {
                format!(": {} ended while it held the lock", letter(holder))
            });
            sentences.push(format!(
                "Stuck: {} {verb} for the lock forever{why}.",
                stuck.join(" and ")
            ));
        }
        sentences.join(" ")
    }

    /// Shows the picture and its text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Replay {
    fn contents(&self) -> Vec<(&'static str, String)> {
        self.diagram().contents()
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagram().text())
    }
}
