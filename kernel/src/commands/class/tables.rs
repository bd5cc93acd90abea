//! The tables of a class: machines and exercises.

use super::section::{Item, Lesson, Section};
use super::students::{Student, median};
use figures::{Format, Table};
use std::collections::{BTreeMap, BTreeSet};

/// A row for each student: the machine, and how much was handed in.
pub(super) fn machines(students: &[Student]) -> Table {
    let header = [
        "student",
        "processor",
        "system",
        "rustc",
        "labs",
        "cores",
        "used by the labs",
        "memory",
        "measurements",
        "predictions",
        "exercises passed",
    ];
    let mut table = Table::new(header).words(5);
    for Student { label, results, .. } in students {
        let machine = &results.machine;
        let cores = if machine.cores_allowed == machine.cores {
            machine.cores.to_string()
        } else {
            format!("{} of {}", machine.cores_allowed, machine.cores)
        };
        // A run under `taskset` or in a container had fewer cores.
        let used: BTreeSet<usize> = results.measurements.iter().map(|one| one.cores).collect();
        let used: Vec<String> = used.iter().map(usize::to_string).collect();
        let quota = machine.quota.map_or(String::new(), |quota| {
            format!(", time of {}", Format::Number.write(quota))
        });
        let passed = results.exercises.iter().filter(|one| one.passed).count();
        table = table.row([
            label.clone(),
            machine.processor.clone(),
            machine.system.clone(),
            machine
                .rustc
                .trim_start_matches("rustc ")
                .split(" (")
                .next()
                .unwrap_or_default()
                .into(),
            machine.labs.clone(),
            cores + &quota,
            if used.is_empty() {
                "–".into()
            } else {
                used.join(", ")
            },
            format!("{:.1} GiB", machine.memory as f64 / f64::from(1 << 30)),
            results.measurements.len().to_string(),
            results.predictions.len().to_string(),
            format!("{passed} of {}", results.exercises.len()),
        ]);
    }
    table
}

/// A row for each exercise that anybody tried.
pub(super) fn exercises(students: &[Student]) -> Option<Lesson> {
    let mut tried: BTreeMap<&str, Vec<(&Student, u64, bool)>> = BTreeMap::new();
    for student in students {
        for one in &student.results.exercises {
            let tries = tried.entry(&one.title).or_default();
            tries.push((student, one.tries, one.passed));
        }
    }
    let header = [
        "exercise",
        "tried, and not yet",
        "only opened",
        "tried by",
        "passed",
        "tries, median",
        "most tries",
    ];
    let mut table = Table::new(header).words(3);
    let names = |of: &[(&Student, u64, bool)]| match of {
        [] => "–".to_string(),
        of => {
            let labels: Vec<&str> = of.iter().map(|(student, ..)| &*student.label).collect();
            labels.join(", ")
        }
    };
    // How often an exercise was solved, how often one was tried, and the exercise that most students have not solved.
    let (mut solved, mut begun, mut hardest) = (0, 0, (0, String::new()));
    for (title, all) in &tried {
        // A student that runs all cells of a lab has opened its exercises, and tried none.
        let (tries, opened): (Vec<_>, Vec<_>) = all.iter().partition(|(_, tries, _)| *tries > 0);
        let passed = tries.iter().filter(|(_, _, passed)| *passed).count();
        let open = tries.iter().filter(|(_, _, passed)| !passed);
        let open: Vec<(&Student, u64, bool)> = open.copied().collect();
        let counts = || tries.iter().map(|(_, tries, _)| *tries as f64);
        (solved, begun) = (solved + passed, begun + tries.len());
        if open.len() > hardest.0 {
            let words = format!(
                " {title} is unsolved by {} of {} that tried it.",
                open.len(),
                tries.len()
            );
            hardest = (open.len(), words);
        }
        table = table.row([
            title.to_string(),
            names(&open),
            names(&opened),
            format!("{} of {}", tries.len(), students.len()),
            passed.to_string(),
            match tries.is_empty() {
                true => "–".into(),
                false => Format::Number.write(median(counts())),
            },
            Format::Number.write(counts().fold(0.0, f64::max)),
        ]);
    }
    let words = "Tries are counted up to the first that passed. A try is new code that compiles: an exercise that was run as it was \
                 handed out was only opened."
        .to_string();
    (!tried.is_empty()).then(|| Lesson {
        learned: format!(
            "Exercises: {solved} of the {begun} that were tried are solved.{}",
            hardest.1
        ),
        section: Section {
            title: "Exercises".into(),
            items: vec![Item::Table(table), Item::Words(words)],
        },
    })
}
