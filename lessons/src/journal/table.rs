use super::entry::{Entry, Noted};
use crate::sketching::Distance;
use figures::Table;

/// What stands in the place of a measurement that is still to come.
const NOT_RUN: &str = "not run yet";

/// A row for each exercise, each prediction and each sketch of `lab`, with its last result.
pub(super) fn table(entries: &[Entry], lab: &str) -> Table {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for entry in entries {
        let (what, cells) = match &entry.noted {
            Noted::Check {
                title,
                passed,
                facts,
                ..
            } => {
                let last = if *passed { "✓ passed" } else { "not yet" };
                (title, [last.to_string(), format!("{facts} facts")])
            }
            Noted::Guess { question, guess } => (question, [guess.clone(), NOT_RUN.to_string()]),
            Noted::Prediction {
                question,
                guess,
                measured,
            } => (question, [guess.clone(), measured.clone()]),
            Noted::Sketch {
                question,
                x,
                y,
                drawn,
                measured,
            } => {
                let guess = match drawn.len() {
                    0 => String::new(),
                    points => format!("a curve of {points} points"),
                };
                let off = Distance::between(drawn, measured, (x, y));
                let off = off.map_or("–".into(), |off| format!("off by {}", off.words(y)));
                (question, [guess, off])
            }
            Noted::Opened { title } => (title, ["opened".to_string(), String::new()]),
            Noted::Measured { .. } => continue,
        };
        if !what.starts_with(lab) {
            continue;
        }
        let [last, more] = cells;
        let is_try = !matches!(entry.noted, Noted::Opened { .. } | Noted::Guess { .. });
        let more_tries = usize::from(is_try);
        match rows.iter_mut().find(|row| row[0] == *what) {
            // The cell of the guess was run again, after its measurement.
            Some(row) if matches!(entry.noted, Noted::Guess { .. }) && row[3] != NOT_RUN => {}
            Some(row) => {
                let tries = row[1].parse::<usize>().unwrap_or(0) + more_tries;
                *row = [what.clone(), tries.to_string(), last, more];
            }
            None => rows.push([what.clone(), more_tries.to_string(), last, more]),
        }
    }
    let header = [
        "what",
        "tries",
        "your guess, or the last result",
        "measured",
    ];
    rows.into_iter()
        .fold(Table::new(header), |table, row| table.row(row))
}
