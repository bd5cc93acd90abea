use super::diagram::{Drawn, diagram};
use super::letter::letter;
use super::protocol::Protocol;
use super::state::State;
use super::words::Words;
use figures::StepDiagram;
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use std::fmt;

/// One round of a race, as it ran: who did what, and when, in nanoseconds. As the last expression of a cell it draws itself, with a lane
/// for each worker. See [`Stamps::first_broken`](super::Stamps::first_broken).
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
/// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("never", |_| false);
/// let round = explorer.chance(1)?.first_broken().unwrap();
/// assert_eq!((round.number(), round.word().len()), (0, 4));
/// assert!(explorer.play(&round.word())?.matches_model());
/// println!("{round}");
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Round {
    number: usize,
    rounds: usize,
    workers: usize,
    start: Words,
    moments: Vec<Moment>,
    /// What was read at the end.
    end: Words,
    /// Whether the order of the stamps leads to that end in the model.
    explained: bool,
    /// Each rule, and whether it was broken.
    rules: Vec<(String, bool)>,
    stuck: Vec<usize>,
    /// How many bad rounds before this one had stamps that do not explain their end.
    passed: usize,
}

#[derive(Clone, Debug)]
struct Moment {
    worker: usize,
    label: String,
    /// Nanoseconds since the first stamp of the round.
    time: u64,
    /// In the model.
    words: Words,
    holder: Option<usize>,
    broke: Vec<String>,
}

impl Round {
    /// Round `number` of so many, from its steps in the order of their times (worker, step, time) and the words at its end.
    pub(super) fn of(
        protocol: &Protocol,
        (number, rounds): (usize, usize),
        stamped: &[(usize, usize, u64)],
        end: Words,
    ) -> Round {
        let lists = &protocol.lists;
        let mut state = State::start(&protocol.start);
        let mut explained = true;
        let mut broken: Vec<bool> = (protocol.rules.iter())
            .map(|rule| rule.is_broken(&state.words, false))
            .collect();
        let mut moments = Vec::new();
        let first = stamped.first().map_or(0, |&(.., time)| time);
        for (index, &(worker, step, time)) in stamped.iter().enumerate() {
            explained &= state.can_go(lists, worker) && state.next(worker) == step;
            if !explained {
                break;
            }
            let (after, goes_on) = state.after(lists, worker);
            state = after;
            let mut broke = Vec::new();
            for (rule, was) in protocol.rules.iter().zip(&mut broken) {
                if rule.is_broken(&state.words, index + 1 == stamped.len()) && !*was {
                    *was = true;
                    broke.push(rule.name.clone());
                }
            }
            moments.push(Moment {
                worker,
                label: lists[worker].label(step, goes_on),
                time: time - first,
                words: state.words.clone(),
                holder: state.holder,
                broke,
            });
        }
        let able = (0..lists.len()).any(|worker| state.can_go(lists, worker));
        explained &= !able && state.words == end;
        if !explained {
            // What is known is the end.
            for (rule, broken) in protocol.rules.iter().zip(&mut broken) {
                *broken = rule.is_broken(&end, true);
            }
        }
        let stuck = (0..lists.len()).filter(|&worker| explained && !state.is_done(lists, worker));
        Round {
            number,
            rounds,
            workers: lists.len(),
            start: protocol.start.clone(),
            moments,
            end,
            explained,
            stuck: stuck.collect(),
            rules: (protocol.rules.iter().zip(broken))
                .map(|(rule, broken)| (rule.name.clone(), broken))
                .collect(),
            passed: 0,
        }
    }

    pub(super) fn after(self, passed: usize) -> Round {
        Round { passed, ..self }
    }

    pub(super) fn is_explained(&self) -> bool {
        self.explained
    }

    pub(super) fn is_stuck(&self) -> bool {
        !self.stuck.is_empty()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_stuck() || self.rules().any(|broken| broken)
    }

    /// Whether each rule was broken.
    pub(super) fn rules(&self) -> impl Iterator<Item = bool> + '_ {
        self.rules.iter().map(|&(_, broken)| broken)
    }

    /// The number of the round, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The schedule that chance chose: the letter of the worker of each step. [`Explorer::play`](super::Explorer::play) forces it.
    pub fn word(&self) -> String {
        let workers = self.moments.iter().map(|moment| letter(moment.worker));
        workers.collect()
    }

    /// The words that were read at the end.
    pub fn end(&self) -> &Words {
        &self.end
    }

    /// From the first stamp to the last, in nanoseconds.
    pub fn nanoseconds(&self) -> u64 {
        self.moments.last().map_or(0, |last| last.time)
    }

    fn diagram(&self) -> StepDiagram {
        let title = format!(
            "By chance: round {} of {} (the first is 0)",
            thousands(self.number),
            thousands(self.rounds)
        );
        let steps = self.moments.iter().map(|moment| Drawn {
            worker: moment.worker,
            label: &moment.label,
            words: &moment.words,
            holder: moment.holder,
            broke: &moment.broke,
            time: Some(moment.time),
        });
        diagram(title, self.workers, &self.start, steps, &self.stuck).caption(self.caption())
    }

    fn caption(&self) -> String {
        let mut caption = format!(
            "Nobody forced this order: {}. The column ns is the time from the first stamp to this one; each stamp was taken right after its \
             step, and the clock is the same for all. Only the end was read, {}; the words before it follow from the order of the \
             stamps, which leads to this end.",
            self.word(),
            self.end
        );
        if self.passed > 0 {
            caption.push_str(&format!(
                " {} bad rounds before it are passed over: there, steps were closer to each other than their stamps can tell.",
                thousands(self.passed)
            ));
        }
        caption
    }

    /// Shows the picture and its text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Round {
    fn contents(&self) -> Vec<(&'static str, String)> {
        self.diagram().contents()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagram().text())
    }
}
