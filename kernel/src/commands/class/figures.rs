//! The figures of a class. As long as there are enough colours, each student has one, the same in every figure. A larger class is grey
//! behind its median, since nobody can tell thirty colours apart.

use super::section::{Item, Lesson, Section};
use super::students::{Student, median, students_words};
use crate::results::{Amount, Axis, Measurement, Numbers, Prediction};
use figures::{Dots, Format, Lines, Table};
use labsupport::measure::Samples;
use std::collections::BTreeMap;

/// How many colours and markers a figure has.
const COLOURS: usize = 6;

/// A guess is good if it is off by at most this factor.
pub(super) const CLOSE: f64 = 2.0;

/// Measurements with the same key are drawn over each other: one line of a figure, or one series of its bars or dots, with the same axes.
type Key<'a> = (&'a str, Option<&'a Axis>, &'a Axis, &'a str);

/// A section for each lab that anything was recorded in.
pub(super) fn measurements(students: &[Student]) -> Vec<Section> {
    type Figures<'a> = Vec<(Key<'a>, Vec<(usize, &'a Measurement)>)>;
    let mut labs: BTreeMap<&str, Figures> = BTreeMap::new();
    for (index, student) in students.iter().enumerate() {
        for one in &student.results.measurements {
            let key = (
                one.figure.as_str(),
                one.across.as_ref(),
                &one.measured,
                one.series.as_str(),
            );
            let figures = labs.entry(&one.lab).or_default();
            match figures.iter_mut().find(|(of, _)| *of == key) {
                Some((_, found)) => found.push((index, one)),
                // The series of one figure stay together, in the order in which somebody recorded them.
                None => {
                    let after = figures
                        .iter()
                        .rposition(|((figure, ..), _)| *figure == key.0);
                    let place = after.map_or(figures.len(), |after| after + 1);
                    figures.insert(place, (key, vec![(index, one)]));
                }
            }
        }
    }
    let sections = labs.into_iter().map(|(lab, figures)| Section {
        title: format!("{lab}: what was measured"),
        items: figures
            .iter()
            .map(|(key, found)| match key.1 {
                Some(across) => curves(students, key, across, found),
                None => values(students, key, found),
            })
            .collect(),
    });
    sections.collect()
}

fn title(key: &Key) -> String {
    match key.3 {
        "" => key.0.to_string(),
        series => format!("{}: {series}", key.0),
    }
}

fn curves(students: &[Student], key: &Key, across: &Axis, found: &[(usize, &Measurement)]) -> Item {
    let up = key.2;
    let lines: Vec<(usize, Vec<(f64, f64)>)> = found
        .iter()
        .filter_map(|(student, one)| match &one.numbers {
            Numbers::Points(points) => Some((*student, with_place(points, across, up))),
            Numbers::Value { .. } => None,
        })
        .collect();
    let mut figure = over(title(key), across, up);
    if students.len() <= COLOURS {
        for (index, student) in students.iter().enumerate() {
            let mine = lines.iter().filter(|(of, _)| *of == index);
            let points: Vec<(f64, f64)> = mine.flat_map(|(_, points)| points.clone()).collect();
            let name = with_cores(student, found, index, points.is_empty());
            figure = figure.series(name, points);
        }
    } else {
        let middle = median_line(&lines);
        let crowd = lines
            .iter()
            .map(|(of, points)| (students[*of].label.clone(), points.clone()));
        figure = figure
            .series("median", middle)
            .crowd(students_words(lines.len()), crowd)
            .caption("The median is drawn where at least half of them measured.");
    }
    picture(figure.svg(), figure.text())
}

/// The points for which these axes have a place.
pub(super) fn with_place(points: &[(f64, f64)], across: &Axis, up: &Axis) -> Vec<(f64, f64)> {
    let has_place = |(x, y): &(f64, f64)| (!across.log || *x > 0.0) && (!up.log || *y > 0.0);
    points.iter().copied().filter(has_place).collect()
}

/// A figure with these axes.
pub(super) fn over(title: String, across: &Axis, up: &Axis) -> Lines {
    let mut figure = Lines::new(title)
        .x(&across.label)
        .x_format(across.format())
        .y(&up.label)
        .y_format(up.format());
    if across.log {
        figure = figure.log_x();
    }
    if up.log {
        figure = figure.log_y();
    }
    figure
}

/// The median at each x that at least half of the lines have.
pub(super) fn median_line(lines: &[(usize, Vec<(f64, f64)>)]) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = lines
        .iter()
        .flat_map(|(_, points)| points)
        .copied()
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|at| 2 * at.len() >= lines.len())
        .map(|at| (at[0].0, median(at.iter().map(|point| point.1))))
        .collect()
}

