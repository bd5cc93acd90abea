//! The curves that a class has drawn before the runs, over what it has measured.

use super::figures::{CLOSE, median_line, over, picture, with_place};
use super::section::{Item, Section};
use super::students::{Student, median, students_words};
use crate::results::{Axis, Sketch};
use figures::Table;
use figures::numbers::Scale;
use lessons::Distance;
use std::collections::BTreeMap;

/// Curves are compared where they have the same question and the same axes.
type Key<'a> = (&'a str, &'a Axis, &'a Axis);

/// A figure for each question for which anybody drew a curve, and a table of how far off the curves were.
pub(super) fn sketches(students: &[Student]) -> Option<Section> {
    let mut questions: BTreeMap<Key<'_>, Vec<(usize, &Sketch)>> = BTreeMap::new();
    for (index, student) in students.iter().enumerate() {
        for one in &student.results.sketches {
            let asked = questions
                .entry((&one.question, &one.across, &one.up))
                .or_default();
            // The first curve counts: a later one knows the answer.
            match asked.iter_mut().find(|(of, _)| *of == index) {
                Some((_, first)) if first.drawn.is_empty() => *first = one,
                Some(_) => {}
                None => asked.push((index, one)),
            }
        }
    }
    if questions.is_empty() {
        return None;
    }
    let mut items = Vec::new();
    let mut table = Table::new(["curve", "drawn by", "median off by", "within 2 times"]);
    for ((question, across, up), asked) in &questions {
        let lines = |of: fn(&Sketch) -> &[(f64, f64)]| {
            let lines = asked
                .iter()
                .map(|(index, one)| (*index, with_place(of(one), across, up)));
            let lines = lines.filter(|(_, points)| !points.is_empty());
            lines.collect::<Vec<(usize, Vec<(f64, f64)>)>>()
        };
        let (drawn, measured) = (lines(|one| &one.drawn), lines(|one| &one.measured));
        let off: Vec<Distance> = asked
            .iter()
            .filter_map(|(_, one)| {
                Distance::between(&one.drawn, &one.measured, (&scale(across), &scale(up)))
            })
            .collect();
        let middle = match off.is_empty() {
            true => "–".into(),
            false => Distance {
                median: median(off.iter().map(|off| off.median)),
                ..off[0]
            }
            .words(&scale(up)),
        };
        let near = off.iter().filter(|off| off.median <= CLOSE).count();
        table = table.row([
            question.to_string(),
            format!("{} of {}", drawn.len(), students.len()),
            middle,
            match up.log && !off.is_empty() {
                true => format!("{near} of {}", off.len()),
                false => "–".into(),
            },
        ]);
        if !drawn.is_empty() {
            let curves = drawn
                .iter()
                .map(|(of, points)| (students[*of].label.clone(), points.clone()));
            let figure = over(question.to_string(), across, up)
                .crowd(format!("curves of {}", students_words(drawn.len())), curves)
                .series("measured, median", median_line(&measured))
                .caption("In grey what was drawn before the run, each student's first curve.");
            items.push(picture(figure.svg(), figure.text()));
        }
    }
    items.push(Item::Table(table));
    Some(Section {
        title: "Curves that were drawn".into(),
        items,
    })
}

fn scale(axis: &Axis) -> Scale {
    Scale {
        label: axis.label.clone(),
        log: axis.log,
        format: axis.format(),
    }
}
