//! The steps of a schedule, or of a round left to chance, as a diagram with a lane for each worker.

use super::letter::letter;
use super::words::Words;
use figures::StepDiagram;

/// One step to be drawn, with the state after it.
pub(super) struct Drawn<'a> {
    pub(super) worker: usize,
    pub(super) label: &'a str,
    pub(super) words: &'a Words,
    pub(super) holder: Option<usize>,
    /// The rules that this step broke.
    pub(super) broke: &'a [String],
    /// Nanoseconds since the first step, where somebody looked at the clock.
    pub(super) time: Option<u64>,
}

/// The diagram of these steps; `stuck` are the workers that wait at the end.
pub(super) fn diagram<'a>(
    title: String,
    workers: usize,
    start: &Words,
    steps: impl Iterator<Item = Drawn<'a>>,
    stuck: &[usize],
) -> StepDiagram {
    let names = start.names().iter().map(String::as_str);
    let mut diagram = StepDiagram::new(title)
        .lanes((0..workers).map(|worker| letter(worker).to_string()))
        .words(names.zip(start.values().iter().copied()));
    for step in steps {
        let values = step.words.values().iter().copied();
        diagram = diagram.step(step.worker, step.label, values);
        if let Some(time) = step.time {
            diagram = diagram.at(time);
        }
        if let Some(holder) = step.holder {
            diagram = diagram.held_by(holder);
        }
        for name in step.broke {
            diagram = diagram.mark(format!("rule broken: {name}"));
        }
    }
    for &worker in stuck {
        diagram = diagram.waits(worker);
    }
    diagram
}