/// The name in the legend, with the number of cores if that differs from the machine's.
fn with_cores(
    student: &Student,
    found: &[(usize, &Measurement)],
    index: usize,
    none: bool,
) -> String {
    let label = &student.label;
    if none {
        return format!("{label}, not measured");
    }
    let cores = found
        .iter()
        .find(|(of, _)| *of == index)
        .map(|(_, one)| one.cores);
    match cores {
        Some(cores) if cores != student.results.machine.cores => {
            let of = student.results.machine.cores;
            format!("{label}, {cores} of {of} cores")
        }
        _ => label.clone(),
    }
}

fn values(students: &[Student], key: &Key, found: &[(usize, &Measurement)]) -> Item {
    let axis = key.2;
    let mut figure = Dots::new(title(key))
        .value(&axis.label)
        .format(axis.format());
    if axis.log {
        figure = figure.log();
    }
    let mut dots = Vec::new();
    for (student, one) in found {
        if let Numbers::Value {
            row,
            value,
            low,
            high,
        } = &one.numbers
            && (!axis.log || value.min(*low).min(*high) > 0.0)
        {
            dots.push((*student, row.clone(), *value, *low, *high));
        }
    }
    if students.len() <= COLOURS {
        let names: Vec<String> = (students.iter().enumerate())
            .map(|(index, student)| {
                let none = !dots.iter().any(|(of, ..)| *of == index);
                with_cores(student, found, index, none)
            })
            .collect();
        for name in &names {
            figure = figure.series(name);
        }
        for (student, row, value, low, high) in dots {
            figure = figure.dot(row, &names[student], value, low, high);
        }
    } else {
        let dots = dots
            .iter()
            .map(|(of, row, value, ..)| (row.clone(), students[*of].label.clone(), *value));
        figure = crowded(figure, dots.collect(), students.len());
    }
    picture(figure.svg(), figure.text())
}

/// Draws each student as a grey ring, and the median with the middle half.
fn crowded(figure: Dots, dots: Vec<(String, String, f64)>, students: usize) -> Dots {
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for (row, _, value) in &dots {
        match rows.iter_mut().find(|(name, _)| name == row) {
            Some((_, values)) => values.push(*value),
            None => rows.push((row.clone(), vec![*value])),
        }
    }
    let mut figure = figure.crowd(students_words(students), dots);
    for (row, values) in rows {
        let values = Samples::new("", values);
        let [low, high] = [25.0, 75.0].map(|percent| values.percentile(percent));
        figure = figure.dot(row, "median and middle half", values.median(), low, high);
    }
    figure
}

pub(super) fn picture(svg: Result<String, impl std::fmt::Display>, text: String) -> Item {
    match svg {
        Ok(svg) => Item::Picture { svg, text },
        Err(error) => Item::Words(format!("No picture: {error}")),
    }
}

