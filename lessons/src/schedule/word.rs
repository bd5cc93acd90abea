use super::error::ExplorerError;
use super::letter::letter;
use super::protocol::Protocol;
use super::state::State;

/// The worker of each letter of `word`, if it is a whole schedule: every step is possible, and at the end no worker can go on. Small letters
/// count as large ones, and spaces not at all.
pub(super) fn schedule(protocol: &Protocol, word: &str) -> Result<Vec<usize>, ExplorerError> {
    let word: String = word.chars().filter(|c| !c.is_whitespace()).collect();
    let word = word.to_uppercase();
    let lists = &protocol.lists;
    let mut state = State::start(&protocol.start);
    let mut schedule = Vec::new();
    // By worker: the step after which it was done.
    let mut last = vec![String::new(); lists.len()];
    for (index, c) in word.chars().enumerate() {
        let worker = (0..lists.len()).find(|&worker| letter(worker) == c);
        let why = match worker {
            None => format!("there is no worker {c}"),
            Some(worker) if state.can_go(lists, worker) => {
                let step = state.next(worker);
                let (after, goes_on) = state.after(lists, worker);
                last[worker] = lists[worker].label(step, goes_on);
                state = after;
                schedule.push(worker);
                continue;
            }
            Some(worker) if state.is_done(lists, worker) => {
                format!("{c} is done: its last step was \"{}\"", last[worker])
            }
            Some(_) => {
                let holder = state.holder.expect("only a held lock makes a worker wait");
                format!("{c} waits for the lock that {} holds", letter(holder))
            }
        };
        let able = able(protocol, &state);
        let able = match (able.as_slice(), worker) {
            ([], _) => {
                "No worker can take a step there: leave this letter out, and all after it.".into()
            }
            (_, None) => format!("The workers are {}.", listed(&letters(0..lists.len()))),
            (able, _) => format!(
                "There, {} can take a step.",
                listed(&letters(able.iter().copied()))
            ),
        };
        return Err(ExplorerError::NoSuchStep {
            word: word.clone(),
            letter: index + 1,
            why: format!("{why}. {able}"),
        });
    }
    let mut whole = word.clone();
    while let Some(&worker) = able(protocol, &state).first() {
        state = state.after(lists, worker).0;
        whole.push(letter(worker));
    }
    if whole == word {
        Ok(schedule)
    } else {
        Err(ExplorerError::EndsEarly { word, whole })
    }
}

/// The workers that can take a step.
fn able(protocol: &Protocol, state: &State) -> Vec<usize> {
    let workers = 0..protocol.lists.len();
    workers
        .filter(|&worker| state.can_go(&protocol.lists, worker))
        .collect()
}

fn letters(workers: impl Iterator<Item = usize>) -> Vec<String> {
    workers.map(|worker| letter(worker).to_string()).collect()
}

/// "A", "A and B", "A, B and C".
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
