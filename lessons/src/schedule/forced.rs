use super::error::ExplorerError;
use super::letter::letter;
use super::protocol::Protocol;
use super::real_workers::{End, Stage, play};
use super::replay::Replay;
use super::words::Words;
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use labsupport::process::{Exit, Workers};
use std::fmt;
use std::time::Duration;

/// One schedule as real processes ran it, beside the model. As the last expression of a cell it shows itself as a table.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
/// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
/// let bad = explorer.explore()?.shortest_bad().unwrap();
/// let forced = explorer.force(bad.id())?;
/// assert!(forced.matches_model());
/// assert_eq!(forced.end().values(), [2, 1]); // in shared memory, written by two processes
/// println!("{forced}");
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Forced {
    model: Replay,
    pids: Vec<u32>,
    real: Vec<Real>,
    /// By worker.
    ends: Vec<End>,
}

/// A step that a real process did.
#[derive(Clone, Debug)]
struct Real {
    /// Which step of its list, and whether the worker went on. `None` if it had no step left, which the model would not expect.
    did: Option<(usize, bool)>,
    label: String,
    words: Words,
}

const LIMIT: Duration = Duration::from_secs(10);

impl Forced {
    pub(super) fn run(protocol: &Protocol, model: Replay) -> Result<Forced, ExplorerError> {
        let lists = &protocol.lists;
        let stage = Stage::new(&protocol.start, model.moments.len(), lists.len());
        let stage = stage.map_err(|error| ExplorerError::Processes(error.to_string()))?;
        let schedule: Vec<usize> = model.moments.iter().map(|moment| moment.worker).collect();
        let workers = Workers::spawn(lists.len(), |w| {
            play(&stage, &lists[w.index()], w.index(), &schedule);
        });
        let workers = workers.map_err(|error| ExplorerError::Processes(error.to_string()))?;
        let pids = workers.pids();
        let report = workers.join_timeout(LIMIT);
        let report = report.map_err(|error| ExplorerError::Processes(error.to_string()))?;
        // A worker that only waited for one that is gone is not the one to name.
        let late = |exit: &Exit| matches!(exit, Exit::TimedOut { .. });
        let bad = report.outcomes().iter().filter(|o| !o.exit().is_returned());
        if let Some(outcome) = bad.min_by_key(|outcome| late(outcome.exit())) {
            return Err(ExplorerError::Processes(format!(
                "worker {} did not reach the end of schedule {}: {}.",
                letter(outcome.index()),
                thousands(model.id()),
                outcome.exit()
            )));
        }
        let real = (schedule.iter().enumerate())
            .map(|(position, &worker)| {
                let (did, words) = stage.read_log(position);
                let label = did.map_or("nothing left to do".into(), |(step, goes_on)| {
                    lists[worker].label(step, goes_on)
                });
                Real { did, label, words }
            })
            .collect();
        let ends = (0..lists.len()).map(|worker| stage.end(worker)).collect();
        Ok(Forced {
            model,
            pids,
            real,
            ends,
        })
    }

    /// Whether the real processes did in each step what the model says, left the same words in shared memory, and ended in the same way.
    pub fn matches_model(&self) -> bool {
        self.difference().is_none()
    }

    /// The words in shared memory at the end.
    pub fn end(&self) -> &Words {
        let last = self.real.last();
        last.map_or(self.model.end(), |last| &last.words)
    }

    /// The first difference, as a sentence.
    fn difference(&self) -> Option<String> {
        for (index, (model, real)) in self.model.moments.iter().zip(&self.real).enumerate() {
            let (step, who) = (index + 1, letter(model.worker));
            if real.did != Some((model.step, model.goes_on)) {
                return Some(format!(
                    "at step {step} worker {who} did \"{}\", and the model says \"{}\"",
                    real.label, model.label
                ));
            }
            if real.words != model.words {
                return Some(format!(
                    "after step {step}, \"{}\" of worker {who}, shared memory holds {}, and the model says {}",
                    real.label, real.words, model.words
                ));
            }
        }
        let is = |stuck| if stuck { "stuck" } else { "done" };
        (self.ends.iter().enumerate()).find_map(|(worker, &end)| {
            let stuck = self.model.stuck.contains(&worker);
            let real = match end {
                End::Done => is(false),
                End::Stuck => is(true),
                End::CanGo => "still able to go on",
            };
            (real != is(stuck)).then(|| {
                let (who, model) = (letter(worker), is(stuck));
                format!("at the end worker {who} is {real}, and the model says {model}")
            })
        })
    }

    fn sentences(&self) -> String {
        let pids = (self.pids.iter().enumerate())
            .map(|(worker, pid)| format!("worker {} was process {pid}", letter(worker)))
            .collect::<Vec<_>>()
            .join(", ");
        let verdict = match self.difference() {
            None => format!(
                "The real processes did what the model says: {}, after the same steps with the same words.",
                self.end()
            ),
            Some(difference) => {
                format!("The real processes did not do what the model says: {difference}.")
            }
        };
        let stuck = (self.ends.iter().enumerate())
            .filter(|&(_, &end)| end == End::Stuck)
            .map(|(worker, _)| format!(" Worker {} was refused the lock.", letter(worker)))
            .collect::<String>();
        format!("{verdict}{stuck} In this run {pids}.")
    }

    fn both(&self) -> (String, String) {
        let names = self.end().names().join(" ");
        let write = |words: &Words| {
            let values = words.values().iter().map(u64::to_string);
            values.collect::<Vec<_>>().join(" ")
        };
        let rows: Vec<Vec<String>> = (self.model.moments.iter().zip(&self.real).enumerate())
            .map(|(index, (model, real))| {
                vec![
                    (index + 1).to_string(),
                    letter(model.worker).to_string(),
                    real.label.clone(),
                    write(&model.words),
                    write(&real.words),
                ]
            })
            .collect();
        let model = format!("model: {names}");
        let header = ["step", "who", "did", &model, "real processes"];
        let (html, text) = cell::table(&header, &rows, 3);
        let sentences = self.sentences();
        (
            format!("{html}<p>{}</p>", cell::escape(&sentences)),
            format!("{text}{sentences}\n"),
        )
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Forced {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (html, text) = self.both();
        vec![("text/html", html), ("text/plain", text)]
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.both().1)
    }
}