/// Guesses against measurements: factors for times and factors, differences for everything that may be zero.
pub(super) fn predictions(students: &[Student]) -> Option<Lesson> {
    let mut questions: BTreeMap<&str, Vec<(usize, &Prediction)>> = BTreeMap::new();
    for (index, student) in students.iter().enumerate() {
        for (question, one) in student.predictions() {
            questions.entry(question).or_default().push((index, one));
        }
    }
    let header = [
        "question",
        "guessed by",
        "median guess",
        "median measured",
        "median off by",
        "within 2 times",
    ];
    let mut table = Table::new(header);
    let mut factors = Vec::new();
    let mut surprises: Vec<(f64, String)> = Vec::new();
    let mut differences: BTreeMap<String, Vec<(String, usize, f64)>> = BTreeMap::new();
    for (question, asked) in &questions {
        let Some((_, first)) = asked.first() else {
            continue;
        };
        let unit = first.measured.unit.clone();
        let measured: Vec<(usize, f64)> = asked
            .iter()
            .filter_map(|(of, one)| Some((*of, value_in(&one.measured, &unit)?)))
            .collect();
        let pairs: Vec<(usize, f64, f64)> = asked
            .iter()
            .filter_map(|(of, one)| {
                let guess = value_in(one.guess.as_ref()?, &unit)?;
                Some((*of, guess, value_in(&one.measured, &unit)?))
            })
            .collect();
        let written = |numbers: Vec<f64>| match numbers.is_empty() {
            true => "–".to_string(),
            false => lessons::Amount::new(median(numbers), &unit).to_string(),
        };
        let all = pairs.len();
        // As in a lab: times and factors are compared by a factor, shares and counts by a difference.
        let is_scale = lessons::Amount::new(1.0, &unit).is_a_scale();
        let (mut off, mut close) = ("–".to_string(), "–".to_string());
        if is_scale {
            let ratios: Vec<(usize, f64)> = pairs
                .iter()
                .filter(|(_, guess, seen)| *guess > 0.0 && *seen > 0.0)
                .map(|(of, guess, seen)| (*of, guess / seen))
                .collect();
            if !ratios.is_empty() {
                let sizes: Vec<f64> = ratios
                    .iter()
                    .map(|(_, ratio)| ratio.max(1.0 / ratio))
                    .collect();
                let near = sizes.iter().filter(|size| **size <= CLOSE).count();
                close = format!("{near} of {all}");
                let size = median(sizes);
                off = Format::Times.write(size);
                let guess = written(pairs.iter().map(|pair| pair.1).collect());
                let seen = written(measured.iter().map(|seen| seen.1).collect());
                let words = format!("{question} Guessed {guess}, measured {seen} (medians).");
                surprises.push((size, words));
            }
            factors.extend(
                ratios
                    .into_iter()
                    .map(|(of, ratio)| (question.to_string(), of, ratio)),
            );
        } else if all > 0 {
            let apart: Vec<(usize, f64)> = pairs
                .iter()
                .map(|(of, guess, seen)| (*of, guess - seen))
                .collect();
            let unit = if unit == "%" { "points" } else { unit.as_str() };
            let sizes = apart.iter().map(|(_, apart)| apart.abs());
            off = format!("{} {unit}", Format::Number.write(median(sizes)))
                .trim_end()
                .into();
            let of_unit = differences.entry(unit.into()).or_default();
            of_unit.extend(
                apart
                    .into_iter()
                    .map(|(of, apart)| (question.to_string(), of, apart)),
            );
        }
        table = table.row([
            question.to_string(),
            format!("{all} of {}", students.len()),
            written(pairs.iter().map(|pair| pair.1).collect()),
            written(measured.iter().map(|seen| seen.1).collect()),
            off,
            close,
        ]);
    }
    if questions.is_empty() {
        return None;
    }
    let mut items = Vec::new();
    if !factors.is_empty() {
        let figure = Dots::new("Guesses against measurements")
            .value("guess ÷ measured on the same machine")
            .format(Format::Times)
            .log()
            .mark("right on", 1.0)
            .caption("To the left of the line a guess was too low, to the right too high.");
        items.push(guesses(students, figure, factors));
    }
    for (unit, apart) in differences {
        let figure = Dots::new("Guesses against measurements, as differences")
            .value(format!("guess − measured, {unit}").trim_end_matches([',', ' ']))
            .mark("right on", 0.0)
            .caption("To the left of the line a guess was too low, to the right too high.");
        items.push(guesses(students, figure, apart));
    }
    items.push(Item::Table(table));
    items.push(Item::Words(
        "Each student's first guess counts. A guess in another unit than the measurement is not counted.".into(),
    ));
    let learned = match learned(surprises) {
        words if words.is_empty() => format!("{} predictions were compared.", questions.len()),
        words => words,
    };
    Some(Lesson {
        learned,
        section: Section {
            title: "Predictions".into(),
            items,
        },
    })
}

/// How many surprises the head of the page lists.
const SURPRISES: usize = 3;

/// The questions on which the class was furthest off.
fn learned(mut surprises: Vec<(f64, String)>) -> String {
    surprises.sort_by(|a, b| b.0.total_cmp(&a.0));
    let off = surprises.into_iter().filter(|(size, _)| *size > CLOSE);
    let words: Vec<String> = off.take(SURPRISES).map(|(_, words)| words).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("The largest surprises: {}", words.join(" ")),
    }
}

pub(super) fn value_in(amount: &Amount, unit: &str) -> Option<f64> {
    let value = lessons::Amount::new(amount.value, &amount.unit).value_in(unit)?;
    value.is_finite().then_some(value)
}

fn guesses(students: &[Student], mut figure: Dots, dots: Vec<(String, usize, f64)>) -> Item {
    if students.len() <= COLOURS {
        for student in students {
            figure = figure.series(&student.label);
        }
        for (question, of, value) in dots {
            figure = figure.dot(question, &students[of].label, value, value, value);
        }
    } else {
        let dots = dots
            .into_iter()
            .map(|(question, of, value)| (question, students[of].label.clone(), value));
        figure = crowded(figure, dots.collect(), students.len());
    }
    picture(figure.svg(), figure.text())
}
