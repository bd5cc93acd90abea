//! The results as a table, as JSON and as figures.

use crate::contest::{Line, Row};
use crate::{cores, versions};
use figures::{Dots, Format, Table};
use labsupport::prelude::{Samples, machine};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One line of `--json`. A ratio is ours divided by the peer's.
pub(crate) fn json(line: &Line) -> Value {
    match line {
        Line::Row(row) => {
            let targets: Vec<Value> = (row.verdicts())
                .map(|(target, met)| json!({"target": target.in_words(), "met": met}))
                .collect();
            json!({
                "name": row.name,
                "ours": row.ours.median(),
                "peer": row.theirs.median(),
                "peer_name": row.peer,
                "peer_version": versions::of(&row.peer),
                "unit": row.unit.name(),
                "ratio": row.ratio(),
                "runs": row.ours.len(),
                "cores": row.cores,
                "ours_middle_half": middle_half(&row.ours),
                "peer_middle_half": middle_half(&row.theirs),
                "ratio_middle_half": row.ratio_spread(),
                "targets": targets,
            })
        }
        Line::Skipped { name, peer, why } => {
            json!({"name": name, "peer_name": peer, "skipped": why})
        }
    }
}

fn middle_half(samples: &Samples) -> (f64, f64) {
    (samples.percentile(25.0), samples.percentile(75.0))
}

/// The table, and below it the peers that were skipped, each reason once.
pub(crate) fn table(lines: &[Line]) -> String {
    let header = [
        "what",
        "beside",
        "ours",
        "peer",
        "ours / peer",
        "runs",
        "cores",
        "target",
    ];
    let mut table = Table::new(header).words(2);
    let mut skipped: Vec<(String, Vec<&str>)> = Vec::new();
    for line in lines {
        match line {
            Line::Row(row) => table = table.row(cells(row)),
            Line::Skipped { name, peer, why } => {
                let reason = format!("{peer}: skipped, {why}");
                match skipped.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, names)) => names.push(name),
                    None => skipped.push((reason, vec![name])),
                }
            }
        }
    }
    let mut text = table.to_string();
    text.push_str(
        "\nMedians, with the middle half in brackets; a ratio below 1 is better for us. Everybody ran in turn.\n",
    );
    let rows = lines.iter().filter_map(|line| match line {
        Line::Row(row) => Some(&row.peer),
        Line::Skipped { .. } => None,
    });
    let versions: BTreeSet<String> = rows.filter_map(|peer| versions::of(peer)).collect();
    if !versions.is_empty() {
        let versions: Vec<String> = versions.into_iter().collect();
        text.push_str(&format!("Versions: {}.\n", versions.join(", ")));
    }
    for (reason, names) in skipped {
        text.push_str(&format!("{reason} ({})\n", names.join("; ")));
    }
    text
}

fn cells(row: &Row) -> [String; 8] {
    let spread = |samples: &Samples| {
        let (low, high) = middle_half(samples);
        let [median, low, high] = [samples.median(), low, high].map(|value| row.unit.write(value));
        format!("{median} ({low} to {high})")
    };
    let (low, high) = row.ratio_spread();
    let [ratio, low, high] = [row.ratio(), low, high].map(|value| Format::Number.write(value));
    let targets: Vec<String> = (row.verdicts())
        .map(|(target, met)| {
            let verdict = if met { "met" } else { "MISSED" };
            format!("{}: {verdict}", target.in_words())
        })
        .collect();
    [
        row.name.clone(),
        row.peer.clone(),
        spread(&row.ours),
        spread(&row.theirs),
        format!("{ratio} ({low} to {high})"),
        row.ours.len().to_string(),
        cores::named(&row.cores),
        targets.join("; "),
    ]
}

/// How many targets were met, and each that was not.
pub(crate) fn verdicts(lines: &[Line]) -> String {
    let (mut met, mut missed) = (0, Vec::new());
    for line in lines {
        let Line::Row(row) = line else { continue };
        for (target, is_met) in row.verdicts() {
            if is_met {
                met += 1;
                continue;
            }
            missed.push(format!(
                "  {} beside {}: {}, ratio {}, ours {}",
                row.name,
                row.peer,
                target.in_words(),
                Format::Number.write(row.ratio()),
                row.unit.write(row.ours.median()),
            ));
        }
    }
    let mut text = format!("targets: {met} met, {} missed", missed.len());
    for line in missed {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// Two figures: `ratios` has only the rows with a target, so that it is small enough for a README; `all_ratios` has every row.
pub(crate) fn figures(lines: &[Line]) -> Vec<(&'static str, Dots)> {
    let rows = || {
        lines.iter().filter_map(|line| match line {
            Line::Row(row) => Some((row, !row.targets.is_empty())),
            Line::Skipped { .. } => None,
        })
    };
    let mut figures = vec![("all_ratios", ratios(rows().map(|(row, _)| row)))];
    if rows().any(|(_, targeted)| targeted) {
        let targeted = rows().filter(|(_, targeted)| *targeted).map(|(row, _)| row);
        figures.push(("ratios", ratios(targeted)));
    }
    figures
}

fn ratios<'a>(rows: impl Iterator<Item = &'a Row>) -> Dots {
    let mut figure = Dots::new("The labs beside their peers")
        .value("ours ÷ peer, in time or memory")
        .format(Format::Times)
        .log()
        .caption(format!(
            "Left of the line we need less than the peer. Medians of runs in turn, with the middle half of the rounds' ratios. Measured \
             on {}.",
            machine()
        ));
    for row in rows {
        let (low, high) = row.ratio_spread();
        let ratio = row.ratio();
        // The dot is the ratio of medians, the line spans the ratios of rounds, and the two may miss each other: extend the line to the
        // dot.
        let (low, high) = (low.min(ratio), high.max(ratio));
        let name = format!("{} / {}", row.name, row.peer);
        figure = figure.dot(name, "ours ÷ peer", ratio, low, high);
    }
    figure.mark("as much as the peer", 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::{Target, Unit};

    fn lines() -> Vec<Line> {
        let row = |peer: &str, theirs: f64, target: f64| {
            Line::Row(Row {
                name: "look".into(),
                peer: peer.into(),
                unit: Unit::Nanoseconds,
                ours: Samples::new("", [2.0, 2.0, 2.0]),
                theirs: Samples::new("", [theirs; 3]),
                cores: vec![0, 1],
                targets: vec![Target::Ratio(target)],
            })
        };
        let skipped = Line::Skipped {
            name: "look".into(),
            peer: "Redis".into(),
            why: "there is none".into(),
        };
        vec![row("fast", 1.0, 1.5), row("slow", 8.0, 0.5), skipped]
    }

    #[test]
    fn every_line_says_what_it_is_and_what_was_skipped_is_named() {
        let text = table(&lines());
        assert!(
            text.contains("≤ 1.5: MISSED") && text.contains("≤ 0.5: met"),
            "{text}"
        );
        assert!(
            text.contains("Redis: skipped, there is none (look)"),
            "{text}"
        );
        let text = verdicts(&lines());
        assert!(
            text.starts_with("targets: 1 met, 1 missed\n  look beside fast: ≤ 1.5, ratio 2"),
            "{text}"
        );
    }

    #[test]
    fn the_ratio_of_the_json_is_that_of_its_medians() {
        let json: Vec<Value> = lines().iter().map(json).collect();
        assert_eq!(json[1]["ratio"], 0.25);
        assert_eq!(json[1]["targets"][0]["met"], true);
        assert_eq!(json[2]["skipped"], "there is none");
    }

    #[test]
    fn the_figure_has_a_dot_for_each_ratio() {
        for (name, figure) in figures(&lines()) {
            assert!(figure.svg().is_ok(), "{name}");
            let text = figure.text();
            let row = text.lines().find(|line| line.starts_with("look / slow"));
            assert!(row.is_some_and(|row| row.ends_with(" 0.25×")), "{text}");
        }
    }
}
